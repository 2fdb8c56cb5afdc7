#pragma once

#include <functional>
#include <string>

#include "dray/api/admission.h"
#include "dray/base/context.h"
#include "dray/runtime/metrics.h"

namespace dray::controllers {

// Follows device-config.yaml, which a ConfigMap volume changes under the program: what is read anew
// goes to `use`. A file that cannot be used is logged once per content, and what was read before
// stays; dray_device_config_usable says so.
class DeviceConfigFile {
 public:
  struct Options {
    std::string path;
    std::function<Result<admission::DeviceConfig>(const std::string& path)> load;
    std::function<void(admission::DeviceConfig)> use;
    runtime::Metrics* metrics = nullptr;  // may be null
    Duration look_every = std::chrono::seconds(10);
  };
  explicit DeviceConfigFile(Options options);

  // Until ctx is stopped. The content at the start counts as known.
  Status Run(const Context& ctx);
  // One look; true when something new was put to use.
  bool Look();

 private:
  const Options options_;
  std::string known_;  // the content as last tried
};

}  // namespace dray::controllers
