#include "devcluster/kubelet/container_host.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace dray::devcluster {
namespace {

struct Order {
  const ProcessSpec* spec;
  std::function<void(ProcessExit)> on_exit;
  std::promise<Result<int>> answer;
};
struct Running {
  int pidfd;
  std::function<void(ProcessExit)> on_exit;
};

}  // namespace

struct ContainerHost::State {
  std::mutex mutex;  // guards orders and running
  std::deque<Order*> orders;
  std::map<int, Running> running;  // by pid; present until it is reaped
  bool stopping = false;
  int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::jthread thread;

  void Wake() {
    uint64_t one = 1;
    ssize_t ignored = write(wake, &one, sizeof one);
    (void)ignored;
  }

  // Kills the rest of the group while the leader is still a zombie: until it is reaped, nobody else
  // can get its number.
  void Reap(int pid) {
    kill(-pid, SIGKILL);
    Running gone;
    {
      std::lock_guard lock(mutex);
      gone = std::move(running[pid]);
      running.erase(pid);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(gone.pidfd);
    ProcessExit exit;
    exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    exit.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    gone.on_exit(exit);
  }

  void Serve(Order* order) {
    Result<StartedProcess> started = StartProcess(*order->spec);
    if (!started.ok()) {
      order->answer.set_value(started.status());
      return;
    }
    {
      std::lock_guard lock(mutex);
      running[started->pid] = {started->pidfd, std::move(order->on_exit)};
    }
    order->answer.set_value(started->pid);
  }

  void Loop() {
    for (;;) {
      std::vector<pollfd> files{{wake, POLLIN, 0}};
      std::vector<int> pids;
      {
        std::lock_guard lock(mutex);
        if (stopping && running.empty() && orders.empty()) return;
        for (const auto& [pid, process] : running) {
          if (stopping) kill(-pid, SIGKILL);
          pids.push_back(pid);
          files.push_back({process.pidfd, POLLIN, 0});
        }
      }
      if (poll(files.data(), files.size(), -1) < 0) continue;
      uint64_t ignored;
      while (read(wake, &ignored, sizeof ignored) > 0) {
      }
      for (size_t i = 0; i < pids.size(); ++i) {
        if (files[i + 1].revents != 0) Reap(pids[i]);
      }
      std::deque<Order*> todo;
      {
        std::lock_guard lock(mutex);
        todo.swap(orders);
      }
      for (Order* order : todo) Serve(order);
    }
  }
};

ContainerHost::ContainerHost() : state_(std::make_unique<State>()) {
  state_->thread = std::jthread([state = state_.get()] { state->Loop(); });
}

ContainerHost::~ContainerHost() {
  Stop();
  close(state_->wake);
}

void ContainerHost::Stop() {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->stopping) return;
    state_->stopping = true;
  }
  state_->Wake();
  state_->thread.join();
}

Result<int> ContainerHost::Start(const ProcessSpec& spec,
                                 std::function<void(ProcessExit)> on_exit) {
  Order order{&spec, std::move(on_exit), {}};
  std::future<Result<int>> answer = order.answer.get_future();
  {
    std::lock_guard lock(state_->mutex);
    if (state_->stopping) return Status(Reason::kCancelled, "the kubelet is stopping");
    state_->orders.push_back(&order);
  }
  state_->Wake();
  return answer.get();
}

void ContainerHost::Signal(int pid, int signal) {
  std::lock_guard lock(state_->mutex);
  if (state_->running.count(pid) == 0) return;
  kill(signal == SIGKILL ? -pid : pid, signal);
}

}  // namespace dray::devcluster
