#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

// RFC 6901.
namespace dray::api {

// "/a~1b/0" as {"a/b", "0"}; "" is the whole document. kBadRequest when it is no pointer.
Result<std::vector<std::string>> ParsePointer(std::string_view text);

// One token as it stands in a pointer, with its slash.
std::string PointerToken(std::string_view token);

// An index below `limit`, without leading zeros.
std::optional<size_t> ParseIndex(std::string_view token, size_t limit);

// The value that `tokens` lead to, or null.
Json* FindValue(Json& document, const std::vector<std::string>& tokens);

}  // namespace dray::api
