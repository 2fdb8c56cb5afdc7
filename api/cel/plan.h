#pragma once

#include <string>

#include "api/cel/ast.h"
#include "api/cel/environment.h"
#include "api/cel/nodes.h"

namespace dray::cel {

// What a Program runs.
struct Plan {
  const Node* root = nullptr;
  size_t loops = 0;  // how many LoopStates an evaluation needs
  ObjectPool pool;   // holds the nodes and what constants refer to
};

// Turns a checked expression into nodes: variables become slots, literals and conversions of
// literals constants, patterns regular expressions. Returns what went wrong, empty on success: a
// literal that cannot be converted, a malformed pattern. The plan's pool must be the current one.
//
// The device is the evaluation's. Variables of other environments are the items of loops that never
// run: variable 2n is `item` of LoopState n, variable 2n+1 its `item2`.
std::string MakePlan(const Expr* root, const Environment& environment, Plan& plan);

}  // namespace dray::cel
