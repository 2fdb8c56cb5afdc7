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

std::string Inventory::WhyPending(const Context& ctx, const api::ResourceClaim& claim) const {
  if (nodes.empty()) return "the cluster has no nodes";
  alloc::Snapshot::Input input;
  input.slices = slices;
  input.classes = classes;
  for (const auto& other : claims)
    if (other->status.allocation) input.allocated.push_back(other);
  const alloc::Snapshot snapshot(std::move(input));
  alloc::Options how;
  how.stop = ctx.stop();
  how.reasons = true;
  how.new_share_id = [] {
    return std::string("00000000-0000-4000-8000-000000000000");
  };  // only looks
  std::vector<alloc::NodeAnswer> answers;
  const api::ResourceClaim* const wanted[] = {&claim};
  for (const api::Node& node : nodes) {
    answers.push_back(alloc::Allocate(snapshot, node, wanted, how));
    if (answers.back().outcome == alloc::Outcome::kAllocated) return "";
    if (answers.back().outcome == alloc::Outcome::kError) return answers.back().error;
  }
  return "0/" + std::to_string(nodes.size()) + " nodes can serve it: " + alloc::Summarize(answers);
}

std::map<api::ObjectKey, std::vector<const api::Pod*>> Inventory::UsersByClaim() const {
  std::map<api::ObjectKey, std::vector<const api::Pod*>> users;
  for (const api::Pod& pod : pods)
    for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
      const auto name = claims::ClaimNameFor(pod, entry);
      if (!name || name->empty()) continue;
      std::vector<const api::Pod*>& of_claim = users[{pod.metadata.namespace_, *name}];
      if (of_claim.empty() || of_claim.back() != &pod) of_claim.push_back(&pod);
    }
  return users;
}

std::vector<const api::Pod*> Inventory::UsersOf(const api::ResourceClaim& claim) const {
  return UsersByClaim()[api::KeyOf(claim)];
}

}  // namespace dray::cli
