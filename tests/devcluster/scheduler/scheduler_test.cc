// The scheduler against the development cluster's own API server, with real caches, in one process.
#include "devcluster/scheduler/scheduler.h"

#include <condition_variable>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/api_server.h"
#include "dray/runtime/controller.h"
#include "dray/runtime/real_clock.h"
#include "tests/support/faulty_transport.h"

namespace dray::devcluster {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::seconds kPatience{30};

api::Quantity Size(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

struct SchedulerTest : ::testing::Test {
  SchedulerTest() : client(server.InProcess("test", {"system:masters"})), pods(client) {
    pods.AddHandler({[this](auto&, auto&) {
      std::lock_guard lock(mutex);
      changed.notify_all();
    }});
  }
  ~SchedulerTest() override {
    stop.request_stop();
    changed.notify_all();
  }

  // Starts the scheduler over `transport`, by default the server itself.
  void Start(std::shared_ptr<runtime::Transport> transport = nullptr) {
    if (transport == nullptr) transport = server.InProcess("system:kube-scheduler", {});
    scheduler.emplace(
        runtime::Client(std::move(transport)), clock,
        SchedulerOptions{{std::chrono::milliseconds(5), std::chrono::milliseconds(50)},
                         look_up_after});
    scheduler->AddTo(manager);
    runtime::AddCache(manager, pods);
    running = std::jthread([this] { EXPECT_TRUE(manager.Run(Ctx()).ok()); });
  }
  Context Ctx() { return Context(clock, stop.get_token()); }

  template <class T>
  T Create(const T& object) {
    Result<T> created = client.Create(Ctx(), object);
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? *created : object;
  }

  void AddNode(const std::string& name) {
    api::Node node;
    node.metadata.name = name;
    node.status.allocatable = node.status.capacity = {
        {"cpu", Size("64")}, {"memory", Size("64Gi")}, {"pods", Size("110")}};
    Create(node);
  }
  void AddDevices(const std::string& node, int count, bool shared = false) {
    api::ResourceSlice slice;
    slice.metadata.name = node + "-gpu";
    slice.spec.driver = "gpu.example.com";
    slice.spec.pool = {node, 1, 1};
    slice.spec.node_name = node;
    for (int i = 0; i < count; ++i) {
      api::Device& device = slice.spec.devices.emplace_back();
      device.name = "gpu-" + std::to_string(i);
      device.capacity = {{"memory", {Size("80Gi"), std::nullopt}}};
      if (shared) device.allow_multiple_allocations = true;
    }
    Create(slice);
  }
  void AddClass() {
    api::DeviceClass device_class;
    device_class.metadata.name = "gpu";
    device_class.spec.selectors = {
        {api::CelDeviceSelector{"device.driver == \"gpu.example.com\""}}};
    Create(device_class);
  }
  static api::ResourceClaim MakeClaim(const std::string& name, const char* memory = "80Gi") {
    api::ResourceClaim claim;
    claim.metadata.namespace_ = "default";
    claim.metadata.name = name;
    api::ExactDeviceRequest exact;
    exact.device_class_name = "gpu";
    exact.capacity = api::CapacityRequirements{{{"memory", Size(memory)}}};
    claim.spec.devices.requests = {{"r", exact, {}}};
    return claim;
  }
  static api::Pod MakePod(const std::string& name, std::vector<std::string> claims = {}) {
    api::Pod pod;
    pod.metadata.namespace_ = "default";
    pod.metadata.name = name;
    api::Container& container = pod.spec.containers.emplace_back();
    container.name = "main";
    container.image = "busybox";
    for (const std::string& claim : claims) {
      pod.spec.resource_claims.push_back({claim, claim, std::nullopt});
      container.resources.claims.push_back({claim, ""});
    }
    return pod;
  }

  // The Pod once `holds` is true of it.
  std::shared_ptr<const api::Pod> Await(const std::string& name,
                                        std::function<bool(const api::Pod&)> holds) {
    std::unique_lock lock(mutex);
    std::shared_ptr<const api::Pod> pod;
    const bool held = changed.wait_for(lock, kPatience, [&] {
      pod = pods.Get({"default", name});
      return pod != nullptr && holds(*pod);
    });
    EXPECT_TRUE(held) << name << ": " << (pod == nullptr ? "no such Pod" : Message(*pod));
    return held ? pod : nullptr;
  }
  std::shared_ptr<const api::Pod> AwaitBound(const std::string& name) {
    return Await(name, [](const api::Pod& pod) { return !pod.spec.node_name.empty(); });
  }
  static std::string Message(const api::Pod& pod) {
    for (const api::PodCondition& condition : pod.status.conditions) {
      if (condition.type == "PodScheduled" && condition.status == "False") return condition.message;
    }
    return "";
  }
  api::ResourceClaim Claim(const std::string& name) {
    Result<api::ResourceClaim> claim = client.Get<api::ResourceClaim>(Ctx(), {"default", name});
    EXPECT_TRUE(claim.ok()) << claim.status();
    return claim.ok() ? *claim : api::ResourceClaim();
  }

  Clock& clock = runtime::RealClock();
  std::stop_source stop;
  ApiServer server{{.clock = &clock}};
  runtime::Client client;
  runtime::Informer<api::Pod> pods;
  std::mutex mutex;
  std::condition_variable changed;
  Duration look_up_after = SchedulerOptions().look_up_after;
  std::optional<Scheduler> scheduler;
  runtime::Manager manager;
  std::jthread running;
};

TEST_F(SchedulerTest, BindsAPodWithItsClaim) {
  AddNode("n1");
  AddNode("n2");
  AddClass();
  AddDevices("n2", 1);
  Create(MakeClaim("c"));
  Start();
  const api::Pod created = Create(MakePod("a", {"c"}));
  auto pod = AwaitBound("a");
  ASSERT_NE(pod, nullptr);
  EXPECT_EQ(pod->spec.node_name, "n2");
  api::ResourceClaim claim = Claim("c");
  EXPECT_EQ(claim.metadata.finalizers, std::vector{std::string(api::kClaimFinalizer)});
  ASSERT_TRUE(claim.status.allocation);
  EXPECT_EQ(claim.status.allocation->devices.results[0].device, "gpu-0");
  EXPECT_TRUE(claim.status.allocation->allocation_timestamp);
  ASSERT_EQ(claim.status.reserved_for.size(), 1u);
  EXPECT_EQ(claim.status.reserved_for[0].uid, created.metadata.uid);
  EXPECT_EQ(claim.status.reserved_for[0].name, "a");
}

TEST_F(SchedulerTest, SaysWhyAndTriesAgainWhenDevicesAppear) {
  AddNode("n1");
  AddClass();
  Create(MakeClaim("c"));
  Start();
  Create(MakePod("a", {"c"}));
  ASSERT_NE(Await("a", [](const api::Pod& pod) { return !Message(pod).empty(); }), nullptr);
  EXPECT_EQ(Message(*pods.Get({"default", "a"})), "0/1 nodes are available: 1 had no devices.");
  AddDevices("n1", 1);
  AwaitBound("a");
}

TEST_F(SchedulerTest, ForeignPodsAreLeftAlone) {
  AddNode("n1");
  Start();
  api::Pod foreign = MakePod("foreign");
  foreign.spec.scheduler_name = "another";
  Create(foreign);
  Create(MakePod("ours"));
  AwaitBound("ours");
  EXPECT_EQ(pods.Get({"default", "foreign"})->spec.node_name, "");
}

TEST_F(SchedulerTest, PodsShareAClaimAndADevice) {
  AddNode("n1");
  AddNode("n2");
  AddClass();
  AddDevices("n1", 1, true);
  Create(MakeClaim("c", "40Gi"));
  Create(MakeClaim("d", "40Gi"));
  Create(MakeClaim("e", "40Gi"));
  Start();
  Create(MakePod("c1", {"c"}));
  Create(MakePod("c2", {"c"}));
  Create(MakePod("d1", {"d"}));
  for (const char* name : {"c1", "c2", "d1"}) {
    auto pod = AwaitBound(name);
    ASSERT_NE(pod, nullptr);
    EXPECT_EQ(pod->spec.node_name, "n1");
  }
  EXPECT_EQ(Claim("c").status.reserved_for.size(), 2u);
  EXPECT_NE(Claim("c").status.allocation->devices.results[0].share_id,
            Claim("d").status.allocation->devices.results[0].share_id);
  Create(MakePod("e1", {"e"}));
  Await("e1", [](const api::Pod& pod) {
    return Message(pod).find("had no device with 40Gi memory free (largest: 0)") !=
           std::string::npos;
  });
}

// Killed between the claim and the binding: the next scheduler finds the allocation and only binds.
TEST_F(SchedulerTest, FinishesWhatAnotherSchedulerBegan) {
  AddNode("n1");
  AddNode("n2");
  AddClass();
  AddDevices("n1", 1);
  AddDevices("n2", 1);
  Create(MakeClaim("c"));
  const api::Pod pod = Create(MakePod("a", {"c"}));
  const Json status = {
      {"metadata", {{"finalizers", {std::string(api::kClaimFinalizer)}}}},
      {"status",
       {{"allocation",
         {{"devices",
           {{"results",
             {{{"request", "r"},
               {"driver", "gpu.example.com"},
               {"pool", "n2"},
               {"device", "gpu-0"}}}}}},
          {"nodeSelector",
           {{"nodeSelectorTerms",
             {{{"matchFields",
                {{{"key", "metadata.name"}, {"operator", "In"}, {"values", {"n2"}}}}}}}}}}}},
        {"reservedFor", {{{"resource", "pods"}, {"name", "a"}, {"uid", pod.metadata.uid}}}}}}};
  for (const char* subresource : {"", "status"}) {
    runtime::PatchOptions options;
    options.subresource = subresource;
    Result<api::ResourceClaim> patched = client.Patch<api::ResourceClaim>(
        Ctx(), {"default", "c"}, runtime::PatchType::kMerge, status.dump(), options);
    ASSERT_TRUE(patched.ok()) << patched.status();
  }
  const api::ResourceClaim before = Claim("c");
  Start();
  auto bound = AwaitBound("a");
  ASSERT_NE(bound, nullptr);
  EXPECT_EQ(bound->spec.node_name, "n2");
  EXPECT_EQ(Claim("c").metadata.resource_version, before.metadata.resource_version);
}

// Answers the first binding and forgets it, as a server does that is restored from the data of the
// moment before; no watch ever tells of it.
class ForgetsABinding final : public runtime::Transport {
 public:
  explicit ForgetsABinding(std::shared_ptr<runtime::Transport> inner) : inner_(std::move(inner)) {}
  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override {
    if (request.path.find("/binding") == std::string::npos || forgotten_.exchange(true))
      return inner_->Do(ctx, request);
    return runtime::ApiResponse{
        201, R"({"kind":"Status","apiVersion":"v1","status":"Success","code":201})", {}};
  }
  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view)>& on_line) override {
    return inner_->Watch(ctx, request, on_line);
  }

