#pragma once

#include <vector>

#include "api/cel/ast.h"
#include "api/cel/environment.h"
#include "api/cel/source.h"
#include "api/cel/type.h"
#include "dray/api/cel.h"

namespace dray::cel {

// Gives every node its static type and every call the overloads that may apply, and resolves
// qualified names. False with mistakes. Types live in `arena`.
bool Check(Ast& ast, const Environment& environment, const Options& options, TypeArena& arena,
           std::vector<Mistake>& mistakes);

// What Kubernetes checks beyond types: literals of durations, timestamps, regular expressions and
// format strings, and that lists and maps hold one type.
void Validate(const Ast& ast, std::vector<Mistake>& mistakes);

}  // namespace dray::cel
