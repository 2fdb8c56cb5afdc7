// The allocator: clusters of 10 to 5000 nodes with 8 devices each. The worlds under Document/ are
// those that the reference implementation was measured on (times_faster: how many times as long it
// took there, on another machine of the same kind).
#include <functional>

#include <benchmark/benchmark.h>

#include "dray/api/alloc.h"
#include "dray/api/scenario.h"

namespace dray::alloc {
namespace {

constexpr int kDevices = 8;
constexpr char kDriver[] = "gpu.example.com";

api::Quantity Amount(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

std::string Numbered(const char* prefix, int number) {
  std::string digits = std::to_string(number);
  return prefix + std::string(5 - std::min<size_t>(digits.size(), 5), '0') + digits;
}

api::Device MakeGpu(int node, int index, bool shared) {
  api::Device device;
  device.name = "gpu-" + std::to_string(index);
  device.attributes["driverVersion"].value = api::Version{"550.54.15"};
  device.attributes["index"].value = int64_t{index};
  device.attributes["productName"].value =
      std::string(node % 2 == 0 ? "NVIDIA A100-SXM4-80GB" : "NVIDIA H100 80GB HBM3");
  device.attributes["type"].value = std::string("hami-gpu");
  device.attributes["uuid"].value = Numbered("GPU-", node) + "-" + std::to_string(index);
  device.capacity["cores"].value = Amount("100");
  device.capacity["memory"].value = Amount("80Gi");
  if (shared) device.allow_multiple_allocations = true;
  return device;
}

// A claim with status that holds all devices of a node.
std::shared_ptr<const api::ResourceClaim> FillNode(const std::string& node, bool shared) {
  auto claim = std::make_shared<api::ResourceClaim>();
  claim->metadata.namespace_ = "default";
  claim->metadata.name = "full-" + node;
  auto& results = claim->status.allocation.emplace().devices.results;
  for (int d = 0; d < kDevices; ++d) {
    api::DeviceRequestAllocationResult& result = results.emplace_back();
    result.request = "r";
    result.driver = kDriver;
    result.pool = node;
    result.device = "gpu-" + std::to_string(d);
    if (!shared) continue;
    result.share_id = "share";
    result.consumed_capacity = {{"cores", Amount("100")}, {"memory", Amount("80Gi")}};
  }
  return claim;
}

api::ResourceClaim MakeQuarter(int number, bool shared, bool picky = false) {
  api::ResourceClaim claim;
  claim.metadata.namespace_ = "default";
  claim.metadata.name = Numbered("claim-", number);
  api::ExactDeviceRequest exact;
  exact.device_class_name = kDriver;
  exact.allocation_mode = "ExactCount";
  exact.count = 1;
  exact.selectors = {
      {api::CelDeviceSelector{"device.attributes[\"gpu.example.com\"].type == \"hami-gpu\""}}};
  if (picky) {
    exact.selectors.push_back({api::CelDeviceSelector{
        "device.attributes[\"gpu.example.com\"].productName.contains(\"H100\") && "
        "device.capacity[\"gpu.example.com\"].memory.compareTo(quantity(\"40Gi\")) >= 0"}});
  }
  if (shared)
    exact.capacity =
        api::CapacityRequirements{{{"cores", Amount("25")}, {"memory", Amount("20Gi")}}};
  claim.spec.devices.requests = {{"gpu", std::move(exact), {}}};
  return claim;
}

struct Size {
  int nodes, claims, full;  // the first `full` nodes have nothing left
  bool shared = true;
};

Scenario MakeScenario(const Size& size) {
  Scenario scenario;
  for (int n = 0; n < size.nodes; ++n) {
    const std::string name = Numbered("node-", n);
    scenario.nodes.emplace_back().metadata.name = name;
    scenario.nodes.back().metadata.labels = {{"kubernetes.io/hostname", name}};
    auto slice = std::make_shared<api::ResourceSlice>();
    slice->metadata.name = name + "-" + kDriver + "-0";
    slice->spec.driver = kDriver;
    slice->spec.pool = {name, 1, 1};
    slice->spec.node_name = name;
    for (int d = 0; d < kDevices; ++d) slice->spec.devices.push_back(MakeGpu(n, d, size.shared));
    scenario.slices.push_back(std::move(slice));
    if (n < size.full) scenario.allocated.push_back(FillNode(name, size.shared));
  }
  auto device_class = std::make_shared<api::DeviceClass>();
  device_class->metadata.name = kDriver;
  device_class->spec.selectors = {{api::CelDeviceSelector{"device.driver == \"gpu.example.com\""}}};
  scenario.classes = {std::move(device_class)};
  for (int c = 0; c < size.claims; ++c) scenario.claims.push_back(MakeQuarter(c, size.shared));
  return scenario;
}

// --- One claim, over a snapshot that exists.

NodeAnswer FirstFit(const Snapshot& snapshot, const Scenario& scenario,
                    const api::ResourceClaim& claim) {
  const api::ResourceClaim* claims[] = {&claim};
  Cycle cycle(snapshot, claims, {});
  NodeAnswer answer;
  for (const api::Node& node : scenario.nodes) {
    answer = cycle.Try(node);
    if (answer.outcome != Outcome::kUnsatisfiable) break;
  }
  return answer;
}

enum class Fits { kFirst, kLast, kNot };

// `seen`: claims that ask the same were there before, and nothing has changed since.
void OneClaim(benchmark::State& state, Fits fits, bool seen) {
  const int nodes = static_cast<int>(state.range(0));
  const int full = fits == Fits::kFirst ? 0 : fits == Fits::kLast ? nodes - 1 : nodes;
  const Scenario scenario = MakeScenario({nodes, 1, full});
  const Snapshot snapshot({scenario.slices, scenario.classes, scenario.allocated, {}});
  api::ResourceClaim claim = scenario.claims[0];
  api::Quantity& memory = claim.spec.devices.requests[0].exactly->capacity->requests.at("memory");
  const Outcome expected = fits == Fits::kNot ? Outcome::kUnsatisfiable : Outcome::kAllocated;
  FirstFit(snapshot, scenario, claim);
  int64_t sizes = 0;
  for (auto _ : state) {
    if (!seen)
      memory = api::Quantity::FromInteger((20LL << 30) - ++sizes % 100'000,
                                          api::Quantity::Format::kBinarySI);
    if (FirstFit(snapshot, scenario, claim).outcome != expected)
      state.SkipWithError("wrong outcome");
  }
  const int tried = fits == Fits::kFirst ? 1 : nodes;
  state.counters["nodes_tried"] = tried;
  state.counters["per_node"] = benchmark::Counter(
      tried, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// The same claims over nodes whose refusals are remembered.
void InOrder(benchmark::State& state, Fits fits) {
  const int nodes = static_cast<int>(state.range(0));
  const int full = fits == Fits::kFirst ? 0 : fits == Fits::kLast ? nodes - 1 : nodes;
  const Scenario scenario = MakeScenario({nodes, 1, full});
  const Snapshot snapshot({scenario.slices, scenario.classes, scenario.allocated, {}});
  NodeOrder order(snapshot, scenario.nodes);
  const api::ResourceClaim* claims[] = {&scenario.claims[0]};
  const Outcome expected = fits == Fits::kNot ? Outcome::kUnsatisfiable : Outcome::kAllocated;
  Cycle(snapshot, claims, {}).FirstFit(order);
  for (auto _ : state) {
    if (Cycle(snapshot, claims, {}).FirstFit(order).answer.outcome != expected)
      state.SkipWithError("wrong outcome");
  }
}

void Why(benchmark::State& state) {
  const int nodes = static_cast<int>(state.range(0));
  const Scenario scenario = MakeScenario({nodes, 1, nodes});
  const Snapshot snapshot({scenario.slices, scenario.classes, scenario.allocated, {}});
  const api::ResourceClaim* claims[] = {&scenario.claims[0]};
  for (auto _ : state) {
    Cycle cycle(snapshot, claims, {});
    std::vector<NodeAnswer> answers(scenario.nodes.size());
    for (size_t n = 0; n < answers.size(); ++n) cycle.Explain(scenario.nodes[n], answers[n]);
    benchmark::DoNotOptimize(Summarize(answers));
  }
}

void MakeSnapshot(benchmark::State& state) {
  const int nodes = static_cast<int>(state.range(0));
  const Scenario scenario = MakeScenario({nodes, 0, nodes / 2});
  for (auto _ : state) {
    Snapshot snapshot({scenario.slices, scenario.classes, scenario.allocated, {}});
    benchmark::DoNotOptimize(&snapshot.state());
  }
}

// --- Whole worlds, from the first snapshot on.

void Document(benchmark::State& state, const Scenario& scenario, size_t fits, double reference_ms) {
  ScenarioOptions options;
  options.reasons = false;
  options.new_share_id = [] { return std::string("00000000-0000-0000-0000-000000000000"); };
  int64_t tried = 0;
  options.after_each = [&](int nodes) { tried += nodes; };
  for (auto _ : state) {
    const std::vector<ClaimAnswer> answers = RunScenario(scenario, options);
    const auto allocated = std::count_if(answers.begin(), answers.end(), [](const ClaimAnswer& a) {
      return a.outcome == Outcome::kAllocated;
    });
    if (static_cast<size_t>(allocated) != fits)
      state.SkipWithError("wrong number of claims allocated");
  }
  using benchmark::Counter;
  state.counters["node_attempts"] = Counter(static_cast<double>(tried), Counter::kAvgIterations);
  state.counters["per_claim"] = Counter(static_cast<double>(scenario.claims.size()),
                                        Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["times_faster"] = Counter(reference_ms / 1000, Counter::kIsIterationInvariantRate);
}

void Register() {
  struct {
    const char* name;
    Fits fits;
  } constexpr kFits[] = {{"first", Fits::kFirst}, {"last", Fits::kLast}, {"not", Fits::kNot}};
  auto sizes = [](benchmark::internal::Benchmark* bench) {
    for (int nodes : {10, 100, 1000, 5000}) bench->Arg(nodes);
    bench->ArgName("nodes")->Unit(benchmark::kMicrosecond);
  };
  for (const auto& [name, fits] : kFits) {
    for (bool seen : {false, true}) {
      sizes(benchmark::RegisterBenchmark(
          (std::string("Fits/") + name + (seen ? "/seen_before" : "/new")).c_str(),
          [fits = fits, seen](benchmark::State& state) { OneClaim(state, fits, seen); }));
    }
  }
  for (const auto& [name, fits] : kFits) {
    sizes(benchmark::RegisterBenchmark(
        (std::string("InOrder/") + name).c_str(),
        [fits = fits](benchmark::State& state) { InOrder(state, fits); }));
  }
  sizes(benchmark::RegisterBenchmark("Why", Why));
  sizes(benchmark::RegisterBenchmark("Snapshot", MakeSnapshot));

  auto document = [](const char* name, const Size& size, size_t fits, double reference_ms,
                     int picky_every = 0) {
    auto scenario = std::make_shared<Scenario>(MakeScenario(size));
    for (int c = 1; picky_every > 0 && c < size.claims; c += picky_every) {
      scenario->claims[static_cast<size_t>(c)] = MakeQuarter(c, true, true);
    }
    benchmark::RegisterBenchmark((std::string("Document/") + name).c_str(),
                                 [scenario, fits, reference_ms](benchmark::State& state) {
                                   Document(state, *scenario, fits, reference_ms);
                                 })
        ->Unit(benchmark::kMillisecond);
  };
  document("1000_nodes_1000_claims", {1000, 1000, 0}, 1000, 1800);
  document("1000_nodes_1000_claims_varied", {1000, 1000, 0}, 1000, 2050, 2);
  document("1000_nodes_90_percent_full_100_claims", {1000, 100, 900}, 100, 9300);
  document("1000_nodes_1000_claims_exclusive", {1000, 1000, 0, false}, 1000, 460);
  document("100_nodes_3300_claims", {100, 3300, 0}, 3200, 16'400);
}

}  // namespace
}  // namespace dray::alloc

int main(int argc, char** argv) {
  dray::alloc::Register();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
