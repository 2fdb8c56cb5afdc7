#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dray/api/cel_condition.h"

namespace dray::cel {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const Json& Pod() {
  static const auto* const pod = new Json(Json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "p", "labels": {"app": "a", "tier": "web"}, "generation": 3},
    "spec": {
      "containers": [
        {"name": "c", "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "2"}}},
        {"name": "d", "ports": [{"containerPort": 80}, {"containerPort": 8080}]}],
      "hostNetwork": false, "priority": -7, "weight": 0.5, "whole": 2.0,
      "large": 9223372036854775807, "larger": 9223372036854775808,
      "nothing": null, "empty": {}, "none": [], "matrix": [[1, 2], [3]]}})"));
  return *pod;
}
const Json& Request() {
  static const auto* const request = new Json(Json::parse(R"({
    "uid": "", "kind": {"group": "", "version": "v1", "kind": "Pod"},
    "resource": {"group": "", "version": "v1", "resource": "pods"},
    "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
    "requestResource": {"group": "", "version": "v1", "resource": "pods"},
    "namespace": "default", "operation": "CREATE",
    "userInfo": {"username": "tester", "groups": ["system:masters", "system:authenticated"]},
    "object": null, "oldObject": null, "dryRun": false,
    "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}})"));
  return *request;
}

// "true", "false", or why there is no answer.
std::string Outcome(std::string_view expression, const ConditionVariables& variables) {
  Result<std::shared_ptr<const Condition>> condition = Condition::Compile(expression);
  if (!condition.ok()) return "refused: " + condition.status().message();
  const Result<bool> matches = (*condition)->Evaluate(variables).matches;
  return matches.ok() ? *matches ? "true" : "false" : matches.status().message();
}

