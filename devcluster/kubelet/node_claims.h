#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "devcluster/kubelet/claim_checkpoint.h"
#include "devcluster/kubelet/dra_plugins.h"
#include "dray/api/types/core.h"
#include "dray/runtime/client.h"

namespace dray::devcluster {

// The claims of a node's Pods and their preparation by DRA drivers (the DRA manager of
// kubelet 1.36). Remembered in <root>/dra_manager_state, so that a restarted kubelet still knows
// what to unprepare. Any thread; operations on one claim exclude each other: the later one gets
// kConflict at once and tries again.
class NodeClaims {
 public:
  // `plugins` outlives the manager.
  NodeClaims(runtime::Client client, DraPlugins& plugins, std::string checkpoint_file);
  ~NodeClaims();

  // Reads the checkpoint. kInvalid when it is unreadable: the kubelet must not start.
  Status Load();

  // Makes every claim of the Pod ready on this node: reads it from the API server, checks owner,
  // reservation, allocation and drivers, then calls each driver once with all the Pod's claims that
  // are not prepared yet. Idempotent. The message names the claim or driver and what failed.
  Status Prepare(const Context& ctx, const api::Pod& pod);

  // Takes the Pod off its claims; a claim without Pods is unprepared by its drivers and forgotten.
  // Idempotent. Any failure leaves the rest to the next call.
  Status Unprepare(const Context& ctx, const std::string& pod_uid);

  // Qualified CDI names for a container of a prepared Pod, without duplicates, in the order of its
  // claims.
  std::vector<std::string> CdiDevices(const api::Pod& pod, const api::Container& container) const;
  // How the devices of its claims fare, as status.containerStatuses[].allocatedResourcesStatus says
  // it: one entry per `resources.claims[]` of the container that has devices here.
  std::vector<api::ResourceStatus> HealthOf(const api::Pod& pod,
                                            const api::Container& container) const;
  // The claims that the container uses.
  std::vector<ClaimInfo> ClaimsOf(const api::Pod& pod, const api::Container& container) const;
  // Pods that hold a claim here.
  std::set<std::string> PodUids() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
