#pragma once

#include <functional>
#include <string>
#include <vector>

#include "devcluster/kubelet/container_env.h"
#include "devcluster/kubelet/container_host.h"
#include "devcluster/kubelet/device_plugins.h"
#include "devcluster/kubelet/node_claims.h"
#include "devcluster/kubelet/pod_paths.h"
#include "devcluster/kubelet/volumes.h"

namespace dray::devcluster {

struct LauncherOptions {
  std::string root_dir, node_name;
  std::string host_ip = "127.0.0.1", pod_ip = "127.0.0.1";
  std::vector<std::string> cdi_dirs;       // lowest priority first
  std::string service_host, service_port;  // KUBERNETES_SERVICE_HOST and _PORT; none when empty
  MountAbility mounts = MountAbility::kNone;
};

// What came of starting a container.
struct Launch {
  int pid = -1;
  // Not started: the reason of the container's waiting state (CreateContainerConfigError,
  // CreateContainerError), or empty when the program itself could not be executed (StartError:
  // counts as a run that failed).
  std::string waiting_reason;
  Status status;
  std::vector<std::string> notes;  // Warning events, whether it runs or not
  bool idle = false;               // there was no command
};

// Puts together what one container gets (env, command, volumes, device plugin grants, CDI edits)
// and starts it. Any thread.
class ContainerLauncher {
 public:
  // All outlive the launcher.
  ContainerLauncher(LauncherOptions options, runtime::Client client, ContainerHost& host,
                    NodeClaims& claims, DevicePlugins& devices);

  // Volumes of the Pod, once its claims are prepared. kInvalid: FailedMount.
  Result<std::map<std::string, std::string>> SetUpVolumes(const Context& ctx,
                                                          const api::Pod& pod) const;

  Launch Start(const Context& ctx, const api::Pod& pod, const api::Container& container,
               const std::map<std::string, std::string>& volumes, int restart,
               std::function<void(ProcessExit)> on_exit) const;

  const LauncherOptions& options() const { return options_; }

 private:
  Result<ContainerPlan> Assemble(const Context& ctx, const api::Pod& pod,
                                 const api::Container& container,
                                 const std::map<std::string, std::string>& volumes,
                                 std::string& waiting_reason) const;
  ConfigMapReader Reader(const Context& ctx, const api::Pod& pod) const;

  const LauncherOptions options_;
  const runtime::Client client_;
  ContainerHost& host_;
  NodeClaims& claims_;
  DevicePlugins& devices_;
};

}  // namespace dray::devcluster
