#include "devcluster/kubelet/node_agent.h"

#include <glog/logging.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/api/types/coordination.h"
#include "dray/runtime/files.h"
#include "dray/runtime/program.h"

namespace dray::devcluster {
namespace {

constexpr std::chrono::minutes kStatusEvery(5);
constexpr char kLeaseNamespace[] = "kube-node-lease";

std::string Architecture(const std::string& machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return machine;
}

std::string FirstLine(const std::string& path) {
  Result<std::string> text = runtime::ReadFile(path);
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

std::string OsImage() {
  Result<std::string> text = runtime::ReadFile("/etc/os-release");
  if (!text.ok()) return "Linux";
  size_t at = text->find("PRETTY_NAME=\"");
  if (at == std::string::npos) return "Linux";
  at += 13;
  return text->substr(at, text->find('"', at) - at);
}

std::vector<api::NodeCondition> Conditions(api::Time now) {
  auto condition = [&](std::string type, std::string status, std::string reason,
                       std::string message) {
    return api::NodeCondition{std::move(type),   std::move(status), now, now,
                              std::move(reason), std::move(message)};
  };
  return {condition("MemoryPressure", "False", "KubeletHasSufficientMemory",
                    "kubelet has sufficient memory available"),
          condition("DiskPressure", "False", "KubeletHasNoDiskPressure",
                    "kubelet has no disk pressure"),
          condition("PIDPressure", "False", "KubeletHasSufficientPID",
                    "kubelet has sufficient PID available"),
          condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")};
}

}  // namespace

api::Node DescribeNode(const NodeAgentOptions& options, api::Time now) {
  struct utsname system {};
  uname(&system);
  std::string arch = Architecture(system.machine);
  api::Node node;
  node.metadata.name = options.node_name;
  node.metadata.labels = options.labels;
  for (const char* prefix : {"", "beta."}) {
    node.metadata.labels[std::string(prefix) + "kubernetes.io/os"] = "linux";
    node.metadata.labels[std::string(prefix) + "kubernetes.io/arch"] = arch;
  }
  node.metadata.labels["kubernetes.io/hostname"] = options.node_name;
  api::ResourceList& capacity = node.status.capacity;
  capacity["cpu"] = api::Quantity::FromInteger(sysconf(_SC_NPROCESSORS_ONLN));
  capacity["memory"] =
      api::Quantity::FromInteger(sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) * 1024,
                                 api::Quantity::Format::kBinarySI);
  capacity["pods"] = api::Quantity::FromInteger(110);
  node.status.allocatable = capacity;
  node.status.conditions = Conditions(now);
  node.status.addresses = {{"InternalIP", options.address}, {"Hostname", options.node_name}};
  api::NodeSystemInfo& info = node.status.node_info;
  info.machine_id = FirstLine("/etc/machine-id");
  info.boot_id = FirstLine("/proc/sys/kernel/random/boot_id");
  info.kernel_version = system.release;
  info.os_image = OsImage();
  info.container_runtime_version =
      "process://" + std::string(runtime::Version()).substr(runtime::Version().rfind(' ') + 2);
  info.kubelet_version = "v1.36.0+dray";
  info.operating_system = "linux";
  info.architecture = arch;
  return node;
}

Json NodeStatusPatch(const api::Node& node,
                     const std::map<std::string, DevicePlugins::Count>& devices,
                     const std::set<std::string>& dropped) {
  Json status = api::ToJson(node)["status"];
  for (const std::string& resource : dropped)
    status["capacity"][resource] = status["allocatable"][resource] = nullptr;
  for (const auto& [resource, count] : devices) {
    status["capacity"][resource] = std::to_string(count.capacity);
    status["allocatable"][resource] = std::to_string(count.allocatable);
  }
  return {{"status", status}};
}

struct NodeAgent::State {
  Clock& clock;
  const runtime::Client client;
  const NodeAgentOptions options;
  const std::function<std::map<std::string, DevicePlugins::Count>()> devices;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool poked = false;
  // Of Register() and Run(), one after the other.
  std::set<std::string> reported;  // device resources that the status names
  std::string last_status;         // without its time stamps
  SteadyTime last_written{};
  api::Time ready_since{};
  std::string node_uid;

