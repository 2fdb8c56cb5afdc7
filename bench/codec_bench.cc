// Lists of ResourceClaims: text to structs as a whole, as a stream and page by page, and back.
// `peak` is the most memory that was in use at a time beyond the text, as a multiple of what the
// decoded list holds (`decoded_MB`).
//
// peer_s: other ways to decode 100,000 claims on a machine of two cores (nlohmann's SAX into
// structs; simdjson on demand over the whole text; over pages of 500), measured once for the choice
// between them.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "dray/api/codec.h"
#include "dray/api/types/resource.h"

namespace {

std::atomic<int64_t> live = 0, peak = 0;

void* Count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  const int64_t now = live += static_cast<int64_t>(malloc_usable_size(memory));
  int64_t most = peak;
  while (now > most && !peak.compare_exchange_weak(most, now)) {
  }
  return memory;
}

// Out of line: the compiler would take free() here for a mistake.
[[gnu::noinline]] void Release(void* memory) {
  if (memory != nullptr) live -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) {
  return Count(std::malloc(size == 0 ? 1 : size));
}
void* operator new(size_t size, std::align_val_t alignment) {
  const size_t align = static_cast<size_t>(alignment);
  return Count(std::aligned_alloc(align, (size + align - 1) / align * align));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  void* memory = std::malloc(size == 0 ? 1 : size);
  return memory == nullptr ? nullptr : Count(memory);
}
void* operator new[](size_t size, const std::nothrow_t& tag) noexcept {
  return operator new(size, tag);
}
void operator delete(void* memory) noexcept {
  Release(memory);
}
void operator delete(void* memory, size_t) noexcept {
  Release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  Release(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  Release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  Release(memory);
}

namespace dray::api {
namespace {

// A claim of 1.3 kB, allocated and reserved, as kube-apiserver writes it.
ResourceClaim MakeClaim(int number) {
  const std::string name = "train-" + std::to_string(number) + "-gpu-x7k2p";
  ResourceClaim claim;
  claim.metadata.name = name;
  claim.metadata.namespace_ = "team-" + std::to_string(number % 20);
  claim.metadata.uid = "5d3c1f0e-8a55-4f0e-9d41-" + std::to_string(100'000'000'000 + number);
  claim.metadata.resource_version = std::to_string(1'000'000 + number);
  claim.metadata.annotations = {{"resource.kubernetes.io/pod-claim-name", "gpu"}};
  claim.metadata.finalizers = {"resource.kubernetes.io/delete-protection"};
  ExactDeviceRequest exact;
  exact.device_class_name = "gpu.example.com";
  exact.allocation_mode = "ExactCount";
  exact.count = 1;
  exact.selectors = {
      {CelDeviceSelector{"device.attributes[\"gpu.example.com\"].type == \"hami-gpu\""}}};
  exact.capacity = CapacityRequirements{
      {{"cores", Quantity::Parse("25").value()}, {"memory", Quantity::Parse("20Gi").value()}}};
  claim.spec.devices.requests = {{"gpu", std::move(exact), {}}};
  DeviceRequestAllocationResult result;
  result.request = "gpu";
  result.driver = "gpu.example.com";
  result.pool = "node-" + std::to_string(number % 1000);
  result.device = "gpu-" + std::to_string(number % 8);
  result.share_id = "0b7dd2f0-6a4f-4a53-9f38-" + std::to_string(100'000'000'000 + number);
  result.consumed_capacity = {{"cores", Quantity::Parse("25").value()},
                              {"memory", Quantity::Parse("20Gi").value()}};
  AllocationResult& allocation = claim.status.allocation.emplace();
  allocation.devices.results = {result};
  allocation.node_selector = NodeSelector{{{{}, {{"metadata.name", "In", {result.pool}}}}}};
  claim.status.reserved_for = {{"", "pods", name, claim.metadata.uid}};
  return claim;
}

std::string ListText(int claims) {
  std::string text =
      R"({"kind":"ResourceClaimList","apiVersion":"resource.k8s.io/v1","metadata":{"resourceVersion":"9"},"items":[)";
  for (int i = 0; i < claims; ++i) {
    if (i > 0) text += ',';
    text += Encode(MakeClaim(i));
  }
  return text + "]}";
}

const std::string& TextOf(int claims) {
  static int made = 0;
  static std::string text;
  if (made != claims) text = ListText(claims);
  made = claims;
  return text;
}

struct Memory {
  int64_t before = live;
  Memory() { peak = live.load(); }
  // Called while the decoded list is alive.
  void Report(benchmark::State& state) const {
    const double decoded = static_cast<double>(live - before);
    state.counters["decoded_MB"] = decoded / 1e6;
    state.counters["peak"] = static_cast<double>(peak - before) / decoded;
  }
};

void Rate(benchmark::State& state, const std::string& text, int claims, double peer_seconds) {
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
  state.counters["text_MB"] = static_cast<double>(text.size()) / 1e6;
  if (peer_seconds > 0 && claims == 100'000) {
    state.counters["peer_s"] = peer_seconds;
    state.counters["times_faster"] =
        benchmark::Counter(peer_seconds, benchmark::Counter::kIsIterationInvariantRate);
  }
}

void Whole(benchmark::State& state) {
  const int claims = static_cast<int>(state.range(0));
  const std::string& text = TextOf(claims);
  for (auto _ : state) {
    const Memory memory;
    Result<ListOf<ResourceClaim>> list = DecodeList<ResourceClaim>(text);
    if (!list.ok() || list->items.size() != static_cast<size_t>(claims))
      state.SkipWithError("not decoded");
    memory.Report(state);
  }
  Rate(state, text, claims, 0.50);
}

// In pieces of 64 KiB, as they come from a connection.
void Stream(benchmark::State& state) {
  const int claims = static_cast<int>(state.range(0));
  const std::string& text = TextOf(claims);
  for (auto _ : state) {
    const Memory memory;
    std::vector<ResourceClaim> items;
    items.reserve(static_cast<size_t>(claims));
    ListStream<ResourceClaim> stream([&](ResourceClaim claim) {
      items.push_back(std::move(claim));
      return Status();
    });
    bool fed = true;
    for (size_t at = 0; at < text.size(); at += 1 << 16)
      fed = fed && stream.Feed(std::string_view(text).substr(at, 1 << 16)).ok();
    if (!fed || !stream.Finish().ok() || items.size() != static_cast<size_t>(claims))
      state.SkipWithError("not decoded");
    memory.Report(state);
  }
  Rate(state, text, claims, 0.37);
}

void One(benchmark::State& state) {
  const std::string text = Encode(MakeClaim(1));
  for (auto _ : state) benchmark::DoNotOptimize(Decode<ResourceClaim>(text));
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
}

void Write(benchmark::State& state) {
  const ResourceClaim claim = MakeClaim(1);
  size_t bytes = 0;
  for (auto _ : state) bytes += Encode(claim).size();
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

BENCHMARK(One);
BENCHMARK(Write);
BENCHMARK(Whole)->ArgName("claims")->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(Stream)->ArgName("claims")->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dray::api

BENCHMARK_MAIN();
