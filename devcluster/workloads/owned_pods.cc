#include "devcluster/workloads/owned_pods.h"

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/api/patch.h"
#include "dray/runtime/pki.h"

namespace dray::devcluster {

bool Active(const api::Pod& pod) {
  return pod.status.phase != "Succeeded" && pod.status.phase != "Failed" &&
         !pod.metadata.deletion_timestamp;
}

bool Ready(const api::Pod& pod) {
  for (const api::PodCondition& condition : pod.status.conditions)
    if (condition.type == "Ready") return condition.status == "True";
  return false;
}

std::optional<WallTime> AvailableFrom(const api::Pod& pod, int min_ready_seconds) {
  for (const api::PodCondition& condition : pod.status.conditions) {
    if (condition.type != "Ready" || condition.status != "True") continue;
    if (min_ready_seconds == 0 || !condition.last_transition_time) return WallTime();
    return WallTime(*condition.last_transition_time) + std::chrono::seconds(min_ready_seconds);
  }
  return std::nullopt;
}

namespace {

Json OwnerEntry(const api::OwnerReference& owner) {
  return {{"apiVersion", owner.api_version},
          {"kind", owner.kind},
          {"name", owner.name},
          {"uid", owner.uid},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

}  // namespace

Json Adoption(const api::OwnerReference& owner, const std::string& uid) {
  return {{"metadata", {{"uid", uid}, {"ownerReferences", Json::array({OwnerEntry(owner)})}}}};
}

Json PodFromTemplate(const Json& pod_template, const api::OwnerReference& owner) {
  Json pod = {
      {"apiVersion", "v1"}, {"kind", "Pod"}, {"spec", pod_template.value("spec", Json::object())}};
  const Json metadata = pod_template.value("metadata", Json::object());
  for (const char* field : {"labels", "annotations", "finalizers"})
    if (metadata.contains(field)) pod["metadata"][field] = metadata[field];
  pod["metadata"]["generateName"] = owner.name + "-";
  pod["metadata"]["ownerReferences"] = Json::array({OwnerEntry(owner)});
  return pod;
}

std::string SelectorText(const api::LabelSelector& selector) {
  std::string text;
  auto add = [&](const std::string& part) { text += (text.empty() ? "" : ",") + part; };
  for (const auto& [key, value] : selector.match_labels) add(key + "=" + value);
  for (const api::LabelSelectorRequirement& one : selector.match_expressions) {
    std::string values;
    for (const std::string& value : one.values) values += (values.empty() ? "" : ",") + value;
    if (one.op == "In") add(one.key + " in (" + values + ")");
    if (one.op == "NotIn") add(one.key + " notin (" + values + ")");
    if (one.op == "Exists") add(one.key);
    if (one.op == "DoesNotExist") add("!" + one.key);
  }
  return text;
}

Result<std::vector<api::Pod>> LivePods(const Context& ctx, const runtime::Client& client,
                                       const std::string& namespace_,
                                       const std::string& label_selector,
                                       const std::string& owner_uid) {
  runtime::ListOptions options;
  options.namespace_ = namespace_;
  options.label_selector = label_selector;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Pod> list, client.List<api::Pod>(ctx, options));
  std::erase_if(list.items, [&](const api::Pod& pod) {
    const api::OwnerReference* owner = api::ControllerOf(pod.metadata);
    return owner == nullptr || owner->uid != owner_uid;
  });
  return std::move(list.items);
}

std::string TemplateHash(const Json& pod_template) {
  // Kubernetes' safe alphabet: no vowels, nothing that reads like another character.
  static constexpr char kAlphabet[] = "bcdfghjklmnpqrstvwxz2456789";
  const std::string hex = runtime::Sha256Hex(pod_template.dump());
  std::string name;
  for (size_t i = 0; i < 10; ++i)
    name += kAlphabet[std::stoul(hex.substr(i * 4, 4), nullptr, 16) % (sizeof kAlphabet - 1)];
  return name;
}

Status PatchStatus(const Context& ctx, const runtime::Client& client, const api::KindInfo& kind,
                   const api::ObjectKey& key, const Json& before, const Json& after) {
  const Json patch = api::MergePatchFor(before, after);
  if (patch.empty()) return {};
  runtime::PatchOptions options;
  options.subresource = "status";
  options.field_manager = "dray-devcluster";
  return IgnoreNotFound(client
                            .PatchRaw(ctx, kind, key, runtime::PatchType::kMerge,
                                      Json({{"status", patch}}).dump(), options)
                            .status());
}

void SetCondition(std::vector<api::WorkloadCondition>& conditions, api::WorkloadCondition condition,
                  api::Time now) {
  condition.last_transition_time = now;
  for (api::WorkloadCondition& present : conditions) {
    if (present.type != condition.type) continue;
    const bool same = present.status == condition.status;
    if (same) condition.last_transition_time = present.last_transition_time;
    if (same && present.reason == condition.reason && present.message == condition.message) return;
    condition.last_update_time = condition.last_update_time ? std::optional(now) : std::nullopt;
    present = std::move(condition);
    return;
  }
  if (condition.last_update_time) condition.last_update_time = now;
  conditions.push_back(std::move(condition));
}

}  // namespace dray::devcluster
