// Life of a claim, stop 7 of 8: run. What the driver described in CDI files becomes the container's
// environment, device nodes and mounts.
#include "devcluster/kubelet/apply_edits.h"

#include <algorithm>

namespace dray::devcluster {
namespace {

int Depth(const std::string& path) {
  return static_cast<int>(std::count(path.begin(), path.end(), '/'));
}

}  // namespace

void ApplyEdits(const ContainerEdits& edits, ContainerPlan& plan) {
  for (const std::string& assignment : edits.env) {
    size_t equals = assignment.find('=');
    plan.env[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  for (const CdiDeviceNode& node : edits.device_nodes) {
    std::erase_if(plan.devices, [&](const DeviceRequest& old) { return old.path == node.path; });
    plan.devices.push_back({node.path, node.host_path, node.type, node.major, node.minor,
                            node.file_mode.value_or(0666) & 07777});
  }
  for (const CdiMount& mount : edits.mounts) {
    std::erase_if(plan.mounts,
                  [&](const MountRequest& old) { return old.target == mount.container_path; });
    if (mount.type == "tmpfs") {
      plan.notes.push_back("CDI mount of type tmpfs on " + mount.container_path +
                           " is left out: only binds are made");
      continue;
    }
    plan.mounts.push_back({mount.host_path, mount.container_path, mount.read_only()});
  }
  std::stable_sort(plan.mounts.begin(), plan.mounts.end(),
                   [](const MountRequest& a, const MountRequest& b) {
                     return Depth(a.target) < Depth(b.target);
                   });
  for (const CdiHook& hook : edits.hooks) {
    plan.notes.push_back("CDI hook " + hook.name + " (" + hook.path +
                         ") is not run: containers are local processes");
  }
  if (!edits.additional_gids.empty())
    plan.notes.push_back("CDI additionalGids are left out: the process keeps its groups");
  for (const std::string& part : edits.unsupported) {
    plan.notes.push_back("CDI " + part + " is left out: containers are local processes");
  }
}

}  // namespace dray::devcluster
