#include "controllers/webhook/device_config_file.h"

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "controllers/manager/controller_manager.h"
#include "dray/runtime/device_config.h"
#include "dray/runtime/files.h"
#include "tests/support/fake_clock.h"

namespace dray::controllers {
namespace {

struct DeviceConfigFileTest : ::testing::Test {
  DeviceConfigFileTest() {
    std::string pattern = ::testing::TempDir() + "dray-config-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    Write("nvidia:\n  defaultGPUNum: 1\n");
  }
  ~DeviceConfigFileTest() override { std::filesystem::remove_all(folder); }
  void Write(const std::string& text) {
    ASSERT_TRUE(runtime::WriteFileAtomically(folder + "/device-config.yaml", text).ok());
  }
  DeviceConfigFile File() {
    return DeviceConfigFile({folder + "/device-config.yaml", runtime::LoadDeviceConfig,
                             [this](admission::DeviceConfig) { ++used; }, &metrics});
  }

  std::string folder;
  std::atomic<int> used = 0;
  runtime::Metrics metrics;
};

TEST_F(DeviceConfigFileTest, OnlyWhatIsNewAndUsableIsUsed) {
  DeviceConfigFile file = File();
  EXPECT_FALSE(file.Look());
  Write("nvidia:\n  defaultGPUNum: 2\n");
  EXPECT_TRUE(file.Look());
  EXPECT_FALSE(file.Look());
  Write("nvidia:\n  defaultGPUNum: two\n");
  EXPECT_FALSE(file.Look());
  EXPECT_THAT(metrics.Text(), ::testing::HasSubstr("dray_device_config_usable 0"));
  std::filesystem::remove(folder + "/device-config.yaml");
  EXPECT_FALSE(file.Look());
  Write("vnpus: []\n");
  EXPECT_TRUE(file.Look());
  EXPECT_THAT(metrics.Text(), ::testing::HasSubstr("dray_device_config_usable 1"));
  EXPECT_EQ(used, 2);
}

TEST_F(DeviceConfigFileTest, LooksEveryTenSeconds) {
  testing::FakeClock clock;
  DeviceConfigFile file = File();
  std::jthread running(
      [&](std::stop_token stop) { EXPECT_TRUE(file.Run(Context(clock, stop)).ok()); });
  clock.AwaitWaiters(1);
  Write("biren:\n  resourceCountName: example.com/biren\n");
  clock.Advance(std::chrono::seconds(10));
  clock.AwaitWaiters(1);
  EXPECT_EQ(used, 1);
}

// What config/ ships is what is built in.
TEST(ShippedDeviceConfig, SaysTheDefaults) {
  const std::string path = std::string(DRAY_SOURCE_DIR) + "/config/manager/device-config.yaml";
  Result<admission::DeviceConfig> shipped = runtime::LoadDeviceConfig(path);
  ASSERT_TRUE(shipped.ok()) << shipped.status();
  const std::vector<const char*> resources = {"nvidia.com/gpumem",
                                              "hygon.com/dcucores",
                                              "huawei.com/Ascend310P-memory",
                                              "iluvatar.ai/MR-V50.vMem",
                                              "cambricon.com/mlu.smlu.vmemory",
                                              "metax-tech.com/sgpu",
                                              "enflame.com/gcu-memory",
                                              "mthreads.com/vgpu",
                                              "kunlunxin.com/vxpu-memory",
                                              "amd.com/gpucores",
                                              "aws.amazon.com/neuroncore",
                                              "vastaitech.com/va",
                                              "birentech.com/gpu"};
  for (const char* resource : resources) {
    const Json pod = {
        {"spec",
         {{"containers", {{{"name", "c"}, {"resources", {{"limits", {{resource, "2"}}}}}}}}}}};
    Result<admission::AdmissionPlan> built_in =
        admission::PlanAdmission(pod, "n", admission::DeviceConfig());
    Result<admission::AdmissionPlan> read = admission::PlanAdmission(pod, "n", *shipped);
    ASSERT_TRUE(built_in.ok() && read.ok()) << resource << built_in.status() << read.status();
    EXPECT_EQ(built_in->patch, read->patch) << resource;
  }
}

}  // namespace
}  // namespace dray::controllers
