#pragma once

#include <string>
#include <vector>

#include "dray/api/types/workload.h"
#include "dray/base/json.h"
#include "dray/runtime/client.h"

// What ReplicaSet and Job share: Pods made from a template, owned by a controller.
namespace dray::devcluster {

// Neither finished nor being deleted.
bool Active(const api::Pod& pod);
bool Ready(const api::Pod& pod);
// Until when a Pod must stay ready to count as available; nothing while it is not ready.
std::optional<WallTime> AvailableFrom(const api::Pod& pod, int min_ready_seconds);

// A strategic merge patch that makes `owner` the controller of the object of that UID, and no other
// one of its name.
Json Adoption(const api::OwnerReference& owner, const std::string& uid);

// A Pod manifest from `pod_template` (a PodTemplateSpec, untyped so that nothing is lost):
// generateName "<owner>-", owned by `owner` ({apiVersion, kind, name, uid}).
Json PodFromTemplate(const Json& pod_template, const api::OwnerReference& owner);

// Pods of the owner as the API server knows them now. The cache may lag behind our own creates and
// deletes, and a replica too many is worse than a list.
Result<std::vector<api::Pod>> LivePods(const Context& ctx, const runtime::Client& client,
                                       const std::string& namespace_,
                                       const std::string& label_selector,
                                       const std::string& owner_uid);

// "a=b,c in (d,e)": the selector as a list parameter.
std::string SelectorText(const api::LabelSelector& selector);

// Ten characters that name a Pod template by its content (pod-template-hash).
std::string TemplateHash(const Json& pod_template);

// Patches status with what differs; nothing is sent when nothing does.
Status PatchStatus(const Context& ctx, const runtime::Client& client, const api::KindInfo& kind,
                   const api::ObjectKey& key, const Json& before, const Json& after);

// Replaces or adds the condition of its type; lastTransitionTime moves only when the status
// changes.
void SetCondition(std::vector<api::WorkloadCondition>& conditions, api::WorkloadCondition condition,
                  api::Time now);

}  // namespace dray::devcluster
