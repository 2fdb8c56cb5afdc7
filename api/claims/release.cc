// Life of a claim, stop 8 of 8
#include <algorithm>

#include "dray/api/claims.h"

namespace dray::claims {
namespace {

bool StillNeeds(const api::ResourceClaimConsumerReference& consumer,
                const std::map<std::string, const api::Pod*>& pods) {
  // Whether another kind of consumer is done is known to whoever reserved for it.
  if (!consumer.api_group.empty() || consumer.resource != "pods") return true;
  auto pod = pods.find(consumer.uid);
  return pod != pods.end() && pod->second != nullptr && !Done(*pod->second);
}

}  // namespace

ReleasePlan PlanRelease(const api::ResourceClaim& claim,
                        const std::map<std::string, const api::Pod*>& pods) {
  ReleasePlan plan;
  for (const api::ResourceClaimConsumerReference& consumer : claim.status.reserved_for) {
    if (!StillNeeds(consumer, pods)) plan.drop_consumers.push_back(consumer.uid);
  }
  if (plan.drop_consumers.size() < claim.status.reserved_for.size()) return plan;

  const bool ours = std::find(claim.metadata.finalizers.begin(), claim.metadata.finalizers.end(),
                              api::kClaimFinalizer) != claim.metadata.finalizers.end();
  // An allocation that nobody has reserved yet is somebody's in progress: only the step from used
  // to unused, or a deletion, takes it away. Without the finalizer it was not made by the scheduler
  // and is left to its maker.
  plan.deallocate =
      ours && (!plan.drop_consumers.empty() || claim.metadata.deletion_timestamp.has_value());

  const api::OwnerReference* owner = api::ControllerOf(claim.metadata);
  if (owner != nullptr && owner->api_version == "v1" && owner->kind == "Pod" &&
      !claim.metadata.deletion_timestamp) {
    auto pod = pods.find(owner->uid);
    plan.delete_claim = pod == pods.end() || pod->second == nullptr || Done(*pod->second);
  }
  return plan;
}

}  // namespace dray::claims
