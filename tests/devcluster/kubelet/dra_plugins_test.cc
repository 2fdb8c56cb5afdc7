#include "devcluster/kubelet/dra_plugins.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "dray/runtime/files.h"
#include "dray/runtime/real_clock.h"
#include "tests/devcluster/kubelet/fake_plugins.h"
#include "tests/devcluster/kubelet/scratch_dir.h"
#include "tests/support/fake_clock.h"

namespace dray::devcluster {
namespace {

// Answers 200 to everything and remembers what was asked.
class RecordingTransport : public runtime::Transport {
 public:
  Result<runtime::ApiResponse> Do(const Context&, const runtime::ApiRequest& request) override {
    if (request.method == "DELETE") log.Add(request.method + " " + request.path);
    if (request.path == "/apis/resource.k8s.io") {
      return runtime::ApiResponse{200, R"({"kind":"APIGroup","versions":[{"version":"v1"}]})", {}};
    }
    return runtime::ApiResponse{
        200, R"({"kind":"Status","apiVersion":"v1","status":"Success","code":200})", {}};
  }
  Status Watch(const Context&, const runtime::ApiRequest&,
               const std::function<bool(std::string_view)>&) override {
    return Status(Reason::kUnavailable, "no watch");
  }
  CallLog log;
};

class DraPluginsTest : public ::testing::Test {
 protected:
  DraPluginsTest() {
    std::filesystem::create_directories(dir_.path() + "/plugins");
    std::filesystem::create_directories(dir_.path() + "/plugins_registry");
  }
  void Start() {
    plugins_ = std::make_unique<DraPlugins>(
        clock_, runtime::Client(transport_), "node-1",
        [this](const std::string& driver) { events_.Add("on " + driver); },
        [this] { events_.Add("health"); });
    watcher_ = std::make_unique<PluginWatcher>(
        runtime::RealClock(), dir_.path() + "/plugins_registry",
        std::map<std::string, PluginHandler*>{{"DRAPlugin", plugins_.get()}});
    watch_ = std::jthread(
        [this](std::stop_token stop) { (void)watcher_->Run(Context(runtime::RealClock(), stop)); });
    wipes_ = std::jthread([this](std::stop_token stop) { plugins_->Run(Context(clock_, stop)); });
  }
  // Reads `what` until it holds; 20 s at most, in real time.
  bool Eventually(const std::function<bool()>& what) {
    Context ctx(runtime::RealClock(), {});
    Context limited = ctx.WithTimeout(std::chrono::seconds(20));
    while (!what()) {
      if (!limited.Sleep(std::chrono::milliseconds(5)).ok()) return false;
    }
    return true;
  }
  Context Ctx() { return Context(runtime::RealClock(), {}); }

