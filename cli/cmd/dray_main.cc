// dray: the command line.
#include <iostream>

#include "cli/command.h"
#include "dray/runtime/program.h"

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  int code = 0;
  // Flags belong to the commands; RunProgram only sets the process up.
  const int program = dray::runtime::RunProgram(
      1, argv, {"dray", "", {}}, [&](const dray::Context& ctx, const std::vector<std::string>&) {
        code = dray::cli::RunCommandLine(ctx, args, {std::cin, std::cout, std::cerr});
        return dray::Ok();
      });
  return program != 0 ? program : code;
}
