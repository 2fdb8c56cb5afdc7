#include "devcluster/eviction/eviction_time.h"

#include <algorithm>

namespace dray::devcluster {
namespace {

constexpr char kNoExecute[] = "NoExecute";

bool ToleratesEviction(const api::DeviceToleration& toleration, const api::DeviceTaint& taint) {
  if (toleration.effect != kNoExecute) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  return toleration.op == "Exists" || toleration.value == taint.value;
}

// Nothing: tolerated for ever.
std::optional<api::Time> EvictionTime(const api::DeviceTaint& taint,
                                      const std::vector<api::DeviceToleration>& tolerations) {
  std::optional<int64_t> seconds;
  for (const api::DeviceToleration& toleration : tolerations) {
    if (!ToleratesEviction(toleration, taint)) continue;
    if (!toleration.toleration_seconds) return std::nullopt;
    const int64_t these = std::max<int64_t>(*toleration.toleration_seconds, 0);
    seconds = std::min(seconds.value_or(these), these);
  }
  // The server gives every taint a time; one without has always been there.
  return taint.time_added.value_or(api::Time()) + std::chrono::seconds(seconds.value_or(0));
}

}  // namespace

std::optional<api::Time> EvictionTime(const api::AllocationResult& allocation,
                                      const TaintsOf& taints_of) {
  std::optional<api::Time> earliest;
  for (const api::DeviceRequestAllocationResult& result : allocation.devices.results) {
    for (const api::DeviceTaint& taint : taints_of(result.driver, result.pool, result.device)) {
      if (taint.effect != kNoExecute) continue;
      std::optional<api::Time> when = EvictionTime(taint, result.tolerations);
      if (when) earliest = std::min(earliest.value_or(*when), *when);
    }
  }
  return earliest;
}

std::vector<api::DeviceTaint> TaintsIn(
    const std::vector<std::shared_ptr<const api::ResourceSlice>>& slices,
    const std::string& device) {
  int64_t newest = 0;
  for (const auto& slice : slices) newest = std::max(newest, slice->spec.pool.generation);
  for (const auto& slice : slices) {
    if (slice->spec.pool.generation != newest) continue;
    for (const api::Device& one : slice->spec.devices) {
      if (one.name == device) return one.taints;
    }
  }
  return {};
}

}  // namespace dray::devcluster
