// Everything that a mock node runs for one driver, against an API server that knows a Node and
// ResourceSlices.
#include "mockdev/node/mock_driver.h"

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

constexpr char kSlices[] = "/apis/resource.k8s.io/v1/resourceslices";

class SliceServer final : public runtime::Transport {
 public:
  // The slices that are there; blocks (30 s at most) until `enough` of them says yes.
  std::vector<Json> Await(const std::function<bool(const std::vector<Json>&)>& enough) {
    std::unique_lock lock(mutex_);
    auto all = [this] {
      std::vector<Json> slices;
      for (const auto& [name, slice] : slices_) slices.push_back(slice);
      return slices;
    };
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return enough(all()); }));
    return all();
  }
  std::vector<Json> AwaitSlices(size_t count) {
    return Await([count](const auto& slices) { return slices.size() == count; });
  }
  void DeleteAll() {
    std::lock_guard lock(mutex_);
    for (auto& [name, slice] : slices_) Tell("DELETED", slice);
    slices_.clear();
  }
  // As a server does whose feature gate DRAConsumableCapacity is off.
  void DropSharing() {
    std::lock_guard lock(mutex_);
    drop_sharing_ = true;
  }
  // Waits for one more list (30 s at most); how many writes there have been by then.
  int WritesAtTheNextList(const std::function<void()>& cause) {
    std::unique_lock lock(mutex_);
    const int seen = lists_;
    lock.unlock();
    cause();
    lock.lock();
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return lists_ > seen; }));
    return writes_;
  }
  void RefuseWrites(bool refuse) {
    std::lock_guard lock(mutex_);
    refuse_ = refuse;
  }

  Result<runtime::ApiResponse> Do(const Context&, const runtime::ApiRequest& request) override {
    std::lock_guard lock(mutex_);
    const std::string path = request.path.substr(0, request.path.find('?'));
    const std::string name =
        path.starts_with(std::string(kSlices) + "/") ? path.substr(sizeof kSlices) : "";
    if (path == "/apis/resource.k8s.io")
      return Answer(200, {{"kind", "APIGroup"}, {"versions", {{{"version", "v1"}}}}});
    if (path == "/api/v1/nodes/node-1") {
      return Answer(200, {{"apiVersion", "v1"},
                          {"kind", "Node"},
                          {"metadata", {{"name", "node-1"}, {"uid", "node-uid"}}}});
    }
    if (request.method == "GET" && path == kSlices) {
      ++lists_;
      changed_.notify_all();
      Json items = Json::array();
      for (const auto& [key, slice] : slices_) items.push_back(slice);
      return Answer(
          200, {{"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", items}});
    }
    if (refuse_) return Error(503, "ServiceUnavailable");
    if (request.method == "DELETE") {
      auto found = slices_.find(name);
      if (found == slices_.end()) return Error(404, "NotFound");
      Tell("DELETED", found->second);
      slices_.erase(found);
      return Answer(200, {{"kind", "Status"}, {"status", "Success"}, {"code", 200}});
    }
    ++writes_;
    Json slice = Json::parse(request.body);
    for (Json& device : slice["spec"]["devices"]) {
      if (!drop_sharing_) break;
      device.erase("allowMultipleAllocations");
      for (Json& capacity : device["capacity"]) capacity.erase("requestPolicy");
    }
    Json& meta = slice["metadata"];
    const bool create = request.method == "POST";
    if (!create && !slices_.contains(name)) return Error(404, "NotFound");
    if (create) meta["name"] = meta.value("generateName", "") + std::to_string(version_);
    if (create) meta["uid"] = "uid-" + std::to_string(version_);
    Tell(create ? "ADDED" : "MODIFIED", slice);
    slices_[meta["name"].get<std::string>()] = slice;
    return Answer(create ? 201 : 200, slice);
  }

  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view)>& on_line) override {
    if (request.path.find("sendInitialEvents") != std::string::npos)
      return Status(Reason::kInvalid, "only lists here");
    std::unique_lock lock(mutex_);
    // What happened since the list that it follows.
    size_t from = request.path.find("resourceVersion=");
    int64_t seen = from == std::string::npos ? 0 : std::stoll(request.path.substr(from + 16));
    while (true) {
      auto next = lines_.end();
      changed_.wait(lock, ctx.stop(),
                    [&] { return (next = lines_.upper_bound(seen)) != lines_.end(); });
      if (next == lines_.end()) return Status(Reason::kCancelled, "stopped");
      std::string line = next->second;
      seen = next->first;
      lock.unlock();
      if (!on_line(line)) return {};
      lock.lock();
    }
  }

 private:
  static runtime::ApiResponse Answer(int code, const Json& body) { return {code, body.dump(), {}}; }
  static runtime::ApiResponse Error(int code, const char* reason) {
    return Answer(code,
                  {{"kind", "Status"}, {"status", "Failure"}, {"reason", reason}, {"code", code}});
  }
  void Tell(const char* type, Json& slice) {
    slice["metadata"]["resourceVersion"] = std::to_string(++version_);
    lines_[version_] = Json({{"type", type}, {"object", slice}}).dump();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Json> slices_;
  std::map<int64_t, std::string> lines_;  // of the watch, by version
  int64_t version_ = 1;
  bool refuse_ = false, drop_sharing_ = false;
  int lists_ = 0, writes_ = 0;
};

