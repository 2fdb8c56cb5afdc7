#include "devcluster/scheduler/cluster_state.h"

#include <charconv>

namespace dray::devcluster {
namespace {

bool OnNode(const api::Pod& pod) {
  return !pod.spec.node_name.empty() && pod.status.phase != "Succeeded" &&
         pod.status.phase != "Failed";
}

// Resource versions of one kind grow (Kubernetes 1.35 made that a promise).
uint64_t Version(const std::string& text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool Newer(const api::ResourceClaim& a, const api::ResourceClaim& b) {
  return Version(a.metadata.resource_version) > Version(b.metadata.resource_version);
}

}  // namespace

void ClusterState::Apply(const AnyChange& change) {
  std::visit([this](const auto& of_kind) { ApplyTo(of_kind); }, change);
}

void ClusterState::ApplyTo(const ObjectChange<api::Node>& change) {
  if (change.after != nullptr) {
    nodes_[change.after->metadata.name].node = change.after;
    return;
  }
  NodeInfo& info = nodes_[change.before->metadata.name];
  info.node = nullptr;
  if (info.pods == 0) nodes_.erase(change.before->metadata.name);
}

void ClusterState::ApplyTo(const ObjectChange<api::Pod>& change) {
  const std::string& uid = (change.after != nullptr ? change.after : change.before)->metadata.uid;
  // A Pod may be replaced by another of its name between two events.
  if (change.before != nullptr && change.before->metadata.uid != uid)
    Unplace(change.before->metadata.uid);
  if (change.after == nullptr || !change.after->spec.node_name.empty()) {
    assumed_.erase(uid);
  } else if (assumed_.contains(uid)) {
    return;  // older than our binding
  }
  if (change.after != nullptr && OnNode(*change.after)) {
    Place(uid, change.after->spec.node_name, RequestsOf(*change.after));
  } else {
    Unplace(uid);
  }
}

void ClusterState::ApplyTo(const ObjectChange<api::ResourceClaim>& change) {
  if (change.after == nullptr) {
    const api::ObjectKey key = api::KeyOf(*change.before);
    told_.erase(key);
    auto present = Claim(key);
    // An assumed claim may already be the next one of that name.
    if (present == nullptr || present->metadata.uid != change.before->metadata.uid) return;
    assumed_claims_.erase(key);
    SetClaim(key, nullptr);
    return;
  }
  const api::ObjectKey key = api::KeyOf(*change.after);
  told_[key] = change.after->metadata.resource_version;
  if (auto present = Claim(key); present != nullptr && Newer(*present, *change.after)) {
    // An informer that tells of no progress tells of a server with older data. Whether what we
    // wrote is lost, or was written after that, the server alone knows.
    const bool told_again = change.before != nullptr && !Newer(*change.after, *change.before);
    auto assumed = assumed_claims_.find(key);
    if (assumed != assumed_claims_.end() && told_again) assumed->second = SteadyTime::min();
    if (assumed != assumed_claims_.end() || !told_again) return;
  }
  assumed_claims_.erase(key);
  SetClaim(key, change.after);
}

void ClusterState::ApplyTo(const ObjectChange<api::ResourceSlice>& change) {
  devices_.reset();
  if (change.before != nullptr) slices_.erase(change.before->metadata.name);
  if (change.after != nullptr) slices_[change.after->metadata.name] = change.after;
}

void ClusterState::ApplyTo(const ObjectChange<api::DeviceClass>& change) {
  devices_.reset();
  if (change.before != nullptr) classes_.erase(change.before->metadata.name);
  if (change.after != nullptr) classes_[change.after->metadata.name] = change.after;
}

void ClusterState::Place(const std::string& uid, const std::string& node,
                         api::ResourceList requests) {
  Unplace(uid);
  nodes_[node].Add(requests);
  placed_[uid] = {node, std::move(requests)};
}

void ClusterState::Unplace(const std::string& uid) {
  auto placed = placed_.find(uid);
  if (placed == placed_.end()) return;
  NodeInfo& info = nodes_[placed->second.node];
  info.Remove(placed->second.requests);
  if (info.pods == 0 && info.node == nullptr) nodes_.erase(placed->second.node);
  placed_.erase(placed);
}

std::shared_ptr<const api::ResourceClaim> ClusterState::Claim(const api::ObjectKey& key) const {
  auto found = claims_.find(key);
  return found == claims_.end() ? nullptr : found->second;
}

std::shared_ptr<const api::DeviceClass> ClusterState::Class(const std::string& name) const {
  auto found = classes_.find(name);
  return found == classes_.end() ? nullptr : found->second;
}

void ClusterState::AssumePod(std::shared_ptr<const api::Pod> pod, const std::string& node,
                             SteadyTime now) {
  assumed_[pod->metadata.uid] = now;
  Place(pod->metadata.uid, node, RequestsOf(*pod));
}

std::optional<SteadyTime> ClusterState::AssumedSince(const std::string& pod_uid) const {
  auto found = assumed_.find(pod_uid);
  return found == assumed_.end() ? std::nullopt : std::optional(found->second);
}

void ClusterState::RenewPod(const std::string& pod_uid, SteadyTime now) {
  if (auto found = assumed_.find(pod_uid); found != assumed_.end()) found->second = now;
}

void ClusterState::ForgetPod(const std::string& pod_uid) {
  if (assumed_.erase(pod_uid) > 0) Unplace(pod_uid);
}

void ClusterState::AssumeClaim(api::ResourceClaim claim, SteadyTime now) {
  const api::ObjectKey key = api::KeyOf(claim);
  auto told = told_.find(key);
  if (told != told_.end() && told->second == claim.metadata.resource_version) {
    assumed_claims_.erase(key);
  } else {
    assumed_claims_[key] = now;
  }
  SetClaim(key, std::make_shared<const api::ResourceClaim>(std::move(claim)));
}

std::vector<api::ObjectKey> ClusterState::ClaimsAssumedSince(SteadyTime until) const {
  std::vector<api::ObjectKey> keys;
  for (const auto& [key, since] : assumed_claims_) {
    if (since <= until) keys.push_back(key);
  }
  return keys;
}

bool ClusterState::CorrectClaim(const api::ObjectKey& key, std::optional<api::ResourceClaim> stored,
                                SteadyTime now) {
  auto present = Claim(key);
  if (!stored) {
    assumed_claims_.erase(key);
    SetClaim(key, nullptr);
    return present != nullptr;
  }
  const bool same = present != nullptr && present->metadata.uid == stored->metadata.uid &&
                    present->metadata.resource_version == stored->metadata.resource_version;
  AssumeClaim(std::move(*stored), now);
  return !same;
}

void ClusterState::SetClaim(const api::ObjectKey& key,
                            std::shared_ptr<const api::ResourceClaim> claim) {
  auto before = Claim(key);
  if (devices_) {
    if (before != nullptr && before->status.allocation)
      devices_->RemoveAllocation(*before->status.allocation);
    if (claim != nullptr && claim->status.allocation)
      devices_->AddAllocation(*claim->status.allocation, key.ToString());
  }
  if (claim == nullptr) {
    claims_.erase(key);
  } else {
    claims_[key] = std::move(claim);
  }
}

const alloc::Snapshot& ClusterState::devices() {
  if (!devices_) {
    alloc::Snapshot::Input input;
    for (const auto& [name, slice] : slices_) input.slices.push_back(slice);
    for (const auto& [name, device_class] : classes_) input.classes.push_back(device_class);
    for (const auto& [key, claim] : claims_) input.allocated.push_back(claim);
    devices_.emplace(std::move(input));
  }
  return *devices_;
}

}  // namespace dray::devcluster
