#include <iostream>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/inventory.h"
#include "cli/report.h"
#include "dray/api/claims.h"

namespace dray::cli {
namespace {

constexpr Flag kExplainFlags[] = {
    {"namespace", 'n', "NAMESPACE", "of the Pod or claim", "default"},
    {"kubeconfig", 0, "FILE", "as kubectl's; default: $KUBECONFIG, then ~/.kube/config"},
    {"context", 0, "NAME", "of the kubeconfig"},
    {"help", 'h', "", "this text"},
};

}  // namespace

void ExplainClaim(const Context& ctx, const Inventory& inventory, const api::ResourceClaim& claim,
                  std::ostream& out) {
  claims::ClaimView view{&claim, inventory.UsersOf(claim)};
  out << "claim " << claim.metadata.name << ": " << claims::StandingName(claims::StandingOf(view))
      << "\n";
  if (!claim.status.allocation) {
    const std::string why = inventory.WhyPending(ctx, claim, view.pods);
    out << "  "
        << (view.pods.empty() ? "no Pod uses it, so nothing allocates it"
            : why.empty() ? "it fits; the scheduler has not come round to it, or the Pod waits for "
                            "something else"
                          : why)
        << "\n";
    return;
  }
  for (const auto& result : claim.status.allocation->devices.results) {
    out << "  request " << result.request << ": " << result.driver << "/" << result.pool << "/"
        << result.device;
    for (const auto& [name, amount] : result.consumed_capacity)
      out << ", " << name << " " << amount.ToString();
    out << "\n";
  }
  for (const api::AllocatedDeviceStatus& device : claim.status.devices)
    for (const api::Condition& condition : device.conditions)
      out << "  " << device.device << ": " << condition.type << "=" << condition.status << " "
          << condition.reason << (condition.message.empty() ? "" : ": " + condition.message)
          << "\n";
}

void ExplainPod(const Context& ctx, const Inventory& inventory, const api::Pod& pod,
                std::ostream& out) {
  out << "pod " << pod.metadata.name << ": " << pod.status.phase
      << (pod.spec.node_name.empty() ? "" : " on node " + pod.spec.node_name) << "\n";
  for (const api::PodCondition& condition : pod.status.conditions)
    if (condition.status != "True" && !condition.message.empty())
      out << "  " << condition.type << ": " << condition.message << "\n";
  for (const api::ContainerStatus& container : pod.status.container_statuses)
    if (container.state.waiting && !container.state.waiting->reason.empty())
      out << "  container " << container.name << ": " << container.state.waiting->reason
          << (container.state.waiting->message.empty() ? ""
                                                       : ": " + container.state.waiting->message)
          << "\n";
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
    if (!claims::ClaimNameFor(pod, entry))
      out << "entry " << entry.name << ": no claim has been made yet from template "
          << entry.resource_claim_template_name.value_or("?") << "\n";
  const std::vector<api::ObjectKey> used = claims::ClaimsOf(pod);
  if (used.empty() && pod.spec.resource_claims.empty()) out << "  it asks for no devices\n";
  for (const api::ObjectKey& key : used) {
    if (const api::ResourceClaim* claim = inventory.FindClaim(key); claim != nullptr)
      ExplainClaim(ctx, inventory, *claim, out);
    else
      out << "claim " << key.name << " does not exist\n";
  }
}

Status RunExplain(const Context& ctx, std::span<const std::string> words, Streams streams) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kExplainFlags));
  if (args.Given("help")) {
    streams.out
        << "Says where a Pod or a claim stands and, when it waits, for what, node by node.\n\n"
           "  dray explain pod gpu-pod\n  dray explain claim double-gpu -n team-a\n\nFlags:\n"
        << FlagHelp(kExplainFlags);
    return {};
  }
  if (args.words().size() != 2 || (args.words()[0] != "pod" && args.words()[0] != "claim"))
    return Status(Reason::kBadRequest, "want: dray explain pod NAME, or dray explain claim NAME");
  DRAY_ASSIGN_OR_RETURN(runtime::Client client,
                        ConnectCluster(args.Get("kubeconfig"), args.Get("context")));
  DRAY_ASSIGN_OR_RETURN(Inventory inventory, Inventory::Read(ctx, client));
  const std::string& name = args.words()[1];
  const std::string& in_namespace = args.Get("namespace");
  if (args.words()[0] == "pod") {
    for (const api::Pod& pod : inventory.pods)
      if (pod.metadata.name == name && pod.metadata.namespace_ == in_namespace) {
        ExplainPod(ctx, inventory, pod, streams.out);
        return {};
      }
    return Status(Reason::kNotFound, "there is no Pod " + name + " in namespace " + in_namespace);
  }
  if (const api::ResourceClaim* claim = inventory.FindClaim({in_namespace, name})) {
    ExplainClaim(ctx, inventory, *claim, streams.out);
    return {};
  }
  return Status(Reason::kNotFound,
                "there is no ResourceClaim " + name + " in namespace " + in_namespace);
}

}  // namespace dray::cli
