#pragma once

#include <functional>
#include <string_view>

#include "dray/api/types/resource.h"
#include "dray/base/status.h"

// What kube-apiserver 1.36 refuses, on typed objects after defaulting. Pure, any thread.
//
// Refusals are kInvalid with one Cause per fault, in the order of the document:
//   ResourceClaim.resource.k8s.io "c" is invalid: spec.devices.requests[0].name: Required value
// Rules: k8s.io/kubernetes/pkg/apis/{core,resource}/validation with the gates that are on by
// default in 1.36.
//
// The ...Update forms check `updated` against `old` and, where the kind allows changes, `updated`
// by itself. They expect that the server has already restored what clients cannot set (uid,
// creationTimestamp, generation, the resourceVersion of an unconditional update, status on the main
// resource, everything but status on /status).
namespace dray::api {

// Compiles one selector; ok, or why it does not compile. Null: expressions are not compiled.
using CelCheck = std::function<Status(std::string_view expression)>;

// name or generateName, namespace by `kind.namespaced`, labels, annotations, finalizers,
// ownerReferences.
Status ValidateMeta(const ObjectMeta& meta, const KindInfo& kind);
Status ValidateMetaUpdate(const ObjectMeta& updated, const ObjectMeta& old, const KindInfo& kind);

Status ValidateResourceClaim(const ResourceClaim& claim, const CelCheck& cel = nullptr);
Status ValidateResourceClaimUpdate(const ResourceClaim& updated, const ResourceClaim& old);
// PUT or PATCH of /status: an allocation is set once and only removed; reservedFor needs one, grows
// not while the claim is being deleted; devices must be allocated ones.
Status ValidateResourceClaimStatusUpdate(const ResourceClaim& updated, const ResourceClaim& old);

Status ValidateResourceClaimTemplate(const ResourceClaimTemplate& claim_template,
                                     const CelCheck& cel = nullptr);
Status ValidateResourceClaimTemplateUpdate(const ResourceClaimTemplate& updated,
                                           const ResourceClaimTemplate& old);

// adminAccess is for namespaces that carry the label resource.kubernetes.io/admin-access: "true".
// For claims and, through their spec, for templates.
Status ValidateAdminAccess(const ResourceClaim& claim, const Labels& namespace_labels);
Status ValidateAdminAccess(const ResourceClaimTemplate& claim_template,
                           const Labels& namespace_labels);

Status ValidateDeviceClass(const DeviceClass& device_class, const CelCheck& cel = nullptr);
// Expressions that `old` has already are not compiled again.
Status ValidateDeviceClassUpdate(const DeviceClass& updated, const DeviceClass& old,
                                 const CelCheck& cel = nullptr);

Status ValidateResourceSlice(const ResourceSlice& slice);
Status ValidateResourceSliceUpdate(const ResourceSlice& updated, const ResourceSlice& old);

// The essentials: names, containers, volumes and their mounts, resources, resourceClaims and the
// references to them.
Status ValidatePod(const Pod& pod);
// The spec may change only in images, tolerations (added), activeDeadlineSeconds (lowered) and
// schedulingGates (removed).
Status ValidatePodUpdate(const Pod& updated, const Pod& old);

// Names, by Kubernetes' definitions.
bool IsDnsLabel(std::string_view text);       // RFC 1123, at most 63
bool IsDnsSubdomain(std::string_view text);   // labels joined with '.', at most 253
bool IsQualifiedName(std::string_view text);  // label and annotation keys: [prefix/]name
bool IsLabelValue(std::string_view text);     // "" or a name of at most 63

}  // namespace dray::api
