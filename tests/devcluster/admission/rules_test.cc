#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "devcluster/admission/matching.h"
#include "devcluster/admission/review.h"
#include "dray/base/base64.h"

namespace dray::devcluster {
namespace {

class Namespaces final : public AdmissionView {
 public:
  std::vector<Configuration> Configurations(bool) const override { return {}; }
  std::shared_ptr<const std::map<std::string, std::string, std::less<>>> NamespaceLabels(
      const std::string& name) const override {
    if (name == "gone") return nullptr;
    return std::make_shared<const std::map<std::string, std::string, std::less<>>>(
        std::map<std::string, std::string, std::less<>>{{"team", name}});
  }
  Result<Endpoints> EndpointsOf(const std::string&, const std::string&, int64_t) const override {
    return Endpoints{};
  }
};

AdmissionCall PodCall(const std::string& operation = "CREATE",
                      const std::string& subresource = "") {
  AdmissionCall call;
  call.operation = operation;
  call.kind = {"", "v1", "Pod"};
  call.resource = {"", "v1", "pods"};
  call.subresource = subresource;
  call.namespace_ = "blue";
  return call;
}

TEST(RuleMatchesTest, Patterns) {
  struct Case {
    const char* rule;
    AdmissionCall call;
    bool matches;
  };
  AdmissionCall node = PodCall();
  node.resource = {"", "v1", "nodes"};
  node.kind = {"", "v1", "Node"};
  node.namespaced = false;
  AdmissionCall space = node;
  space.resource.name = "namespaces";
  space.kind.name = "Namespace";
  space.namespaced = true;  // it has a namespace: its own
  for (
      const Case& c : {
          Case{
              R"({"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]})",
              PodCall(), true},
          Case{
              R"({"operations":["UPDATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]})",
              PodCall(), false},
          Case{R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]})",
               PodCall(), true},
          Case{R"({"operations":["*"],"apiGroups":["apps"],"apiVersions":["*"],"resources":["*"]})",
               PodCall(), false},
          Case{R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["v2"],"resources":["*"]})",
               PodCall(), false},
          Case{R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]})",
               PodCall("UPDATE", "status"), false},
          Case{R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]})",
               PodCall("UPDATE", "status"), true},
          Case{R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]})",
               PodCall(), true},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["pods/*"]})",
              PodCall("CREATE", "binding"), true},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["pods/status"]})",
              PodCall("CREATE", "binding"), false},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/status"]})",
              PodCall("UPDATE", "status"), true},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["pods/status"]})",
              PodCall(), false},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Namespaced"})",
              PodCall(), true},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Namespaced"})",
              node, false},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Cluster"})",
              node, true},
          Case{
              R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Cluster"})",
              space, true},
          Case{R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"]})", PodCall(), false},
          Case{"{}", PodCall(), false},
      })
    EXPECT_EQ(RuleMatches(Json::parse(c.rule), c.call), c.matches) << c.rule;
}

TEST(HookWantsTest, Selectors) {
  const Json rules = Json::parse(
      R"([{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}])");
  const Json red = Json::parse(R"({"metadata":{"labels":{"color":"red"}}})"),
             plain = Json::parse(R"({"metadata":{}})");
  struct Case {
    const char* object_selector;
    const char* namespace_selector;
    const char* space;
    const Json& object;
    const Json* old_object;
    const char* outcome;
  };
  for (const Case& c : {
           Case{"{}", "{}", "blue", plain, nullptr, "yes"},
           Case{R"({"matchLabels":{"color":"red"}})", "{}", "blue", red, nullptr, "yes"},
           Case{R"({"matchLabels":{"color":"red"}})", "{}", "blue", plain, nullptr, "no"},
           Case{R"({"matchLabels":{"color":"red"}})", "{}", "blue", plain, &red, "yes"},
           Case{R"({"matchExpressions":[{"key":"color","operator":"DoesNotExist"}]})", "{}", "blue",
                plain, nullptr, "yes"},
           Case{"{}", R"({"matchLabels":{"team":"blue"}})", "blue", plain, nullptr, "yes"},
           Case{"{}", R"({"matchLabels":{"team":"green"}})", "blue", plain, nullptr, "no"},
           Case{"{}", R"({"matchLabels":{"team":"green"}})", "gone", plain, nullptr, "NotFound"},
           Case{"{}", "{}", "gone", plain, nullptr, "yes"},
       }) {
    Json hook = {{"rules", rules},
                 {"objectSelector", Json::parse(c.object_selector)},
                 {"namespaceSelector", Json::parse(c.namespace_selector)}};
    AdmissionCall call = PodCall();
    call.namespace_ = c.space;
    call.old_object = c.old_object;
    Result<bool> wants = HookWants(hook, call, c.object, Namespaces());
    EXPECT_EQ(!wants.ok() ? std::string(ReasonName(wants.status().reason()))
              : *wants    ? "yes"
                          : "no",
              c.outcome)
        << hook;
  }
  // The labels of a Namespace object are its own, and configurations are nobody's business.
  Json hook = {{"rules", rules}, {"namespaceSelector", {{"matchLabels", {{"color", "red"}}}}}};
  AdmissionCall space = PodCall();
  space.kind.name = "Namespace";
  space.resource.name = "namespaces";
  EXPECT_TRUE(*HookWants(hook, space, red, Namespaces()));
  EXPECT_FALSE(*HookWants(hook, space, plain, Namespaces()));
  AdmissionCall own = PodCall();
  own.resource = {"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"};
  own.namespaced = false;
  EXPECT_FALSE(*HookWants(hook, own, red, Namespaces()));
}

