#include "dray/api/quantity.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace dray::api {
namespace {

Quantity Q(std::string_view text) {
  Result<Quantity> parsed = Quantity::Parse(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status();
  return parsed.ok() ? *parsed : Quantity();
}

// Whole numbers are read in a shorter way than those with a point.
TEST(Quantity, BothWaysOfReadingAgree) {
  for (const char* suffix : {"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi",
                             "Ti", "Pi", "Ei", "e3", "e-9", "E18"}) {
    for (std::string number :
         {"0", "1", "7", "8", "9", "10", "100", "1023", "1024", "4096", "999999", "8388607",
          "9223372036", "9007199254740991", "999999999999999", "007"}) {
      for (const char* sign : {"", "-", "+"}) {
        const std::string text = sign + number + suffix, pointed = sign + number + ".0" + suffix;
        EXPECT_EQ(Q(text), Q(pointed)) << text;
        EXPECT_EQ(Q(text).ToString(), Q(pointed).ToString()) << text;
      }
    }
  }
}

TEST(Quantity, PrintsCanonically) {
  struct Case {
    std::string text, want;
  } cases[] = {
      {"0", "0"},
      {"0Mi", "0"},
      {"-0", "0"},
      {"0.0", "0"},
      {"1", "1"},
      {"+7", "7"},
      {"007", "7"},
      {"1.5", "1500m"},
      {"0.1", "100m"},
      {"100m", "100m"},
      {"1000m", "1"},
      {"1500m", "1500m"},
      {"1.500", "1500m"},
      {"1.5Gi", "1536Mi"},
      {"1024Mi", "1Gi"},
      {"1024Ki", "1Mi"},
      {"0.5Gi", "512Mi"},
      {"1Ki", "1Ki"},
      {"1023Ki", "1023Ki"},
      {"0.5Ki", "512"},
      {"81920Mi", "80Gi"},
      {"4Gi", "4Gi"},
      {"-1.5Gi", "-1536Mi"},
      {"1.5Ki", "1536"},
      {"1.1Ki", "1126400m"},
      {"1000", "1k"},
      {"1000k", "1M"},
      {"1234567", "1234567"},
      {"10", "10"},
      {"100", "100"},
      {"12000", "12k"},
      {"12e6", "12e6"},
      {"12E6", "12e6"},
      {"12e7", "120e6"},
      {"1e3", "1e3"},
      {"1e-3", "1e-3"},
      {"1.5e3", "1500"},
      {"1E", "1E"},
      {"1000E", "1e21"},
      {"100E", "100E"},
      {"1n", "1n"},
      {"0.9n", "1n"},
      {"-0.9n", "-1n"},
      {"1.1n", "2n"},
      {"0.0000000001", "1n"},
      {"1e-30", "1e-9"},
      {"1u", "1u"},
      {"1000n", "1u"},
      {"1.", "1"},
      {"1.G", "1G"},
      {".5", "500m"},
      {"-.5", "-500m"},
      {"8Ei", "9223372036854775807"},
      {"-8Ei", "-9223372036854775807"},
      {"9223372036854775807", "9223372036854775807"},
      {"18446744073709551616", "18446744073709551616"},
      {"1.00000000000000000000001Gi", "1073741824000000001n"},
      {"Mi", "0"},
      {"E", "0"},
      {"+", "0"},
      {".", "0"},
      {"0.0001Ki", "102400u"},
      {"1.2345", "1234500u"},
      {"0e-12", "0"},
      {"1P", "1P"},
      {"1Pi", "1Pi"},
      {"3.5Ti", "3584Gi"},
  };
  for (const Case& c : cases) EXPECT_EQ(Q(c.text).ToString(), c.want) << c.text;
}

TEST(Quantity, PrintedFormParsesToItself) {
  for (std::string text :
       {"0", "1536Mi", "100m", "12e6", "1e21", "-3", "9223372036854775807", "1n", "1e-9", "512"}) {
    EXPECT_EQ(Q(text).ToString(), text);
    EXPECT_EQ(Q(Q(text).ToString()), Q(text));
  }
}

TEST(Quantity, RefusesWhatIsNone) {
  for (std::string text :
       {"",       "1.1.M",   "1+1.0M", "0.1mi", "0.1am", "aoeu", ".5i",  "1i",
        "-3.01i", "-3.01e-", " 1",     "1 ",    "1Kib",  "4GB",  "1K",   "--1",
        "1e",     "1e1.5",   "0x10",   "1ki",   "Pi",    "Ei",   "e-12", "1_000"}) {
    Result<Quantity> parsed = Quantity::Parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_TRUE(parsed.Is(Reason::kInvalid));
    EXPECT_NE(parsed.status().message().find("\"" + text + "\""), std::string::npos);
  }
}

TEST(Quantity, ComparesByValueAcrossFamilies) {
  EXPECT_EQ(Q("1Ki"), Q("1024"));
  EXPECT_EQ(Q("1000m"), Q("1"));
  EXPECT_LT(Q("1G"), Q("1Gi"));
  EXPECT_GT(Q("0.1"), Q("99m"));
  EXPECT_LT(Q("-1"), Q("0"));
}

TEST(Quantity, ValueRoundsAwayFromZeroAndClamps) {
  EXPECT_EQ(Q("1.1").Value(), 2);
  EXPECT_EQ(Q("-1.1").Value(), -2);
  EXPECT_EQ(Q("1n").Value(), 1);
  EXPECT_EQ(Q("4Gi").Value(), int64_t{4} << 30);
  EXPECT_EQ(Q("100E").Value(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Q("-100E").Value(), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(Q("3k").IsInteger());
  EXPECT_FALSE(Q("3m").IsInteger());
}

TEST(Quantity, SumsKeepTheLeftFamilyUnlessItIsZero) {
  EXPECT_EQ((Q("1Gi") + Q("512Mi")).ToString(), "1536Mi");
  EXPECT_EQ((Q("1024") + Q("1Ki")).ToString(), "2048");
  EXPECT_EQ((Q("1Ki") + Q("1024")).ToString(), "2Ki");
  EXPECT_EQ((Quantity() + Q("1Ki")).ToString(), "1Ki");
  EXPECT_EQ((Quantity() - Q("1Ki")).ToString(), "-1Ki");
  EXPECT_EQ((Q("100m") - Q("1")).ToString(), "-900m");
  EXPECT_EQ((Q("1Ki") - Q("1Ki")).ToString(), "0");
}

TEST(Quantity, AbsurdSizesSaturate) {
  Quantity huge = Q("1e900000000000000000000");
  EXPECT_EQ(huge.Value(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(huge + huge, huge);
  Quantity low = Q("-1e400");
  EXPECT_LT(low - huge, Q("-1E"));
  EXPECT_EQ(Q("1e-900000000000000000000").ToString(), "1e-9");
  EXPECT_EQ(Q(std::string(4000, '9')), huge);
}

// What AsInt64 answers depends on how the text was written, not only on the value.
TEST(Quantity, AsInt64KnowsHowTheNumberIsHeld) {
  for (std::string text :
       {"0", "5", "-5", "80Gi", "1Ti", "80Ti", "1e3", "9k", "007", "123456789012345678"})
    EXPECT_EQ(Q(text).AsInt64(), Q(text).Value()) << text;
  for (std::string text :
       {"1000m", "1.0", "1.5Gi", "1Pi", "800Ti", "8Ei", "9223372036854775807", "1e19"})
    EXPECT_EQ(Q(text).AsInt64(), std::nullopt) << text;
  EXPECT_EQ((Q("1") + Q("1")).AsInt64(), 2);
  EXPECT_EQ((Q("1") + Q("1000m")).AsInt64(), std::nullopt);
  EXPECT_EQ((Q("1") - Q("0m")).AsInt64(), 1);
  EXPECT_EQ((Q("1000m") + Q("0")).AsInt64(), std::nullopt);
  EXPECT_EQ((Q("0m") + Q("7")).AsInt64(), 7);
  EXPECT_EQ((Q("1Pi") - Q("1Pi")).AsInt64(), std::nullopt);
  Quantity most = Quantity::FromInteger(std::numeric_limits<int64_t>::max());
  EXPECT_EQ((most + Q("1")).AsInt64(), std::nullopt);
}

TEST(Quantity, AsApproximateFloat64RoundsTwice) {
  EXPECT_EQ(Q("0.3").AsApproximateFloat64(), 3 * 0.1);
  EXPECT_EQ(Q("1.5").AsApproximateFloat64(), 1.5);
  EXPECT_EQ(Q("2k").AsApproximateFloat64(), 2000);
  EXPECT_EQ(Q("8Ei").AsApproximateFloat64(), 0x1p63);
  EXPECT_EQ(Q("1Pi").AsApproximateFloat64(), 1125899906842624e9 * 1e-9);
}

TEST(Quantity, FromIntegerAndNanos) {
  EXPECT_EQ(Quantity::FromInteger(4096).ToString(), "4096");
  EXPECT_EQ(Quantity::FromInteger(4096, Quantity::Format::kBinarySI).ToString(), "4Ki");
  EXPECT_EQ(Quantity::FromNanos(1'500'000'000, Quantity::Format::kDecimalSI).ToString(), "1500m");
}

}  // namespace
}  // namespace dray::api
