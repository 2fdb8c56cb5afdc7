#include "devcluster/scheduler/pod_fit.h"

#include <algorithm>

#include "dray/api/alloc.h"

namespace dray::devcluster {
namespace {

constexpr char kUnschedulableTaint[] = "node.kubernetes.io/unschedulable";

void AddTo(api::ResourceList& sum, const api::ResourceList& more) {
  for (const auto& [name, amount] : more) sum[name] += amount;
}

void RaiseTo(api::ResourceList& floor, const api::ResourceList& other) {
  for (const auto& [name, amount] : other) {
    api::Quantity& present = floor[name];
    if (present < amount) present = amount;
  }
}

// A resource with a limit and no request requests its limit.
api::ResourceList RequestsOf(const api::Container& container) {
  api::ResourceList requests = container.resources.requests;
  for (const auto& [name, amount] : container.resources.limits) requests.try_emplace(name, amount);
  return requests;
}

bool Tolerates(const api::Toleration& toleration, const api::Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.op == "Exists") return true;
  return (toleration.op.empty() || toleration.op == "Equal") && toleration.value == taint.value;
}

bool Tolerated(const api::Pod& pod, const api::Taint& taint) {
  return std::any_of(pod.spec.tolerations.begin(), pod.spec.tolerations.end(),
                     [&](const api::Toleration& t) { return Tolerates(t, taint); });
}

bool Selected(const api::Pod& pod, const api::Node& node) {
  for (const auto& [key, value] : pod.spec.node_selector) {
    auto label = node.metadata.labels.find(key);
    if (label == node.metadata.labels.end() || label->second != value) return false;
  }
  const auto& affinity = pod.spec.affinity;
  if (!affinity || !affinity->node_affinity || !affinity->node_affinity->required) return true;
  return alloc::Matches(*affinity->node_affinity->required, node);
}

bool Ready(const api::Node& node) {
  for (const api::NodeCondition& condition : node.status.conditions) {
    if (condition.type == "Ready") return condition.status == "True";
  }
  return true;  // nobody has said otherwise
}

const api::ResourceList& Allocatable(const api::Node& node) {
  return node.status.allocatable.empty() ? node.status.capacity : node.status.allocatable;
}

api::Quantity Of(const api::ResourceList& list, const std::string& name) {
  auto found = list.find(name);
  return found == list.end() ? api::Quantity() : found->second;
}

}  // namespace

void NodeInfo::Add(const api::ResourceList& requests) {
  AddTo(requested, requests);
  ++pods;
}

void NodeInfo::Remove(const api::ResourceList& requests) {
  for (const auto& [name, amount] : requests) requested[name] -= amount;
  --pods;
}

api::ResourceList RequestsOf(const api::Pod& pod) {
  api::ResourceList sum, sidecars, highest;
  for (const api::Container& container : pod.spec.init_containers) {
    api::ResourceList requests = RequestsOf(container);
    if (container.restart_policy == "Always") {
      AddTo(sidecars, requests);
    } else {
      // Runs alone, beside the sidecars that were started before it.
      AddTo(requests, sidecars);
      RaiseTo(highest, requests);
    }
  }
  for (const api::Container& container : pod.spec.containers) AddTo(sum, RequestsOf(container));
  AddTo(sum, sidecars);
  RaiseTo(sum, highest);
  return sum;
}

std::vector<std::string> Misfits(const api::Pod& pod, const api::ResourceList& requests,
                                 const NodeInfo& info) {
  const api::Node& node = *info.node;
  if (node.spec.unschedulable && !Tolerated(pod, {kUnschedulableTaint, "", "NoSchedule", {}})) {
    return {"node(s) were unschedulable"};
  }
  if (!Ready(node)) return {"node(s) were not ready"};
  for (const api::Taint& taint : node.spec.taints) {
    if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
    if (taint.key == kUnschedulableTaint && node.spec.unschedulable) continue;
    if (!Tolerated(pod, taint)) {
      return {"node(s) had untolerated taint {" + taint.key + ": " + taint.value + "}"};
    }
  }
  if (!Selected(pod, node)) return {"node(s) didn't match Pod's node affinity/selector"};

  std::vector<std::string> misfits;
  const api::ResourceList& allocatable = Allocatable(node);
  if (auto limit = allocatable.find("pods");
      limit != allocatable.end() && info.pods + 1 > limit->second.Value()) {
    misfits.push_back("Too many pods");
  }
  for (const auto& [name, amount] : requests) {
    if (amount <= api::Quantity()) continue;
    if (Of(info.requested, name) + amount > Of(allocatable, name))
      misfits.push_back("Insufficient " + name);
  }
  return misfits;
}

double FreeShare(const api::ResourceList& requests, const NodeInfo& info) {
  double share = 0;
  for (const char* name : {"cpu", "memory"}) {
    const api::Quantity all = Of(Allocatable(*info.node), name);
    if (all <= api::Quantity()) continue;
    const api::Quantity free = all - Of(info.requested, name) - Of(requests, name);
    share += static_cast<double>(free.nanos()) / static_cast<double>(all.nanos()) / 2;
  }
  return share;
}

}  // namespace dray::devcluster
