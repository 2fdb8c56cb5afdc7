#pragma once

#include <vector>

#include "api/cel/ast.h"
#include "api/cel/source.h"

namespace dray::cel {

// What a call that names a macro stands for: has, all, exists, exists_one, existsOne, map, filter
// (one and two variables), transformList, transformMap, transformMapEntry, cel.bind, optMap,
// optFlatMap, sortBy. Any other call is returned unchanged. Arguments that the macro cannot take
// are recorded as mistakes.
Expr* ExpandMacro(Ast& ast, Expr* call, std::vector<Mistake>& mistakes);

}  // namespace dray::cel
