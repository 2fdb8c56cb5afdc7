#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dray/runtime/client.h"
#include "dray/runtime/process.h"

namespace dray::cli {

struct MockNode {
  std::string name;     // "gpu-node"
  std::string profile;  // "nvidia-a100-80gb", or a YAML file
};

struct LocalClusterOptions {
  std::string dir;  // state and logs; made if absent
  std::vector<MockNode> nodes = {{"gpu-node", "nvidia-a100-80gb"},
                                 {"dcu-node", "hygon-k100-ai"},
                                 {"npu-node", "ascend-910b3"}};
  int managers = 2;
  uint16_t port = 0;    // of the API server; 0: any free one
  std::string bin_dir;  // where the other programs lie; empty: beside this one
  // Election of the managers: short terms, so that a takeover is seen at once.
  std::string lease_duration = "4s", renew_deadline = "3s", retry_period = "500ms";
  std::string cleanup_grace = "2s";
};

// A cluster on this machine, each part a process of its own: dray-devcluster (API server,
// scheduler, kubelets), dray-controller-manager (n replicas), dray-mockdev (one per node). TLS
// everywhere. Not thread-safe.
//
//   dir/kubeconfig            for kubectl, administrator
//   dir/logs/<process>.log
//   dir/nodes/<node>/         what is /var/lib/kubelet on a real node; cdi/ beside it
//   dir/webhook/tls.{crt,key}
class LocalCluster {
 public:
  using Progress = std::function<void(const std::string& line)>;

  // Brings everything up and waits until the nodes are ready, the devices published, the classes
  // made and a leader elected. The Status of a failure names the process and its log; everything
  // that was started is stopped again.
  static Result<std::unique_ptr<LocalCluster>> Start(const Context& ctx,
                                                     LocalClusterOptions options,
                                                     const Progress& progress);
  // Kills what still runs, the last started first; StopAll() ends it in order.
  ~LocalCluster();

  const std::string& dir() const { return options_.dir; }
  std::string kubeconfig() const { return options_.dir + "/kubeconfig"; }
  const LocalClusterOptions& options() const { return options_; }
  runtime::Client& client() { return *client_; }

  struct Member {
    std::string name, log;
    std::unique_ptr<runtime::Process> process;
  };
  // "manager-0"...; null when there is none.
  Member* Find(const std::string& name);
  std::vector<Member>& members() { return members_; }
  // The member whose identity holds the Lease; null when nobody or someone else does.
  Result<Member*> Leader(const Context& ctx);
  // Not ok when a process that should run has ended: names it, its exit code and its log.
  Status CheckRunning();
  // Stops the processes in the reverse order of their start (SIGTERM, then SIGKILL after 10 s).
  Status StopAll(const Context& ctx);

 private:
  explicit LocalCluster(LocalClusterOptions options) : options_(std::move(options)) {}
  Status StartControlPlane(const Context& ctx);
  Status ConnectAdmission(const Context& ctx);
  Status StartMember(const std::string& name, std::vector<std::string> argv);
  Status WaitUntilReady(const Context& ctx);
  // Eventually, for the time that a start may take; a process that ends meanwhile ends the wait.
  Status Await(const Context& ctx, const std::function<Status()>& check);

  LocalClusterOptions options_;
  std::unique_ptr<runtime::Client> client_;
  std::vector<Member> members_;
  std::vector<uint16_t> webhook_ports_;
  int lock_ = -1;  // of dir/lock: one cluster per folder
};

// Calls `check` until it gives ok, every 20 ms by ctx's clock; the last Status when `timeout`
// passes first.
Status Eventually(const Context& ctx, Duration timeout, const std::function<Status()>& check);

// <runtime dir of the user>/dray-<name>: short, because unix socket paths end at 107 bytes.
std::string DefaultClusterDir(const std::string& name);

}  // namespace dray::cli
