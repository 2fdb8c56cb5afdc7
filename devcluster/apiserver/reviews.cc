#include <nlohmann/json.hpp>

#include "devcluster/apiserver/field_check.h"
#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/metadata.h"
#include "devcluster/apiserver/write.h"

// Questions to the API server about who somebody is and what they may do: authentication.k8s.io and
// authorization.k8s.io. Whoever is authenticated may do everything here.
namespace dray::devcluster {
namespace {

Json Describe(const UserInfo& user) {
  return {{"username", user.name}, {"groups", user.groups}};
}

void WhoAmI(const Server&, const Call& call, Json& question) {
  question["status"] = {{"userInfo", Describe(call.user)}};
}

void WhoIs(const Server& server, const Call&, Json& question) {
  auto known = server.options.tokens.find(StringAt(question, "spec.token"));
  if (known == server.options.tokens.end())
    question["status"] = {{"authenticated", false}, {"error", "the token is not known"}};
  else
    question["status"] = {{"authenticated", true}, {"user", Describe(known->second)}};
}

void MayI(const Server&, const Call&, Json& question) {
  question["status"] = {
      {"allowed", true},
      {"reason", "a development cluster allows everything to who is authenticated"}};
}

void WhatMayI(const Server&, const Call&, Json& question) {
  question["status"] = {
      {"resourceRules", {{{"verbs", {"*"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}}}},
      {"nonResourceRules", {{{"verbs", {"*"}}, {"nonResourceURLs", {"*"}}}}},
      {"incomplete", false}};
}

Resource Question(const char* group, const char* kind, const char* plural,
                  void (*review)(const Server&, const Call&, Json&)) {
  Resource resource{.group = group, .kind = kind, .plural = plural, .versions = {"v1"}};
  resource.namespaced = false;
  resource.verbs = {"create"};
  resource.review = review;
  return resource;
}

}  // namespace

std::vector<Resource> ReviewResources() {
  return {
      Question("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews", WhoAmI),
      Question("authentication.k8s.io", "TokenReview", "tokenreviews", WhoIs),
      Question("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews", MayI),
      Question("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
               WhatMayI),
      Question("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews", MayI)};
}

Result<Answer> PostReview(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(Json question, BodyOf(call));
  DRAY_RETURN_IF_ERROR(UnderstandFields(call, SentAs::kBody, question));
  DRAY_RETURN_IF_ERROR(CheckIdentity(call, question));
  call.resource->review(server, call, question);
  Answer answer;
  answer.code = 201;
  answer.body = Dump(question);
  return answer;
}

}  // namespace dray::devcluster
