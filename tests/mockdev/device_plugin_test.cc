#include "mockdev/deviceplugin/device_plugins.h"

#include <grpcpp/grpcpp.h>

#include "api/proto/device_plugin_v1beta1.grpc.pb.h"
#include "dray/runtime/real_clock.h"
#include "mockdev/deviceplugin/allocate.h"
#include "mockdev/deviceplugin/directory_watch.h"
#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

class AllocateTest : public ::testing::Test {
 protected:
  const DevicePluginResource& Resource(const std::string& name) {
    for (const DevicePluginResource& resource : profile_.device_plugin) {
      if (resource.name == name) return resource;
    }
    ADD_FAILURE() << name;
    return profile_.device_plugin[0];
  }
  Result<AllocateEdits> Allocate(const std::string& resource, const std::vector<std::string>& ids) {
    return EditsForAllocate(profile_, Resource(resource), devices_, {"/state", "/cdi"}, ids);
  }

  DeviceProfile profile_ = ProfileFromTree("nvidia-a100-80gb");
  std::vector<MockDevice> devices_ = ValueOf(EnumerateDevices(profile_, "node-1"));
};

TEST_F(AllocateTest, HowMany) {
  EXPECT_EQ(ListDevices(Resource("nvidia.com/gpu"), devices_).size(), 80u);
  EXPECT_EQ(ListDevices(Resource("nvidia.com/gpumem"), devices_).size(), 65536u);
  EXPECT_EQ(ListDevices(Resource("nvidia.com/gpucores"), devices_).size(), 800u);
  EXPECT_EQ(ListDevices(Resource("nvidia.com/gpu"), devices_)[79].id, "7-9");
}

TEST_F(AllocateTest, CountedResourceBringsTheDevices) {
  AllocateEdits given = ValueOf(Allocate("nvidia.com/gpu", {"1-0", "3-9", "3-1"}));
  EXPECT_EQ(given.edits.env, std::vector<std::string>{"NVIDIA_VISIBLE_DEVICES=" + devices_[1].uuid +
                                                      "," + devices_[3].uuid});
  std::vector<std::string> paths;
  for (const cdi::DeviceNode& node : given.edits.device_nodes) paths.push_back(node.path);
  EXPECT_THAT(paths, ::testing::IsSupersetOf({"/dev/nvidiactl", "/dev/nvidia1", "/dev/nvidia3"}));
  ASSERT_EQ(given.files.size(), 2u);
  EXPECT_EQ(given.files[1].path, "/state/shared/device-3.json");
}

TEST_F(AllocateTest, AmountsLimit) {
  std::vector<std::string> ids;
  for (int i = 0; i < 400; ++i) ids.push_back("2-" + std::to_string(i));
  EXPECT_EQ(ValueOf(Allocate("nvidia.com/gpumem", ids)).edits.env,
            std::vector<std::string>{"CUDA_DEVICE_MEMORY_LIMIT=4000m"});
  EXPECT_EQ(ValueOf(Allocate("nvidia.com/gpucores", {"0-0", "0-1"})).edits.env,
            std::vector<std::string>{"CUDA_DEVICE_SM_LIMIT=2"});
}

// Two GPUs are two cards: HAMi's users count cards, and a kubelet draws lots among the slots.
TEST_F(AllocateTest, PrefersDifferentCards) {
  const DevicePluginResource& gpu = Resource("nvidia.com/gpu");
  auto prefer = [&](const std::vector<std::string>& available, const std::vector<std::string>& must,
                    size_t count) { return PreferDevices(gpu, devices_, available, must, count); };
  using ::testing::ElementsAre;
  EXPECT_THAT(prefer({"3-1", "3-0", "1-2", "1-9"}, {}, 2), ElementsAre("1-2", "3-0"));
  EXPECT_THAT(prefer({"0-8", "0-9", "5-0", "5-1", "5-2"}, {}, 1), ElementsAre("5-0"))
      << "the card that is used least";
  EXPECT_THAT(prefer({"2-0", "2-1", "2-2", "4-9"}, {"2-0"}, 2), ElementsAre("2-0", "4-9"));
  EXPECT_THAT(prefer({"2-0", "2-1", "4-9"}, {}, 3), ElementsAre("2-0", "4-9", "2-1"))
      << "more than there are cards";
  EXPECT_THAT(prefer({"2-0"}, {}, 2), ElementsAre("2-0")) << "the kubelet knows what to do";
  EXPECT_THAT(prefer({"9-0", "x", "2-0"}, {"y"}, 1), ElementsAre("2-0"));
  EXPECT_TRUE(prefer({"2-0"}, {}, 0).empty());
}

