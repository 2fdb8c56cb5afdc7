#include "devcluster/workloads/namespace_reconciler.h"

#include <nlohmann/json.hpp>

#include "dray/api/types/coordination.h"
#include "dray/api/types/resource.h"
#include "dray/api/types/workload.h"

namespace dray::devcluster {
namespace {

// What a namespace can hold here, owners before what they own.
constexpr api::KindInfo kContents[] = {
    api::KindOf<api::Deployment>::value,
    api::KindOf<api::ReplicaSet>::value,
    api::KindOf<api::Job>::value,
    api::KindOf<api::Pod>::value,
    api::KindOf<api::ResourceClaim>::value,
    api::KindOf<api::ResourceClaimTemplate>::value,
    api::KindOf<api::ConfigMap>::value,
    {"", "v1", "Secret", "secrets", true},
    {"", "v1", "ServiceAccount", "serviceaccounts", true},
    api::KindOf<api::Service>::value,
    api::KindOf<api::EndpointSlice>::value,
    api::KindOf<api::Lease>::value,
    {"rbac.authorization.k8s.io", "v1", "Role", "roles", true},
    {"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true},
    api::KindOf<api::Event>::value,
};

}  // namespace

Result<runtime::Requeue> NamespaceReconciler::Reconcile(const Context& ctx,
                                                        const api::ObjectKey& key) {
  const auto found = namespaces_.Get(key);
  if (found == nullptr || !found->metadata.deletion_timestamp) return runtime::Requeue{};
  bool empty = true;
  for (const api::KindInfo& kind : kContents) {
    runtime::ListOptions options;
    options.namespace_ = key.name;
    DRAY_RETURN_IF_ERROR(IgnoreNotFound(client_.DeleteCollection(ctx, kind, options)));
    options.limit = 1;
    Result<std::string> left = client_.ListRaw(ctx, kind, options, "");
    if (left.Is(Reason::kNotFound)) continue;  // a kind that this server does not have
    if (!left.ok()) return left.status();
    const Json list = Json::parse(*left, nullptr, false);
    empty = empty && (!list.is_object() || list.value("items", Json::array()).empty());
  }
  // Pods take their grace period: look again.
  if (!empty) return runtime::Requeue{std::chrono::milliseconds(500)};
  Result<std::string> body = client_.GetRaw(ctx, api::KindOf<api::Namespace>::value, key);
  if (body.Is(Reason::kNotFound)) return runtime::Requeue{};
  if (!body.ok()) return body.status();
  Json document = Json::parse(*body);
  document["spec"]["finalizers"] = Json::array();
  DRAY_RETURN_IF_ERROR(IgnoreNotFound(
      client_.UpdateRaw(ctx, api::KindOf<api::Namespace>::value, key, "finalize", document.dump())
          .status()));
  return runtime::Requeue{};
}

}  // namespace dray::devcluster
