#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::cli {

// Where a command reads and writes; the process' own streams in the program, strings in tests.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

struct Command {
  std::string_view name;
  std::string_view summary;  // one line for `dray help`
  int (*run)(const Context& ctx, std::span<const std::string> args,
             Streams streams);  // the exit code
};

// Every command, in the order in which help lists them.
std::span<const Command> Commands();

// `args`: what follows "dray". Prints errors to streams.err; returns the exit code.
int RunCommandLine(const Context& ctx, std::span<const std::string> args, Streams streams);

// What the commands do. kBadRequest and kInvalid are wrong use (exit code 2), other errors are 1;
// --help prints their help.
Status RunConvert(const Context& ctx, std::span<const std::string> args, Streams streams);
Status RunUp(const Context& ctx, std::span<const std::string> args, Streams streams);
Status RunDemo(const Context& ctx, std::span<const std::string> args, Streams streams);
Status RunStatus(const Context& ctx, std::span<const std::string> args, Streams streams);
Status RunExplain(const Context& ctx, std::span<const std::string> args, Streams streams);
Status RunSelect(const Context& ctx, std::span<const std::string> args, Streams streams);
Status RunProfiles(const Context& ctx, std::span<const std::string> args, Streams streams);

}  // namespace dray::cli
