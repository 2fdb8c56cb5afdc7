#include "devcluster/kubelet/device_plugins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dray/runtime/files.h"
#include "dray/runtime/real_clock.h"
#include "tests/devcluster/kubelet/fake_plugins.h"
#include "tests/devcluster/kubelet/scratch_dir.h"
#include "tests/support/fake_clock.h"

namespace dray::devcluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGpu[] = "vendor.example/gpu";

api::Container WithLimit(const std::string& name, const std::string& resource, int count) {
  api::Container container;
  container.name = name;
  container.resources.limits[resource] = api::Quantity::FromInteger(count);
  return container;
}
api::Pod PodOf(const std::string& uid, std::vector<api::Container> containers) {
  api::Pod pod;
  pod.metadata.name = pod.metadata.uid = uid;
  pod.spec.containers = std::move(containers);
  return pod;
}

class DevicePluginsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Restart().ok()); }
  Status Restart() {
    plugins_.reset();
    plugins_ =
        std::make_unique<DevicePlugins>(clock_, Directory(), [this] { changes_.Add("change"); });
    return plugins_->Start();
  }
  std::string Directory() const { return dir_.path() + "/device-plugins"; }
  // A plugin that has registered and whose list the kubelet has seen.
  std::unique_ptr<FakeDevicePlugin> Plugin(std::map<std::string, std::string> devices,
                                           FakeDevicePlugin::Options options = {}) {
    auto plugin = std::make_unique<FakeDevicePlugin>(Directory(), kGpu, options);
    plugin->SetDevices(std::move(devices));
    grpc::Status status = plugin->Announce();
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_TRUE(AwaitCount([](const DevicePlugins::Count& count) { return count.capacity > 0; }));
    return plugin;
  }
  bool AwaitCount(const std::function<bool(const DevicePlugins::Count&)>& holds) {
    Context ctx = Ctx();
    while (true) {
      auto counts = plugins_->Resources();
      if (auto found = counts.find(kGpu); found != counts.end() && holds(found->second))
        return true;
      if (!ctx.Sleep(std::chrono::milliseconds(2)).ok()) return false;
    }
  }
  std::vector<std::string> Held(const std::string& uid, const std::string& container) {
    return plugins_->DevicesOf(uid, container)[kGpu];
  }
  static Context Ctx() {
    return Context(runtime::RealClock(), {}).WithTimeout(std::chrono::seconds(30));
  }

  ScratchDir dir_;
  dray::testing::FakeClock clock_;
  CallLog changes_;
  std::unique_ptr<DevicePlugins> plugins_;
};

TEST_F(DevicePluginsTest, CountsFollowThePlugin) {
  auto plugin = Plugin({{"a", "Healthy"}, {"b", "Healthy"}, {"c", "Unhealthy"}});
  DevicePlugins::Count count = plugins_->Resources()[kGpu];
  EXPECT_EQ(count.capacity, 3);
  EXPECT_EQ(count.allocatable, 2);
  plugin->SetDevices({{"a", "Healthy"}});
  EXPECT_TRUE(
      AwaitCount([](const auto& now) { return now.capacity == 1 && now.allocatable == 1; }));
  EXPECT_TRUE(changes_.Await("change", 2));
  // Gone: nothing to be given, and after five minutes nothing to be seen.
  plugin.reset();
  EXPECT_TRUE(
      AwaitCount([](const auto& now) { return now.capacity == 1 && now.allocatable == 0; }));
  EXPECT_FALSE(plugins_->Allocate(Ctx(), PodOf("p", {WithLimit("c", kGpu, 1)})).ok());
  clock_.Advance(std::chrono::minutes(5));
  EXPECT_TRUE(plugins_->Resources().empty());
}

