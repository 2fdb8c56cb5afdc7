#pragma once

#include <string>

namespace dray::mockdev::tools {

// `text` in a field of `width`: cut when longer, filled with blanks when shorter.
std::string Left(std::string text, size_t width);
std::string Right(std::string text, size_t width);
std::string Centre(std::string text, size_t width);

}  // namespace dray::mockdev::tools