 private:
  const std::shared_ptr<runtime::Transport> inner_;
  std::atomic<bool> forgotten_ = false;
};

TEST_F(SchedulerTest, ABindingThatTheServerHasLostIsMadeAgain) {
  AddNode("n1");
  AddClass();
  AddDevices("n1", 1);
  Create(MakeClaim("c"));
  look_up_after = std::chrono::milliseconds(20);
  Start(std::make_shared<ForgetsABinding>(server.InProcess("system:kube-scheduler", {})));
  Create(MakePod("a", {"c"}));
  ASSERT_NE(AwaitBound("a"), nullptr);
  EXPECT_EQ(Claim("c").status.reserved_for.size(), 1u);
}

TEST_F(SchedulerTest, NoDeviceIsHandedOutTwiceWhateverGoesWrong) {
  constexpr int kPods = 24;
  for (int node = 0; node < 3; ++node) {
    AddNode("n" + std::to_string(node));
    AddDevices("n" + std::to_string(node), kPods / 3);
  }
  AddClass();
  testing::Faults faults;
  faults.conflict = 0.1;
  faults.drop = 0.05;
  faults.lose_answer = 0.05;
  faults.internal_error = 0.05;
  Start(std::make_shared<testing::FaultyTransport>(server.InProcess("system:kube-scheduler", {}),
                                                   faults, 7));
  for (int i = 0; i < kPods; ++i) {
    Create(MakeClaim("c" + std::to_string(i)));
    Create(MakePod("p" + std::to_string(i), {"c" + std::to_string(i)}));
  }
  std::set<std::string> taken;
  for (int i = 0; i < kPods; ++i) {
    auto pod = AwaitBound("p" + std::to_string(i));
    ASSERT_NE(pod, nullptr);
    api::ResourceClaim claim = Claim("c" + std::to_string(i));
    ASSERT_TRUE(claim.status.allocation);
    const api::DeviceRequestAllocationResult& device = claim.status.allocation->devices.results[0];
    EXPECT_EQ(device.pool, pod->spec.node_name);
    EXPECT_TRUE(taken.insert(device.pool + "/" + device.device).second)
        << device.pool << "/" << device.device;
  }
}

}  // namespace
}  // namespace dray::devcluster
