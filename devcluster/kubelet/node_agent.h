#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "devcluster/kubelet/device_plugins.h"
#include "dray/api/types/core.h"
#include "dray/base/json.h"
#include "dray/runtime/client.h"

namespace dray::devcluster {

struct NodeAgentOptions {
  std::string node_name;
  std::string address = "127.0.0.1";
  api::Labels labels;                             // beyond hostname, os and arch
  Duration heartbeat = std::chrono::seconds(10);  // of the Lease
};

// The Node as this machine would have it: labels, addresses, capacity of the machine, conditions.
api::Node DescribeNode(const NodeAgentOptions& options, api::Time now);

// A strategic merge patch of the node's status: everything of `node`, with the device plugins'
// resources on top; resources in `dropped` are taken out. Pure.
Json NodeStatusPatch(const api::Node& node,
                     const std::map<std::string, DevicePlugins::Count>& devices,
                     const std::set<std::string>& dropped);

// Keeps the Node object and its Lease in kube-node-lease. Any thread.
class NodeAgent {
 public:
  NodeAgent(Clock& clock, runtime::Client client, NodeAgentOptions options,
            std::function<std::map<std::string, DevicePlugins::Count>()> devices);
  ~NodeAgent();

  // Creates the Node or brings the labels of an existing one up to date; writes its status.
  Status Register(const Context& ctx);
  // Renews the Lease every heartbeat, and writes the status when it changes or every 5 minutes.
  // Until ctx is stopped.
  Status Run(const Context& ctx);
  // The devices changed: write the status now. Any thread.
  void Poke();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
