#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "dray/base/status.h"

namespace dray::mockdev {

using Variables = std::map<std::string, std::string>;

// Replaces every {name} by its value; "{{" and "}}" stand for the braces themselves. kInvalid names
// the placeholder that has no value, or the brace without a partner. Pure.
Result<std::string> Expand(std::string_view text, const Variables& variables);

// The names between braces, for checking a text when the values are not known yet.
Result<std::set<std::string>> Placeholders(std::string_view text);

}  // namespace dray::mockdev