TEST_F(DevicePluginsTest, GivesEachContainerItsOwnOnce) {
  auto plugin = Plugin({{"a", "Healthy"}, {"b", "Healthy"}, {"c", "Healthy"}, {"d", "Unhealthy"}});
  api::Pod pod = PodOf(
      "p", {WithLimit("one", kGpu, 2), WithLimit("two", kGpu, 1), WithLimit("three", "cpu", 1)});
  ASSERT_TRUE(plugins_->Allocate(Ctx(), pod).ok());
  EXPECT_THAT(Held("p", "one"), ElementsAre("a", "b"));
  EXPECT_THAT(Held("p", "two"), ElementsAre("c"));
  EXPECT_TRUE(plugins_->DevicesOf("p", "three").empty());
  EXPECT_EQ(plugins_->GrantOf("p", "one").env.at("FAKE_DEVICES"), "a,b");
  EXPECT_EQ(plugins_->GrantOf("p", "two").env.at("FAKE_DEVICES"), "c");
  ASSERT_TRUE(plugins_->Allocate(Ctx(), pod).ok());
  EXPECT_EQ(plugin->log.Lines().size(), 2u);  // what it holds it keeps

  Status full = plugins_->Allocate(Ctx(), PodOf("q", {WithLimit("c", kGpu, 1)}));
  EXPECT_TRUE(full.Is(Reason::kInvalid));
  EXPECT_EQ(
      full.message(),
      "requested number of devices unavailable for vendor.example/gpu. Requested: 1, Available: 0");
  EXPECT_THAT(plugins_->PodUids(), ElementsAre("p"));
  plugins_->Release("p");
  EXPECT_TRUE(plugins_->Allocate(Ctx(), PodOf("q", {WithLimit("c", kGpu, 3)})).ok());
}

// A Pod that cannot have everything holds nothing.
TEST_F(DevicePluginsTest, AllOrNothing) {
  auto plugin = Plugin({{"a", "Healthy"}, {"b", "Healthy"}});
  EXPECT_FALSE(
      plugins_->Allocate(Ctx(), PodOf("p", {WithLimit("one", kGpu, 2), WithLimit("two", kGpu, 1)}))
          .ok());
  EXPECT_TRUE(plugins_->PodUids().empty());
  EXPECT_TRUE(plugins_->Allocate(Ctx(), PodOf("q", {WithLimit("one", kGpu, 2)})).ok());
}

TEST_F(DevicePluginsTest, ThePluginsRefusalIsTheReason) {
  auto plugin = Plugin({{"a", "Healthy"}}, {.allocate_error = "card fell off the bus"});
  EXPECT_EQ(plugins_->Allocate(Ctx(), PodOf("p", {WithLimit("c", kGpu, 1)})).message(),
            "Allocate of device plugin vendor.example/gpu: card fell off the bus");
  EXPECT_TRUE(plugins_->PodUids().empty());
}

// What a plain init container had, the others use again; a sidecar keeps its own.
TEST_F(DevicePluginsTest, InitContainersAndSidecars) {
  auto plugin = Plugin({{"a", "Healthy"}, {"b", "Healthy"}});
  api::Pod pod = PodOf("p", {WithLimit("app", kGpu, 1)});
  pod.spec.init_containers = {WithLimit("init", kGpu, 1), WithLimit("sidecar", kGpu, 1)};
  pod.spec.init_containers[1].restart_policy = "Always";
  ASSERT_TRUE(plugins_->Allocate(Ctx(), pod).ok());
  EXPECT_THAT(Held("p", "init"), ElementsAre("a"));
  EXPECT_THAT(Held("p", "sidecar"), ElementsAre("a"));
  EXPECT_THAT(Held("p", "app"), ElementsAre("b"));
}

TEST_F(DevicePluginsTest, PreferenceAndPreStart) {
  auto plugin = Plugin({{"a", "Healthy"}, {"b", "Healthy"}, {"c", "Healthy"}},
                       {.pre_start = true, .preferred = true});
  ASSERT_TRUE(plugins_->Allocate(Ctx(), PodOf("p", {WithLimit("c", kGpu, 1)})).ok());
  EXPECT_THAT(Held("p", "c"), ElementsAre("c"));  // the fake prefers the last
  ASSERT_TRUE(plugins_->PreStart(Ctx(), "p", "c").ok());
  EXPECT_EQ(plugin->log.Count("prestart c"), 1);
  EXPECT_TRUE(plugins_->PreStart(Ctx(), "p", "other").ok());
}

