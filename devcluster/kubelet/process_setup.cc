#include "devcluster/kubelet/process_setup.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace dray::devcluster {
namespace {

enum class Phase : int { kNamespace, kUserMap, kStep, kDirectory, kExec, kParentGone };
struct Failure {
  Phase phase = Phase::kExec;
  int index = 0, error = 0;
};

std::string SystemReason(int error) {
  return std::generic_category().message(error);
}

// What the child needs, as plain pointers.
struct Prepared {
  std::vector<char*> argv, env;
  std::vector<std::string> programs;
  std::string uid_map, gid_map;
  const ProcessSpec* spec = nullptr;
  pid_t parent = 0;
  int report = -1, input = -1, output = -1;
};

[[noreturn]] void Give(const Prepared& prepared, Phase phase, int index, int error) {
  Failure failure{phase, index, error};
  ssize_t ignored = write(prepared.report, &failure, sizeof failure);
  (void)ignored;
  _exit(127);
}

// Flags of a mount that an unprivileged remount must repeat.
unsigned long LockedFlags(const char* path) {
  struct statfs info {};
  if (statfs(path, &info) != 0) return 0;
  unsigned long flags = 0;
  if (info.f_flags & 0x2) flags |= MS_NOSUID;
  if (info.f_flags & 0x4) flags |= MS_NODEV;
  if (info.f_flags & 0x8) flags |= MS_NOEXEC;
  if (info.f_flags & 0x400) flags |= MS_NOATIME;
  if (info.f_flags & 0x800) flags |= MS_NODIRATIME;
  if (info.f_flags & 0x1000) flags |= MS_RELATIME;
  return flags;
}

int RunStep(const SetupStep& step) {
  const char* path = step.path.c_str();
  using Kind = SetupStep::Kind;
  switch (step.kind) {
    case Kind::kTmpfs:
      return mount("tmpfs", path, "tmpfs", MS_NOSUID, step.data.c_str());
    case Kind::kBind:
      return mount(step.source.c_str(), path, nullptr, MS_BIND | MS_REC, nullptr);
    case Kind::kReadOnly:
      return mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | LockedFlags(path),
                   nullptr);
    case Kind::kUnbindable:
      return mount(nullptr, path, nullptr, MS_UNBINDABLE | MS_REC, nullptr);
    case Kind::kMakeDir:
      return mkdir(path, step.mode) == 0 || errno == EEXIST ? 0 : -1;
    case Kind::kMakeFile: {
      int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      if (file < 0) return -1;
      return close(file);
    }
    case Kind::kSymlink:
      return symlink(step.source.c_str(), path);
    case Kind::kMakeNode:
      return mknod(path, step.mode, step.device);
    case Kind::kChangeRoot:
      return chdir(path) == 0 && chroot(".") == 0 ? chdir("/") : -1;
  }
  return 0;
}

int WriteText(const char* path, const char* text, size_t size) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t written = write(file, text, size);
  int error = errno;
  close(file);
  errno = error;
  return written == static_cast<ssize_t>(size) ? 0 : -1;
}