class MockDriverTest : public ::testing::Test {
 protected:
  void Start(DeviceProfile profile) {
    WriteTools(dir_ / "tools", profile);
    DriverOptions options;
    options.node_name = "node-1";
    options.kubelet_dir = dir_ / "k";
    options.cdi_dir = dir_ / "cdi";
    options.tools_dir = dir_ / "tools";
    options.dra = mode_.dra;
    options.device_plugin = mode_.device_plugin;
    driver_ =
        ValueOf(MockDriver::Open(ctx_, options, std::move(profile), runtime::Client(server_)));
    ASSERT_NE(driver_, nullptr);
    EXPECT_TRUE(driver_->Ready().Is(Reason::kUnavailable));
    running_ = std::jthread([this] { outcome_ = driver_->Run(ctx_); });
  }
  void Stop() {
    stop_.request_stop();
    running_.join();
    EXPECT_TRUE(outcome_.ok()) << outcome_;
  }
  // Ready() turns true without anybody telling.
  bool BecomesReady() {
    return Eventually([this] { return driver_->Ready().ok(); });
  }

  struct {
    bool dra = true, device_plugin = false;
  } mode_;
  TempDir dir_;
  dray::testing::FakeClock clock_;
  std::stop_source stop_;
  Context ctx_{clock_, stop_.get_token()};
  std::shared_ptr<SliceServer> server_ = std::make_shared<SliceServer>();
  std::unique_ptr<MockDriver> driver_;
  Status outcome_;
  std::jthread running_;
};

TEST_F(MockDriverTest, PublishesServesAndLeavesTheSlices) {
  Start(ProfileFromTree("nvidia-t4"));
  Json slice = server_->AwaitSlices(1).at(0);
  EXPECT_EQ(slice["spec"]["driver"], kGpuDriver);
  EXPECT_EQ(slice["spec"]["nodeName"], "node-1");
  EXPECT_EQ(slice["spec"]["devices"].size(), 2u);
  EXPECT_EQ(slice["metadata"]["ownerReferences"][0]["uid"], "node-uid");
  EXPECT_TRUE(BecomesReady());
  const std::string state = dir_ / ("k/plugins/" + std::string(kGpuDriver));
  for (const std::string& path :
       {state + "/dra.sock",
        dir_ / ("k/plugins_registry/" + std::string(kGpuDriver) + "-reg.sock")}) {
    EXPECT_TRUE(std::filesystem::is_socket(path)) << path;
  }
  Stop();
  EXPECT_FALSE(std::filesystem::exists(state + "/dra.sock"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "k/plugins_registry"));
  EXPECT_EQ(server_->AwaitSlices(1).size(), 1u);  // an upgrade must not disturb scheduling
}

// A kubelet that starts removes the slices of its node.
TEST_F(MockDriverTest, PublishesAgainWhatSomebodyDeleted) {
  Start(ProfileFromTree("nvidia-t4"));
  server_->AwaitSlices(1);
  ASSERT_TRUE(BecomesReady());
  server_->DeleteAll();
  EXPECT_EQ(server_->AwaitSlices(1)[0]["spec"]["devices"].size(), 2u);
  Stop();
}

TEST_F(MockDriverTest, AServerThatRefusesIsTriedAgain) {
  server_->RefuseWrites(true);
  Start(ProfileFromTree("nvidia-t4"));
  ASSERT_TRUE(clock_.AwaitWaiters(3));
  EXPECT_TRUE(Eventually([this] {
    return driver_->Ready().message().starts_with(
        "driver hami-core-gpu.project-hami.io has not published its ResourceSlices yet: ");
  })) << driver_->Ready();
  server_->RefuseWrites(false);
  EXPECT_TRUE(Eventually([this] {
    clock_.Advance(std::chrono::milliseconds(100));
    return driver_->Ready().ok();
  }));
  EXPECT_EQ(server_->AwaitSlices(1).size(), 1u);
  Stop();
}

// Kubernetes 1.34 and 1.35 have the gate off. The slices are less than what was wanted then, and
// stay as they are: two of them that were sent again and again would get a new generation each
// time, and every scheduler would look at all Pods again.
TEST_F(MockDriverTest, WhatTheServerDropsIsSentOnce) {
  server_->DropSharing();
  std::string yaml = R"(apiVersion: mockdev.dray.dev/v1
kind: DeviceProfile
metadata: {name: many}
driver: gpu.example.com
deviceClass: gpu.example.com
devices:
  count: 200
  name: "gpu-{index}"
  values: {uuid: "X-{hash}"}
  allowMultipleAllocations: true
  capacity:
    memory:
      value: 8Gi
      requestPolicy: {default: 8Gi, validRange: {min: 1Mi, max: 8Gi, step: 1Mi}}
)";
  Start(ValueOf(ParseProfile(yaml, "many.yaml")));
  ASSERT_EQ(server_->AwaitSlices(2)[0]["spec"]["devices"].size(), 128u);
  ASSERT_TRUE(BecomesReady());
  int writes = 0;
  for (int look = 0; look < 3; ++look) {
    ASSERT_TRUE(clock_.AwaitWaiters(3));  // health, slices, housekeeping
    writes = server_->WritesAtTheNextList([&] { clock_.Advance(std::chrono::minutes(5)); });
  }
  EXPECT_EQ(writes, 2);
  for (const Json& slice : server_->AwaitSlices(2))
    EXPECT_EQ(slice["spec"]["pool"]["generation"], 1);
  Stop();
}

