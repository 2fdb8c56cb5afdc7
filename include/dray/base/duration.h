#pragma once

#include <string>
#include <string_view>

#include "dray/base/clock.h"
#include "dray/base/status.h"

namespace dray {

// Go's duration syntax, as kubectl's flags read it: "15s", "1h30m", "500ms", "1.5s", "0". kInvalid
// says what would be right.
Result<Duration> ParseDuration(std::string_view text);

// The shortest such text: "1h30m0s", "15s", "250ms".
std::string FormatDuration(Duration duration);

}  // namespace dray
