#pragma once

#include <map>
#include <string>

#include "dray/api/types/meta.h"
#include "dray/base/guarded.h"
#include "dray/runtime/transport.h"

namespace dray::runtime {

// Which version of an API group to speak with one server. Only resource.k8s.io varies (v1 since
// Kubernetes 1.34, v1beta2 in 1.33, v1beta1 in 1.32); all other groups have the version that the
// kind says. Any thread.
class ApiVersions {
 public:
  // Asks the server at the first use. kNotFound when it has no version that we speak.
  Result<std::string> Of(Transport& transport, const Context& ctx, const api::KindInfo& kind);

  // The server does not know a path in `version`, as if it had been upgraded or replaced: forget
  // what discovery said. False when asking again would not help.
  bool Doubt(const api::KindInfo& kind, const std::string& version);

 private:
  Guarded<std::string> resource_version_of_group_;  // "v1"; empty: not known yet
};

}  // namespace dray::runtime
