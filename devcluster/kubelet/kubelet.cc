#include "devcluster/kubelet/kubelet.h"

#include <glog/logging.h>

#include <thread>

#include "devcluster/kubelet/node_agent.h"
#include "devcluster/kubelet/plugin_channel.h"
#include "devcluster/kubelet/pod_resources_server.h"
#include "devcluster/kubelet/pod_workers.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

runtime::InformerOptions<api::Pod> PodsOf(const std::string& node_name) {
  runtime::InformerOptions<api::Pod> options;
  options.list.field_selector = "spec.nodeName=" + node_name;
  return options;
}

LauncherOptions LaunchesOf(const KubeletOptions& options) {
  LauncherOptions launches;
  launches.root_dir = options.root_dir;
  launches.node_name = options.node_name;
  launches.host_ip = launches.pod_ip = options.address;
  launches.cdi_dirs = options.cdi_dirs;
  launches.service_host = options.service_host;
  launches.service_port = options.service_port;
  launches.mounts = options.mounts ? *options.mounts : ProbeMounts();
  return launches;
}

// Nothing more will be written to the log of `container`.
bool LogEnded(const api::Pod* pod, const std::string& uid, const std::string& container) {
  if (!pod || pod->metadata.uid != uid) return true;
  for (const auto* list : {&pod->status.init_container_statuses, &pod->status.container_statuses}) {
    for (const api::ContainerStatus& status : *list) {
      if (status.name == container) return !status.state.running;
    }
  }
  return false;
}

}  // namespace

struct Kubelet::State {
  State(KubeletOptions given, runtime::Client api_client, Clock& the_clock)
      : options(std::move(given)),
        client(std::move(api_client)),
        clock(the_clock),
        pods(client, PodsOf(options.node_name)),
        events(client, clock, "kubelet"),
        logs(clock, options.root_dir),
        dra(
            clock, client, options.node_name, [this](const std::string&) { workers.WakeAll(); },
            [this] { workers.WakeAll(); }),
        claims(client, dra, options.root_dir + "/dra_manager_state"),
        devices(clock, options.root_dir + "/device-plugins", [this] { node.Poke(); }),
        node(clock, client, {options.node_name, options.address, options.labels, options.heartbeat},
             [this] { return devices.Resources(); }),
        launcher(LaunchesOf(options), client, host, claims, devices),
        services{clock, client, events, host, claims, devices, launcher, {}},
        workers(services, pods, options.root_dir) {}
  ~State() { host.Stop(); }  // its last reports go to the workers

  const KubeletOptions options;
  const runtime::Client client;
  Clock& clock;
  runtime::Informer<api::Pod> pods;
  runtime::EventRecorder events;
  ContainerLogs logs;
  DraPlugins dra;
  NodeClaims claims;
  DevicePlugins devices;
  NodeAgent node;
  ContainerHost host;
  ContainerLauncher launcher;
  NodeServices services;
  PodWorkers workers;

  Status Prepare() const {
    for (const char* socket : {"/device-plugins/kubelet.sock", "/pod-resources/kubelet.sock"}) {
      std::string path = options.root_dir + socket;
      if (path.size() <= kMaxSocketPath) continue;
      return Status(Reason::kInvalid,
                    "the kubelet's root directory " + options.root_dir +
                        " is too long: its socket " + path + " has " + std::to_string(path.size()) +
                        " bytes, unix sockets hold " + std::to_string(kMaxSocketPath));
    }
    for (const char* directory : {"/plugins_registry", "/plugins", "/pods"}) {
      DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(options.root_dir + directory));
    }
    return Ok();
  }

  // The cluster may come up after its nodes.
  Status RegisterNode(const Context& ctx) {
    Duration delay = std::chrono::milliseconds(200);
    for (;;) {
      Status status = node.Register(ctx);
      if (status.ok() || !Retryable(status)) return status;
      LOG(WARNING) << status.message();
      DRAY_RETURN_IF_ERROR(ctx.Sleep(delay));
      delay = std::min<Duration>(delay * 2, std::chrono::seconds(7));
    }
  }
};

