#include "dray/api/types/meta.h"

#include <gtest/gtest.h>

namespace dray::api {
namespace {

TEST(Time, ParsesAndPrints) {
  struct Case {
    std::string text, seconds, micros;
  } cases[] = {
      {"2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000000Z"},
      {"2006-01-02T15:04:05.123456789Z", "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.123456Z"},
      {"2006-01-02T15:04:05.5+02:00", "2006-01-02T13:04:05Z", "2006-01-02T13:04:05.500000Z"},
      {"2006-01-01T00:30:00-01:30", "2006-01-01T02:00:00Z", "2006-01-01T02:00:00.000000Z"},
      {"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000000Z"},
      {"1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.250000Z"},
      {"2006-01-02T15:04:05.1234567891234Z", "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.123456Z"},
  };
  for (const Case& c : cases) {
    Result<WallTime> time = ParseTime(c.text);
    ASSERT_TRUE(time.ok()) << time.status();
    EXPECT_EQ(FormatTime(ToTime(*time)), c.seconds);
    EXPECT_EQ(FormatMicroTime(ToMicroTime(*time)), c.micros);
  }
}

TEST(Time, RefusesWhatIsNone) {
  for (std::string text :
       {"", "2006-01-02", "2006-01-02 15:04:05Z", "2006-01-02T15:04:05", "2006-13-02T15:04:05Z",
        "2023-02-29T00:00:00Z", "2006-01-02T24:00:00Z", "2006-01-02T15:60:05Z",
        "2006-01-02T15:04:60Z", "2006-01-02T15:04:05.Z", "2006-01-02T15:04:05+0200",
        "2006-01-02T15:04:05+24:00", "2006-01-02T15:04:05ZZ", "06-01-02T15:04:05Z",
        "2006-00-01T00:00:00Z", "+006-01-02T15:04:05Z"})
    EXPECT_TRUE(ParseTime(text).Is(Reason::kInvalid)) << text;
}

TEST(LabelSelector, Matches) {
  Labels labels = {{"app", "web"}, {"tier", ""}};
  struct Case {
    std::string name;
    LabelSelector selector;
    bool want;
  } cases[] = {
      {"empty matches all", {}, true},
      {"equal", {{{"app", "web"}}, {}}, true},
      {"empty value", {{{"tier", ""}}, {}}, true},
      {"absent is not empty", {{{"x", ""}}, {}}, false},
      {"different", {{{"app", "db"}}, {}}, false},
      {"in", {{}, {{"app", "In", {"db", "web"}}}}, true},
      {"in absent", {{}, {{"x", "In", {"y"}}}}, false},
      {"not in", {{}, {{"app", "NotIn", {"db"}}}}, true},
      {"not in absent", {{}, {{"x", "NotIn", {"y"}}}}, true},
      {"not in listed", {{}, {{"app", "NotIn", {"web"}}}}, false},
      {"exists", {{}, {{"tier", "Exists", {}}}}, true},
      {"exists absent", {{}, {{"x", "Exists", {}}}}, false},
      {"does not exist", {{}, {{"x", "DoesNotExist", {}}}}, true},
      {"all must hold", {{{"app", "web"}}, {{"app", "NotIn", {"web"}}}}, false},
      {"unknown operator", {{}, {{"app", "Near", {"web"}}}}, false},
  };
  for (const Case& c : cases) EXPECT_EQ(Matches(c.selector, labels), c.want) << c.name;
}

TEST(ControllerOf, IsTheOwnerThatSaysSo) {
  ObjectMeta meta;
  EXPECT_EQ(ControllerOf(meta), nullptr);
  meta.owner_references = {
      {.name = "a", .controller = false}, {.name = "b"}, {.name = "c", .controller = true}};
  ASSERT_NE(ControllerOf(meta), nullptr);
  EXPECT_EQ(ControllerOf(meta)->name, "c");
}

}  // namespace
}  // namespace dray::api
