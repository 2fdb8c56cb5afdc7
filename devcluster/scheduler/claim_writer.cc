#include "devcluster/scheduler/claim_writer.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "dray/api/claims.h"
#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

constexpr int kTries = 5;
constexpr std::chrono::milliseconds kBetweenTries{10};
constexpr char kManager[] = "dray-scheduler";

runtime::PatchOptions Of(std::string subresource) {
  runtime::PatchOptions options;
  options.subresource = std::move(subresource);
  options.field_manager = kManager;
  return options;
}

// A merge patch that only fits the version we looked at.
Result<api::ResourceClaim> PatchClaim(const Context& ctx, const runtime::Client& client,
                                      const api::ResourceClaim& claim, Json patch,
                                      const std::string& subresource) {
  patch["metadata"]["resourceVersion"] = claim.metadata.resource_version;
  patch["metadata"]["uid"] = claim.metadata.uid;
  return client.Patch<api::ResourceClaim>(ctx, api::KeyOf(claim), runtime::PatchType::kMerge,
                                          patch.dump(), Of(subresource));
}

Result<api::ResourceClaim> TryReserve(const Context& ctx, const runtime::Client& client,
                                      api::ResourceClaim claim,
                                      const std::optional<api::AllocationResult>& allocation,
                                      const api::Pod& pod) {
  const std::vector<std::string>& finalizers = claim.metadata.finalizers;
  if (allocation &&
      std::find(finalizers.begin(), finalizers.end(), api::kClaimFinalizer) == finalizers.end()) {
    Json list = finalizers;
    list.push_back(std::string(api::kClaimFinalizer));
    DRAY_ASSIGN_OR_RETURN(
        claim, PatchClaim(ctx, client, claim, {{"metadata", {{"finalizers", list}}}}, ""));
  }
  Json status;
  if (allocation) status["allocation"] = api::ToJsonValue(*allocation);
  std::vector<api::ResourceClaimConsumerReference> consumers = claim.status.reserved_for;
  if (!claims::ReservedFor(claim, pod))
    consumers.push_back({"", "pods", pod.metadata.name, pod.metadata.uid});
  status["reservedFor"] = api::ToJsonValue(consumers);
  return PatchClaim(ctx, client, claim, {{"status", status}}, "status");
}

}  // namespace

Result<api::ResourceClaim> ReserveClaim(const Context& ctx, const runtime::Client& client,
                                        api::ResourceClaim claim,
                                        const std::optional<api::AllocationResult>& allocation,
                                        const api::Pod& pod) {
  const std::string uid = claim.metadata.uid;
  for (int attempt = 1;; ++attempt) {
    Result<api::ResourceClaim> written = TryReserve(ctx, client, claim, allocation, pod);
    if (!written.Is(Reason::kConflict) || attempt == kTries) return written;
    DRAY_RETURN_IF_ERROR(ctx.Sleep(kBetweenTries));
    DRAY_ASSIGN_OR_RETURN(claim, client.Get<api::ResourceClaim>(ctx, api::KeyOf(claim)));
    if (claim.metadata.uid != uid) return Status(Reason::kConflict, "the claim was replaced");
    if (claim.metadata.deletion_timestamp)
      return Status(Reason::kConflict, "the claim is being deleted");
    if (allocation && claim.status.allocation)
      return Status(Reason::kConflict, "the claim was allocated meanwhile");
    if (!allocation && !claim.status.allocation)
      return Status(Reason::kConflict, "the claim was released meanwhile");
  }
}

Result<api::ResourceClaim> UnreserveClaim(const Context& ctx, const runtime::Client& client,
                                          const api::ResourceClaim& claim, const api::Pod& pod) {
  const Json patch = {
      {"metadata", {{"uid", claim.metadata.uid}}},
      {"status",
       {{"reservedFor", Json::array({{{"$patch", "delete"}, {"uid", pod.metadata.uid}}})}}}};
  return client.Patch<api::ResourceClaim>(ctx, api::KeyOf(claim), runtime::PatchType::kStrategic,
                                          patch.dump(), Of("status"));
}

Result<api::ResourceClaim> ReleaseAllocation(const Context& ctx, const runtime::Client& client,
                                             const api::ResourceClaim& claim) {
  return PatchClaim(
      ctx, client, claim,
      {{"status", {{"allocation", nullptr}, {"reservedFor", nullptr}, {"devices", nullptr}}}},
      "status");
}

Status BindPod(const Context& ctx, const runtime::Client& client, const api::Pod& pod,
               const std::string& node) {
  const Json binding = {{"apiVersion", "v1"},
                        {"kind", "Binding"},
                        {"metadata",
                         {{"name", pod.metadata.name},
                          {"namespace", pod.metadata.namespace_},
                          {"uid", pod.metadata.uid}}},
                        {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}}}};
  return client
      .CreateSubresource(ctx, api::KindOf<api::Pod>::value, api::KeyOf(pod), "binding",
                         binding.dump())
      .status();
}

Status ReportUnscheduled(const Context& ctx, const runtime::Client& client, const api::Pod& pod,
                         const std::string& reason, const std::string& message) {
  api::PodCondition condition;
  condition.type = "PodScheduled";
  condition.status = "False";
  condition.reason = reason;
  condition.message = message;
  condition.last_transition_time = api::ToTime(ctx.clock().Now());
  for (const api::PodCondition& present : pod.status.conditions) {
    if (present.type != condition.type) continue;
    if (present.status == condition.status) {
      if (present.reason == reason && present.message == message) return {};
      condition.last_transition_time = present.last_transition_time;
    }
  }
  const Json patch = {{"metadata", {{"uid", pod.metadata.uid}}},
                      {"status", {{"conditions", Json::array({api::ToJsonValue(condition)})}}}};
  return client
      .Patch<api::Pod>(ctx, api::KeyOf(pod), runtime::PatchType::kStrategic, patch.dump(),
                       Of("status"))
      .status();
}

}  // namespace dray::devcluster
