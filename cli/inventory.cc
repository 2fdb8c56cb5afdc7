#include "cli/inventory.h"

#include "dray/api/claims.h"
#include "dray/runtime/kubeconfig.h"

namespace dray::cli {
namespace {

template <api::ApiObject T>
Result<std::vector<std::shared_ptr<const T>>> Shared(const Context& ctx,
                                                     const runtime::Client& client) {
  DRAY_ASSIGN_OR_RETURN(api::ListOf<T> list, client.List<T>(ctx));
  std::vector<std::shared_ptr<const T>> shared;
  shared.reserve(list.items.size());
  for (T& item : list.items) shared.push_back(std::make_shared<const T>(std::move(item)));
  return shared;
}

}  // namespace

Result<runtime::Client> ConnectCluster(const std::string& path, const std::string& context) {
  DRAY_ASSIGN_OR_RETURN(runtime::ClusterAccess access, runtime::LoadClusterAccess(path, context));
  access.user_agent = "dray";
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Transport> transport,
                        runtime::MakeRestTransport(access));
  return runtime::Client(std::move(transport));
}

Result<Inventory> Inventory::Read(const Context& ctx, const runtime::Client& client) {
  Inventory read;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Node> nodes, client.List<api::Node>(ctx));
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Pod> pods, client.List<api::Pod>(ctx));
  DRAY_ASSIGN_OR_RETURN(read.slices, Shared<api::ResourceSlice>(ctx, client));
  DRAY_ASSIGN_OR_RETURN(read.classes, Shared<api::DeviceClass>(ctx, client));
  DRAY_ASSIGN_OR_RETURN(read.claims, Shared<api::ResourceClaim>(ctx, client));
  read.nodes = std::move(nodes.items);
  read.pods = std::move(pods.items);
  Result<api::Lease> lease =
      client.Get<api::Lease>(ctx, {"dray-system", "dray-controller-manager"});
  if (lease.ok())
    read.lease = std::move(*lease);
  else if (!lease.Is(Reason::kNotFound))
    return lease.status();
  Result<api::Deployment> deployment =
      client.Get<api::Deployment>(ctx, {"dray-system", "dray-controller-manager"});
  if (deployment.ok()) read.deployment = std::move(*deployment);
  return read;
}

const alloc::Snapshot& Inventory::Snapshot() const {
  if (snapshot_ == nullptr) {
    alloc::Snapshot::Input input;
    input.slices = slices;
    input.classes = classes;
    for (const auto& claim : claims)
      if (claim->status.allocation) input.allocated.push_back(claim);
    snapshot_ = std::make_shared<const alloc::Snapshot>(std::move(input));
  }
  return *snapshot_;
}

const api::ResourceClaim* Inventory::FindClaim(const api::ObjectKey& key) const {
  for (const auto& claim : claims)
    if (api::KeyOf(*claim) == key) return claim.get();
  return nullptr;
}

std::string Inventory::WhyPending(const Context& ctx, const api::ResourceClaim& claim,
                                  const std::vector<const api::Pod*>& users) const {
  // All claims of a Pod must come together on one node.
  std::vector<const api::ResourceClaim*> wanted;
  std::vector<api::NodeSelector> places;
  if (users.empty()) wanted.push_back(&claim);
  for (const api::ObjectKey& key :
       users.empty() ? std::vector<api::ObjectKey>() : claims::ClaimsOf(*users.front())) {
    const api::ResourceClaim* one = FindClaim(key);
    if (one == nullptr) continue;
    if (!one->status.allocation)
      wanted.push_back(one);
    else if (one->status.allocation->node_selector)
      places.push_back(*one->status.allocation->node_selector);
  }
  std::vector<const api::Node*> each;
  for (const api::Node& node : nodes) each.push_back(&node);
  alloc::Options how;
  how.stop = ctx.stop();
  return alloc::WhyPending(Snapshot(), each, wanted, places, how);
}

std::map<api::ObjectKey, std::vector<const api::Pod*>> Inventory::UsersByClaim() const {
  std::map<api::ObjectKey, std::vector<const api::Pod*>> users;
  for (const api::Pod& pod : pods)
    for (const api::ObjectKey& key : claims::ClaimsOf(pod)) {
      std::vector<const api::Pod*>& of_claim = users[key];
      if (of_claim.empty() || of_claim.back() != &pod) of_claim.push_back(&pod);
    }
  return users;
}

std::vector<const api::Pod*> Inventory::UsersOf(const api::ResourceClaim& claim) const {
  return UsersByClaim()[api::KeyOf(claim)];
}

}  // namespace dray::cli
