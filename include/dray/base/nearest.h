#pragma once

#include <span>
#include <string_view>

namespace dray {

// The candidate that `word` was probably meant to be, for "did you mean"; empty when none is near:
// at most a third of its letters (one of a short word) inserted, dropped, replaced or swapped with
// a neighbour. Case does not count.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace dray
