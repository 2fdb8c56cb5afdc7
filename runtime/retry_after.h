#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace dray::runtime {

// The seconds of a Retry-After header; keys are in lower case. None for a date: nobody sends one.
// Whoever obeys decides how much of it to believe.
std::optional<std::chrono::seconds> RetryAfterOf(const std::map<std::string, std::string>& headers);

}  // namespace dray::runtime
