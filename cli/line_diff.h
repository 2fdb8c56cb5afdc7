#pragma once

#include <string>
#include <string_view>

namespace dray::cli {

// What diff -u prints: hunks with three lines of context, "" when the texts are equal. `before` and
// `after` are the names in the two head lines. For manifests: quadratic in the number of lines that
// differ.
std::string LineDiff(std::string_view before_name, std::string_view before,
                     std::string_view after_name, std::string_view after);

}  // namespace dray::cli
