#pragma once

#include <string>

#include "api/cel/ast.h"
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
std::string MakePlan(const Expr* root, Plan& plan);

}  // namespace dray::cel