// Resources that DRA serves are the scheduler's business.
TEST_F(DevicePluginsTest, PassesOverWhatDraServes) {
  auto plugin = Plugin({{"a", "Healthy"}});
  api::Pod pod = PodOf("p", {WithLimit("c", kGpu, 1)});
  pod.status.extended_resource_claim_status.emplace().request_mappings = {{"c", kGpu, "r"}};
  ASSERT_TRUE(plugins_->Allocate(Ctx(), pod).ok());
  EXPECT_TRUE(plugins_->PodUids().empty());
}

TEST_F(DevicePluginsTest, RegistrationIsChecked) {
  struct Case {
    const char* resource;
    const char* version;
    const char* part;
  };
  const Case cases[] = {{kGpu, "v1alpha1", "\"v1alpha1\" is not v1beta1"},
                        {"gpu", "v1beta1", "\"gpu\" is not an extended resource"},
                        {"kubernetes.io/gpu", "v1beta1", "not an extended resource"},
                        {"requests.example/gpu", "v1beta1", "not an extended resource"},
                        {"a/b/c", "v1beta1", "not an extended resource"}};
  for (const Case& test : cases) {
    FakeDevicePlugin plugin(Directory(), test.resource, {});
    grpc::Status status = plugin.Announce(test.version);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << test.resource;
    EXPECT_THAT(status.error_message(), HasSubstr(test.part));
  }
  EXPECT_TRUE(plugins_->Resources().empty());
}

// A kubelet that starts again still knows who holds what, and gives it to nobody else.
TEST_F(DevicePluginsTest, ARestartForgetsNothing) {
  api::Pod pod = PodOf("p", {WithLimit("c", kGpu, 1)});
  {
    auto plugin = Plugin({{"a", "Healthy"}, {"b", "Healthy"}});
    ASSERT_TRUE(plugins_->Allocate(Ctx(), pod).ok());
  }
  ASSERT_TRUE(Restart().ok());
  EXPECT_EQ(plugins_->GrantOf("p", "c").env.at("FAKE_DEVICES"), "a");
  ASSERT_TRUE(plugins_->Allocate(Ctx(), pod).ok());  // no plugin is needed for what it holds
  EXPECT_FALSE(
      plugins_->Allocate(Ctx(), PodOf("q", {WithLimit("c", kGpu, 1)})).ok());  // for more it is
  auto plugin = Plugin({{"a", "Healthy"}, {"b", "Healthy"}});
  ASSERT_TRUE(plugins_->Allocate(Ctx(), PodOf("q", {WithLimit("c", kGpu, 1)})).ok());
  EXPECT_THAT(Held("q", "c"), ElementsAre("b"));
  plugins_->Release("p");
  ASSERT_TRUE(Restart().ok());
  EXPECT_THAT(plugins_->PodUids(), ElementsAre("q"));
}

// What cannot be remembered is not given: after a restart somebody else would get it too.
TEST_F(DevicePluginsTest, NothingIsGivenThatCannotBeRemembered) {
  auto plugin = Plugin({{"a", "Healthy"}});
  const std::string file = Directory() + "/kubelet_internal_checkpoint";
  std::filesystem::remove(file);
  ASSERT_TRUE(runtime::MakeDirectories(file + "/in the way").ok());
  Status refused = plugins_->Allocate(Ctx(), PodOf("p", {WithLimit("c", kGpu, 1)}));
  EXPECT_THAT(refused.message(), HasSubstr("kubelet_internal_checkpoint"));
  EXPECT_TRUE(plugins_->PodUids().empty());
  std::filesystem::remove_all(file);
  EXPECT_TRUE(plugins_->Allocate(Ctx(), PodOf("p", {WithLimit("c", kGpu, 1)})).ok());
}

TEST_F(DevicePluginsTest, ALostCheckpointStopsTheStart) {
  ASSERT_TRUE(
      runtime::WriteFileAtomically(Directory() + "/kubelet_internal_checkpoint", "{}").ok());
  Status status = Restart();
  EXPECT_TRUE(status.Is(Reason::kInvalid));
  EXPECT_THAT(status.message(), HasSubstr("kubelet_internal_checkpoint"));
}

}  // namespace
}  // namespace dray::devcluster
