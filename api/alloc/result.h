#pragma once

#include <vector>

#include "api/alloc/search.h"

namespace dray::alloc {

// The allocation results of a search that found a solution, one per claim (facts: DRA, "Result").
Result<std::vector<api::AllocationResult>> MakeResults(const Search& search,
                                                       const std::vector<PreparedClaim>& claims,
                                                       const api::Node& node,
                                                       const Options& options);

}  // namespace dray::alloc
