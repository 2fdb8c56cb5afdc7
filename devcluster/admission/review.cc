#include "devcluster/admission/review.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "dray/base/base64.h"

namespace dray::devcluster {
namespace {

Json Named(const GroupVersionName& name, const char* last) {
  return {{"group", name.group}, {"version", name.version}, {last, name.name}};
}

Status DenialOf(const std::string& hook, const Json& response) {
  std::string message = StringAt(response, "status.message"),
              reason = StringAt(response, "status.reason");
  std::string text = "admission webhook \"" + hook + "\" denied the request";
  if (!message.empty())
    text += ": " + message;
  else if (!reason.empty())
    text += ": " + reason;
  else
    text += " without explanation";
  int64_t code = IntAt(response, "status.code").value_or(400);
  Reason by_code =
      code >= 400 && code < 600 ? ReasonFromHttp(static_cast<int>(code)) : Reason::kBadRequest;
  return Status(by_code == Reason::kOk ? Reason::kBadRequest : by_code, text);
}

}  // namespace

Json ReviewRequest(const AdmissionCall& call, const std::string& uid) {
  Json request = {{"uid", uid},
                  {"kind", Named(call.kind, "kind")},
                  {"resource", Named(call.resource, "resource")},
                  {"requestKind", Named(call.kind, "kind")},
                  {"requestResource", Named(call.resource, "resource")},
                  {"operation", call.operation},
                  {"userInfo", {{"username", call.user}, {"groups", call.groups}}},
                  {"dryRun", call.dry_run}};
  if (!call.name.empty()) request["name"] = call.name;
  if (!call.namespace_.empty()) request["namespace"] = call.namespace_;
  if (!call.subresource.empty()) {
    request["subResource"] = call.subresource;
    request["requestSubResource"] = call.subresource;
  }
  Json options = {{"kind", call.options_kind}, {"apiVersion", "meta.k8s.io/v1"}};
  if (call.dry_run) options["dryRun"] = {"All"};
  request["options"] = std::move(options);
  return request;
}

std::string EncodeReview(const AdmissionCall& call, const Json& object, const std::string& uid) {
  Json request = ReviewRequest(call, uid);
  request["object"] = object;
  request["oldObject"] = call.old_object ? *call.old_object : Json();
  return Dump(Json{{"kind", "AdmissionReview"},
                   {"apiVersion", "admission.k8s.io/v1"},
                   {"request", std::move(request)}});
}

Result<Verdict> DecodeReview(const std::string& hook, int http_code, const std::string& body,
                             const std::string& uid, bool mutating) {
  auto bad = [](const std::string& what) { return Status(Reason::kInternal, what); };
  if (http_code != 200)
    return bad("the server answered " + std::to_string(http_code) + ": " + body.substr(0, 200));
  Result<Json> parsed = ParseBody(body);
  if (!parsed.ok()) return bad("the answer is no AdmissionReview: " + parsed.status().message());
  const Json& review = *parsed;
  if (StringAt(review, "kind") != "AdmissionReview" ||
      StringAt(review, "apiVersion") != "admission.k8s.io/v1")
    return bad("expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got " +
               StringAt(review, "apiVersion") + ", Kind=" + StringAt(review, "kind"));
  const Json* response = FindObject(review, "response");
  if (!response) return bad("webhook response was absent");
  if (std::string echoed = StringAt(*response, "uid"); echoed != uid)
    return bad("expected response.uid=\"" + uid + "\", got \"" + echoed + "\"");

  Verdict verdict;
  if (const Json* warnings = FindArray(*response, "warnings"))
    for (const Json& warning : *warnings)
      if (warning.is_string()) verdict.warnings.push_back(warning.get<std::string>());
  verdict.allowed = BoolAt(*response, "allowed");
  std::string patch = StringAt(*response, "patch"), type = StringAt(*response, "patchType");
  if (!mutating && (!patch.empty() || !type.empty()))
    return bad("a validating webhook may not answer with a patch");
  if (patch.empty() != type.empty()) return bad("patch and patchType must come together");
  if (!type.empty() && type != "JSONPatch")
    return bad("invalid response.patchType: got \"" + type + "\", expected \"JSONPatch\"");
  if (!verdict.allowed) {
    verdict.denial = DenialOf(hook, *response);
    return verdict;
  }
  if (!patch.empty()) {
    std::optional<std::string> text = DecodeBase64(patch);
    if (!text) return bad("response.patch is not base64");
    verdict.patch = std::move(*text);
  }
  return verdict;
}

}  // namespace dray::devcluster
