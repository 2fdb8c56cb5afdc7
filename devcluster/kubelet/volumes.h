#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "devcluster/kubelet/container_plan.h"
#include "devcluster/kubelet/pod_paths.h"
#include "dray/api/types/core.h"
#include "dray/base/status.h"

namespace dray::devcluster {

using ConfigMapReader =
    std::function<Result<std::map<std::string, std::string>>(const std::string& name)>;

// Makes the Pod's volumes ready on the machine and says where each one lies: emptyDir and configMap
// below `paths`, hostPath where it is. kInvalid for a kind that devcluster does not offer, a
// hostPath that is not what its type says, a missing ConfigMap or key. Idempotent; a configMap
// volume is written anew each time.
Result<std::map<std::string, std::string>> SetUpVolumes(const api::Pod& pod, const PodPaths& paths,
                                                        const ConfigMapReader& config_map);

// The volume mounts of one container.
Result<std::vector<MountRequest>> VolumeMounts(const api::Container& container,
                                               const std::map<std::string, std::string>& volumes);

}  // namespace dray::devcluster
