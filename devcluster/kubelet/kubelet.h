#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devcluster/kubelet/container_logs.h"
#include "devcluster/kubelet/mount_plan.h"
#include "dray/api/types/core.h"
#include "dray/base/context.h"
#include "dray/runtime/client.h"

namespace dray::devcluster {

struct KubeletOptions {
  std::string node_name;
  // plugins_registry, plugins, device-plugins, pod-resources, pods and the checkpoints lie here:
  // what /var/lib/kubelet is on a real node. Short, because of unix sockets: 79 bytes at most.
  std::string root_dir;
  std::vector<std::string> cdi_dirs = {"/etc/cdi", "/var/run/cdi"};  // lowest priority first
  Duration heartbeat = std::chrono::seconds(10);
  api::Labels labels;                      // of the Node, beyond the usual ones
  std::string address = "127.0.0.1";       // of node and Pods
  std::string service_host, service_port;  // KUBERNETES_SERVICE_*; none when empty
  std::optional<MountAbility> mounts;      // absent: tried out
};

// One node of a development cluster: registers a Node, runs the Pods bound to it as local
// processes, and speaks the kubelet's gRPC protocols with DRA drivers and device plugins. Several
// live in one process, each with its own root directory. Its containers die with it.
class Kubelet {
 public:
  Kubelet(KubeletOptions options, runtime::Client client, Clock& clock);
  ~Kubelet();

  // Until ctx is stopped. kInvalid: the root directory is too long or a checkpoint is unreadable;
  // kUnavailable: a socket cannot be had. Call once.
  Status Run(const Context& ctx);

  // The present log of a container. kNotFound: it has not started. Any thread.
  Result<std::string> ReadLog(const std::string& namespace_, const std::string& pod,
                              const std::string& container, const LogOptions& options) const;
  // The same into a stream that stays open until the container has ended.
  Status FollowLog(const std::string& namespace_, const std::string& pod,
                   const std::string& container, const LogOptions& options,
                   std::shared_ptr<runtime::HttpStream> stream) const;

  const std::string& node_name() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
