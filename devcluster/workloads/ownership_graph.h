#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dray/api/types/meta.h"

namespace dray::devcluster {

// What the garbage collector knows of one object.
struct OwnedObject {
  api::KindInfo kind;
  api::ObjectKey key;
  api::ObjectMeta metadata;
};

// Who owns whom, by UID. Not thread-safe; Guarded by its user.
class OwnershipGraph {
 public:
  void Put(OwnedObject object);
  void Remove(const std::string& uid);
  const OwnedObject* Find(const std::string& uid) const;
  // UIDs of the objects that name `uid` as an owner.
  std::vector<std::string> DependentsOf(const std::string& uid) const;

 private:
  void Unlink(const OwnedObject& object);

  std::map<std::string, OwnedObject> objects_;
  std::map<std::string, std::set<std::string>> dependents_;
};

}  // namespace dray::devcluster
