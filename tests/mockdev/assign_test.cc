#include "mockdev/ledger/assign.h"

#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

class AssignTest : public ::testing::Test {
 protected:
  Result<ClaimRecord> Assign(const api::ResourceClaim& claim) {
    DRAY_ASSIGN_OR_RETURN(ClaimRecord wanted, WantedOf(profile_, devices_, "node-1", claim));
    DRAY_ASSIGN_OR_RETURN(ClaimRecord record, AssignDevices(profile_, devices_, claims_, wanted));
    claims_[record.uid] = record;
    return record;
  }
  std::string Refusal(const api::ResourceClaim& claim) { return Assign(claim).status().message(); }

  DeviceProfile profile_ = ProfileFromTree("nvidia-a100-80gb");
  std::vector<MockDevice> devices_ = ValueOf(EnumerateDevices(profile_, "node-1"));
  std::map<std::string, ClaimRecord> claims_;
};

TEST_F(AssignTest, SharesOfOneDeviceUntilItIsFull) {
  EXPECT_TRUE(Assign(AllocatedClaim("a", kGpuDriver)
                         .Gets("r", "hami-gpu-0", {{"memory", "40Gi"}, {"cores", "50"}}))
                  .ok());
  EXPECT_TRUE(Assign(AllocatedClaim("b", kGpuDriver)
                         .Gets("r", "hami-gpu-0", {{"memory", "40Gi"}, {"cores", "40"}}))
                  .ok());
  EXPECT_EQ(Refusal(AllocatedClaim("c", kGpuDriver)
                        .Gets("r", "hami-gpu-0", {{"memory", "1Mi"}, {"cores", "10"}})),
            "device hami-gpu-0 has 80Gi of memory; 1Mi beside what others hold makes 81921Mi");
}

TEST_F(AssignTest, WholeDevicesDoNotOverlap) {
  EXPECT_TRUE(Assign(AllocatedClaim("a", kGpuDriver).Gets("r", "hami-gpu-0")).ok());
  EXPECT_EQ(Refusal(AllocatedClaim("b", kGpuDriver).Gets("r", "hami-gpu-0")),
            "device hami-gpu-0 is held as a whole by claim default/claim-a");
  EXPECT_EQ(Refusal(AllocatedClaim("b", kGpuDriver)
                        .Gets("r", "hami-gpu-0", {{"memory", "1Gi"}, {"cores", "1"}})),
            "device hami-gpu-0 is held as a whole by claim default/claim-a");
  EXPECT_TRUE(Assign(AllocatedClaim("c", kGpuDriver)
                         .Gets("r", "hami-gpu-1", {{"memory", "1Gi"}, {"cores", "1"}}))
                  .ok());
  EXPECT_EQ(
      Refusal(AllocatedClaim("d", kGpuDriver).Gets("r", "hami-gpu-1")),
      "device hami-gpu-1 is wanted as a whole, but claim default/claim-c holds a share of it");
}

TEST_F(AssignTest, OneClaimCannotHoldADeviceTwiceAsAWhole) {
  EXPECT_EQ(Assign(AllocatedClaim("a", kGpuDriver).Gets("r", "hami-gpu-0").Gets("s", "hami-gpu-0"))
                .status()
                .reason(),
            Reason::kConflict);
}

TEST_F(AssignTest, AdminAccessHoldsNothing) {
  AllocatedClaim admin("a", kGpuDriver);
  admin.Gets("r", "hami-gpu-0").results()[0].admin_access = true;
  EXPECT_TRUE(Assign(AllocatedClaim("b", kGpuDriver).Gets("r", "hami-gpu-0")).ok());
  EXPECT_TRUE(Assign(admin).ok());
  claims_.erase("b");
  EXPECT_TRUE(Assign(AllocatedClaim("c", kGpuDriver).Gets("r", "hami-gpu-0")).ok());
}

TEST_F(AssignTest, OnlyOwnResultsAndParentRequests) {
  AllocatedClaim claim("a", kGpuDriver);
  claim.Gets("main/sub", "hami-gpu-0").Gets("other", "nic-0");
  claim.results()[1].driver = "nic.example.com";
  ClaimRecord record = ValueOf(Assign(claim));
  ASSERT_EQ(record.devices.size(), 1u);
  EXPECT_EQ(ParentRequest(record.devices[0].request), "main");
  EXPECT_EQ(record.devices[0].cdi_id, "k8s.hami-core-gpu.project-hami.io/claim=a-0-hami-gpu-0");
}

TEST_F(AssignTest, CapacityNamesMayCarryTheDomain) {
  AllocatedClaim claim("a", kGpuDriver);
  claim.Gets("r", "hami-gpu-0", {{std::string(kGpuDriver) + "/memory", "4Gi"}, {"cores", "5"}});
  ClaimRecord record = ValueOf(Assign(claim));
  EXPECT_EQ(record.devices[0].consumed.at("memory").ToString(), "4Gi");
  EXPECT_EQ(record.devices[0].consumed.size(), 2u);
}

