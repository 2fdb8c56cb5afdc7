#include "dray/base/base64.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(Base64, BothWays) {
  struct Case {
    std::string bytes, text;
  } cases[] = {{"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
               {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {std::string("\x00\xff\xfe", 3), "AP/+"}};
  for (const Case& c : cases) {
    EXPECT_EQ(EncodeBase64(c.bytes), c.text);
    EXPECT_EQ(DecodeBase64(c.text), c.bytes);
  }
  EXPECT_EQ(DecodeBase64("Zm9v\nYmFy\r\n"), "foobar");
}

TEST(Base64, RefusesWhatIsNone) {
  for (std::string text : {"Z", "Zg=", "Zg", "Zm9v!", "=Zg=", "Z===", "Zg==Zg==", "===="})
    EXPECT_FALSE(DecodeBase64(text)) << text;
}

}  // namespace
}  // namespace dray
