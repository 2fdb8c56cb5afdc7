#pragma once

#include <cstddef>
#include <string_view>

namespace dray {

// Whether a document nests its objects and arrays deeper than so many levels: to be asked before it
// is given to anybody who reads, copies or compares it by recursion. It need not be well-formed.
bool NestedDeeper(std::string_view json, size_t levels);

}  // namespace dray