// The profile's timeline reaches the slices: a taint, then the device is gone, then it is back.
TEST_F(MockDriverTest, FaultsReachTheSlices) {
  DeviceProfile profile = ProfileFromTree("nvidia-t4");
  api::DeviceTaint taint;
  taint.key = "example.com/broken";
  taint.effect = "NoSchedule";
  profile.faults = {
      {.kind = Fault::Kind::kTaint, .after = std::chrono::seconds(10), .device = 1, .taint = taint},
      {.kind = Fault::Kind::kDisappear, .after = std::chrono::seconds(20), .device = 1},
      {.kind = Fault::Kind::kRecover, .after = std::chrono::seconds(30), .device = 1}};
  Start(profile);
  auto devices = [](const std::vector<Json>& slices) {
    return slices.empty() ? Json::array() : slices[0]["spec"]["devices"];
  };
  server_->AwaitSlices(1);
  ASSERT_TRUE(BecomesReady());
  SteadyTime start = clock_.Steady();
  auto advance_to = [&](int seconds, const std::function<bool(const Json&)>& holds) {
    ASSERT_TRUE(clock_.AwaitWaiters(4));  // health, slices, housekeeping and the timeline itself
    clock_.Advance(start + std::chrono::seconds(seconds) - clock_.Steady());
    server_->Await([&](const std::vector<Json>& slices) { return holds(devices(slices)); });
  };
  advance_to(10, [](const Json& now) { return now.size() == 2 && now[1].contains("taints"); });
  advance_to(20, [](const Json& now) { return now.size() == 1; });
  advance_to(30, [](const Json& now) { return now.size() == 2 && !now[1].contains("taints"); });
  Stop();
}

// A profile may be right for every node but one.
TEST_F(MockDriverTest, DeviceNamesThatThisNodeSpoils) {
  DeviceProfile profile = ProfileFromTree("nvidia-t4");
  profile.device_name = "gpu-{node}-{index}";
  DriverOptions options;
  options.node_name = "worker.example.com";
  options.kubelet_dir = dir_ / "k";
  options.cdi_dir = dir_ / "cdi";
  Result<std::unique_ptr<MockDriver>> driver =
      MockDriver::Open(ctx_, options, std::move(profile), runtime::Client(server_));
  EXPECT_TRUE(driver.Is(Reason::kInvalid));
  EXPECT_THAT(driver.status().message(),
              ::testing::StartsWith("profile nvidia-t4 on node worker.example.com: device "
                                    "gpu-worker.example.com-0: name: "));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "k"));
}

// Nobody can use devices of which the kubelet does not know.
TEST_F(MockDriverTest, DevicePluginsAreReadyWhenTheKubeletHasRegisteredThem) {
  mode_ = {.dra = false, .device_plugin = true};
  Start(ProfileFromTree("nvidia-t4"));
  const std::string sentence =
      "the kubelet has not registered the device plugins of driver "
      "hami-core-gpu.project-hami.io: there is no " +
      (dir_ / "k/device-plugins/kubelet.sock") + " yet";
  EXPECT_TRUE(Eventually([&] { return driver_->Ready().message() == sentence; }))
      << driver_->Ready();
  Stop();
}

TEST_F(MockDriverTest, OneOwnerPerStateDirectory) {
  Start(ProfileFromTree("nvidia-t4"));
  DriverOptions options;
  options.node_name = "node-1";
  options.kubelet_dir = dir_ / "k";
  options.cdi_dir = dir_ / "cdi";
  options.tools_dir = dir_ / "tools";
  Result<std::unique_ptr<MockDriver>> second(Reason::kInternal, "not tried");
  std::jthread other([&] {
    second =
        MockDriver::Open(ctx_, options, ProfileFromTree("nvidia-t4"), runtime::Client(server_));
  });
  std::atomic<bool> done = false;
  std::jthread moving([&] {
    while (!done) {
      clock_.Advance(std::chrono::milliseconds(10));
      std::this_thread::yield();
    }
  });
  other.join();
  done = true;
  moving.join();
  EXPECT_FALSE(second.ok());
  EXPECT_THAT(second.status().message(), ::testing::HasSubstr(dir_ / "k/plugins"));
  Stop();
}

}  // namespace
}  // namespace dray::mockdev
