#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "devcluster/kubelet/claim_checkpoint.h"
#include "devcluster/kubelet/device_checkpoint.h"
#include "dray/base/json.h"

namespace dray::devcluster {
namespace {

TEST(ClaimCheckpointTest, HasKubeletsLayout) {
  ClaimInfo claim{"ns", "c", "u1", {"p1", "p2"}};
  claim.drivers["gpu.example.com"] = {{{"r"}, "pool", "gpu-0", {"v.com/gpu=u1-gpu-0"}, "share"},
                                      {{}, "pool", "gpu-1", {}, {}}};
  claim.drivers["empty.example.com"];
  claim.prepared = true;
  std::string text = EncodeClaimCheckpoint({claim});
  Json inner = Json::parse(Json::parse(text)["Data"].get<std::string>());
  EXPECT_EQ(inner["kind"], "DRACheckpoint");
  EXPECT_EQ(inner["apiVersion"], "checkpoint.dra.kubelet.k8s.io/v1");
  EXPECT_EQ(inner["ClaimInfoStateList"][0]["PodUIDs"],
            (Json{{"p1", Json::object()}, {"p2", Json::object()}}));

  Result<std::vector<ClaimInfo>> back = DecodeClaimCheckpoint(text);
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ((*back)[0].uid, "u1");
  EXPECT_EQ((*back)[0].pod_uids, claim.pod_uids);
  EXPECT_EQ((*back)[0].drivers, claim.drivers);
  EXPECT_FALSE((*back)[0].prepared);
}

TEST(ClaimCheckpointTest, ReadsWhatKubeletWrites) {
  // Go writes nil slices as null and leaves ShareID out or null.
  std::string data =
      R"({"kind":"DRACheckpoint","apiVersion":"checkpoint.dra.kubelet.k8s.io/v1","ClaimInfoStateList":[)"
      R"({"ClaimUID":"u","ClaimName":"c","Namespace":"n","PodUIDs":{"p":{}},"DriverState":{"d":{"Devices":null},)"
      R"("e":{"Devices":[{"PoolName":"p","DeviceName":"x","ShareID":null,"RequestNames":["r"],"CDIDeviceIDs":null}]}}}]})";
  Result<std::vector<ClaimInfo>> claims = DecodeClaimCheckpoint(SealCheckpoint(data));
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ((*claims)[0].drivers.at("e")[0].device, "x");
  EXPECT_TRUE((*claims)[0].drivers.at("d").empty());
}

TEST(ClaimCheckpointTest, RefusesDamage) {
  std::string good = EncodeClaimCheckpoint({});
  ASSERT_TRUE(DecodeClaimCheckpoint(good).ok());
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[]"), good.substr(0, good.size() / 2),
        SealCheckpoint("{\"kind\":\"Other\",\"apiVersion\":\"v1\",\"ClaimInfoStateList\":[]}"),
        SealCheckpoint("nonsense"), std::string(R"({"Data":"x","Checksum":1})")}) {
    EXPECT_TRUE(DecodeClaimCheckpoint(bad).Is(Reason::kInvalid)) << bad;
  }
}

TEST(SealTest, ChecksumIsCrc32) {
  EXPECT_EQ(Json::parse(SealCheckpoint("123456789"))["Checksum"], 0xcbf43926u);
}

TEST(DeviceCheckpointTest, GoesThereAndBack) {
  DeviceMemory memory;
  memory.holds["p"]["c"]["v.com/gpu"] = {{"a", "b"}, std::string("\0\x01wire", 6)};
  memory.registered["v.com/gpu"] = {"a", "b", "c"};
  Result<DeviceMemory> back = DecodeDeviceCheckpoint(EncodeDeviceCheckpoint(memory));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->holds["p"]["c"]["v.com/gpu"].ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(back->holds["p"]["c"]["v.com/gpu"].grant, std::string("\0\x01wire", 6));
  EXPECT_EQ(back->registered, memory.registered);
  EXPECT_FALSE(DecodeDeviceCheckpoint("{}").ok());
  EXPECT_FALSE(DecodeDeviceCheckpoint(SealCheckpoint("{}")).ok());
}

}  // namespace
}  // namespace dray::devcluster
