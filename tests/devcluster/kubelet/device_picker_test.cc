#include "devcluster/kubelet/device_picker.h"

#include <gtest/gtest.h>

namespace dray::devcluster {
namespace {

using Ids = std::vector<std::string>;

PickRequest Four(int count) {
  PickRequest request;
  request.devices = {
      {"a", true, {0}}, {"b", true, {0}}, {"c", true, {1}}, {"d", true, {1}}, {"sick", false, {0}}};
  request.count = count;
  return request;
}

TEST(PickDevicesTest, TakesHealthyFreeOnes) {
  PickRequest request = Four(1);
  request.in_use = {"a"};
  EXPECT_EQ(*PickDevices("r", request), Ids{"b"});
}

TEST(PickDevicesTest, StaysOnOneNumaNodeWhenItCan) {
  PickRequest request = Four(2);
  request.in_use = {"a"};
  EXPECT_EQ(*PickDevices("r", request), (Ids{"c", "d"}));
  request.count = 3;
  EXPECT_EQ(*PickDevices("r", request), (Ids{"b", "c", "d"}));
}

TEST(PickDevicesTest, SaysHowManyAreMissing) {
  PickRequest request = Four(5);
  Result<Ids> ids = PickDevices("v.com/gpu", request);
  EXPECT_EQ(ids.status().message(),
            "requested number of devices unavailable for v.com/gpu. Requested: 5, Available: 4");
}

TEST(PickDevicesTest, ReusesThoseOfInitContainersFirst) {
  PickRequest request = Four(2);
  request.reusable = {"d"};
  EXPECT_EQ(*PickDevices("r", request), (Ids{"d", "a"}));
  request.count = 1;
  EXPECT_EQ(*PickDevices("r", request), Ids{"d"});
}

TEST(PickDevicesTest, FollowsThePluginsWishAsFarAsItIsFree) {
  PickRequest request = Four(2);
  request.in_use = {"c"};
  request.reusable = {};
  Ids asked, must;
  request.preferred = [&](const Ids& available, const Ids& must_include) -> Result<Ids> {
    asked = available;
    must = must_include;
    return Ids{"c", "d", "d", "sick"};
  };
  EXPECT_EQ(*PickDevices("r", request), (Ids{"d", "a"}));
  EXPECT_EQ(asked, (Ids{"a", "b", "d"}));
  EXPECT_TRUE(must.empty());
}

TEST(PickDevicesTest, AFailingWishFails) {
  PickRequest request = Four(1);
  request.preferred = [](const Ids&, const Ids&) -> Result<Ids> {
    return Status(Reason::kInternal, "no");
  };
  EXPECT_FALSE(PickDevices("r", request).ok());
}

}  // namespace
}  // namespace dray::devcluster
