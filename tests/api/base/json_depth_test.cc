#include <gtest/gtest.h>

#include "dray/base/json_depth.h"

namespace dray {
namespace {

TEST(NestedDeeper, CountsBracketsOutsideStrings) {
  struct Case {
    std::string json;
    size_t levels;
    bool deeper;
  };
  for (const Case& c : std::vector<Case>{
           {"", 0, false},
           {"1", 0, false},
           {"{}", 0, true},
           {"{}", 1, false},
           {R"({"a": [1, [2]]})", 3, false},
           {R"({"a": [1, [2]]})", 2, true},
           {R"([{}, {}, {}, {}])", 2, false},
           {R"(["[[[[", "\"[[[["])", 1, false},
           {R"(["\\", [[]]])", 2, true},
           {"]]]][[", 1, true},  // malformed: what closes nothing does not count
           {std::string(1000, '['), 250, true},
           {std::string(250, '{') + std::string(250, '}'), 250, false},
       }) {
    EXPECT_EQ(NestedDeeper(c.json, c.levels), c.deeper) << c.json << " " << c.levels;
  }
}

}  // namespace
}  // namespace dray
