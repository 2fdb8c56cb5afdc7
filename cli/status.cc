#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/inventory.h"
#include "cli/live_inventory.h"
#include "cli/report.h"
#include "cli/table.h"
#include "dray/api/device_usage.h"
#include "dray/base/duration.h"

namespace dray::cli {
namespace {

constexpr Flag kStatusFlags[] = {
    {"kubeconfig", 0, "FILE", "as kubectl's; default: $KUBECONFIG, then ~/.kube/config"},
    {"context", 0, "NAME", "of the kubeconfig"},
    {"watch", 'w', "", "again whenever something changes, until Ctrl-C"},
    {"help", 'h', "", "this text"},
};

// However much changes, somebody has to read it.
constexpr Duration kRedraw = std::chrono::milliseconds(500);

using PoolId = std::pair<std::string, std::string>;  // driver, pool

struct Holding {
  claims::DeviceUsage usage;
  std::set<std::string> holders;  // "namespace/pod" or "claim namespace/name"
};

using Users = std::map<api::ObjectKey, std::vector<const api::Pod*>>;

const std::vector<const api::Pod*>& UsersOf(const Users& users, const api::ResourceClaim& claim) {
  static const std::vector<const api::Pod*> kNobody;
  auto found = users.find(api::KeyOf(claim));
  return found == users.end() ? kNobody : found->second;
}

std::map<claims::DeviceId, Holding> Holdings(const Inventory& inventory, const Users& all_users) {
  std::map<claims::DeviceId, Holding> held;
  for (const auto& claim : inventory.claims) {
    if (!claim->status.allocation) continue;
    const auto& users = UsersOf(all_users, *claim);
    for (const auto& result : claim->status.allocation->devices.results) {
      if (result.admin_access.value_or(false)) continue;
      Holding& one = held[claims::IdOf(result)];
      one.usage.Add(result);
      for (const api::Pod* pod : users)
        one.holders.insert(pod->metadata.namespace_ + "/" + pod->metadata.name);
      if (users.empty()) one.holders.insert("claim " + api::KeyOf(*claim).ToString());
    }
  }
  return held;
}

std::string Share(const api::Device& device, const std::string& driver, const char* name,
                  const claims::DeviceUsage& usage) {
  const api::DeviceCapacity* capacity = claims::CapacityOf(device, driver, name);
  if (capacity == nullptr) return "-";
  const api::Quantity& all = capacity->value;
  const api::Quantity part = usage.Of(device, driver, name);
  const double share = all == api::Quantity()
                           ? 0
                           : static_cast<double>(part.nanos()) / static_cast<double>(all.nanos());
  return Bar(share, 10) + " " + part.ToString() + "/" + all.ToString();
}

// "ok", or the taints that keep claims away.
std::string Health(const api::Device& device) {
  std::string taints;
  for (const api::DeviceTaint& taint : device.taints)
    if (taint.effect == "NoSchedule" || taint.effect == "NoExecute")
      taints +=
          (taints.empty() ? "" : ", ") + taint.key + (taint.value.empty() ? "" : "=" + taint.value);
  return taints.empty() ? "ok" : taints;
}

std::string Product(const api::Device& device) {
  auto found = device.attributes.find("productName");
  if (found == device.attributes.end()) return "-";
  const auto* text = std::get_if<std::string>(&found->second.value);
  return text == nullptr ? "-" : *text;
}

// Slices of an older generation of their pool are about to be removed.
std::map<PoolId, int64_t> NewestGenerations(const Inventory& inventory) {
  std::map<PoolId, int64_t> newest;
  for (const auto& slice : inventory.slices) {
    int64_t& generation = newest[{slice->spec.driver, slice->spec.pool.name}];
    generation = std::max(generation, slice->spec.pool.generation);
  }
  return newest;
}

// Not below zero, should the other clock be ahead of ours.
Duration AgeOf(api::MicroTime then, WallTime now) {
  return std::max(Duration::zero(),
                  Duration(std::chrono::floor<std::chrono::milliseconds>(now - then)));
}

// "-" for nobody.
std::string Join(const std::set<std::string>& names) {
  if (names.empty()) return "-";
  std::string text;
  int count = 0;
  for (const std::string& name : names) {
    if (++count > 3) return text + " and " + std::to_string(names.size() - 3) + " more";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace

void PrintStatus(const Context& ctx, const Inventory& inventory, std::ostream& out) {
  if (inventory.lease && !inventory.lease->spec.holder_identity.value_or("").empty()) {
    const api::LeaseSpec& spec = inventory.lease->spec;
    out << "Leader: " << *spec.holder_identity;
    if (spec.renew_time)
      out << ", renewed " << FormatDuration(AgeOf(*spec.renew_time, ctx.clock().Now())) << " ago";
    out << ", " << spec.lease_transitions.value_or(0) << " transitions\n";
  } else {
    out << "Leader: nobody holds the Lease dray-system/dray-controller-manager\n";
  }
  if (inventory.deployment && !inventory.deployment->metadata.name.empty())
    out << "Replicas: " << inventory.deployment->status.ready_replicas << " of "
        << inventory.deployment->spec.replicas.value_or(1) << " ready\n";
  out << "\n";

  const Users users_by_claim = inventory.UsersByClaim();
  const std::map<claims::DeviceId, Holding> held = Holdings(inventory, users_by_claim);
  Table devices({"NODE", "DEVICE", "PRODUCT", "MEMORY", "CORES", "HEALTH", "HELD BY"});
  const std::map<PoolId, int64_t> newest = NewestGenerations(inventory);
  for (const auto& slice : inventory.slices) {
    if (slice->spec.pool.generation != newest.at({slice->spec.driver, slice->spec.pool.name}))
      continue;
    for (const api::Device& device : slice->spec.devices) {
      auto found = held.find({slice->spec.driver, slice->spec.pool.name, device.name});
      const Holding holding = found == held.end() ? Holding() : found->second;
      devices.Add({slice->spec.node_name.value_or("-"), device.name, Product(device),
                   Share(device, slice->spec.driver, "memory", holding.usage),
                   Share(device, slice->spec.driver, "cores", holding.usage), Health(device),
                   Join(holding.holders)});
    }
  }
  out << (devices.empty() ? "No devices: no driver has published a ResourceSlice.\n"
                          : devices.Text());

  Table pending({"PENDING CLAIM", "POD", "REASON"});
  for (const auto& claim : inventory.claims) {
    if (claim->status.allocation) continue;
    std::set<std::string> users;
    const auto& pods = UsersOf(users_by_claim, *claim);
    for (const api::Pod* pod : pods) users.insert(pod->metadata.name);
    const std::string why = inventory.WhyPending(ctx, *claim, pods);
    pending.Add({api::KeyOf(*claim).ToString(), Join(users),
                 users.empty() ? "no Pod uses it"
                 : why.empty() ? "fits; waits for the scheduler"
                               : why});
  }
  if (!pending.empty()) out << "\n" << pending.Text();
}

Status RunStatus(const Context& ctx, std::span<const std::string> words, Streams streams) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kStatusFlags));
  if (args.Given("help")) {
    streams.out << "Shows the cluster's devices with what is given out of them and to whom, who "
                   "leads, and why claims\n"
                   "wait. Changes nothing.\n\nFlags:\n"
                << FlagHelp(kStatusFlags);
    return {};
  }
  if (!args.words().empty())
    return Status(Reason::kBadRequest, "unexpected argument \"" + args.words().front() +
                                           "\": dray status takes only flags");
  DRAY_ASSIGN_OR_RETURN(runtime::Client client,
                        ConnectCluster(args.Get("kubeconfig"), args.Get("context")));
  // Also before watching: what is wrong with the access is said at once.
  DRAY_ASSIGN_OR_RETURN(Inventory inventory, Inventory::Read(ctx, client));
  if (!args.Given("watch")) {
    PrintStatus(ctx, inventory, streams.out);
    return {};
  }
  LiveInventory live(ctx, std::move(client));
  while (live.AwaitNews(ctx, kRedraw).ok()) {
    streams.out << "\033[H\033[2J";
    PrintStatus(ctx, live.Now(), streams.out);
    streams.out.flush();
  }
  return {};
}

}  // namespace dray::cli
