#include "devcluster/eviction/evict_reconciler.h"

#include <nlohmann/json.hpp>

#include "devcluster/eviction/eviction_time.h"
#include "dray/api/claims.h"
#include "dray/api/codec.h"
#include "dray/base/log.h"

namespace dray::devcluster {
namespace {

constexpr char kManager[] = "device-taint-eviction-controller";

}  // namespace

std::optional<api::Time> EvictReconciler::TimeFor(const api::Pod& pod) const {
  std::optional<api::Time> earliest;
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
    const std::string name = claims::ClaimNameFor(pod, entry).value_or("");
    if (name.empty()) continue;
    auto claim = claims_.Get({pod.metadata.namespace_, name});
    if (claim == nullptr || !claim->status.allocation || !claims::ReservedFor(*claim, pod))
      continue;
    std::optional<api::Time> when = EvictionTime(
        *claim->status.allocation,
        [this](const std::string& driver, const std::string& pool, const std::string& device) {
          return TaintsIn(slices_.By(kPoolIndex, PoolKey(driver, pool)), device);
        });
    if (when) earliest = std::min(earliest.value_or(*when), *when);
  }
  return earliest;
}

Result<runtime::Requeue> EvictReconciler::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto pod = pods_.Get(key);
  if (pod == nullptr || pod->spec.node_name.empty() || pod->metadata.deletion_timestamp ||
      claims::Done(*pod))
    return runtime::Requeue{};
  std::optional<api::Time> when = TimeFor(*pod);
  if (!when) return runtime::Requeue{};
  const Duration left = *when - ctx.clock().Now();
  if (left > Duration(0)) return runtime::Requeue{left};
  DRAY_RETURN_IF_ERROR(IgnoreNotFound(Evict(ctx, *pod)));
  return runtime::Requeue{};
}

Status EvictReconciler::Evict(const Context& ctx, const api::Pod& pod) {
  LOG(INFO) << "evicting pod " << api::KeyOf(pod).ToString()
            << ": a device of its claims has a NoExecute taint";
  events_.Record(runtime::ReferenceTo(pod), "Normal", "DeviceTaintManagerEviction",
                 "Marking for deletion");
  api::PodCondition condition;
  condition.type = "DisruptionTarget";
  condition.status = "True";
  condition.reason = "DeletionByDeviceTaintManager";
  condition.message = "Device Taint manager: deleting due to NoExecute taint";
  condition.last_transition_time = api::ToTime(ctx.clock().Now());
  const Json patch = {{"metadata", {{"uid", pod.metadata.uid}}},
                      {"status", {{"conditions", Json::array({api::ToJsonValue(condition)})}}}};
  runtime::PatchOptions status;
  status.subresource = "status";
  status.field_manager = kManager;
  Result<api::Pod> patched = client_.Patch<api::Pod>(
      ctx, api::KeyOf(pod), runtime::PatchType::kStrategic, patch.dump(), status);
  if (!patched.ok()) return patched.status();
  runtime::DeleteOptions only_this;
  only_this.uid = pod.metadata.uid;
  return client_.Delete<api::Pod>(ctx, api::KeyOf(pod), only_this);
}

}  // namespace dray::devcluster
