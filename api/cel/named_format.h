#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dray::cel {

// A format that a text can be checked against: format.dns1123Label().validate(x).
struct NamedFormat {
  std::string_view name;    // as format.named() knows it
  uint64_t regex_size = 0;  // what its check is charged as
  std::vector<std::string> (*check)(std::string_view text) =
      nullptr;  // what is wrong; nothing when it conforms
};

// nullptr when there is none of that name.
const NamedFormat* FindFormat(std::string_view name);
const std::vector<NamedFormat>& AllFormats();

}  // namespace dray::cel
