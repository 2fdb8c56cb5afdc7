#pragma once

#include <string>
#include <string_view>

#include "api/cel/value.h"

namespace dray::cel {

// Reads a semantic version without "v". Empty on success, otherwise what is wrong.
std::string ParseSemver(std::string_view text, Semver& version);
// "v1.02" as "1.2.0": without "v", without leading zeros, padded to three parts. Empty when that
// cannot be done.
std::string NormalizeSemver(std::string_view text);

}  // namespace dray::cel