TEST(EncodeReviewTest, CarriesTheRequest) {
  AdmissionCall call = PodCall("UPDATE", "status");
  call.name = "p";
  call.user = "alice";
  call.groups = {"devs"};
  call.dry_run = true;
  call.options_kind = "PatchOptions";
  Json old = {{"old", true}};
  call.old_object = &old;
  EXPECT_EQ(Json::parse(EncodeReview(call, Json{{"new", true}}, "u-1")),
            Json::parse(R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{
      "uid":"u-1","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},
      "requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},
      "subResource":"status","requestSubResource":"status","name":"p","namespace":"blue","operation":"UPDATE",
      "userInfo":{"username":"alice","groups":["devs"]},"object":{"new":true},"oldObject":{"old":true},"dryRun":true,
      "options":{"kind":"PatchOptions","apiVersion":"meta.k8s.io/v1","dryRun":["All"]}}})"));
  Json create = Json::parse(EncodeReview(PodCall(), Json::object(), "u"));
  EXPECT_TRUE(create["request"]["oldObject"].is_null());
  EXPECT_FALSE(create["request"].contains("name")) << "a generated name is not known yet";
}

TEST(DecodeReviewTest, Decisions) {
  const std::string frame =
      R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":%})";
  struct Case {
    int http;
    const char* response;  // in the frame, unless it begins with '!'
    bool mutating;
    const char* outcome;  // "allowed", "denied <code> <message>", "error <text>"
  };
  for (const Case& c : {
           Case{200, R"({"uid":"u","allowed":true})", true, "allowed"},
           Case{200, R"({"uid":"u","allowed":true,"patchType":"JSONPatch","patch":"W10="})", true,
                "allowed []"},
           Case{200, R"({"uid":"u","allowed":false})", true,
                "denied 400 admission webhook \"h\" denied the request without explanation"},
           Case{200, R"({"uid":"u","allowed":false,"status":{"message":"no GPUs"}})", true,
                "denied 400 admission webhook \"h\" denied the request: no GPUs"},
           Case{200, R"({"uid":"u","allowed":false,"status":{"reason":"Forbidden","code":403}})",
                true, "denied 403 admission webhook \"h\" denied the request: Forbidden"},
           Case{200, R"({"uid":"u","allowed":false,"status":{"code":200,"message":"odd"}})", true,
                "denied 400 admission webhook \"h\" denied the request: odd"},
           Case{200, R"({"uid":"other","allowed":true})", true,
                "error expected response.uid=\"u\", got \"other\""},
           Case{200, R"({"uid":"u","allowed":true,"patch":"W10="})", true,
                "error patch and patchType must come together"},
           Case{200, R"({"uid":"u","allowed":true,"patchType":"JSONPatch"})", true,
                "error patch and patchType must come together"},
           Case{200, R"({"uid":"u","allowed":true,"patchType":"Merge","patch":"W10="})", true,
                "error invalid response.patchType: got \"Merge\", expected \"JSONPatch\""},
           Case{200, R"({"uid":"u","allowed":true,"patchType":"JSONPatch","patch":"***"})", true,
                "error response.patch is not base64"},
           Case{200, R"({"uid":"u","allowed":true,"patchType":"JSONPatch","patch":"W10="})", false,
                "error a validating webhook may not answer with a patch"},
           Case{200, "null", true, "error webhook response was absent"},
           Case{200, R"(!{"kind":"Pod","apiVersion":"v1"})", true,
                "error expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got "
                "v1, Kind=Pod"},
           Case{500, "!oops", true, "error the server answered 500: oops"},
       }) {
    std::string body = *c.response == '!'
                           ? c.response + 1
                           : std::string(frame).replace(frame.find('%'), 1, c.response);
    Result<Verdict> verdict = DecodeReview("h", c.http, body, "u", c.mutating);
    std::string outcome;
    if (!verdict.ok()) {
      outcome = "error " + verdict.status().message();
    } else if (verdict->allowed) {
      outcome = "allowed" + (verdict->patch.empty() ? "" : " " + verdict->patch);
    } else {
      outcome = "denied " + std::to_string(HttpCode(verdict->denial.reason())) + " " +
                verdict->denial.message();
    }
    EXPECT_EQ(outcome, c.outcome) << body;
  }
  Result<Verdict> warned =
      DecodeReview("h", 200,
                   std::string(frame).replace(frame.find('%'), 1,
                                              R"({"uid":"u","allowed":true,"warnings":["a","b"]})"),
                   "u", true);
  EXPECT_EQ(warned->warnings, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace dray::devcluster
