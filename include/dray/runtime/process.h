#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::runtime {

struct ProcessOptions {
  std::vector<std::string> argv;           // argv[0] is a path
  std::map<std::string, std::string> env;  // exactly this when clear_env, else added to ours
  bool clear_env = false;
  std::string working_dir;
  std::string log_file;         // stdout and stderr, appended; empty: inherited
  bool die_with_parent = true;  // PR_SET_PDEATHSIG
};

// A child process. The destructor kills it (SIGKILL) and waits, unless it has ended.
class Process {
 public:
  // kUnavailable names the program and the system's reason (not found, permission).
  static Result<std::unique_ptr<Process>> Start(const ProcessOptions& options);
  virtual ~Process() = default;
  virtual int pid() const = 0;
  virtual Status Signal(int signal) = 0;
  // Exit code, or 128 + signal. kTimeout/kCancelled when ctx ends first.
  virtual Result<int> Wait(const Context& ctx) = 0;
  // The exit code if it has ended.
  virtual std::optional<int> Exited() = 0;
};

}  // namespace dray::runtime
