#include <iostream>

#include "cli/allocate_command.h"
#include "cli/args.h"
#include "cli/cel_command.h"
#include "cli/command.h"
#include "dray/base/nearest.h"
#include "dray/runtime/program.h"

namespace dray::cli {
namespace {

using StatusCommand = Status (*)(const Context&, std::span<const std::string>, Streams);

// Most commands end with a Status: one sentence on stderr, and the exit code that goes with it.
template <StatusCommand Run>
int Reported(const Context& ctx, std::span<const std::string> args, Streams streams) {
  const Status status = Run(ctx, args, streams);
  if (status.ok()) return 0;
  streams.err << "dray: " << status.message() << "\n";
  return status.Is(Reason::kBadRequest) || status.Is(Reason::kInvalid) ? 2 : 1;
}

// The two batch tools report for themselves, line by line.
template <int (*Run)(std::span<const std::string>, std::istream&, std::ostream&, std::ostream&)>
int Batch(const Context&, std::span<const std::string> args, Streams streams) {
  return Run(args, streams.in, streams.out, streams.err);
}

const Command kCommands[] = {
    {"demo", "the whole pipeline on this machine, every step verified; exit 0 only if all held",
     Reported<RunDemo>},
    {"up", "a development cluster with managers and mock GPU nodes, until Ctrl-C", Reported<RunUp>},
    {"status", "devices, who holds what, leader, pending Pods with reasons", Reported<RunStatus>},
    {"explain", "why a Pod or a claim is where it is: explain pod|claim NAME",
     Reported<RunExplain>},
    {"convert", "what the cluster would get for manifests in HAMi's words, offline",
     Reported<RunConvert>},
    {"select", "which devices of a cluster a CEL selector selects, before it stands in a claim",
     Reported<RunSelect>},
    {"allocate", "run the allocator on a scenario file", Batch<RunAllocateCommand>},
    {"cel", "evaluate device selectors, line by line", Batch<RunCelCommand>},
    {"profiles", "the mock devices that come along, or one of them as YAML", Reported<RunProfiles>},
};

void Help(std::ostream& out) {
  out << "Dray: accelerators for Kubernetes through Dynamic Resource Allocation.\n\nUsage: dray "
         "COMMAND [flags]\n\n";
  for (const Command& command : kCommands) {
    std::string name(command.name);
    name.resize(12, ' ');
    out << "  " << name << command.summary << "\n";
  }
  out << "\n'dray COMMAND --help' tells more. Start with: dray demo\n";
}

}  // namespace

std::span<const Command> Commands() {
  return kCommands;
}

int RunCommandLine(const Context& ctx, std::span<const std::string> args, Streams streams) {
  if (args.empty() || args[0] == "help" || args[0] == "--help" || args[0] == "-h") {
    Help(streams.out);
    return 0;
  }
  if (args[0] == "version" || args[0] == "--version") {
    streams.out << runtime::Version() << "\n";
    return 0;
  }
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) {
    names.push_back(command.name);
    if (command.name != args[0]) continue;
    return command.run(ctx, args.subspan(1), streams);
  }
  const std::string near(Nearest(args[0], names));
  streams.err << "dray: there is no command \"" << args[0] << "\""
              << (near.empty() ? std::string() : ": did you mean \"" + near + "\"?")
              << "; 'dray help' lists them\n";
  return 2;
}

}  // namespace dray::cli
