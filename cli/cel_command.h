#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace dray::cli {

// `dray cel`: evaluates device selectors, one JSON object per line of input:
//   {"id", "expression", "device": {"driver", "attributes", "capacity",
//   "allowMultipleAllocations"}}
// Answers one line each: {"id", "result"} or {"id", "compileError"} or {"id", "runtimeError"}.
// Returns the exit code: 0 when every line was answered, 2 for wrong flags or a line that is no
// such object.
int RunCelCommand(std::span<const std::string> args, std::istream& in, std::ostream& out,
                  std::ostream& err);

}  // namespace dray::cli
