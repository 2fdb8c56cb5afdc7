#pragma once

#include <string_view>

#include "api/cel/ast.h"
#include "api/cel/environment.h"
#include "api/cel/type.h"
#include "dray/api/cel.h"
#include "dray/base/status.h"

namespace dray::cel {

// Text to a tree, a type for each node, checks beyond types. `expression` outlives the tree and
// what is planned from it; the pool that is current holds the constants. kInvalid as
// Program::Compile describes it.
Status Analyze(std::string_view expression, const Environment& environment, const Options& options,
               Ast& ast, TypeArena& types);

}  // namespace dray::cel
