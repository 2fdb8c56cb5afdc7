#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "devcluster/scheduler/pod_fit.h"
#include "dray/api/alloc.h"
#include "dray/api/types/resource.h"
#include "dray/base/clock.h"

namespace dray::devcluster {

// One event of an informer: `before` is null for an add, `after` for a delete.
template <class T>
struct ObjectChange {
  std::shared_ptr<const T> before, after;
};
using AnyChange =
    std::variant<ObjectChange<api::Node>, ObjectChange<api::Pod>, ObjectChange<api::ResourceClaim>,
                 ObjectChange<api::ResourceSlice>, ObjectChange<api::DeviceClass>>;

// The cluster as the scheduler decides on it: what informers told, and over it what the scheduler
// itself has written and the informers have not told yet (assumptions). Of the scheduler's thread
// alone.
//
// An assumption is not for ever: a server that was restored from older data has lost the write, and
// no informer will ever tell. Whoever assumes says when; what has been assumed for long has to be
// looked up.
class ClusterState {
 public:
  void Apply(const AnyChange& change);

  // By name. Entries without a node only carry Pods.
  const std::map<std::string, NodeInfo>& nodes() const { return nodes_; }
  std::shared_ptr<const api::ResourceClaim> Claim(const api::ObjectKey& key) const;
  std::shared_ptr<const api::DeviceClass> Class(const std::string& name) const;

  // The Pod has been bound to the node: counts there until an informer says so itself.
  void AssumePod(std::shared_ptr<const api::Pod> pod, const std::string& node, SteadyTime now);
  // When the Pod was assumed last; nothing when it is not.
  std::optional<SteadyTime> AssumedSince(const std::string& pod_uid) const;
  // The same once more: it has been looked up and is bound.
  void RenewPod(const std::string& pod_uid, SteadyTime now);
  // It has been looked up and is not bound.
  void ForgetPod(const std::string& pod_uid);

  // The claim as the server answered a write: stands until an informer has something newer.
  void AssumeClaim(api::ResourceClaim claim, SteadyTime now);
  // Claims that have been assumed since `until` or longer, or of which an informer told something
  // that does not go with the assumption.
  std::vector<api::ObjectKey> ClaimsAssumedSince(SteadyTime until) const;
  // The claim has been looked up: so it is stored, or gone. True when that is not what was assumed.
  bool CorrectClaim(const api::ObjectKey& key, std::optional<api::ResourceClaim> stored,
                    SteadyTime now);

  // Devices and their allocations, up to date.
  const alloc::Snapshot& devices();

 private:
  struct Placed {
    std::string node;
    api::ResourceList requests;
  };
  void ApplyTo(const ObjectChange<api::Node>& change);
  void ApplyTo(const ObjectChange<api::Pod>& change);
  void ApplyTo(const ObjectChange<api::ResourceClaim>& change);
  void ApplyTo(const ObjectChange<api::ResourceSlice>& change);
  void ApplyTo(const ObjectChange<api::DeviceClass>& change);
  void Place(const std::string& uid, const std::string& node, api::ResourceList requests);
  void Unplace(const std::string& uid);
  void SetClaim(const api::ObjectKey& key, std::shared_ptr<const api::ResourceClaim> claim);

  std::map<std::string, NodeInfo> nodes_;
  std::map<std::string, Placed> placed_;       // Pods on nodes, by UID
  std::map<std::string, SteadyTime> assumed_;  // by the UID of a Pod: since when
  std::map<api::ObjectKey, std::shared_ptr<const api::ResourceClaim>> claims_;
  std::map<api::ObjectKey, SteadyTime> assumed_claims_;  // since when
  std::map<api::ObjectKey, std::string> told_;  // resourceVersion of claims, by the informer
  std::map<std::string, std::shared_ptr<const api::ResourceSlice>> slices_;
  std::map<std::string, std::shared_ptr<const api::DeviceClass>> classes_;
  std::optional<alloc::Snapshot> devices_;  // dropped when slices or classes change
};

}  // namespace dray::devcluster
