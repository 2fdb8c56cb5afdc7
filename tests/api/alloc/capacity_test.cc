#include "api/alloc/capacity.h"

#include <gtest/gtest.h>

namespace dray::alloc {
namespace {

api::Quantity Amount(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

api::DeviceCapacity Range(const char* value, const char* fallback, const char* min, const char* max,
                          const char* step) {
  api::DeviceCapacity capacity{
      Amount(value),
      api::CapacityRequestPolicy{Amount(fallback), {}, api::CapacityRequestPolicyRange{}}};
  api::CapacityRequestPolicyRange& range = *capacity.request_policy->valid_range;
  range.min = Amount(min);
  if (*max != 0) range.max = Amount(max);
  if (*step != 0) range.step = Amount(step);
  return capacity;
}

TEST(Consumption, FollowsThePolicy) {
  const api::DeviceCapacity plain{Amount("80Gi"), std::nullopt};
  const api::DeviceCapacity only_default{Amount("80Gi"),
                                         api::CapacityRequestPolicy{Amount("10Gi"), {}, {}}};
  const api::DeviceCapacity values{
      Amount("80Gi"), api::CapacityRequestPolicy{
                          Amount("10Gi"), {Amount("10Gi"), Amount("20Gi"), Amount("40Gi")}, {}}};
  struct Case {
    const char* name;
    api::DeviceCapacity capacity;
    const char* asked;  // "" when not named
    const char* want;   // "" when refused
  };
  for (const Case& c : std::vector<Case>{
           {"no policy, not named: all of it", plain, "", "80Gi"},
           {"no policy, named: as asked", plain, "3Gi", "3Gi"},
           {"default, not named", only_default, "", "10Gi"},
           {"default, named: as asked", only_default, "3Gi", "3Gi"},
           {"values, not named", values, "", "10Gi"},
           {"values, rounded up", values, "11Gi", "20Gi"},
           {"values, exact", values, "40Gi", "40Gi"},
           {"values, above the last", values, "41Gi", ""},
           {"range, not named", Range("80Gi", "8Gi", "4Gi", "40Gi", "4Gi"), "", "8Gi"},
           {"range, below min", Range("80Gi", "8Gi", "4Gi", "40Gi", "4Gi"), "1Gi", "4Gi"},
           {"range, rounded up to a step", Range("80Gi", "8Gi", "4Gi", "40Gi", "4Gi"), "9Gi",
            "12Gi"},
           {"range, on a step", Range("80Gi", "8Gi", "4Gi", "40Gi", "4Gi"), "12Gi", "12Gi"},
           {"range, at max", Range("80Gi", "8Gi", "4Gi", "40Gi", "4Gi"), "39Gi", "40Gi"},
           {"range, above max", Range("80Gi", "8Gi", "4Gi", "40Gi", "4Gi"), "41Gi", ""},
           {"range without step", Range("100", "10", "5", "50", ""), "7500m", "7500m"},
           {"range without max", Range("100", "10", "5", "", "5"), "96", "100"},
           {"step of fractions is counted in whole numbers", Range("100", "10", "5", "", "5"),
            "5500m", "10"},
       }) {
    SCOPED_TRACE(c.name);
    std::optional<api::Quantity> asked;
    if (*c.asked != 0) asked = Amount(c.asked);
    std::optional<api::Quantity> amount = Consumption(asked ? &*asked : nullptr, c.capacity);
    ASSERT_EQ(amount.has_value(), *c.want != 0);
    if (amount) {
      EXPECT_EQ(*amount, Amount(c.want)) << amount->ToString();
    }
  }
}

TEST(Consumption, SurvivesPoliciesThatValidationWouldRefuse) {
  api::DeviceCapacity zero_step = Range("100", "10", "5", "50", "0");
  EXPECT_EQ(Consumption(nullptr, zero_step), Amount("10"));
  api::DeviceCapacity no_min{
      Amount("100"),
      api::CapacityRequestPolicy{Amount("10"), {}, api::CapacityRequestPolicyRange{}}};
  no_min.request_policy->valid_range->step = Amount("7");
  const api::Quantity asked = Amount("8");
  EXPECT_EQ(Consumption(&asked, no_min), Amount("8"));
}

struct Room : ::testing::Test {
  Room() {
    device.capacity = {{"cores", {Amount("100"), std::nullopt}},
                       {"memory", {Amount("80Gi"), std::nullopt}}};
    info.device = &device;
    uint32_t name = 0;
    for (const auto& [text, capacity] : device.capacity)
      info.capacities.emplace_back(name++, text, capacity);
  }
  bool Has(const char* cores, const char* memory, const Usage& used = {},
           std::vector<Nanos> taken = {}) {
    amounts = {Amount(cores), Amount(memory)};
    return HasRoom(info,
                   std::vector<CapacityAsk>{{0, nullptr, &amounts[0]}, {1, nullptr, &amounts[1]}},
                   used, taken);
  }
  api::Device device;
  DeviceInfo info;
  std::vector<api::Quantity> amounts;
};

TEST_F(Room, SumsWhatIsUsedAndTaken) {
  EXPECT_TRUE(Has("100", "80Gi"));
  EXPECT_FALSE(Has("101", "1"));
  Usage used;
  used.consumed = {{1, Amount("60Gi").nanos()}};
  EXPECT_TRUE(Has("100", "20Gi", used));
  EXPECT_FALSE(Has("100", "20Gi", used, {0, 1}));
  EXPECT_FALSE(Has("100", "21Gi", used));
}

TEST_F(Room, EveryCapacityCountsAndUnknownOnesAreLacking) {
  const api::Quantity one = Amount("1");
  const CapacityAsk cores{0, nullptr, &one}, other{7, nullptr, &one},
      unknown{Names::kUnknown, nullptr, &one};
  Usage used;
  used.consumed = {{1, 1}};  // memory is not asked for: all of it would be consumed
  EXPECT_TRUE(HasRoom(info, std::vector{cores}, {}, {}));
  EXPECT_FALSE(HasRoom(info, std::vector{cores}, used, {}));
  EXPECT_FALSE(HasRoom(info, std::vector{other}, {}, {}));
  EXPECT_FALSE(HasRoom(info, std::vector{unknown}, {}, {}));
  EXPECT_EQ(ConsumptionOf(info, std::vector{cores}), (std::vector{Amount("1"), Amount("80Gi")}));
}

}  // namespace
}  // namespace dray::alloc
