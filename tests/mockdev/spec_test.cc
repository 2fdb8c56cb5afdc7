#include "mockdev/cdi/spec.h"

#include "mockdev/cdi/spec_files.h"
#include "mockdev/ledger/assign.h"
#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

const NodePaths kPaths{"/var/lib/kubelet/plugins/driver", "/var/run/cdi"};

cdi::Spec SpecOf(const DeviceProfile& profile, const api::ResourceClaim& claim) {
  std::vector<MockDevice> devices = ValueOf(EnumerateDevices(profile, "node-1"));
  ClaimRecord wanted = ValueOf(WantedOf(profile, devices, "node-1", claim));
  ClaimRecord record = ValueOf(AssignDevices(profile, devices, {}, wanted));
  return cdi::SpecForClaim(profile.driver, record,
                           ValueOf(EditsForClaim(profile, devices, kPaths, record)));
}

TEST(SpecForClaim, TwoGpusInOneRequest) {
  AllocatedClaim claim("c1a2", kGpuDriver);
  claim.Gets("gpu", "hami-gpu-0", {{"memory", "4Gi"}, {"cores", "80"}});
  claim.Gets("gpu", "hami-gpu-3", {{"memory", "4Gi"}, {"cores", "80"}});
  ExpectGolden("nvidia-two.cdi.json",
               cdi::EncodeSpec(SpecOf(ProfileFromTree("nvidia-a100-80gb"), claim)));
}

// The container that uses only the second request has no variable of index 0: the plain one limits
// it.
TEST(SpecForClaim, TwoRequestsOfDifferentSize) {
  AllocatedClaim claim("c1a2", kGpuDriver);
  claim.Gets("small", "hami-gpu-1", {{"memory", "4Gi"}, {"cores", "30"}});
  claim.Gets("large", "hami-gpu-1", {{"memory", "8Gi"}, {"cores", "60"}});
  cdi::Spec spec = SpecOf(ProfileFromTree("nvidia-a100-80gb"), claim);
  ASSERT_EQ(spec.devices.size(), 2u);
  EXPECT_EQ(spec.devices[0].name, "c1a2-0-hami-gpu-1");
  EXPECT_EQ(spec.devices[1].name, "c1a2-1-hami-gpu-1");
  EXPECT_THAT(
      spec.devices[0].edits.env,
      ::testing::IsSupersetOf({"CUDA_DEVICE_MEMORY_LIMIT_0=4096m", "CUDA_DEVICE_MEMORY_LIMIT=4096m",
                               "CUDA_DEVICE_SM_LIMIT_0=30"}));
  EXPECT_THAT(
      spec.devices[1].edits.env,
      ::testing::IsSupersetOf({"CUDA_DEVICE_MEMORY_LIMIT_1=8192m", "CUDA_DEVICE_MEMORY_LIMIT=8192m",
                               "CUDA_DEVICE_SM_LIMIT_1=60"}));
}

TEST(SpecForClaim, PartOfADcu) {
  AllocatedClaim claim("d1", "dra.hygon.com");
  claim.Gets("hcu", "hcu-0000-09-00-0", {{"memory", "16Gi"}, {"cores", "60"}, {"slices", "1"}});
  ExpectGolden("hygon-part.cdi.json",
               cdi::EncodeSpec(SpecOf(ProfileFromTree("hygon-k100-ai"), claim)));
}

TEST(SpecForClaim, WholeDcuHasNoLimitFile) {
  AllocatedClaim claim("d1", "dra.hygon.com");
  claim.Gets("hcu", "hcu-0000-09-00-0", {{"memory", "65520Mi"}, {"cores", "120"}, {"slices", "1"}});
  cdi::Spec spec = SpecOf(ProfileFromTree("hygon-k100-ai"), claim);
  for (const cdi::Mount& mount : spec.devices[0].edits.mounts) {
    EXPECT_EQ(mount.container_path.find("vdev"), std::string::npos) << mount.container_path;
  }
}

TEST(EditsForClaim, DcuLimitFileSaysWhichUnits) {
  DeviceProfile profile = ProfileFromTree("hygon-k100-ai");
  std::vector<MockDevice> devices = ValueOf(EnumerateDevices(profile, "node-1"));
  std::map<std::string, ClaimRecord> claims;
  for (const char* uid : {"d1", "d2"}) {
    AllocatedClaim claim(uid, "dra.hygon.com");
    claim.Gets("hcu", "hcu-0000-09-00-0", {{"memory", "16Gi"}, {"cores", "60"}, {"slices", "1"}});
    ClaimRecord wanted = ValueOf(WantedOf(profile, devices, "node-1", claim));
    claims[uid] = ValueOf(AssignDevices(profile, devices, claims, wanted));
  }
  ClaimEdits edits = ValueOf(EditsForClaim(profile, devices, kPaths, claims["d2"]));
  std::string conf;
  for (const HostFile& file : edits.files) {
    if (file.path.ends_with("/d2/vdev1.conf")) conf = file.content;
  }
  EXPECT_EQ(conf,
            "PciBusId: 0000:09:00.0\ncu_mask: 0xf000000000000000\ncu_mask: "
            "0x00ffffffffffffff\ncu_count: 60\nmem: 16384 MiB\n"
            "device_id: 0\nvdev_id: 1\npipe_id: 1\nenable: 1\n");
}