TEST(Condition, Answers) {
  struct Case {
    const char* expression;
    const char* outcome;
  };
  for (const Case& c : {
           // The parts of a document.
           Case{"object.metadata.name == 'p'", "true"},
           Case{"object.metadata['labels'].app == 'a'", "true"},
           Case{"object['metadata']['labels']['tier'] == 'web'", "true"},
           Case{"object.spec.containers[1].name == 'd'", "true"},
           Case{"object.spec.containers[2].name == 'd'", "index out of bounds: 2"},
           Case{"object.spec.containers.size() == 2 && size(object.metadata.labels) == 2", "true"},
           Case{"object.spec.matrix[0][1] == 2", "true"},
           Case{"object.status.phase == 'Running'", "no such key: status"},
           Case{"object.spec.nothing.more == 1", "no such key: more"},
           Case{"object.metadata.name.first == 1", "no such key: first"},
           Case{"object[1] == 1", "no such key: 1"},
           // has() tells keys, whatever they hold.
           Case{"has(object.spec)", "true"},
           Case{"has(object.status)", "false"},
           Case{"has(object.spec.nothing)", "true"},
           Case{"has(object.spec.nothing.more)", "false"},
           Case{"has(object.spec.hostNetwork)", "true"},
           Case{"has(object.status.phase)", "no such key: status"},
           Case{"has(object.status) && object.status.phase == 'Running'", "false"},
           Case{"object.status.phase == 'Running' || has(object.spec)", "true"},
           Case{"object.status.phase == 'Running' && has(object.spec)", "no such key: status"},
           // What values are.
           Case{"object.spec.nothing == null", "true"},
           Case{"object.metadata.name != null", "true"},
           Case{"object.spec.hostNetwork == false", "true"},
           Case{"!object.spec.hostNetwork", "true"},
           Case{"!object.metadata.name", "no such overload"},
           Case{"object.spec.priority == -7 && type(object.spec.priority) == int", "true"},
           Case{"object.spec.priority < 0 && object.spec.priority + 1 == -6", "true"},
           Case{"object.spec.priority + 0.5 == -6.5", "no such overload"},
           Case{"type(object.spec.weight) == double && object.spec.weight < 1", "true"},
           Case{"type(object.spec.whole) == double && object.spec.whole == 2", "true"},
           Case{"type(object.spec.large) == int", "true"},
           Case{"type(object.spec.larger) == double", "true"},
           Case{"type(object.spec) == map && type(object.spec.none) == list", "true"},
           Case{"type(object.spec.nothing) == null_type", "true"},
           Case{"object.spec.empty == {} && object.spec.none == []", "true"},
           Case{"object.metadata.labels == {'tier': 'web', 'app': 'a'}", "true"},
           Case{"object.spec.matrix == [[1, 2], [3]]", "true"},
           // Membership.
           Case{"'app' in object.metadata.labels", "true"},
           Case{"'gone' in object.metadata.labels", "false"},
           Case{"1 in object.metadata.labels", "false"},
           Case{"[3] in object.spec.matrix", "true"},
           Case{"'a' in object.metadata.name", "no such overload"},
           Case{"object.metadata.labels.app in ['a', 'b']", "true"},
           // Loops.
           Case{"object.spec.containers.exists(c, c.name == 'd')", "true"},
           Case{"object.spec.containers.all(c, has(c.resources))", "false"},
           Case{"object.spec.containers.all(c, c.resources.limits.size() > 5)", "false"},
           Case{"object.spec.containers.exists(c, c.resources.limits.size() > 5)",
                "no such key: resources"},
           Case{"object.spec.containers.exists_one(c, has(c.ports))", "true"},
           Case{"object.spec.containers.map(c, c.name) == ['c', 'd']", "true"},
           Case{"object.spec.containers.filter(c, has(c.ports))[0].ports[1].containerPort == 8080",
                "true"},
           Case{"object.metadata.labels.exists(k, k.startsWith('ti'))", "true"},
           Case{"object.metadata.labels.all(k, v, k != v)", "true"},
           Case{"object.metadata.labels.map(k, k) == ['app', 'tier']", "true"},
           Case{"object.metadata.labels.transformMap(k, v, v + '!')['app'] == 'a!'", "true"},
           Case{"object.spec.containers[0].resources.limits.exists(r, r.matches('^nvidia\\\\.'))",
                "true"},
           Case{"object.metadata.name.exists(c, true)", "got 'string', expected iterable type"},
           Case{"(object.spec.containers + object.spec.none).size() == 2", "true"},
           Case{"(object.spec.containers + object.spec.matrix).size() == 4", "true"},
           Case{"object.spec.nothing + []  == []", "no such overload: _+_"},
           Case{"(has(object.spec.initContainers) ? object.spec.initContainers : []).size() == 0",
                "true"},
           // Optionals.
           Case{"object.?status.phase.orValue('none') == 'none'", "true"},
           Case{"object.?metadata.labels.app.orValue('none') == 'a'", "true"},
           Case{"object.spec.containers[?5].hasValue()", "false"},
           Case{"object.metadata.labels[?'app'].value() == 'a'", "true"},
           // Kubernetes' libraries.
           Case{"quantity(object.spec.containers[0].resources.limits.cpu).isGreaterThan(quantity('"
                "1'))",
                "true"},
           Case{"object.metadata.name.find('[a-z]') == 'p'", "true"},
           Case{"format.dns1123Label().validate(object.metadata.name).hasValue()", "false"},
           // Names that hide a variable.
           Case{"[1, 2].all(object, object > 0) && has(object.spec)", "true"},
           Case{"object.spec.containers.exists(request, request.name == 'c')", "true"},
           Case{"[0].all(a, [a].all(b, [b].all(c, [c].all(d, [d].all(e, e == a && "
                "object.metadata.name == 'p')))))",
                "true"},
           // The other variables.
           Case{"oldObject == null", "true"},
           Case{"has(oldObject.metadata)", "false"},
           Case{"oldObject.metadata.name == 'p'", "no such key: metadata"},
           Case{"request.operation == 'CREATE' && request.kind.kind == 'Pod'", "true"},
           Case{"request.resource.resource == 'pods' && request.namespace == 'default'", "true"},
           Case{"request.requestKind == request.kind", "true"},
           Case{"request.userInfo.username.startsWith('test')", "true"},
           Case{"'system:masters' in request.userInfo.groups", "true"},
           Case{"has(request.userInfo.uid) || has(request.userInfo.extra)", "false"},
           Case{"!request.dryRun && request.options.kind == 'CreateOptions'", "true"},
           Case{"has(request.name)", "false"},
           Case{"request.name == ''", "no such key: name"},
           Case{"has(request.subResource) || has(request.requestSubResource)", "false"},
           Case{"namespaceObject == null", "true"},
           Case{"namespaceObject.metadata.name == 'default'", "no such key: metadata"},
       }) {
    EXPECT_EQ(Outcome(c.expression, {.object = &Pod(), .request = &Request()}), c.outcome)
        << c.expression;
  }
}

TEST(Condition, SeesTheOldObject) {
  const Json old = {{"metadata", {{"name", "o"}}}}, null;
  EXPECT_EQ(Outcome("oldObject.metadata.name == 'o' && object == null", {.old_object = &old}),
            "true");
  EXPECT_EQ(Outcome("object == null && oldObject == null",
                    {.object = &null, .old_object = &null, .request = &null}),
            "true");
}