TEST_F(AllocateTest, ForeignIds) {
  for (const char* id : {"", "1", "1-", "-1-0", "8-0", "1-10", "1-0x", "x"}) {
    EXPECT_TRUE(Allocate("nvidia.com/gpu", {id}).Is(Reason::kInvalid)) << id;
  }
}

// The kubelet's side of a registration.
class Kubelet final : public ::v1beta1::Registration::Service {
 public:
  using Hook = std::function<void(const std::string& resource, const std::string& endpoint)>;
  explicit Kubelet(std::string directory, Hook during_register = nullptr)
      : directory_(std::move(directory)), during_register_(std::move(during_register)) {}
  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + directory_ + "/kubelet.sock",
                             grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void Stop() {
    server_->Shutdown();
    server_.reset();
    std::filesystem::remove(directory_ + "/kubelet.sock");
  }
  // Blocks until so many plugins have registered since the last call.
  std::map<std::string, std::string> Await(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30),
                                  [&] { return endpoints_.size() >= count; }));
    return std::exchange(endpoints_, {});
  }

 private:
  grpc::Status Register(grpc::ServerContext*, const ::v1beta1::RegisterRequest* request,
                        ::v1beta1::Empty*) override {
    EXPECT_EQ(request->version(), "v1beta1");
    if (during_register_) during_register_(request->resource_name(), request->endpoint());
    std::lock_guard lock(mutex_);
    endpoints_[request->resource_name()] = request->endpoint();
    changed_.notify_all();
    return grpc::Status::OK;
  }

  const std::string directory_;
  const Hook during_register_;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> endpoints_;
};

TEST(DevicePlugins, RegisterServeAndRegisterAgain) {
  TempDir dir;
  // The machine's: a kubelet that has bound its socket and does not listen yet is tried again after
  // a real half second.
  Clock& clock = runtime::RealClock();
  std::stop_source stop;
  Context ctx(clock, stop.get_token());
  DeviceProfile profile = ProfileFromTree("nvidia-t4");
  DeviceInventory inventory("node-1", ValueOf(EnumerateDevices(profile, "node-1")));
  DevicePluginOptions options{profile, {dir / "state", dir / "cdi"}, dir / "dp"};
  ASSERT_TRUE(runtime::MakeDirectories(dir / "state/shared").ok());
  ASSERT_TRUE(runtime::MakeDirectories(options.directory).ok());
  Kubelet kubelet(options.directory);
  Status outcome;
  std::atomic<bool> registered = false;
  std::jthread running([&] {
    outcome = RunDevicePlugins(ctx, options, inventory,
                               [&](const Status& now) { registered = now.ok(); });
  });

  kubelet.Start();
  std::map<std::string, std::string> endpoints = kubelet.Await(3);
  EXPECT_TRUE(Eventually([&] { return registered.load(); }));
  ASSERT_TRUE(endpoints.contains("nvidia.com/gpu"));
  auto connect = [&] {
    return ::v1beta1::DevicePlugin::NewStub(
        grpc::CreateChannel("unix:" + options.directory + "/" + endpoints["nvidia.com/gpu"],
                            grpc::InsecureChannelCredentials()));
  };
  {
    auto stub = connect();
    grpc::ClientContext watch_call, allocate_call;
    auto stream = stub->ListAndWatch(&watch_call, {});
    ::v1beta1::ListAndWatchResponse list;
    ASSERT_TRUE(stream->Read(&list));
    EXPECT_EQ(list.devices_size(), 20);
    EXPECT_EQ(list.devices(0).health(), "Healthy");
    ::v1beta1::AllocateRequest request;
    request.add_container_requests()->add_devices_ids("1-4");
    ::v1beta1::AllocateResponse response;
    ASSERT_TRUE(stub->Allocate(&allocate_call, request, &response).ok());
    ASSERT_EQ(response.container_responses_size(), 1);
    EXPECT_EQ(response.container_responses(0).envs().at("NVIDIA_VISIBLE_DEVICES"),
              inventory.devices()[1].uuid);
    EXPECT_TRUE(std::filesystem::exists(dir / "state/shared/device-1.json"));
    inventory.Apply({.kind = Fault::Kind::kUnhealthy, .device = 0}, clock.Now());
    ASSERT_TRUE(stream->Read(&list));
    EXPECT_EQ(list.devices(0).health(), "Unhealthy");
    EXPECT_EQ(list.devices(10).health(), "Healthy");
    grpc::ClientContext options_call, prefer_call;
    ::v1beta1::DevicePluginOptions offered;
    ASSERT_TRUE(stub->GetDevicePluginOptions(&options_call, {}, &offered).ok());
    EXPECT_TRUE(offered.get_preferred_allocation_available());
    EXPECT_FALSE(offered.pre_start_required());
    ::v1beta1::PreferredAllocationRequest wish;
    auto* container = wish.add_container_requests();
    for (const char* id : {"0-0", "0-1", "1-1"}) container->add_available_deviceids(id);
    container->set_allocation_size(2);
    ::v1beta1::PreferredAllocationResponse wished;
    ASSERT_TRUE(stub->GetPreferredAllocation(&prefer_call, wish, &wished).ok());
    ASSERT_EQ(wished.container_responses_size(), 1);
    EXPECT_THAT(wished.container_responses(0).deviceids(), ::testing::ElementsAre("0-0", "1-1"));
    watch_call.TryCancel();
  }

  // A kubelet that starts anew removes every socket of the directory.
  kubelet.Stop();
  for (const auto& [resource, endpoint] : endpoints)
    std::filesystem::remove(options.directory + "/" + endpoint);
  kubelet.Start();
  endpoints = kubelet.Await(3);
  EXPECT_TRUE(std::filesystem::is_socket(options.directory + "/" + endpoints["nvidia.com/gpu"]));
  stop.request_stop();
  running.join();
  EXPECT_TRUE(outcome.ok()) << outcome;
  EXPECT_FALSE(registered);
  kubelet.Stop();
  EXPECT_TRUE(std::filesystem::is_empty(options.directory));
}

