#pragma once

#include <string_view>
#include <vector>

#include "api/cel/ast.h"
#include "api/cel/environment.h"
#include "api/cel/lexer.h"
#include "api/cel/source.h"

namespace dray::cel {

// Nesting that cel-go accepts, per kind of rule and for the tree as a whole: 250. Bounds our own
// recursion as well.
inline constexpr int kMaxDepth = 250;

// Parses the source, which must outlive the tree and whatever is planned from it, into `ast`,
// macros expanded. False with mistakes: the first syntax error, or all that went wrong inside an
// expression of correct syntax (reserved words, literals out of range, arguments that a macro
// cannot take).
bool Parse(std::string_view source, const Environment& environment, Ast& ast,
           std::vector<Mistake>& mistakes);

}  // namespace dray::cel
