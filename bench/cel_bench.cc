// CEL for DRA: compiling, evaluating against a device that is indexed already (as the allocator
// does), and building the variables of a device anew for each evaluation (as kube-scheduler does,
// so this is what compares with its figures).
//
// Expressions: bench/inputs/cel.jsonl. The columns `peer_us` and `faster` set a line beside
// k8s.io/dynamic-resource-allocation 1.36.2 (Go 1.26) on a machine of two cores, measured on the
// same expressions; other machines shift the ratio.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <new>
#include <vector>

#include "cli/cel_input.h"
#include "dray/api/cel.h"

namespace {

thread_local uint64_t allocations = 0;

// Out of line: the compiler would take free() here for a mistake.
[[gnu::noinline]] void Release(void* memory) {
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size); memory != nullptr) return memory;
  throw std::bad_alloc();
}
void* operator new(size_t size, std::align_val_t alignment) {
  ++allocations;
  size_t align = static_cast<size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align);
      memory != nullptr)
    return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept {
  Release(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  Release(memory);
}
void operator delete(void* memory) noexcept {
  Release(memory);
}
void operator delete(void* memory, size_t) noexcept {
  Release(memory);
}

namespace dray {
namespace {

struct Case {
  std::string name;
  cli::CelInput input;
  std::shared_ptr<const cel::Program> program;
};

// Microseconds of the peer; "mean" stands for lines that were not measured one by one.
struct Peer {
  double compile, evaluate;
};
Peer PeerOf(const std::string& name) {
  static const std::map<std::string, Peer> kPeers = {
      {"mean", {182, 6.25}}, {"driver", {90, 5.2}}, {"quantity", {165, 6.0}}, {"long", {489, 9.0}}};
  auto found = kPeers.find(name);
  return found == kPeers.end() ? Peer{0, 0} : found->second;
}

std::vector<Case> ReadCases() {
  std::ifstream in(DRAY_SOURCE_DIR "/bench/inputs/cel.jsonl");
  std::vector<Case> cases;
  for (std::string line; std::getline(in, line);) {
    Result<cli::CelInput> input = cli::ParseCelInput(line);
    if (!input.ok()) {
      std::cerr << "cel_bench: " << input.status().message() << "\n";
      std::exit(1);
    }
    std::string name = input->id.substr(1, input->id.size() - 2);
    auto program = cel::Program::Compile(input->expression);
    if (!program.ok()) {
      std::cerr << "cel_bench: " << program.status().message() << "\n";
      std::exit(1);
    }
    cases.push_back({std::move(name), *std::move(input), *program});
  }
  return cases;
}

void Report(benchmark::State& state, uint64_t allocated, size_t per_iteration, double peer_us) {
  double runs = static_cast<double>(state.iterations()) * static_cast<double>(per_iteration);
  state.counters["allocs"] = static_cast<double>(allocated) / runs;
  state.counters["us"] =
      benchmark::Counter(runs / 1e6, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (peer_us > 0) {
    state.counters["peer_us"] = peer_us;
    state.counters["faster"] =
        benchmark::Counter(peer_us / 1e6 * runs, benchmark::Counter::kIsRate);
  }
}

// Each function takes one case, or all of them for the mean.
using Cases = std::vector<const Case*>;

void Compile(benchmark::State& state, const Cases& cases, double peer_us) {
  uint64_t before = allocations;
  for (auto _ : state)
    for (const Case* c : cases)
      benchmark::DoNotOptimize(cel::Program::Compile(c->input.expression));
  Report(state, allocations - before, cases.size(), peer_us);
}

void Evaluate(benchmark::State& state, const Cases& cases, double peer_us) {
  std::vector<cel::DeviceView> views;
  for (const Case* c : cases) views.emplace_back(c->input.device, c->input.driver);
  uint64_t before = allocations;
  for (auto _ : state)
    for (size_t i = 0; i < cases.size(); ++i)
      benchmark::DoNotOptimize(cases[i]->program->Evaluate(views[i]));
  Report(state, allocations - before, cases.size(), peer_us);
}

void BuildAndEvaluate(benchmark::State& state, const Cases& cases, double peer_us) {
  uint64_t before = allocations;
  for (auto _ : state)
    for (const Case* c : cases)
      benchmark::DoNotOptimize(
          c->program->Evaluate(cel::DeviceView(c->input.device, c->input.driver)));
  Report(state, allocations - before, cases.size(), peer_us);
}

void Register(const std::vector<Case>& cases) {
  std::vector<std::pair<std::string, Cases>> groups = {{"mean", {}}};
  for (const Case& c : cases) {
    groups[0].second.push_back(&c);
    groups.push_back({c.name, {&c}});
  }
  auto add = [&](const char* what, auto function, double Peer::*peer) {
    for (const auto& [name, group] : groups) {
      double peer_us = PeerOf(name).*peer;
      benchmark::RegisterBenchmark(
          (std::string(what) + "/" + name).c_str(),
          [function, group = group, peer_us](benchmark::State& s) { function(s, group, peer_us); });
    }
  };
  add("compile", Compile, &Peer::compile);
  add("evaluate", Evaluate, &Peer::evaluate);
  add("build_and_evaluate", BuildAndEvaluate, &Peer::evaluate);
}

}  // namespace
}  // namespace dray

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::vector<dray::Case> cases = dray::ReadCases();
  dray::Register(cases);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
