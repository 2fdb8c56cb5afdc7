#pragma once

#include <vector>

#include "api/alloc/counters.h"
#include "api/alloc/pools.h"
#include "api/alloc/requests.h"

namespace dray::alloc {

// Why `claims` do not fit on a node, given the existing allocations: counts per request what rules
// its devices out, and fills NodeAnswer::reasons and ::reason. Looks at each request by itself;
// when every request alone would fit, the reason is that they do not fit together.
void ExplainNode(const Snapshot::State& state, const NodeView& view,
                 const std::vector<PreparedClaim>& claims, NodeAnswer& answer);

}  // namespace dray::alloc
