#include "dray/runtime/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>

extern char** environ;

namespace dray::runtime {
namespace {

// Everything that the child needs between fork and exec, built before: another thread may hold the
// allocator's lock at the moment of the fork, so the child must not allocate.
struct Launch {
  std::vector<std::string> env_text;
  std::vector<char*> argv, env;
  const char* working_dir = nullptr;
  int log_fd = -1;
  bool die_with_parent = true;
  pid_t parent = 0;
  int failure_fd = -1;  // takes {step, errno} when the child could not become the program
};

enum class Step : int { kLog, kWorkingDir, kExec };

Launch Prepare(const ProcessOptions& options) {
  Launch launch;
  for (const std::string& word : options.argv)
    launch.argv.push_back(const_cast<char*>(word.c_str()));
  launch.argv.push_back(nullptr);
  std::map<std::string, std::string> env = options.env;
  if (!options.clear_env) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      std::string_view text(*entry);
      size_t equals = text.find('=');
      if (equals != text.npos) env.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  for (const auto& [name, value] : env) launch.env_text.push_back(name + "=" + value);
  for (std::string& entry : launch.env_text) launch.env.push_back(entry.data());
  launch.env.push_back(nullptr);
  if (!options.working_dir.empty()) launch.working_dir = options.working_dir.c_str();
  launch.die_with_parent = options.die_with_parent;
  launch.parent = ::getpid();
  return launch;
}

[[noreturn]] void Fail(const Launch& launch, Step step) {
  int report[2] = {static_cast<int>(step), errno};
  [[maybe_unused]] ssize_t written = ::write(launch.failure_fd, report, sizeof report);
  ::_exit(127);
}

// In the child; async-signal-safe calls only.
[[noreturn]] void Become(const Launch& launch) {
  if (launch.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != launch.parent) ::_exit(127);  // it died before the prctl
  }
  // Ignored and blocked signals survive exec: our SIGPIPE is not the program's business.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (launch.log_fd >= 0) {
    if (::dup2(launch.log_fd, STDOUT_FILENO) < 0 || ::dup2(launch.log_fd, STDERR_FILENO) < 0)
      Fail(launch, Step::kLog);
  }
  if (launch.working_dir != nullptr && ::chdir(launch.working_dir) != 0)
    Fail(launch, Step::kWorkingDir);
  // Libraries open sockets that exec would pass on: the program would keep our connections open.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(launch.argv[0], launch.argv.data(), const_cast<char**>(launch.env.data()));
  Fail(launch, Step::kExec);
}

// Forks and waits until the child has become the program. The Status names what stood in the way.
Result<pid_t> Fork(const ProcessOptions& options) {
  Launch launch = Prepare(options);
  auto failed = [&](std::string_view what, int error) {
    return Status(Reason::kUnavailable, "cannot start " + options.argv[0] + ": " +
                                            std::string(what) +
                                            std::system_category().message(error));
  };
  if (!options.log_file.empty()) {
    launch.log_fd =
        ::open(options.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (launch.log_fd < 0) return failed("log file " + options.log_file + ": ", errno);
  }
  // Closed by a successful exec: an end of file says that the program runs.
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) {
    int error = errno;
    if (launch.log_fd >= 0) ::close(launch.log_fd);
    return failed("", error);
  }
  launch.failure_fd = report[1];
  pid_t child = ::fork();
  int fork_error = errno;
  if (child == 0) Become(launch);
  ::close(report[1]);
  if (launch.log_fd >= 0) ::close(launch.log_fd);
  if (child < 0) {
    ::close(report[0]);
    return failed("", fork_error);
  }
  int failure[2] = {0, 0};
  ssize_t got;
  while ((got = ::read(report[0], failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  ::close(report[0]);
  if (got != sizeof failure) return child;
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (failure[0] == static_cast<int>(Step::kWorkingDir))
    return failed("working directory " + options.working_dir + ": ", failure[1]);
  return failed("", failure[1]);
}

class ChildProcess final : public Process {
 public:
  // `started` is set once the program runs or has failed to start.
  ChildProcess(const ProcessOptions& options, std::promise<Status> started)
      : keeper_([this, options, started = std::move(started)]() mutable {
          Result<pid_t> child = Fork(options);
          if (!child.ok()) {
            started.set_value(child.status());
            return;
          }
          pid_ = *child;
          started.set_value(Ok());
          AwaitEnd();
        }) {}

  ~ChildProcess() override { (void)Signal(SIGKILL); }

  int pid() const override { return pid_; }

  Status Signal(int signal) override {
    std::lock_guard lock(mutex_);
    if (code_ || pid_ < 0)
      return Status(Reason::kNotFound, "process " + std::to_string(pid_) + " has ended");
    if (::kill(pid_, signal) == 0) return Ok();
    return Status(Reason::kInternal, "cannot signal process " + std::to_string(pid_) + ": " +
                                         std::system_category().message(errno));
  }

  Result<int> Wait(const Context& ctx) override {
    std::unique_lock lock(mutex_);
    ctx.clock().WaitUntil(lock, ended_, ctx.deadline(), ctx.stop(),
                          [this] { return code_.has_value(); });
    if (code_) return *code_;
    if (ctx.stopped()) return Status(Reason::kCancelled, "stopped");
    return Status(Reason::kTimeout, "process " + std::to_string(pid_) + " has not ended in time");
  }

  std::optional<int> Exited() override {
    std::lock_guard lock(mutex_);
    return code_;
  }

 private:
  void AwaitEnd() {
    // Seen but not reaped: until the lock is held, the pid stays ours, so that Signal() cannot hit
    // a stranger.
    siginfo_t info{};
    while (::waitid(P_PID, pid_, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    std::lock_guard lock(mutex_);
    int status = 0;
    pid_t reaped;
    while ((reaped = ::waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
    }
    if (reaped == pid_ && WIFSIGNALED(status)) {
      code_ = 128 + WTERMSIG(status);
    } else {
      code_ = reaped == pid_ ? WEXITSTATUS(status) : 127;
    }
    ended_.notify_all();
  }

  pid_t pid_ = -1;  // constant after the start
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::optional<int> code_;
  // Forks and stays until the child has ended: PR_SET_PDEATHSIG fires when the *thread* that forked
  // ends. Last member: the others outlive it.
  std::jthread keeper_;
};

}  // namespace

Result<std::unique_ptr<Process>> Process::Start(const ProcessOptions& options) {
  if (options.argv.empty())
    return Status(Reason::kInvalid, "cannot start a process without a program");
  std::promise<Status> promise;
  std::future<Status> started = promise.get_future();
  auto process = std::make_unique<ChildProcess>(options, std::move(promise));
  DRAY_RETURN_IF_ERROR(started.get());
  return std::unique_ptr<Process>(std::move(process));
}

}  // namespace dray::runtime
