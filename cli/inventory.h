#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dray/api/alloc.h"
#include "dray/api/types/coordination.h"
#include "dray/api/types/workload.h"
#include "dray/runtime/client.h"

namespace dray::cli {

// What `status` and `explain` look at: one consistent read of everything that bears on devices.
struct Inventory {
  std::vector<api::Node> nodes;
  std::vector<std::shared_ptr<const api::ResourceSlice>> slices;
  std::vector<std::shared_ptr<const api::DeviceClass>> classes;
  std::vector<std::shared_ptr<const api::ResourceClaim>> claims;
  std::vector<api::Pod> pods;
  std::optional<api::Lease> lease;            // dray-system/dray-controller-manager
  std::optional<api::Deployment> deployment;  // of the same name, where the managers run as one

  // Devices, classes and what is allocated of them, as the allocator wants them; made once.
  const alloc::Snapshot& Snapshot() const;
  // Null when there is none of that name.
  const api::ResourceClaim* FindClaim(const api::ObjectKey& key) const;

  static Result<Inventory> Read(const Context& ctx, const runtime::Client& client);

  // Why the claim can't be allocated now, over all nodes, together with the other claims of the Pod
  // that uses it: the sentence of the Pod's events. Empty when it can.
  std::string WhyPending(const Context& ctx, const api::ResourceClaim& claim,
                         const std::vector<const api::Pod*>& users) const;
  // The Pods that use each claim, for who asks about many of them.
  std::map<api::ObjectKey, std::vector<const api::Pod*>> UsersByClaim() const;
  // The Pods that use the claim.
  std::vector<const api::Pod*> UsersOf(const api::ResourceClaim& claim) const;

 private:
  mutable std::shared_ptr<const alloc::Snapshot> snapshot_;
};

// A client for the kubeconfig that kubectl would use; `path` and `context` may be empty.
Result<runtime::Client> ConnectCluster(const std::string& path, const std::string& context);

}  // namespace dray::cli
