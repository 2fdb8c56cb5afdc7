#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devcluster/kubelet/container_plan.h"
#include "dray/api/types/core.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// "$(NAME)" becomes the variable's value, "$$" a "$"; an unknown name stays as it is (Kubernetes'
// expansion rule).
std::string ExpandVariables(std::string_view text, const Environment& env);

// What env.valueFrom may read.
struct EnvSources {
  std::string node_name, host_ip, pod_ip;
  // The data of a ConfigMap in the Pod's namespace; kNotFound when there is none.
  std::function<Result<std::map<std::string, std::string>>(const std::string& name)> config_map;
};

// `base` (service variables, device plugins) overlaid with the container's env in order: a value
// may use variables that stand before it. kInvalid names the variable and what it wants
// (Kubernetes: CreateContainerConfigError); other errors come from `config_map`.
Result<Environment> ContainerEnvironment(const api::Pod& pod, const api::Container& container,
                                         Environment base, const EnvSources& sources);

// The value of a downward API path: metadata.name, metadata.labels['x'], spec.nodeName,
// status.podIP...
Result<std::string> FieldValue(const api::Pod& pod, std::string_view path,
                               const EnvSources& sources);

// PATH, HOSTNAME, HOME where the environment lacks them.
void AddDefaults(Environment& env, const std::string& hostname);

// command + args, expanded.
std::vector<std::string> ContainerArgv(const api::Container& container, const Environment& env);

}  // namespace dray::devcluster
