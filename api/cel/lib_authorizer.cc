#include "api/cel/registry.h"

// The functions of Kubernetes' authorizer. They exist wherever expressions do, so they compile when
// called on an attribute, whose type is only known at run time; no authorizer exists here to call
// them on, so every call fails.
namespace dray::cel {
namespace {

Value NoAuthorizer(Evaluation&, Args) {
  return Value::NoSuchOverload();
}

}  // namespace

void AddAuthorizer(Registry& r) {
  constexpr std::string_view kPackage = "kubernetes.authorization.";
  auto type = [&](std::string_view name) { return std::string(kPackage) + std::string(name); };
  std::string authorizer = type("Authorizer"), path = type("PathCheck"), group = type("GroupCheck"),
              resource = type("ResourceCheck"), decision = type("Decision");
  auto member = [&](std::string_view name, std::string_view id, const std::string& signature) {
    r.Member(name, id, signature, NoAuthorizer);
  };
  member("path", "authorizer_path", authorizer + ", string -> " + path);
  member("group", "authorizer_group", authorizer + ", string -> " + group);
  member("serviceAccount", "authorizer_serviceaccount",
         authorizer + ", string, string -> " + authorizer);
  member("resource", "groupcheck_resource", group + ", string -> " + resource);
  member("subresource", "resourcecheck_subresource", resource + ", string -> " + resource);
  member("namespace", "resourcecheck_namespace", resource + ", string -> " + resource);
  member("name", "resourcecheck_name", resource + ", string -> " + resource);
  member("check", "pathcheck_check", path + ", string -> " + decision);
  member("check", "resourcecheck_check", resource + ", string -> " + decision);
  member("errored", "decision_errored", decision + " -> bool");
  member("error", "decision_error", decision + " -> string");
  member("allowed", "decision_allowed", decision + " -> bool");
  member("reason", "decision_reason", decision + " -> string");
  member("fieldSelector", "authorizer_fieldselector", resource + ", string -> " + resource);
  member("labelSelector", "authorizer_labelselector", resource + ", string -> " + resource);
}

}  // namespace dray::cel