  ScratchDir dir_;
  dray::testing::FakeClock clock_;
  std::shared_ptr<RecordingTransport> transport_ = std::make_shared<RecordingTransport>();
  CallLog events_;
  std::unique_ptr<DraPlugins> plugins_;
  std::unique_ptr<PluginWatcher> watcher_;
  std::jthread watch_, wipes_;
};

TEST_F(DraPluginsTest, RegistersASocketThatIsThereAndOneThatComes) {
  FakeDraPlugin first(dir_.path(), "one.example.com", {"v1.DRAPlugin", "v1beta1.DRAPlugin"});
  ASSERT_TRUE(runtime::WriteFileAtomically(dir_.path() + "/plugins_registry/plain-file", "x").ok());
  Start();
  EXPECT_TRUE(first.log().Await("registered"));
  FakeDraPlugin second(dir_.path(), "two.example.com", {"v1beta1.DRAPlugin"});
  EXPECT_TRUE(second.log().Await("registered"));
  EXPECT_TRUE(events_.Await("on two.example.com"));
  EXPECT_EQ(plugins_->Find("three.example.com").status().message(),
            "DRA driver three.example.com is not registered");

  // The version that stands first in the plugin's list is spoken.
  auto answers = (*plugins_->Find("one.example.com"))->Prepare(Ctx(), {{"ns", "c", "u1"}});
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_EQ(answers->at("u1").devices.at(0).device, "dev-c");
  EXPECT_EQ(first.log().Count("v1 prepare ns/c"), 1);
  auto done = (*plugins_->Find("two.example.com"))->Unprepare(Ctx(), {{"ns", "c", "u1"}});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->at("u1"), "");
  EXPECT_EQ(second.log().Count("v1beta1 unprepare ns/c"), 1);
}

TEST_F(DraPluginsTest, RefusesWhatItDoesNotSpeakAndSaysWhy) {
  FakeDraPlugin old(dir_.path(), "old.example.com", {"v1alpha3.Node"});
  Start();
  EXPECT_TRUE(old.log().Await(
      "refused: none of the DRA gRPC interfaces of driver old.example.com is supported "
      "(v1alpha3.Node); wanted: v1.DRAPlugin or v1beta1.DRAPlugin"));
}

TEST_F(DraPluginsTest, AGoneSocketIsDeregistered) {
  auto plugin = std::make_unique<FakeDraPlugin>(dir_.path(), "one.example.com",
                                                std::vector<std::string>{"v1.DRAPlugin"});
  Start();
  EXPECT_TRUE(plugin->log().Await("registered"));
  plugin.reset();  // removes its sockets
  EXPECT_TRUE(Eventually([&] { return !plugins_->Find("one.example.com").ok(); }));
  FakeDraPlugin again(dir_.path(), "one.example.com", {"v1.DRAPlugin"});
  EXPECT_TRUE(again.log().Await("registered"));
  EXPECT_TRUE(plugins_->Find("one.example.com").ok());
}

TEST_F(DraPluginsTest, TheYoungestConnectedInstanceIsCalled) {
  FakeDraPlugin old(dir_.path(), "one.example.com", {"v1.DRAPlugin"}, "-a");
  Start();
  EXPECT_TRUE(old.log().Await("registered"));
  auto young = std::make_unique<FakeDraPlugin>(dir_.path(), "one.example.com",
                                               std::vector<std::string>{"v1.DRAPlugin"}, "-b");
  EXPECT_TRUE(young->log().Await("registered"));
  EXPECT_TRUE(Eventually(
      [&] { return (*plugins_->Find("one.example.com"))->endpoint() == young->endpoint(); }));
  young.reset();
  EXPECT_TRUE(Eventually([&] {
    auto found = plugins_->Find("one.example.com");
    return found.ok() && (*found)->endpoint() == old.endpoint();
  }));
}

TEST_F(DraPluginsTest, SlicesGoThirtySecondsAfterTheLastConnection) {
  auto plugin = std::make_unique<FakeDraPlugin>(dir_.path(), "one.example.com",
                                                std::vector<std::string>{"v1.DRAPlugin"});
  Start();
  EXPECT_TRUE(plugin->log().Await("registered"));
  EXPECT_TRUE(Eventually([&] { return (*plugins_->Find("one.example.com"))->connected(); }));
  clock_.Advance(std::chrono::minutes(1));  // connected: nothing happens
  plugin.reset();
  EXPECT_TRUE(Eventually([&] {
    return !plugins_->Find("one.example.com").ok() && clock_.NextDeadline().has_value();
  }));
  EXPECT_TRUE(transport_->log.Lines().empty());
  clock_.Advance(std::chrono::seconds(29));
  EXPECT_TRUE(transport_->log.Lines().empty());
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_TRUE(transport_->log.Await(
      "DELETE "
      "/apis/resource.k8s.io/v1/"
      "resourceslices?fieldSelector=spec.nodeName%3Dnode-1%2Cspec.driver%3Done.example.com"))
      << ::testing::PrintToString(transport_->log.Lines());
}

TEST_F(DraPluginsTest, AReturnInTimeKeepsTheSlices) {
  auto plugin = std::make_unique<FakeDraPlugin>(dir_.path(), "one.example.com",
                                                std::vector<std::string>{"v1.DRAPlugin"});
  Start();
  EXPECT_TRUE(Eventually([&] {
    return plugins_->Find("one.example.com").ok() &&
           (*plugins_->Find("one.example.com"))->connected();
  }));
  plugin.reset();
  EXPECT_TRUE(Eventually([&] { return clock_.NextDeadline().has_value(); }));
  FakeDraPlugin again(dir_.path(), "one.example.com", {"v1.DRAPlugin"});
  EXPECT_TRUE(again.log().Await("registered"));
  EXPECT_TRUE(Eventually([&] {
    return plugins_->Find("one.example.com").ok() &&
           (*plugins_->Find("one.example.com"))->connected();
  }));
  clock_.Advance(std::chrono::seconds(60));
  clock_.AwaitWaiters(1);
  EXPECT_TRUE(transport_->log.Lines().empty());
}

// What kubelet 1.36 does for every driver, also for one that does not offer the service.
TEST_F(DraPluginsTest, HearsHowDevicesFare) {
  auto plugin = std::make_unique<FakeDraPlugin>(dir_.path(), "one.example.com",
                                                std::vector<std::string>{"v1.DRAPlugin"});
  plugin->health().Say({{"a", {v1alpha1::HEALTHY, ""}}, {"b", {v1alpha1::UNHEALTHY, "XID 79"}}});
  Start();
  ASSERT_TRUE(events_.Await("health"));
  auto of = [&](const std::string& device) {
    return plugins_->HealthOf("one.example.com", "pool", device);
  };
  EXPECT_EQ(of("a"), (DeviceHealth{"Healthy", ""}));
  EXPECT_EQ(of("b"), (DeviceHealth{"Unhealthy", "XID 79"}));
  EXPECT_EQ(of("c"), DeviceHealth());
  plugin->health().Say({{"a", {v1alpha1::HEALTHY, ""}}, {"b", {v1alpha1::HEALTHY, ""}}});
  ASSERT_TRUE(events_.Await("health", 2));
  EXPECT_EQ(of("b"), (DeviceHealth{"Healthy", ""}));
  clock_.Advance(std::chrono::seconds(30));
  EXPECT_EQ(of("a"), DeviceHealth()) << "its last word is too old";
  plugin->health().Say({{"a", {v1alpha1::HEALTHY, ""}}});
  ASSERT_TRUE(events_.Await("health", 3));
  EXPECT_EQ(of("a"), (DeviceHealth{"Healthy", ""}));
  plugin.reset();
  ASSERT_TRUE(events_.Await("health", 4));
  EXPECT_EQ(of("a"), DeviceHealth()) << "nobody speaks for it";
  plugins_->Stop();
}

TEST_F(DraPluginsTest, WipesTheNodesSlicesAtTheStart) {
  Start();
  EXPECT_TRUE(plugins_->WipeSlices(Ctx()).ok());
  EXPECT_TRUE(transport_->log.Await(
      "DELETE /apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dnode-1"))
      << ::testing::PrintToString(transport_->log.Lines());
}

}  // namespace
}  // namespace dray::devcluster
