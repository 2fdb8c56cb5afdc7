#pragma once

#include <optional>
#include <string>
#include <vector>

#include "devcluster/admission/webhooks.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// The request of a review, without the objects.
Json ReviewRequest(const AdmissionCall& call, const std::string& uid);
// An admission.k8s.io/v1 AdmissionReview request. `object` is null for DELETE.
std::string EncodeReview(const AdmissionCall& call, const Json& object, const std::string& uid);

// A hook's decision.
struct Verdict {
  bool allowed = false;
  std::string patch;  // RFC 6902 as text; "" none
  Status denial;      // when not allowed
  std::vector<std::string> warnings;
};
// kInternal says what is wrong with the answer (to go behind `failed calling webhook "N": `).
Result<Verdict> DecodeReview(const std::string& hook, int http_code, const std::string& body,
                             const std::string& uid, bool mutating);

}  // namespace dray::devcluster
