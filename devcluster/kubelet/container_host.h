#pragma once

#include <functional>
#include <memory>

#include "devcluster/kubelet/process_setup.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// How a process ended.
struct ProcessExit {
  int code = 0;  // 128 + signal when it was killed
  int signal = 0;
};

// Starts, watches and reaps the processes of one node from one thread that lives as long as this
// object: the processes die with it, even if the kubelet is killed. Any thread.
class ContainerHost {
 public:
  ContainerHost();
  ~ContainerHost();

  // Kills what still runs and waits for its end; nothing can be started any more.
  void Stop();

  // Errors as in StartProcess. `on_exit` is called once, on the host's thread, after the process
  // and what was left of its session's process group are gone; it must not block.
  Result<int> Start(const ProcessSpec& spec, std::function<void(ProcessExit)> on_exit);

  // SIGTERM goes to the process alone, as a container runtime does; SIGKILL to its whole process
  // group. Nothing happens when it has ended.
  void Signal(int pid, int signal);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
