#include "devcluster/kubelet/container_launcher.h"

#include "devcluster/kubelet/apply_edits.h"
#include "devcluster/kubelet/cdi_registry.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

constexpr char kConfigError[] = "CreateContainerConfigError";
constexpr char kCreateError[] = "CreateContainerError";

std::vector<std::string> SplitPath(const std::string& path) {
  std::vector<std::string> directories;
  size_t from = 0;
  while (from <= path.size()) {
    size_t colon = std::min(path.find(':', from), path.size());
    if (colon > from) directories.push_back(path.substr(from, colon - from));
    from = colon + 1;
  }
  return directories;
}

// CDI names in annotations of the legacy form, key cdi.k8s.io/<any>, value a comma separated list.
void AddAnnotatedDevices(const std::map<std::string, std::string>& annotations,
                         std::vector<std::string>& names) {
  for (const auto& [key, value] : annotations) {
    if (!key.starts_with("cdi.k8s.io/")) continue;
    size_t from = 0;
    while (from < value.size()) {
      size_t comma = std::min(value.find(',', from), value.size());
      names.push_back(value.substr(from, comma - from));
      from = comma + 1;
    }
  }
}

std::string DescribeMounts(const ContainerPlan& plan) {
  std::string text;
  for (const MountRequest& mount : plan.mounts) text += (text.empty() ? "" : ", ") + mount.target;
  for (const DeviceRequest& device : plan.devices) text += (text.empty() ? "" : ", ") + device.path;
  return text;
}

}  // namespace

ContainerLauncher::ContainerLauncher(LauncherOptions options, runtime::Client client,
                                     ContainerHost& host, NodeClaims& claims,
                                     DevicePlugins& devices)
    : options_(std::move(options)),
      client_(std::move(client)),
      host_(host),
      claims_(claims),
      devices_(devices) {}

ConfigMapReader ContainerLauncher::Reader(const Context& ctx, const api::Pod& pod) const {
  return [this, ctx, space = pod.metadata.namespace_](
             const std::string& name) -> Result<std::map<std::string, std::string>> {
    DRAY_ASSIGN_OR_RETURN(api::ConfigMap map, client_.Get<api::ConfigMap>(ctx, {space, name}));
    return map.data;
  };
}

Result<std::map<std::string, std::string>> ContainerLauncher::SetUpVolumes(
    const Context& ctx, const api::Pod& pod) const {
  return devcluster::SetUpVolumes(pod, PodPaths(options_.root_dir, pod), Reader(ctx, pod));
}

Result<ContainerPlan> ContainerLauncher::Assemble(const Context& ctx, const api::Pod& pod,
                                                  const api::Container& container,
                                                  const std::map<std::string, std::string>& volumes,
                                                  std::string& waiting_reason) const {
  ContainerPlan plan;
  DeviceGrant grant = devices_.GrantOf(pod.metadata.uid, container.name);
  // 1. Environment: services, then device plugins, then the container's own.
  Environment base;
  if (!options_.service_host.empty()) {
    base["KUBERNETES_SERVICE_HOST"] = options_.service_host;
    base["KUBERNETES_SERVICE_PORT"] = base["KUBERNETES_SERVICE_PORT_HTTPS"] = options_.service_port;
  }
  for (const auto& [name, value] : grant.env) base[name] = value;
  waiting_reason = kConfigError;
  EnvSources sources{options_.node_name, options_.host_ip, options_.pod_ip, Reader(ctx, pod)};
  DRAY_ASSIGN_OR_RETURN(plan.env, ContainerEnvironment(pod, container, std::move(base), sources));
  plan.argv = ContainerArgv(container, plan.env);
  plan.working_dir = ExpandVariables(container.working_dir, plan.env);
  // 2. Files: volumes, then device plugins.
  DRAY_ASSIGN_OR_RETURN(plan.mounts, VolumeMounts(container, volumes));
  plan.mounts.insert(plan.mounts.end(), grant.mounts.begin(), grant.mounts.end());
  plan.devices = grant.devices;
  // 3. CDI, which replaces what it names again.
  waiting_reason = kCreateError;
  std::vector<std::string> names = grant.cdi_devices;
  AddAnnotatedDevices(grant.annotations, names);
  AddAnnotatedDevices(pod.metadata.annotations, names);
  for (std::string& name : claims_.CdiDevices(pod, container)) names.push_back(std::move(name));
  if (!names.empty()) {
    DRAY_ASSIGN_OR_RETURN(ContainerEdits edits,
                          CdiRegistry::Load(options_.cdi_dirs).Resolve(names));
    ApplyEdits(edits, plan);
  }
  AddDefaults(plan.env, pod.metadata.name);
  return plan;
}

Launch ContainerLauncher::Start(const Context& ctx, const api::Pod& pod,
                                const api::Container& container,
                                const std::map<std::string, std::string>& volumes, int restart,
                                std::function<void(ProcessExit)> on_exit) const {
  Launch launch;
  PodPaths paths(options_.root_dir, pod);
  Result<ContainerPlan> plan = Assemble(ctx, pod, container, volumes, launch.waiting_reason);
  if (!plan.ok()) {
    launch.status = plan.status();
    return launch;
  }
  launch.waiting_reason = kCreateError;
  launch.status = devices_.PreStart(ctx, pod.metadata.uid, container.name);
  if (launch.status.ok()) launch.status = runtime::MakeDirectories(paths.RootOf(container.name));
  if (!launch.status.ok()) return launch;

  ProcessSpec spec;
  spec.mounts = options_.mounts;
  Result<std::vector<SetupStep>> steps = PlanMounts(*plan, paths.RootOf(container.name));
  if (!steps.ok()) {
    launch.status = steps.status();
    return launch;
  }
  launch.notes = plan->notes;
  if (spec.mounts == MountAbility::kNone && !steps->empty()) {
    launch.notes.push_back("container " + container.name + " runs without its mounts (" +
                           DescribeMounts(*plan) +
                           "): this machine allows neither mount nor user namespaces to us");
  }
  spec.steps = std::move(*steps);
  spec.argv = plan->argv;
  if (spec.argv.empty()) {
    launch.idle = true;
    spec.argv = {"sleep", "infinity"};
    launch.notes.push_back("container " + container.name +
                           " has no command: devcluster runs commands, not images; it idles");
  }
  for (const auto& [name, value] : plan->env) spec.env.push_back(name + "=" + value);
  spec.search = SplitPath(plan->env.at("PATH"));
  if (!plan->working_dir.empty()) spec.working_dir = plan->working_dir;
  spec.log_file = paths.Log(container.name, restart);

  Result<int> pid = host_.Start(spec, std::move(on_exit));
  if (pid.ok()) {
    launch.pid = *pid;
    launch.waiting_reason.clear();
    return launch;
  }
  launch.status = pid.status();
  if (pid.Is(Reason::kInvalid)) launch.waiting_reason.clear();
  return launch;
}

}  // namespace dray::devcluster
