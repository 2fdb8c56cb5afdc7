#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace dray::cli {

// `dray allocate -f FILE|- [--mask-share-ids] [--bench N]`: runs the allocator on a scenario
// (dray/api/scenario.h). Prints
// {"claims":[{"name","outcome","node","allocation","reason"}]}, or a table on a terminal; with
// --bench, timing alone. Exit code 0 also when claims could not be allocated (that is an answer), 2
// for wrong use or an unreadable scenario.
int RunAllocateCommand(std::span<const std::string> args, std::istream& in, std::ostream& out,
                       std::ostream& err);

}  // namespace dray::cli