Kubelet::Kubelet(KubeletOptions options, runtime::Client client, Clock& clock)
    : state_(std::make_unique<State>(std::move(options), std::move(client), clock)) {}
Kubelet::~Kubelet() = default;

const std::string& Kubelet::node_name() const {
  return state_->options.node_name;
}

Status Kubelet::Run(const Context& ctx) {
  State& state = *state_;
  // 1. Memory first: without it nothing may start.
  DRAY_RETURN_IF_ERROR(state.Prepare());
  DRAY_RETURN_IF_ERROR(state.claims.Load());
  // 2. The node, and away with the slices of an earlier life before any driver can publish new
  // ones.
  DRAY_RETURN_IF_ERROR(state.RegisterNode(ctx));
  DRAY_RETURN_IF_ERROR(state.dra.WipeSlices(ctx));
  DRAY_RETURN_IF_ERROR(state.devices.Start());

  state.pods.AddHandler({[&state](const auto& before, const auto& after) {
    state.workers.Wake(api::KeyOf(after ? *after : *before));
  }});
  PluginWatcher watcher(state.clock, state.options.root_dir + "/plugins_registry",
                        {{"DRAPlugin", &state.dra}, {"DevicePlugin", &state.devices}});
  // 3. Everything at once; the Pods wait for the informer. A socket that cannot be had stops all.
  std::stop_source all;
  std::stop_callback stop(ctx.stop(), [&all] { all.request_stop(); });
  const Context run = ctx.WithStop(all.get_token());
  Status outcome;
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { (void)state.pods.Run(run); });
    threads.emplace_back([&] { (void)watcher.Run(run); });
    threads.emplace_back([&] { state.dra.Run(run); });
    threads.emplace_back([&] { (void)state.node.Run(run); });
    threads.emplace_back([&] { state.logs.Run(run); });
    Result<std::unique_ptr<PodResourcesServer>> lister =
        PodResourcesServer::Listen(state.clock, state.options.root_dir + "/pod-resources",
                                   state.pods, state.claims, state.devices);
    outcome = lister.status();
    if (outcome.ok() && state.pods.WaitForSync(run).ok()) {
      LOG(INFO) << "kubelet of node " << state.options.node_name << " is ready in "
                << state.options.root_dir;
      outcome = state.workers.Run(run);
    }
    all.request_stop();
  }
  // 4. Nothing of ours outlives this call.
  state.dra.Stop();
  state.host.Stop();
  state.devices.Stop();
  return outcome;
}

Result<std::string> Kubelet::ReadLog(const std::string& namespace_, const std::string& pod,
                                     const std::string& container,
                                     const LogOptions& options) const {
  std::shared_ptr<const api::Pod> object = state_->pods.Get({namespace_, pod});
  if (!object)
    return Status(Reason::kNotFound,
                  "pods \"" + pod + "\" not found on node " + state_->options.node_name);
  return state_->logs.Read(namespace_, pod, object->metadata.uid, container, options);
}

Status Kubelet::FollowLog(const std::string& namespace_, const std::string& pod,
                          const std::string& container, const LogOptions& options,
                          std::shared_ptr<runtime::HttpStream> stream) const {
  std::shared_ptr<const api::Pod> object = state_->pods.Get({namespace_, pod});
  if (!object)
    return Status(Reason::kNotFound,
                  "pods \"" + pod + "\" not found on node " + state_->options.node_name);
  auto ended = [state = state_.get(), key = api::ObjectKey{namespace_, pod},
                uid = object->metadata.uid,
                container] { return LogEnded(state->pods.Get(key).get(), uid, container); };
  return state_->logs.Follow(namespace_, pod, object->metadata.uid, container, options,
                             std::move(stream), ended);
}

}  // namespace dray::devcluster
