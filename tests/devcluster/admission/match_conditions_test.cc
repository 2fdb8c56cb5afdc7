#include "devcluster/admission/match_conditions.h"

#include <gmock/gmock.h>

#include "tests/devcluster/admission/webhook_fixture.h"

namespace dray::devcluster {
namespace {

using ::testing::HasSubstr;

Json Condition(const std::string& expression, const std::string& name = "c") {
  return {{"name", name}, {"expression", expression}};
}

constexpr char kYes[] = "has(object.metadata)", kNo[] = "!has(object.metadata)",
               kBroken[] = "object.gone == 1", kOther[] = "object.lost == 1";

TEST(MatchConditionsTest, WhatTheyGiveTogether) {
  struct Case {
    std::vector<const char*> conditions;
    const char* fail;    // "called", "skipped" or the message, with failurePolicy Fail
    const char* ignore;  // and Ignore
  };
  const std::string gone = "expression 'object.gone == 1' resulted in error: no such key: gone";
  const std::string lost = "expression 'object.lost == 1' resulted in error: no such key: lost";
  const std::string one = "pods \"p\" is forbidden: " + gone;
  const std::string both = "pods \"p\" is forbidden: [" + gone + ", " + lost + "]";
  AdmissionCall call;
  call.operation = "CREATE";
  call.kind = {"", "v1", "Pod"};
  call.resource = {"", "v1", "pods"};
  call.name = "p";
  const Json object = {{"metadata", {{"name", "p"}}}};
  for (const Case& c : {
           Case{{}, "called", "called"},
           Case{{kYes}, "called", "called"},
           Case{{kYes, kYes}, "called", "called"},
           Case{{kNo}, "skipped", "skipped"},
           Case{{kYes, kNo}, "skipped", "skipped"},
           // One that is false decides, whatever goes wrong before or behind it.
           Case{{kBroken, kNo}, "skipped", "skipped"},
           Case{{kNo, kBroken}, "skipped", "skipped"},
           Case{{kBroken}, one.c_str(), "skipped"},
           Case{{kYes, kBroken, kYes}, one.c_str(), "skipped"},
           Case{{kBroken, kOther}, both.c_str(), "skipped"},
           Case{{kBroken, kBroken}, one.c_str(), "skipped"},
       }) {
    for (const std::string policy : {"Fail", "Ignore"}) {
      Json hook = {{"name", "h"}, {"failurePolicy", policy}};
      for (const char* expression : c.conditions)
        hook["matchConditions"].push_back(Condition(expression));
      const MatchConditions conditions({{"webhooks", {{{"name", "first"}}, hook}}}, nullptr);
      const Result<bool> matches = conditions.Match(1, call, object);
      const std::string outcome =
          matches.ok() ? *matches ? "called" : "skipped" : matches.status().message();
      EXPECT_EQ(outcome, policy == "Fail" ? c.fail : c.ignore) << hook;
      EXPECT_TRUE(matches.ok() || matches.status().Is(Reason::kForbidden));
      EXPECT_EQ(conditions.Match(0, call, object).value(), true) << "its neighbour has none";
    }
  }
}

TEST(MatchConditionsTest, NamesTheResourceOfItsGroup) {
  AdmissionCall call;
  call.resource = {"resource.k8s.io", "v1", "resourceclaims"};
  const MatchConditions conditions(
      {{"webhooks", {{{"name", "h"}, {"matchConditions", {Condition(kBroken)}}}}}}, nullptr);
  EXPECT_THAT(conditions.Match(0, call, Json::object()).status().message(),
              ::testing::StartsWith("resourceclaims.resource.k8s.io \"\" is forbidden: "));
}

TEST(MatchConditionsTest, CostsTogetherAreBounded) {
  Json object = {{"items", Json::array()}};
  for (int i = 0; i < 340; ++i) object["items"].push_back(i);
  // Each costs between 2,500,000 / 4 and 1,000,000.
  const Json loop = Condition("object.items.all(a, object.items.all(b, a != b + 700))");
  AdmissionCall call;
  call.resource = {"", "v1", "pods"};
  auto outcome = [&](const std::vector<Json>& conditions, const char* policy) {
    const MatchConditions compiled(
        {{"webhooks",
          {{{"name", "h"}, {"failurePolicy", policy}, {"matchConditions", conditions}}}}},
        nullptr);
    return compiled.Match(0, call, object);
  };
  EXPECT_EQ(outcome({loop, loop}, "Fail").value(), true);
  const std::vector<Json> many = {Condition("has(object.none)"), loop, loop, loop, loop};
  EXPECT_THAT(outcome(many, "Fail").status().message(), HasSubstr("running out of cost budget"));
  EXPECT_EQ(outcome(many, "Ignore").value(), false);
}

TEST(MatchConditionsTest, RequestSaysWhatIsWritten) {
  AdmissionCall call;
  call.operation = "UPDATE";
  call.kind = {"apps", "v1", "Deployment"};
  call.resource = {"apps", "v1", "deployments"};
  call.subresource = "scale";
  call.name = "d";
  call.namespace_ = "blue";
  call.user = "tester";
  call.groups = {"a", "b"};
  call.dry_run = true;
  call.options_kind = "UpdateOptions";
  const Json gvk = {{"group", "apps"}, {"version", "v1"}, {"kind", "Deployment"}};
  const Json gvr = {{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}};
  EXPECT_EQ(
      ConditionRequest(call),
      Json({{"uid", ""},
            {"kind", gvk},
            {"resource", gvr},
            {"subResource", "scale"},
            {"requestKind", gvk},
            {"requestResource", gvr},
            {"requestSubResource", "scale"},
            {"name", "d"},
            {"namespace", "blue"},
            {"operation", "UPDATE"},
            {"userInfo", {{"username", "tester"}, {"groups", {"a", "b"}}}},
            {"object", nullptr},
            {"oldObject", nullptr},
            {"dryRun", true},
            {"options",
             {{"kind", "UpdateOptions"}, {"apiVersion", "meta.k8s.io/v1"}, {"dryRun", {"All"}}}}}));
  const Json bare = ConditionRequest({});
  for (const char* absent : {"name", "namespace", "subResource", "requestSubResource"})
    EXPECT_FALSE(bare.contains(absent)) << absent;
  EXPECT_EQ(bare["userInfo"], Json::object());
}

// On an API server that calls hooks.

class ConditionCallTest : public WebhookTest {
 protected:
  void SetUp() override {
    WebhookTest::SetUp();
    Endpoint("a", Serve([](const Json&) { return Json{{"allowed", true}}; }));
  }
  // A hook for everything that happens to configmaps.
  Json Conditional(const std::vector<Json>& conditions, const Json& more = Json::object()) {
    Json hook = Hook("m", {{"matchConditions", conditions}});
    hook["rules"][0]["operations"] = {"*"};
    hook.update(more);
    return hook;
  }
};

TEST_F(ConditionCallTest, OnlyWhatMatchesIsSent) {
  for (const bool mutating : {true, false}) {
    const size_t before = calls();
    Configure(mutating, {Conditional({Condition("has(object.data) && 'ask' in object.data")})});
    Create(In("v1", "configmaps"), Named("quiet"));
    EXPECT_EQ(calls(), before);
    Create(In("v1", "configmaps"), {{"metadata", {{"name", "loud"}}}, {"data", {{"ask", "1"}}}});
    EXPECT_EQ(calls(), before + 1);
    // DELETE: there is no object to have data.
    EXPECT_EQ(Delete(In("v1", "configmaps/loud")).code, 200);
    EXPECT_EQ(calls(), before + 1);
    Delete(std::string(mutating ? kMutating : kValidating) + "/hooks");
    Delete(In("v1", "configmaps/quiet"));
  }
}

TEST_F(ConditionCallTest, VariablesFollowTheOperation) {
  Configure(false, {Conditional({Condition(
                       "request.operation == 'CREATE' ? oldObject == null && object != null\n"
                       ": request.operation == 'UPDATE' ? object.data.x != oldObject.data.x\n"
                       ": object == null && oldObject.data.x == 'delete-me'")})});
  Create(In("v1", "configmaps"), {{"metadata", {{"name", "cm"}}}, {"data", {{"x", "1"}}}});
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(Merge(In("v1", "configmaps/cm"), {{"data", {{"y", "1"}}}}).code, 200);
  EXPECT_EQ(calls(), 1u) << "x is what it was";
  EXPECT_EQ(Merge(In("v1", "configmaps/cm"), {{"data", {{"x", "delete-me"}}}}).code, 200);
  EXPECT_EQ(calls(), 2u);
  EXPECT_EQ(Delete(In("v1", "configmaps/cm")).code, 200);
  EXPECT_EQ(calls(), 3u);
  EXPECT_EQ(requests_[2]["operation"], "DELETE");
}

TEST_F(WebhookTest, EachHookIsChosenByWhatThoseBeforeHaveMade) {
  Endpoint("a", Serve([](const Json& request) {
             if (request["object"].contains("data")) return Json{{"allowed", true}};
             // A null is none once the patch is applied.
             return Patched({{{"op", "add"}, {"path", "/data"}, {"value", {{"seen", "1"}}}},
                             {{"op", "add"}, {"path", "/binaryData"}, {"value", nullptr}}});
           }));
  Configure(true,
            {Hook("first"), Hook("second", {{"matchConditions", {Condition("has(object.data)")}}}),
             Hook("third", {{"matchConditions", {Condition("!has(object.data)")}}}),
             Hook("fourth", {{"matchConditions", {Condition("has(object.binaryData)")}}})});
  Create(In("v1", "configmaps"), Named("cm"));
  EXPECT_EQ(targets_, (std::vector<std::string>{"/first?timeout=10s", "/second?timeout=10s"}));
}

TEST_F(ConditionCallTest, AChangeOfTheConfigurationCountsAtOnce) {
  Configure(true, {Conditional({Condition("'a' in object.data")})});
  auto post = [&](const char* name, const char* key) {
    return Post(In("v1", "configmaps"), {{"metadata", {{"name", name}}}, {"data", {{key, "1"}}}})
        .code;
  };
  EXPECT_EQ(post("one", "a"), 201);
  EXPECT_EQ(post("two", "b"), 201);
  EXPECT_EQ(calls(), 1u);
  const std::string stored = std::string(kMutating) + "/hooks";
  Json changed = Get(stored).body;
  changed["webhooks"][0]["matchConditions"][0]["expression"] = "'b' in object.data";
  EXPECT_EQ(Put(stored, changed).code, 200);
  EXPECT_EQ(post("three", "a"), 201);
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(post("four", "b"), 201);
  EXPECT_EQ(calls(), 2u);
}

TEST_F(ConditionCallTest, ErrorsFollowTheFailurePolicy) {
  Configure(true, {Conditional({Condition(kBroken)}, {{"failurePolicy", "Ignore"}})});
  Create(In("v1", "configmaps"), Named("cm"));
  EXPECT_EQ(calls(), 0u);
  Delete(std::string(kMutating) + "/hooks");
  Configure(true, {Conditional({Condition(kBroken)})});
  Reply refused = Post(In("v1", "configmaps"), Json{{"metadata", {{"generateName", "g-"}}}});
  EXPECT_EQ(refused.code, 403);
  EXPECT_EQ(
      refused.Message(),
      "configmaps \"\" is forbidden: expression 'object.gone == 1' resulted in error: no such "
      "key: gone");
  EXPECT_EQ(calls(), 0u);
}

TEST_F(ConditionCallTest, ConditionsAreCheckedWhenTheyAreWritten) {
  struct Case {
    Json conditions;
    const char *field, *message;
  };
  Json many = Json::array();
  for (int i = 0; i < 65; ++i) many.push_back(Condition("true", "c" + std::to_string(i)));
  for (const Case& c : {
           Case{{Condition("object.a ==")},
                "[0].expression",
                "Invalid value: \"object.a ==\": compilation failed: ERROR: <input>:1:12: Syntax "
                "error"},
           Case{{Condition("true"), Condition("object.a", "d")},
                "[1].expression",
                "Invalid value: \"object.a\": must evaluate to bool but got dyn"},
           Case{{Condition("authorizer.group('').resource('pods').check('get').allowed()")},
                "[0].expression",
                "'authorizer' is not available here: conditions run without an authorizer"},
           Case{{Condition("request.nonsense == 1")}, "[0].expression", "undefined field"},
           Case{{Condition("")}, "[0].expression", "Required value"},
           Case{{Condition(" \n ")}, "[0].expression", "Required value"},
           Case{{Condition("true", "")}, "[0].name", "Required value"},
           Case{{Condition("true", "not a name")},
                "[0].name",
                "Invalid value: \"not a name\": name part must consist of alphanumeric characters"},
           Case{{Condition("true"), Condition("false")}, "[1].name", "Duplicate value: \"c\""},
           Case{many, "", "Too many: 65: must have at most 64 items"},
       }) {
    for (const bool mutating : {true, false}) {
      Reply reply =
          Post(mutating ? kMutating : kValidating,
               {{"metadata", {{"name", "hooks"}}},
                {"webhooks", {Hook("good"), Hook("m", {{"matchConditions", c.conditions}})}}});
      EXPECT_EQ(reply.code, 422) << c.conditions << reply.text;
      EXPECT_EQ(reply.At("/details/causes/0/field"),
                "webhooks[1].matchConditions" + std::string(c.field));
      EXPECT_THAT(reply.Message(), HasSubstr(c.message));
    }
  }
  many.erase(64);
  Configure(true, {Conditional(many.get<std::vector<Json>>())});
  Configure(false, {Conditional({Condition("true", "example.com/It_is.fine-1")})});
}

}  // namespace
}  // namespace dray::devcluster
