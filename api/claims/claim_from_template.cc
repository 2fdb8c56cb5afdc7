// Life of a claim, stop 2 of 8
#include "dray/api/claims.h"

namespace dray::claims {
namespace {

// A name may have 63 characters; a dash and five random ones are added to this.
constexpr size_t kLongestBase = 57;

std::string GenerateName(std::string_view pod, std::string_view entry) {
  std::string base = std::string(pod) + "-" + std::string(entry) + "-";
  const size_t length = base.size();
  if (length <= kLongestBase) return base;
  // Left to the server, a cut would take the entry's name away first. The dash at the end goes, as
  // in Kubernetes.
  return std::string(pod.substr(0, pod.size() * kLongestBase / length)) + "-" +
         std::string(entry.substr(0, entry.size() * kLongestBase / length));
}

}  // namespace

api::ResourceClaim ClaimFromTemplate(const api::Pod& pod, const api::PodResourceClaim& entry,
                                     const api::ResourceClaimTemplate& claim_template) {
  api::ResourceClaim claim;
  claim.metadata.namespace_ = pod.metadata.namespace_;
  claim.metadata.generate_name = GenerateName(pod.metadata.name, entry.name);
  claim.metadata.labels = claim_template.spec.metadata.labels;
  claim.metadata.annotations = claim_template.spec.metadata.annotations;
  claim.metadata.annotations[std::string(api::kPodClaimNameAnnotation)] = entry.name;
  claim.metadata.owner_references = {
      {"v1", "Pod", pod.metadata.name, pod.metadata.uid, true, std::nullopt}};
  claim.spec = claim_template.spec.spec;
  return claim;
}

}  // namespace dray::claims