// A kubelet reads the list while the plugin still waits for the answer to its registration.
TEST(DevicePlugins, ChangeDuringTheRegistrationIsHeardOf) {
  TempDir dir;
  Clock& clock = runtime::RealClock();
  std::stop_source stop;
  Context ctx(clock, stop.get_token());
  DeviceProfile profile = ProfileFromTree("nvidia-t4");
  DeviceInventory inventory("node-1", ValueOf(EnumerateDevices(profile, "node-1")));
  DevicePluginOptions options{profile, {dir / "state", dir / "cdi"}, dir / "dp"};
  ASSERT_TRUE(runtime::MakeDirectories(options.directory).ok());

  std::unique_ptr<::v1beta1::DevicePlugin::Stub> stub;
  grpc::ClientContext call;
  call.set_deadline(clock.Now() + std::chrono::seconds(30));
  std::unique_ptr<grpc::ClientReader<::v1beta1::ListAndWatchResponse>> stream;
  Kubelet kubelet(options.directory, [&](const std::string& resource, const std::string& endpoint) {
    if (resource != "nvidia.com/gpu" || stream != nullptr) return;
    stub = ::v1beta1::DevicePlugin::NewStub(grpc::CreateChannel(
        "unix:" + options.directory + "/" + endpoint, grpc::InsecureChannelCredentials()));
    stream = stub->ListAndWatch(&call, {});
    ::v1beta1::ListAndWatchResponse list;
    ASSERT_TRUE(stream->Read(&list));
    EXPECT_EQ(list.devices(0).health(), "Healthy");
    inventory.Apply({.kind = Fault::Kind::kUnhealthy, .device = 0}, clock.Now());
  });
  kubelet.Start();
  std::jthread running([&] { (void)RunDevicePlugins(ctx, options, inventory); });
  kubelet.Await(3);
  ::v1beta1::ListAndWatchResponse list;
  EXPECT_TRUE(stream != nullptr && stream->Read(&list) && list.devices_size() > 0 &&
              list.devices(0).health() == "Unhealthy");
  call.TryCancel();
  stop.request_stop();
  running.join();
  kubelet.Stop();
}

// Who waited for ever in a directory that is no more would look well and serve nobody.
TEST(DirectoryWatch, SaysThatItsDirectoryWasRemoved) {
  TempDir dir;
  const std::string watched = dir / "dp";
  ASSERT_TRUE(runtime::MakeDirectories(watched).ok());
  std::unique_ptr<DirectoryWatch> watch = ValueOf(DirectoryWatch::Open(watched));
  ASSERT_TRUE(runtime::WriteFileAtomically(watched + "/kubelet.sock", "").ok());
  EXPECT_TRUE(ValueOf(watch->Wait({})).contains("kubelet.sock"));
  EXPECT_FALSE(watch->lost());
  std::filesystem::remove(watched + "/kubelet.sock");
  EXPECT_TRUE(ValueOf(watch->Wait({})).contains("kubelet.sock"));
  std::filesystem::remove(watched);
  ASSERT_TRUE(runtime::MakeDirectories(watched).ok());  // another one
  for (int i = 0; i < 2; ++i) {
    Result<std::set<std::string>> names = watch->Wait({});
    EXPECT_TRUE(names.Is(Reason::kUnavailable));
    EXPECT_EQ(names.status().message(), watched + " was removed");
  }
  EXPECT_TRUE(watch->lost());
}

}  // namespace
}  // namespace dray::mockdev
