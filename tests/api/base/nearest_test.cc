#include "dray/base/nearest.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(Nearest, OnlyWhatIsNear) {
  constexpr std::string_view kNames[] = {"status", "convert", "demo"};
  struct Case {
    const char* word;
    const char* near;
  };
  const Case cases[] = {
      {"statsu", "status"}, {"stats", "status"},  {"covnert", "convert"}, {"dmeo", "demo"},
      {"kubectl", ""},      {"STATUS", "status"}, {"status", "status"},   {"", ""}};
  for (const Case& test : cases) EXPECT_EQ(Nearest(test.word, kNames), test.near) << test.word;
  EXPECT_EQ(Nearest("anything", {}), "");
}

}  // namespace
}  // namespace dray
