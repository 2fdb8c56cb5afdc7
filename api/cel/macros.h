#pragma once

#include <vector>

#include "api/cel/ast.h"
#include "api/cel/environment.h"
#include "api/cel/source.h"

namespace dray::cel {

// What a call that names a macro stands for: has, all, exists, exists_one, existsOne, map, filter
// (one and two variables), transformList, transformMap, transformMapEntry, cel.bind, optMap,
// optFlatMap, sortBy. Any other call is returned unchanged, and so is cel.bind where the
// environment has none. Arguments that the macro cannot take are recorded as mistakes.
Expr* ExpandMacro(Ast& ast, const Environment& environment, Expr* call,
                  std::vector<Mistake>& mistakes);

}  // namespace dray::cel
