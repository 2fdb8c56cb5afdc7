#pragma once

#include <string>
#include <string_view>

#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::runtime {

// What a plain (unquoted, untagged) YAML scalar means: null, a bool, a number, or text. Rules: the
// header of dray/runtime/yaml.h. Fails only for .inf and .nan, which JSON cannot hold.
Result<Json> ReadPlainScalar(std::string_view text);

// True when `text` may stand unquoted in block style and every YAML reader, 1.1 or 1.2, takes it
// for this very text.
bool IsSafePlain(std::string_view text);

}  // namespace dray::runtime