TEST(SpecForClaim, AscendListsTheDevicesOfTheRequest) {
  AllocatedClaim claim("a1", "ascend.project-hami.io");
  claim.Gets("npu", "npu-2", {{"memory", "16Gi"}, {"cores", "25"}});
  claim.Gets("npu", "npu-5", {{"memory", "16Gi"}, {"cores", "25"}});
  claim.Gets("other", "npu-7", {{"memory", "1Gi"}, {"cores", "5"}});
  ExpectGolden("ascend-three.cdi.json",
               cdi::EncodeSpec(SpecOf(ProfileFromTree("ascend-910b3"), claim)));
}

TEST(DecodeSpec, ReadsBackWhatItWrote) {
  AllocatedClaim claim("c1a2", kGpuDriver);
  claim.Gets("gpu", "hami-gpu-0");
  cdi::Spec spec = SpecOf(ProfileFromTree("nvidia-a100-80gb"), claim);
  EXPECT_EQ(ValueOf(cdi::DecodeSpec(cdi::EncodeSpec(spec))), spec);
}

TEST(DecodeSpec, IsStrict) {
  const char* bad[] = {
      "",
      "[]",
      "{}",
      R"({"cdiVersion":"0.6.0","kind":"a/b","devices":[]})",
      R"({"cdiVersion":"0.6.0","kind":"ab","devices":[{"name":"x","containerEdits":{"env":["A=1"]}}]})",
      R"({"cdiVersion":"0.3.0","kind":"a/b","devices":[{"name":"x","containerEdits":{"env":["A=1"]}}]})",
      R"({"cdiVersion":"0.6.0","kind":"a/b","devices":[{"name":"x","containerEdits":{}}]})",
      R"({"cdiVersion":"0.6.0","kind":"a/b","devices":[{"name":"x/","containerEdits":{"env":["A=1"]}}]})",
      R"({"cdiVersion":"0.6.0","kind":"a/b","devices":[{"name":"x","containerEdits":{"env":["=1"]}}]})",
      R"({"cdiVersion":"0.6.0","kind":"a/b","devices":[{"name":"x","containerEdits":{"envs":["A=1"]}}]})",
      R"({"cdiVersion":"0.6.0","kind":"a/b","extra":1,"devices":[{"name":"x","containerEdits":{"env":["A=1"]}}]})",
      R"({"cdiVersion":"0.6.0","kind":"a/b","devices":[{"name":"x","containerEdits":{"env":[1]}}]})",
  };
  for (const char* text : bad) EXPECT_TRUE(cdi::DecodeSpec(text).Is(Reason::kInvalid)) << text;
}

TEST(SpecFiles, RemovesOnlyWhatIsOursAndUnknown) {
  TempDir dir;
  cdi::SpecFiles files(dir.path(), "gpu.example.com");
  auto spec_of = [](const std::string& state_dir) {
    return cdi::Spec{
        .kind = "k8s.gpu.example.com/claim",
        .devices = {
            {"x", {.mounts = {{state_dir + "/claims/u/devices/0.json", "/run/x.json", {"ro"}}}}}}};
  };
  cdi::Spec spec = spec_of("/state");
  ASSERT_TRUE(files.Write("keep", spec).ok());
  ASSERT_TRUE(files.Write("lost", spec).ok());
  ASSERT_TRUE(files.Write("of-another-node", spec_of("/state-2")).ok());
  for (const char* name : {"other.json", "k8s.gpu.example.com-claim_lost.json.tmp.12.0",
                           "k8s.gpu.example.org-claim_x.json"}) {
    ASSERT_TRUE(runtime::WriteFileAtomically(dir / name, "{}").ok());
  }
  EXPECT_EQ(ValueOf(files.RemoveOthers({"keep"}, "/state")), 2);
  EXPECT_TRUE(files.Holds("keep", spec));
  EXPECT_TRUE(files.Holds("of-another-node", spec_of("/state-2")));
  EXPECT_EQ(Tree(dir.path()).size(), 4u);
}

}  // namespace
}  // namespace dray::mockdev
