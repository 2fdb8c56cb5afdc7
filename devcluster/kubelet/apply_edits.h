#pragma once

#include "devcluster/kubelet/cdi_spec.h"
#include "devcluster/kubelet/container_plan.h"

namespace dray::devcluster {

// Merges CDI edits into a container (CDI 1.1.0, "container edits"): variables are set by name, a
// device or mount with the same path replaces the one that is there, mounts end up sorted by depth.
// Hooks, RDT classes, extra groups and network devices belong to an OCI runtime: they become notes,
// never silence. Pure.
void ApplyEdits(const ContainerEdits& edits, ContainerPlan& plan);

}  // namespace dray::devcluster
