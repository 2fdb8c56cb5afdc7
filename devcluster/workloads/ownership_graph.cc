#include "devcluster/workloads/ownership_graph.h"

namespace dray::devcluster {

void OwnershipGraph::Put(OwnedObject object) {
  const std::string uid = object.metadata.uid;
  if (auto found = objects_.find(uid); found != objects_.end()) Unlink(found->second);
  for (const api::OwnerReference& owner : object.metadata.owner_references)
    dependents_[owner.uid].insert(uid);
  objects_.insert_or_assign(uid, std::move(object));
}

void OwnershipGraph::Remove(const std::string& uid) {
  auto found = objects_.find(uid);
  if (found == objects_.end()) return;
  Unlink(found->second);
  objects_.erase(found);
}

void OwnershipGraph::Unlink(const OwnedObject& object) {
  for (const api::OwnerReference& owner : object.metadata.owner_references) {
    auto found = dependents_.find(owner.uid);
    if (found == dependents_.end()) continue;
    found->second.erase(object.metadata.uid);
    if (found->second.empty()) dependents_.erase(found);
  }
}

const OwnedObject* OwnershipGraph::Find(const std::string& uid) const {
  auto found = objects_.find(uid);
  return found == objects_.end() ? nullptr : &found->second;
}

std::vector<std::string> OwnershipGraph::DependentsOf(const std::string& uid) const {
  auto found = dependents_.find(uid);
  if (found == dependents_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

}  // namespace dray::devcluster
