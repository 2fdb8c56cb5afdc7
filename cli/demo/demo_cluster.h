#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/cluster/local_cluster.h"
#include "dray/api/types/core.h"
#include "dray/api/types/resource.h"

namespace dray::cli {

inline constexpr char kDemoNamespace[] = "demo";

// What the steps of the demo do to the cluster and ask of it, all through its API. Errors name the
// object.
class DemoCluster {
 public:
  explicit DemoCluster(LocalCluster& cluster) : cluster_(cluster) {}

  LocalCluster& local() { return cluster_; }
  const runtime::Client& client() const { return cluster_.client(); }

  // Creates every object of config/examples/<name>/ in the demo's namespace.
  Status Create(const Context& ctx, const std::string& example);
  // A manifest of one's own.
  Status CreateManifest(const Context& ctx, const std::string& yaml);

  Result<api::Pod> GetPod(const Context& ctx, const std::string& name) const;
  Result<std::vector<api::Pod>> PodsWithLabel(const Context& ctx,
                                              const std::string& selector) const;
  // Waits for a phase; fails at once when the Pod failed instead. The Pod as it then is.
  Result<api::Pod> WaitForPhase(const Context& ctx, const std::string& name,
                                const std::string& phase) const;
  // The claims that the Pod's entries stand for.
  Result<std::vector<api::ResourceClaim>> ClaimsOf(const Context& ctx, const api::Pod& pod) const;
  Result<std::string> Log(const Context& ctx, const std::string& pod,
                          const std::string& container) const;
  // Waits until the log holds `text` exactly `times` times.
  Status WaitForLog(const Context& ctx, const std::string& pod, const std::string& container,
                    const std::string& text, int times) const;
  // Waits for an event about the Pod whose message holds `text`; its message.
  Result<std::string> WaitForEvent(const Context& ctx, const std::string& pod,
                                   const std::string& text) const;

  // Deletes every Deployment, Pod, claim and template of the namespace that is not ours to clean up
  // by itself.
  Status DeleteAll(const Context& ctx) const;
  // ok when neither the API nor the nodes' disks hold anything that a claim left: says what is
  // still there.
  Status NothingLeft(const Context& ctx) const;

 private:
  LocalCluster& cluster_;
};

}  // namespace dray::cli
