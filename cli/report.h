#pragma once

#include <iosfwd>

#include "cli/inventory.h"
#include "dray/base/context.h"

// What `status` and `explain` say about an inventory. Nothing is read from anywhere else; ctx gives
// the time and the stop.
namespace dray::cli {

// Leader, one line per device with what is given out of it and to whom, then the claims that wait,
// with reasons.
void PrintStatus(const Context& ctx, const Inventory& inventory, std::ostream& out);

// `pod` and `claim` are of the inventory.
void ExplainPod(const Context& ctx, const Inventory& inventory, const api::Pod& pod,
                std::ostream& out);
void ExplainClaim(const Context& ctx, const Inventory& inventory, const api::ResourceClaim& claim,
                  std::ostream& out);

}  // namespace dray::cli
