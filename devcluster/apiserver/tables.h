#pragma once

#include <string>

#include "devcluster/apiserver/registry.h"
#include "dray/base/clock.h"
#include "dray/base/json.h"

// meta.k8s.io/v1 Tables: what `kubectl get` prints. The cells of each kind follow
// pkg/printers/internalversion of 1.36.
namespace dray::devcluster {

enum class IncludeObject { kNone, kMetadata, kObject };

// A Table without rows; `list_metadata` is the list's (or empty).
Json TableFor(const Resource& resource, Json list_metadata, bool with_columns);
// One row of a stored document.
Json RowFor(const Resource& resource, const Json& object, IncludeObject include, WallTime now);
// PartialObjectMetadata of a document.
Json PartialMetadataOf(const Json& object);

// "45s", "3m12s", "5h", "12d": how kubectl writes an age. Negative: "<invalid>".
std::string HumanDuration(Duration age);
// HumanDuration since an RFC 3339 text; "<unknown>" when there is none.
std::string AgeOf(std::string_view timestamp, WallTime now);

std::vector<Column> PodColumns();
Json PodCells(const Json& object, WallTime now);
std::vector<Column> NodeColumns();
Json NodeCells(const Json& object, WallTime now);
std::vector<Column> EventColumns();
Json EventCells(const Json& object, WallTime now);
std::vector<Column> NamespaceColumns();
Json NamespaceCells(const Json& object, WallTime now);
std::vector<Column> ConfigMapColumns();
Json ConfigMapCells(const Json& object, WallTime now);
std::vector<Column> SecretColumns();
Json SecretCells(const Json& object, WallTime now);
std::vector<Column> ServiceColumns();
Json ServiceCells(const Json& object, WallTime now);
std::vector<Column> ServiceAccountColumns();
Json ServiceAccountCells(const Json& object, WallTime now);
std::vector<Column> EndpointSliceColumns();
Json EndpointSliceCells(const Json& object, WallTime now);
std::vector<Column> DeploymentColumns();
Json DeploymentCells(const Json& object, WallTime now);
std::vector<Column> ReplicaSetColumns();
Json ReplicaSetCells(const Json& object, WallTime now);
std::vector<Column> JobColumns();
Json JobCells(const Json& object, WallTime now);
std::vector<Column> LeaseColumns();
Json LeaseCells(const Json& object, WallTime now);
std::vector<Column> ResourceClaimColumns();
Json ResourceClaimCells(const Json& object, WallTime now);
std::vector<Column> ResourceSliceColumns();
Json ResourceSliceCells(const Json& object, WallTime now);
std::vector<Column> WebhookConfigurationColumns();
Json WebhookConfigurationCells(const Json& object, WallTime now);
std::vector<Column> RoleColumns();
Json RoleCells(const Json& object, WallTime now);
std::vector<Column> RoleBindingColumns();
Json RoleBindingCells(const Json& object, WallTime now);

}  // namespace dray::devcluster
