#pragma once

#include <string>
#include <string_view>
#include <vector>

// Where in an expression something is wrong, and how that is shown.
namespace dray::cel {

struct Mistake {
  size_t offset = 0;  // in bytes
  std::string message;
};

// All mistakes in order of their place, at most 100, each as
//   ERROR: <input>:LINE:COLUMN: message
//    | the line
//    | .....^
// Lines and columns count from 1, columns in code points.
std::string Render(std::string_view source, std::vector<Mistake> mistakes);

}  // namespace dray::cel
