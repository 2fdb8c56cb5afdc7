#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace dray {

// Files of config/ compiled into the program, by their path in the repository
// ("config/profiles/nvidia-a100-80gb.yaml"). The text lives as long as the program.
std::optional<std::string_view> EmbeddedFile(std::string_view path);

// Paths that begin with `prefix`, in alphabetical order.
std::vector<std::string_view> EmbeddedFiles(std::string_view prefix);

}  // namespace dray
