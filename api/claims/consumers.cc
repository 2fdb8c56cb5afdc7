#include "dray/api/claims.h"

namespace dray::claims {

std::optional<std::string> ClaimNameFor(const api::Pod& pod, const api::PodResourceClaim& entry) {
  if (entry.resource_claim_name) return *entry.resource_claim_name;
  if (!entry.resource_claim_template_name) return std::string();
  for (const api::PodResourceClaimStatus& status : pod.status.resource_claim_statuses) {
    if (status.name == entry.name) return status.resource_claim_name.value_or("");
  }
  return std::nullopt;
}

std::vector<api::ObjectKey> ClaimsOf(const api::Pod& pod) {
  std::vector<api::ObjectKey> keys;
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
    if (auto name = ClaimNameFor(pod, entry); name && !name->empty())
      keys.push_back({pod.metadata.namespace_, *std::move(name)});
  if (pod.status.extended_resource_claim_status)
    keys.push_back(
        {pod.metadata.namespace_, pod.status.extended_resource_claim_status->resource_claim_name});
  return keys;
}

bool OwnedBy(const api::ResourceClaim& claim, const api::Pod& pod) {
  const api::OwnerReference* owner = api::ControllerOf(claim.metadata);
  return owner != nullptr && owner->kind == "Pod" && owner->api_version == "v1" &&
         owner->uid == pod.metadata.uid;
}

bool ReservedFor(const api::ResourceClaim& claim, const api::Pod& pod) {
  for (const api::ResourceClaimConsumerReference& consumer : claim.status.reserved_for) {
    if (consumer.uid == pod.metadata.uid) return true;
  }
  return false;
}

bool Done(const api::Pod& pod) {
  if (pod.status.phase == "Succeeded" || pod.status.phase == "Failed") return true;
  return pod.metadata.deletion_timestamp.has_value() && pod.spec.node_name.empty();
}

}  // namespace dray::claims