TEST(Condition, RefusesWhatCannotCompile) {
  struct Case {
    const char* expression;
    const char* why;
  };
  for (const Case& c : {
           Case{"device.driver == 'x'", "undeclared reference to 'device'"},
           Case{"objct.spec",
                "undeclared reference to 'objct' (in container '') (did you mean "
                "'object'?)"},
           Case{"object.spec.", "Syntax error"},
           Case{"request.nmae == 'x'", "undefined field 'nmae' (did you mean 'name'?)"},
           Case{"has(request.object)", "undefined field 'object'"},
           Case{"request.kind.resource == 'x'", "undefined field 'resource'"},
           Case{"request.userInfo.user == 'x'", "undefined field 'user'"},
           Case{"request.operation == 1", "found no matching overload for '_==_'"},
           Case{"request.dryRun.size() > 0", "found no matching overload for 'size'"},
           Case{"'x' in request", "found no matching overload for '@in'"},
           Case{"namespaceObject.metadata.uid == 'x'", "undefined field 'uid'"},
           Case{"cel.bind(x, 1, x == 1)", "undeclared reference to 'cel'"},
           Case{"object.spec.none.includes(1)", "undeclared reference to 'includes'"},
           Case{"object.spec.hostNetwork", "must evaluate to bool but got dyn"},
           Case{"object.metadata.name", "must evaluate to bool but got dyn"},
           Case{"request.operation", "must evaluate to bool but got string"},
           Case{"[true]", "must evaluate to bool but got list(bool)"},
           Case{"object.metadata.name.matches('(')", "invalid matches argument"},
           Case{"authorizer.group('apps').resource('deployments').check('get').allowed()",
                "'authorizer' is not available here"},
           Case{"authorizer.requestResource.check('delete').allowed()",
                "'authorizer' is not available here"},
       }) {
    const Status status = Condition::Compile(c.expression).status();
    EXPECT_EQ(status.reason(), Reason::kInvalid) << c.expression;
    EXPECT_THAT(status.message(), HasSubstr(c.why)) << c.expression;
  }
  // One sentence says why, not a row of them.
  const std::string message =
      Condition::Compile("authorizer.requestResource.check('get').allowed()").status().message();
  EXPECT_EQ(message.find("ERROR"), message.rfind("ERROR")) << message;
  EXPECT_TRUE(Condition::Compile("[1].all(authorizer, authorizer > 0)").ok())
      << "the name is free for others";
}

TEST(Condition, KnowsWhatAWriteMayCarry) {
  for (const char* expression :
       {"object.foo == oldObject.foo", "object.foo.findAll('[0-9]+').size() > 0",
        "object.foo.isSorted()", "url(object.foo).getHostname() in ['a', 'b']",
        "request.userInfo.uid == 'x' && request.userInfo.groups == ['a']",
        "request.userInfo.extra == {'key': ['a', 'b']}", "request.options == {'any': 'thing'}",
        "request.requestSubResource == 'scale' && request.requestResource.resource == 'x'",
        "type(namespaceObject.metadata.creationTimestamp) == google.protobuf.Timestamp",
        "namespaceObject.metadata.UID == 'x' && namespaceObject.metadata.generation == 2",
        "namespaceObject.metadata.deletionGracePeriodSeconds == 5",
        "'x' in namespaceObject.metadata.labels && 'x' in namespaceObject.metadata.annotations",
        "namespaceObject.spec.finalizers[0] == 'x' && namespaceObject.status.phase == 'Active'",
        "namespaceObject.status.conditions[0].lastTransitionTime < "
        "timestamp('2026-01-31T12:00:00Z')",
        "namespaceObject.metadata != null"})
    EXPECT_TRUE(Condition::Compile(expression).ok()) << Condition::Compile(expression).status();
}

TEST(Condition, CostsWhatItDoesInKubernetes) {
  // Two reads and an identifier each side, as for any attribute; strings a tenth per character.
  auto cost = [](const char* expression) {
    return (*Condition::Compile(expression))->Evaluate({.object = &Pod()}).cost;
  };
  EXPECT_EQ(cost("object.metadata.name == 'p'"), 4u);
  EXPECT_EQ(cost("oldObject != null"), 2u);
  EXPECT_EQ(cost("object.spec.size() > 2"), 4u);
  EXPECT_EQ(cost("[1, 2, 3, 4].isSorted()"), 4u);
  EXPECT_EQ(cost("has(object.metadata)"), 1u);
  EXPECT_EQ(cost("true"), 0u);
}

TEST(Condition, EndsWhenItCostsTooMuch) {
  Json object = {{"items", Json::array()}};
  for (int i = 0; i < 700; ++i) object["items"].push_back(i);
  const auto condition =
      *Condition::Compile("object.items.all(a, object.items.all(b, a != b + 700))");
  const Evaluated evaluated = condition->Evaluate({.object = &object});
  ASSERT_FALSE(evaluated.matches.ok());
  EXPECT_EQ(evaluated.matches.status().message(),
            "operation cancelled: actual cost limit exceeded");
  EXPECT_GT(evaluated.cost, kMaxConditionCost);
}

}  // namespace
}  // namespace dray::cel