void EnterNamespaces(const Prepared& prepared) {
  bool user = prepared.spec->mounts == MountAbility::kUserNamespace;
  if (unshare(user ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) != 0)
    Give(prepared, Phase::kNamespace, 0, errno);
  if (user) {
    if (WriteText("/proc/self/setgroups", "deny", 4) != 0 && errno != ENOENT)
      Give(prepared, Phase::kUserMap, 0, errno);
    if (WriteText("/proc/self/uid_map", prepared.uid_map.data(), prepared.uid_map.size()) != 0 ||
        WriteText("/proc/self/gid_map", prepared.gid_map.data(), prepared.gid_map.size()) != 0) {
      Give(prepared, Phase::kUserMap, 1, errno);
    }
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    Give(prepared, Phase::kNamespace, 1, errno);
}

void ResetSignals() {
  struct sigaction normal {};
  normal.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &normal, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Everything but 0, 1, 2 closes at exec.
void CloseOthersOnExec() {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) == 0) return;
#endif
  for (int file = 3; file < 4096; ++file) fcntl(file, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void Child(const Prepared& prepared) {
  const ProcessSpec& spec = *prepared.spec;
  ResetSignals();
  setsid();
  dup2(prepared.input, 0);
  dup2(prepared.output, 1);
  dup2(prepared.output, 2);
  umask(022);
  if (spec.mounts != MountAbility::kNone && !spec.steps.empty()) {
    EnterNamespaces(prepared);
    for (size_t i = 0; i < spec.steps.size(); ++i) {
      if (RunStep(spec.steps[i]) != 0 && !spec.steps[i].optional) {
        Give(prepared, Phase::kStep, static_cast<int>(i), errno);
      }
    }
  }
  // A change of credentials clears the parent-death signal, so it comes last. The parent may have
  // died before.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != prepared.parent) Give(prepared, Phase::kParentGone, 0, ESRCH);
  if (chdir(spec.working_dir.c_str()) != 0) Give(prepared, Phase::kDirectory, 0, errno);
  CloseOthersOnExec();
  int error = ENOENT;
  for (const std::string& program : prepared.programs) {
    execve(program.c_str(), prepared.argv.data(), prepared.env.data());
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
  }
  Give(prepared, Phase::kExec, 0, error);
}

Status Explain(const Failure& failure, const ProcessSpec& spec) {
  std::string reason = SystemReason(failure.error);
  switch (failure.phase) {
    case Phase::kNamespace:
    case Phase::kUserMap:
      return Status(Reason::kForbidden,
                    "this kernel does not let us make a mount namespace: " + reason);
    case Phase::kStep:
      return Status(
          Reason::kForbidden,
          "cannot " + spec.steps[static_cast<size_t>(failure.index)].Describe() + ": " + reason);
    case Phase::kDirectory:
      return Status(Reason::kInvalid, "workingDir " + spec.working_dir + ": " + reason);
    case Phase::kParentGone:
      return Status(Reason::kCancelled, "the kubelet is gone");
    case Phase::kExec:
      break;
  }
  if (failure.error == ENOENT && spec.argv[0].find('/') == std::string::npos) {
    return Status(Reason::kInvalid,
                  "exec: \"" + spec.argv[0] + "\": executable file not found in $PATH");
  }
  return Status(Reason::kInvalid, "exec: \"" + spec.argv[0] + "\": " + reason);
}

Prepared Prepare(const ProcessSpec& spec) {
  Prepared prepared;
  prepared.spec = &spec;
  prepared.parent = getpid();
  for (const std::string& word : spec.argv)
    prepared.argv.push_back(const_cast<char*>(word.c_str()));
  for (const std::string& line : spec.env) prepared.env.push_back(const_cast<char*>(line.c_str()));
  prepared.argv.push_back(nullptr);
  prepared.env.push_back(nullptr);
  if (spec.argv[0].find('/') != std::string::npos) {
    prepared.programs.push_back(spec.argv[0]);
  } else {
    for (const std::string& directory : spec.search)
      prepared.programs.push_back(directory + "/" + spec.argv[0]);
  }
  prepared.uid_map = "0 " + std::to_string(geteuid()) + " 1\n";
  prepared.gid_map = "0 " + std::to_string(getegid()) + " 1\n";
  return prepared;
}

}  // namespace

Result<StartedProcess> StartProcess(const ProcessSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty())
    return Status(Reason::kInvalid, "no command to run");
  Prepared prepared = Prepare(spec);
  std::string log = spec.log_file.empty() ? "/dev/null" : spec.log_file;
  prepared.output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (prepared.output < 0)
    return Status(Reason::kInternal, "cannot open " + log + ": " + SystemReason(errno));
  prepared.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int report[2];
  if (prepared.input < 0 || pipe2(report, O_CLOEXEC) != 0) {
    int error = errno;
    close(prepared.output);
    if (prepared.input >= 0) close(prepared.input);
    return Status(Reason::kInternal, "cannot start " + spec.argv[0] + ": " + SystemReason(error));
  }
  prepared.report = report[1];
  pid_t pid = fork();
  int fork_error = errno;
  if (pid == 0) Child(prepared);
  close(prepared.input);
  close(prepared.output);
  close(report[1]);
  if (pid < 0) {
    close(report[0]);
    return Status(Reason::kInternal, "fork: " + SystemReason(fork_error));
  }
  Failure failure;
  ssize_t got;
  do {
    got = read(report[0], &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  close(report[0]);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return Explain(failure, spec);
  }
  // The report pipe closed at exec. The child is not reaped yet, so the number is still its own.
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    int error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return Status(Reason::kInternal, "pidfd_open: " + SystemReason(error));
  }
  return StartedProcess{pid, pidfd};
}

MountAbility ProbeMounts() {
  for (MountAbility ability : {MountAbility::kMountNamespace, MountAbility::kUserNamespace}) {
    ProcessSpec spec;
    spec.argv = {"true"};
    spec.search = {"/usr/bin", "/bin"};
    spec.mounts = ability;
    spec.steps = {{SetupStep::Kind::kTmpfs, "/tmp", "", "mode=1777"},
                  {SetupStep::Kind::kBind, "/tmp", "/dev"}};
    Result<StartedProcess> started = StartProcess(spec);
    if (!started.ok()) continue;
    waitpid(started->pid, nullptr, 0);
    close(started->pidfd);
    return ability;
  }
  return MountAbility::kNone;
}

}  // namespace dray::devcluster
