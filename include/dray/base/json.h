#pragma once

#include <nlohmann/json_fwd.hpp>

namespace dray {

// An untyped document. Object keys are sorted, so that dump() is canonical. Headers see only this
// forward declaration; include <nlohmann/json.hpp> in the .cc that looks inside.
using Json = nlohmann::json;

}  // namespace dray
