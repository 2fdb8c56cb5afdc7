#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "devcluster/kubelet/container_plan.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// How a process may get mounts of its own here.
enum class MountAbility {
  kNone,            // the kernel or its configuration forbids it
  kMountNamespace,  // we are root: unshare(CLONE_NEWNS)
  kUserNamespace,   // unshare(CLONE_NEWUSER | CLONE_NEWNS), our user mapped to 0
};
// Tries it in a child process.
MountAbility ProbeMounts();

// One system call of a child between fork and exec. The strings stand ready: nothing is allocated
// there.
struct SetupStep {
  enum class Kind {
    kTmpfs,       // path, data
    kBind,        // source on path, with everything mounted below
    kReadOnly,    // path: remounts a bind
    kUnbindable,  // path: later binds of its ancestors leave it out
    kMakeDir,     // path, mode; ok when it exists
    kMakeFile,    // path: empty; ok when it exists
    kSymlink,     // source: what it points to
    kMakeNode,    // path, mode with type, device
    kChangeRoot,
  } kind;
  std::string path, source, data;
  mode_t mode = 0;
  dev_t device = 0;
  bool optional =
      false;  // a failure is passed over: an entry of a directory that may vanish meanwhile

  std::string Describe() const;
};

// Steps that give a process the machine's files with `plan`'s mounts and devices on top, seen from
// `new_root` (an existing empty directory outside of every source) as its "/". Nothing on the
// machine changes: where a mount point does not exist, its closest existing directory is covered by
// a tmpfs in which each entry is bound again.
//
//   /usr/bin (no nvidia-smi)   ->  tmpfs on new_root/usr/bin, each file bound, nvidia-smi created
//   and bound
//
// `machine_root` is "/" except in tests. Empty when there is nothing to mount. kInvalid: a source
// that does not exist, a file on a directory, a device that cannot be had. Reads the file system.
Result<std::vector<SetupStep>> PlanMounts(const ContainerPlan& plan, const std::string& new_root,
                                          const std::string& machine_root = "/");

}  // namespace dray::devcluster
