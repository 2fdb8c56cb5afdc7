#pragma once

#include <string>
#include <vector>

#include "devcluster/kubelet/mount_plan.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// A process to be forked, with everything worked out before the fork.
struct ProcessSpec {
  std::vector<std::string> argv;
  std::vector<std::string> env;     // NAME=value, exactly these
  std::vector<std::string> search;  // directories to look for argv[0] in, when it has no slash
  std::string working_dir = "/";
  std::string log_file;  // stdout and stderr, appended; empty: /dev/null
  MountAbility mounts = MountAbility::kNone;
  std::vector<SetupStep> steps;  // run when `mounts` is not kNone
};

struct StartedProcess {
  int pid = -1;
  int pidfd = -1;  // the caller closes it
};

// Forks and executes; returns once the program runs. The child leads a session of its own, dies
// with the calling *thread* (PR_SET_PDEATHSIG: call from a thread that lives as long as the child
// may), has default signal handlers, no open files but 0, 1 and 2. Between fork and exec there are
// only system calls on what was prepared before.
//
// kInvalid: the program is not there or cannot be executed, working_dir does not exist. kForbidden:
// a mount step was refused by the kernel. kInternal: fork or the log file failed.
Result<StartedProcess> StartProcess(const ProcessSpec& spec);

}  // namespace dray::devcluster
