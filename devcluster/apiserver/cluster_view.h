#pragma once

#include <map>
#include <memory>
#include <string>

#include "devcluster/admission/webhooks.h"
#include "devcluster/apiserver/registry.h"
#include "devcluster/store/store.h"
#include "dray/base/guarded.h"

namespace dray::devcluster {

// What the webhook caller sees of the cluster: straight from the store. Any thread.
class ClusterView final : public AdmissionView {
 public:
  // Both outlive the view.
  ClusterView(const Registry& registry, const Store& store);

  std::vector<Configuration> Configurations(bool mutating) const override;
  std::shared_ptr<const std::map<std::string, std::string, std::less<>>> NamespaceLabels(
      const std::string& name) const override;
  // Ready addresses of the EndpointSlices labelled kubernetes.io/service-name, by the Service
  // port's name and target.
  Result<Endpoints> EndpointsOf(const std::string& namespace_, const std::string& service,
                                int64_t port) const override;

 private:
  const Registry& registry_;
  const Store& store_;
  // Parsed configurations by UID, conditions compiled, so that a write does neither anew.
  mutable Guarded<std::map<std::string, Configuration>> parsed_;
};

}  // namespace dray::devcluster
