#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string_view>

namespace dray {

// Of all parts and where each ends. For tables with an entry for each object of a large cluster,
// whose names would be most of them; of this process only.
inline uint64_t HashOf(std::initializer_list<std::string_view> parts) {
  uint64_t hash = 0;
  for (std::string_view part : parts)
    hash = (hash ^ std::hash<std::string_view>()(part)) * 0x9e3779b97f4a7c15u + part.size();
  return hash;
}

}  // namespace dray
