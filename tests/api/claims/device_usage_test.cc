// What allocations take of devices: the one place where it is summed.
#include "dray/api/device_usage.h"

#include <gtest/gtest.h>

namespace dray::claims {
namespace {

constexpr char kDriver[] = "gpu.example.com";

api::Quantity Q(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

api::Device Gpu(const std::string& name, const char* memory = "80Gi") {
  api::Device device;
  device.name = name;
  device.capacity["memory"].value = Q(memory);
  device.capacity["cores"].value = Q("100");
  return device;
}

api::DeviceRequestAllocationResult Result(const std::string& device,
                                          std::map<std::string, api::Quantity> consumed = {}) {
  api::DeviceRequestAllocationResult result;
  result.request = "r";
  result.driver = kDriver;
  result.pool = "n1";
  result.device = device;
  if (!consumed.empty()) result.share_id = "s";
  result.consumed_capacity = std::move(consumed);
  return result;
}

DeviceUsage UsageOf(const std::vector<api::DeviceRequestAllocationResult>& results) {
  DeviceUsage usage;
  for (const auto& result : results) usage.Add(result);
  return usage;
}

TEST(DeviceUsage, SharesAddUp) {
  const DeviceUsage usage = UsageOf({Result("gpu-0", {{"memory", Q("16Gi")}, {"cores", Q("30")}}),
                                     Result("gpu-0", {{"memory", Q("8Gi")}})});
  EXPECT_EQ(usage.Of(Gpu("gpu-0"), kDriver, "memory"), Q("24Gi"));
  EXPECT_EQ(usage.Of(Gpu("gpu-0"), kDriver, "cores"), Q("30"));
  EXPECT_EQ(usage.Of(Gpu("gpu-0"), kDriver, "bandwidth"), Q("0"));
}

TEST(DeviceUsage, WithoutAShareTheWholeDevice) {
  EXPECT_EQ(UsageOf({Result("gpu-0")}).Of(Gpu("gpu-0"), kDriver, "memory"), Q("80Gi"));
  EXPECT_EQ(UsageOf({Result("gpu-0")}).Of(Gpu("gpu-0"), kDriver, "bandwidth"), Q("0"));
  // A share of a device without capacities takes a share and nothing of what is measured.
  api::DeviceRequestAllocationResult unmeasured = Result("gpu-0");
  unmeasured.share_id = "s";
  EXPECT_EQ(UsageOf({unmeasured}).Of(Gpu("gpu-0"), kDriver, "memory"), Q("0"));
  EXPECT_TRUE(UsageOf({unmeasured}).empty());
}

TEST(DeviceUsage, AdminAccessTakesNothing) {
  api::DeviceRequestAllocationResult looks = Result("gpu-0");
  looks.admin_access = true;
  EXPECT_TRUE(UsageOf({looks}).empty());
  api::ResourceClaim claim;
  claim.status.allocation.emplace().devices.results = {looks};
  std::map<DeviceId, DeviceUsage> usage;
  AddUsage(claim, usage);
  EXPECT_TRUE(usage.empty());
}

TEST(DeviceUsage, APartitionIsADeviceOfItsOwn) {
  // Full card and partition draw on the same counters; each is given out by its own name.
  api::Device part = Gpu("gpu-0-mig-1g", "10Gi");
  part.consumes_counters = {{"gpu-0-counters", {{"memory", {Q("10Gi")}}}}};
  api::ResourceClaim claim;
  claim.status.allocation.emplace().devices.results = {Result("gpu-0-mig-1g")};
  std::map<DeviceId, DeviceUsage> usage;
  AddUsage(claim, usage);
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage.begin()->first, (DeviceId{kDriver, "n1", "gpu-0-mig-1g"}));
  EXPECT_EQ(usage.begin()->second.Of(part, kDriver, "memory"), Q("10Gi"));
  // Two requests of one claim on two partitions: two devices.
  claim.status.allocation->devices.results.push_back(Result("gpu-0-mig-2g"));
  AddUsage(claim, usage);
  EXPECT_EQ(usage.size(), 2u);
}

TEST(DeviceUsage, NamesUnderTheDriversOwnDomainAreTheSame) {
  struct Case {
    const char *published, *consumed;
    const char* used;
  };
  for (const Case& c : std::vector<Case>{
           {"memory", "memory", "1Gi"},
           {"memory", "gpu.example.com/memory", "1Gi"},
           {"gpu.example.com/memory", "memory", "1Gi"},
           {"gpu.example.com/memory", "gpu.example.com/memory", "1Gi"},
           {"memory", "other.example.com/memory", "0"},
       }) {
    api::Device device;
    device.capacity[c.published].value = Q("80Gi");
    const DeviceUsage usage = UsageOf({Result("gpu-0", {{c.consumed, Q("1Gi")}})});
    EXPECT_EQ(usage.Of(device, kDriver, "memory"), Q(c.used)) << c.published << " " << c.consumed;
    ASSERT_NE(CapacityOf(device, kDriver, "memory"), nullptr) << c.published;
    EXPECT_EQ(UsageOf({Result("gpu-0")}).Of(device, kDriver, "memory"), Q("80Gi")) << c.published;
  }
  api::Device device;
  device.capacity["other.example.com/memory"].value = Q("80Gi");
  EXPECT_EQ(CapacityOf(device, kDriver, "memory"), nullptr);
  // One claim may use both forms.
  EXPECT_EQ(UsageOf({Result("gpu-0", {{"memory", Q("1Gi")}}),
                     Result("gpu-0", {{"gpu.example.com/memory", Q("2Gi")}})})
                .Of(Gpu("gpu-0"), kDriver, "memory"),
            Q("3Gi"));
}

TEST(DeviceUsage, ClaimsWithoutAnAllocationHoldNothing) {
  std::map<DeviceId, DeviceUsage> usage;
  AddUsage({}, usage);
  EXPECT_TRUE(usage.empty());
}

TEST(DeviceUsage, OfSeveralHoldersOneSum) {
  DeviceUsage all = UsageOf({Result("gpu-0", {{"memory", Q("1Gi")}})});
  all.Add(UsageOf({Result("gpu-0", {{"memory", Q("2Gi")}, {"cores", Q("5")}})}));
  EXPECT_EQ(all.Of(Gpu("gpu-0"), kDriver, "memory"), Q("3Gi"));
  EXPECT_EQ(all.Of(Gpu("gpu-0"), kDriver, "cores"), Q("5"));
}

}  // namespace
}  // namespace dray::claims