  Status WriteStatus(const Context& ctx) {
    std::map<std::string, DevicePlugins::Count> counts = devices();
    std::set<std::string> dropped;
    for (const std::string& resource : reported) {
      if (counts.count(resource) == 0) dropped.insert(resource);
    }
    // Compared with a fixed time, so that the clock alone is no change.
    std::string present = NodeStatusPatch(DescribeNode(options, {}), counts, dropped).dump();
    SteadyTime now = clock.Steady();
    if (present == last_status && now - last_written < kStatusEvery) return Ok();
    api::Node node = DescribeNode(options, api::ToTime(clock.Now()));
    for (api::NodeCondition& condition : node.status.conditions)
      condition.last_transition_time = ready_since;
    runtime::PatchOptions patch;
    patch.subresource = "status";
    patch.field_manager = "kubelet";
    Result<api::Node> patched =
        client.Patch<api::Node>(ctx, {"", options.node_name}, runtime::PatchType::kStrategic,
                                NodeStatusPatch(node, counts, dropped).dump(), patch);
    if (!patched.ok())
      return patched.status().Wrapped("write the status of node " + options.node_name);
    reported.clear();
    for (const auto& [resource, count] : counts) reported.insert(resource);
    last_status =
        dropped.empty() ? present : NodeStatusPatch(DescribeNode(options, {}), counts, {}).dump();
    last_written = now;
    return Ok();
  }

  Status RenewLease(const Context& ctx) {
    api::ObjectKey key{kLeaseNamespace, options.node_name};
    Result<api::Lease> lease = client.Get<api::Lease>(ctx, key);
    if (!lease.ok() && !lease.Is(Reason::kNotFound)) return lease.status();
    api::Lease next = lease.ok() ? *lease : api::Lease();
    next.metadata.name = key.name;
    next.metadata.namespace_ = key.namespace_;
    next.metadata.owner_references = {{"v1", "Node", options.node_name, node_uid}};
    next.spec.holder_identity = options.node_name;
    next.spec.lease_duration_seconds = 40;
    next.spec.renew_time = api::ToMicroTime(clock.Now());
    return lease.ok() ? client.Update(ctx, next).status() : client.Create(ctx, next).status();
  }
};

NodeAgent::NodeAgent(Clock& clock, runtime::Client client, NodeAgentOptions options,
                     std::function<std::map<std::string, DevicePlugins::Count>()> devices)
    : state_(new State{clock, std::move(client), std::move(options), std::move(devices)}) {}
NodeAgent::~NodeAgent() = default;

Status NodeAgent::Register(const Context& ctx) {
  State& state = *state_;
  state.ready_since = api::ToTime(state.clock.Now());
  api::Node wanted = DescribeNode(state.options, state.ready_since);
  Result<api::Node> node = state.client.Create(ctx, wanted);
  if (node.Is(Reason::kAlreadyExists)) {
    Json patch = {{"metadata", {{"labels", wanted.metadata.labels}}}};
    runtime::PatchOptions options;
    options.field_manager = "kubelet";
    node = state.client.Patch<api::Node>(ctx, {"", state.options.node_name},
                                         runtime::PatchType::kStrategic, patch.dump(), options);
    if (node.ok()) {
      for (const api::NodeCondition& condition : node->status.conditions) {
        if (condition.type == "Ready" && condition.status == "True" &&
            condition.last_transition_time) {
          state.ready_since = *condition.last_transition_time;
        }
      }
      // What an earlier run offered goes unless its plugin registers again.
      for (const auto& [resource, quantity] : node->status.capacity) {
        if (wanted.status.capacity.count(resource) == 0 &&
            resource.find('/') != std::string::npos) {
          state.reported.insert(resource);
        }
      }
    }
  }
  if (!node.ok()) return node.status().Wrapped("register node " + state.options.node_name);
  state.node_uid = node->metadata.uid;
  DRAY_RETURN_IF_ERROR(state.WriteStatus(ctx));
  return state.RenewLease(ctx).Wrapped("lease of node " + state.options.node_name);
}

Status NodeAgent::Run(const Context& ctx) {
  State& state = *state_;
  SteadyTime renew_at = state.clock.Steady() + state.options.heartbeat;
  while (!ctx.stopped()) {
    bool poked = false;
    {
      std::unique_lock lock(state.mutex);
      state.clock.WaitUntil(lock, state.changed, renew_at, ctx.stop(), [&] { return state.poked; });
      poked = std::exchange(state.poked, false);
    }
    if (ctx.stopped()) break;
    Status status = state.WriteStatus(ctx);
    if (!status.ok() && !ctx.stopped()) LOG(WARNING) << status.message();
    if (poked && state.clock.Steady() < renew_at)
      continue;  // what could not be written is written with the heartbeat
    Status renewed = state.RenewLease(ctx);
    if (!renewed.ok() && !ctx.stopped()) {
      LOG(WARNING) << "lease of node " << state.options.node_name << ": " << renewed.message();
    }
    renew_at = state.clock.Steady() + state.options.heartbeat;
  }
  return Ok();
}

void NodeAgent::Poke() {
  std::lock_guard lock(state_->mutex);
  state_->poked = true;
  state_->changed.notify_all();
}

}  // namespace dray::devcluster