TEST_F(AssignTest, SlotsAreTheLowestFree) {
  for (const char* uid : {"a", "b", "c"}) {
    EXPECT_TRUE(Assign(AllocatedClaim(uid, kGpuDriver)
                           .Gets("r", "hami-gpu-0", {{"memory", "1Gi"}, {"cores", "1"}}))
                    .ok());
  }
  claims_.erase("b");
  AllocatedClaim two("d", kGpuDriver);
  two.Gets("r", "hami-gpu-1").Gets("r", "hami-gpu-2");
  ClaimRecord record = ValueOf(Assign(two));
  EXPECT_EQ(record.devices[0].slot, 1);
  EXPECT_EQ(record.devices[1].slot, 3);
}

// What the webhook writes for a MetaX Pod, the mock driver takes; another member it still refuses.
TEST_F(AssignTest, TakesTheMembersThatItsProfileNames) {
  profile_ = ProfileFromTree("metax-c500");
  devices_ = ValueOf(EnumerateDevices(profile_, "node-1"));
  AllocatedClaim claim("a", "metax.dray.dev");
  claim.Gets("r", "metax-0", {{"memory", "4Gi"}, {"cores", "25"}});
  auto& config = claim.claim().status.allocation->devices.config.emplace_back();
  config.opaque = {"metax.dray.dev",
                   R"({"apiVersion":"config.dray.dev/v1","kind":"SharingConfig","priority":1})"};
  EXPECT_EQ(Refusal(claim),
            "driver metax.dray.dev cannot do \"priority\" of SharingConfig: its devices are shared "
            "by capacity");
  config.opaque = {
      "metax.dray.dev",
      R"({"apiVersion":"config.dray.dev/v1","kind":"SharingConfig","qosPolicy":"fixed-share"})"};
  EXPECT_EQ(Refusal(claim), "");
}

TEST_F(AssignTest, RefusesWhatItCannotDo) {
  AllocatedClaim claim("a", kGpuDriver);
  EXPECT_EQ(Refusal(claim), "the claim has no device of driver hami-core-gpu.project-hami.io");
  claim.Gets("r", "hami-gpu-9");
  EXPECT_EQ(Refusal(claim), "device hami-gpu-9 of pool node-1 is not on this node (pool node-1)");
  claim.results()[0].device = "hami-gpu-0";
  claim.results()[0].pool = "node-2";
  EXPECT_EQ(Refusal(claim), "device hami-gpu-0 of pool node-2 is not on this node (pool node-1)");
  claim.results()[0].pool = "node-1";
  auto& config = claim.claim().status.allocation->devices.config.emplace_back();
  struct Case {
    const char* parameters;
    const char* sentence;
  };
  const Case cases[] = {
      {"[]", "the parameters for driver hami-core-gpu.project-hami.io are not a JSON object"},
      {R"({"apiVersion":"v1","kind":"Other"})",
       "driver hami-core-gpu.project-hami.io accepts parameters of kind GpuConfig, not \"Other\" "
       "of \"v1\""},
      {R"({"apiVersion":"resource.nvidia.com/v1beta1","kind":"GpuConfig","sharing":{"strategy":"MPS"}})",
       "driver hami-core-gpu.project-hami.io cannot do \"sharing\" of GpuConfig: its devices are "
       "shared by capacity"},
      {R"({"apiVersion":"resource.nvidia.com/v1beta1","kind":"GpuConfig"})", ""},
  };
  for (const Case& test : cases) {
    config.opaque = {kGpuDriver, test.parameters};
    EXPECT_EQ(Refusal(claim), test.sentence);
  }
  config.opaque = {"nic.example.com", "[]"};
  EXPECT_EQ(Refusal(claim), "");
  claim.claim().status.allocation.reset();
  EXPECT_EQ(Refusal(claim), "the claim is not allocated");
}

TEST(AssignUnits, AreDisjointAndComeBack) {
  DeviceProfile profile = ProfileFromTree("hygon-k100-ai");
  std::vector<MockDevice> devices = ValueOf(EnumerateDevices(profile, "node-1"));
  std::map<std::string, ClaimRecord> claims;
  auto assign = [&](const std::string& uid, const std::string& cores) -> Result<ClaimRecord> {
    AllocatedClaim claim(uid, "dra.hygon.com");
    claim.Gets("hcu", "hcu-0000-09-00-0", {{"memory", "1Gi"}, {"cores", cores}, {"slices", "1"}});
    ClaimRecord wanted = ValueOf(WantedOf(profile, devices, "node-1", claim));
    DRAY_ASSIGN_OR_RETURN(claims[uid], AssignDevices(profile, devices, claims, wanted));
    return claims[uid];
  };
  ASSERT_TRUE(assign("a", "50").ok());
  ASSERT_TRUE(assign("b", "50").ok());
  EXPECT_FALSE(assign("c", "21").ok());
  claims.erase("c");
  claims.erase("a");
  ClaimRecord c = ValueOf(assign("c", "60"));
  EXPECT_EQ(c.devices[0].units.front(), 0);
  EXPECT_EQ(c.devices[0].units[49], 49);
  EXPECT_EQ(c.devices[0].units[50], 100);
  EXPECT_EQ(c.devices[0].units.back(), 109);
}

}  // namespace
}  // namespace dray::mockdev
