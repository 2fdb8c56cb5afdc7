#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::runtime {

// What every program's main does: parse flags (gflags; dashes and underscores are the same), answer
// --help with `usage` and the program's own flags (exit 0) and --version, set up logging to stderr,
// size cpprestsdk's thread pool, turn SIGINT and SIGTERM into a stop of the Context (a second
// signal ends the process at once), ignore SIGPIPE, run, and turn the outcome into an exit code: 0
// done, 1 the work failed, 2 wrong use (kBadRequest and kInvalid from `run` are wrong use).
//
// An unknown flag or a value of the wrong type is one sentence on stderr, with the nearest known
// flag, and exit code 2.
struct ProgramInfo {
  std::string name;   // "dray-mockdev"
  std::string usage;  // shown by --help above the flags
  std::vector<std::string>
      flag_files;  // source files whose DEFINE_s are this program's own ("mockdev_main.cc")
};
int RunProgram(
    int argc, char** argv, const ProgramInfo& info,
    const std::function<Status(const Context& ctx, const std::vector<std::string>& args)>& run);

// "dray v0.1.0"; one version for all programs.
std::string_view Version();

}  // namespace dray::runtime
