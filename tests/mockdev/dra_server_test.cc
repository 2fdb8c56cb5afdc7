#include "mockdev/plugin/dra_server.h"

#include <grpcpp/grpcpp.h>

#include "api/proto/dra_health_v1alpha1.grpc.pb.h"
#include "api/proto/dra_v1.grpc.pb.h"
#include "api/proto/dra_v1beta1.grpc.pb.h"
#include "api/proto/plugin_registration_v1.grpc.pb.h"
#include "dray/api/codec.h"
#include "mockdev/plugin/sockets.h"
#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

namespace v1 = k8s::io::kubelet::pkg::apis::dra::v1;
namespace v1beta1 = k8s::io::kubelet::pkg::apis::dra::v1beta1;

// An API server that has some ResourceClaims.
class ClaimStore final : public runtime::Transport {
 public:
  void Put(const api::ResourceClaim& claim) {
    bodies_.With([&](auto& bodies) {
      bodies["/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/" + claim.metadata.name] =
          api::Encode(claim);
    });
  }
  void Remove(const std::string& name) {
    bodies_.With([&](auto& bodies) {
      bodies.erase("/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/" + name);
    });
  }
  // Called before each answer about a claim; not ok: that is the answer.
  std::function<Status(const Context&)> before;
  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override {
    if (request.path == "/apis/resource.k8s.io") {
      return runtime::ApiResponse{200, R"({"kind":"APIGroup","versions":[{"version":"v1"}]})", {}};
    }
    if (before) DRAY_RETURN_IF_ERROR(before(ctx));
    return bodies_.With([&](auto& bodies) -> Result<runtime::ApiResponse> {
      auto found = bodies.find(request.path);
      if (found != bodies.end()) return runtime::ApiResponse{200, found->second, {}};
      return runtime::ApiResponse{
          404,
          R"({"kind":"Status","status":"Failure","reason":"NotFound","message":"not found","code":404})",
          {}};
    });
  }
  Status Watch(const Context&, const runtime::ApiRequest&,
               const std::function<bool(std::string_view)>&) override {
    return Status(Reason::kInternal, "no watch here");
  }

 private:
  Guarded<std::map<std::string, std::string>> bodies_;
};

class DraServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteTools(dir_ / "tools", profile_);
    preparer_ = ValueOf(ClaimPreparer::Open(
        ctx_, {profile_, {dir_ / "state", dir_ / "cdi"}, dir_ / "tools", nullptr}, inventory_));
    ASSERT_NE(preparer_, nullptr);
    handler_ = std::make_unique<ClaimHandler>(runtime::Client(store_), *preparer_, profile_.driver);
    server_ = ValueOf(DraServer::Start(ctx_, {profile_.driver, dra_socket_, registration_socket_},
                                       *handler_, inventory_));
    ASSERT_NE(server_, nullptr);
  }

  std::shared_ptr<grpc::Channel> Connect(const std::string& socket) {
    return grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials());
  }
  void AddClaim(const std::string& uid, const std::string& device) {
    AllocatedClaim claim(uid, kGpuDriver);
    claim.Gets("gpu/small", device, {{"memory", "4Gi"}, {"cores", "30"}});
    store_->Put(claim);
  }

  TempDir dir_;
  testing::FakeClock clock_;
  std::stop_source stop_;
  Context ctx_{clock_, stop_.get_token()};
  DeviceProfile profile_ = ProfileFromTree("nvidia-a100-80gb");
  DeviceInventory inventory_{"node-1", ValueOf(EnumerateDevices(profile_, "node-1"))};
  std::shared_ptr<ClaimStore> store_ = std::make_shared<ClaimStore>();
  std::string dra_socket_ = dir_ / "state/dra.sock";
  std::string registration_socket_ = dir_ / "reg/hami-core-gpu.project-hami.io-reg.sock";
  std::unique_ptr<ClaimPreparer> preparer_;
  std::unique_ptr<ClaimHandler> handler_;
  std::unique_ptr<DraServer> server_;
};

template <class Request>
Request RequestFor(const std::vector<std::string>& uids) {
  Request request;
  for (const std::string& uid : uids) {
    auto* claim = request.add_claims();
    claim->set_namespace_("default");
    claim->set_name("claim-" + uid);
    claim->set_uid(uid);
  }
  return request;
}

TEST_F(DraServerTest, Registers) {
  auto stub = pluginregistration::Registration::NewStub(Connect(registration_socket_));
  grpc::ClientContext info_call, notify_call;
  pluginregistration::PluginInfo info;
  ASSERT_TRUE(stub->GetInfo(&info_call, {}, &info).ok());
  EXPECT_EQ(info.type(), "DRAPlugin");
  EXPECT_EQ(info.name(), kGpuDriver);
  EXPECT_EQ(info.endpoint(), dra_socket_);
  EXPECT_THAT(info.supported_versions(), ::testing::ElementsAre("v1.DRAPlugin", "v1beta1.DRAPlugin",
                                                                "v1alpha1.DRAResourceHealth"));
  EXPECT_FALSE(server_->Registered());
  pluginregistration::RegistrationStatus registered;
  registered.set_plugin_registered(true);
  pluginregistration::RegistrationStatusResponse nothing;
  ASSERT_TRUE(stub->NotifyRegistrationStatus(&notify_call, registered, &nothing).ok());
  EXPECT_TRUE(server_->Registered());
}

TEST_F(DraServerTest, RefusedRegistrationIsAnError) {
  auto stub = pluginregistration::Registration::NewStub(Connect(registration_socket_));
  grpc::ClientContext call;
  pluginregistration::RegistrationStatus refused;
  refused.set_error("already registered");
  pluginregistration::RegistrationStatusResponse nothing;
  grpc::Status status = stub->NotifyRegistrationStatus(&call, refused, &nothing);
  EXPECT_EQ(status.error_message(), "already registered");
}

TEST_F(DraServerTest, PreparesWithV1) {
  AddClaim("a", "hami-gpu-2");
  AddClaim("b", "hami-gpu-2");
  store_->Put(AllocatedClaim("other-uid", kGpuDriver).Gets("gpu", "hami-gpu-3"));
  auto stub = v1::DRAPlugin::NewStub(Connect(dra_socket_));
  grpc::ClientContext call;
  v1::NodePrepareResourcesResponse response;
  auto request = RequestFor<v1::NodePrepareResourcesRequest>({"a", "b", "missing"});
  auto* renamed = request.add_claims();
  renamed->set_namespace_("default");
  renamed->set_name("claim-other-uid");
  renamed->set_uid("c");
  ASSERT_TRUE(stub->NodePrepareResources(&call, request, &response).ok());
  ASSERT_EQ(response.claims_size(), 4);  // one answer for each
  const auto& a = response.claims().at("a");
  EXPECT_EQ(a.error(), "");
  ASSERT_EQ(a.devices_size(), 1);
  EXPECT_THAT(a.devices(0).request_names(), ::testing::ElementsAre("gpu"));
  EXPECT_EQ(a.devices(0).pool_name(), "node-1");
  EXPECT_EQ(a.devices(0).device_name(), "hami-gpu-2");
  EXPECT_EQ(a.devices(0).share_id(), "a-share-0");
  EXPECT_THAT(a.devices(0).cdi_device_ids(),
              ::testing::ElementsAre("k8s.hami-core-gpu.project-hami.io/claim=a-0-hami-gpu-2"));
  EXPECT_EQ(response.claims().at("b").error(), "");
  EXPECT_EQ(response.claims().at("missing").error(), "claim default/claim-missing: not found");
  EXPECT_EQ(response.claims().at("c").error(),
            "claim default/claim-other-uid: the claim has UID other-uid and not c: it was deleted "
            "and made again");

  grpc::ClientContext undo;
  v1::NodeUnprepareResourcesResponse undone;
  ASSERT_TRUE(
      stub->NodeUnprepareResources(
              &undo, RequestFor<v1::NodeUnprepareResourcesRequest>({"a", "b", "never"}), &undone)
          .ok());
  ASSERT_EQ(undone.claims_size(), 3);
  for (const auto& [uid, answer] : undone.claims()) EXPECT_EQ(answer.error(), "") << uid;
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "cdi"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "state/claims"));
}

TEST_F(DraServerTest, PreparesWithV1beta1) {
  AddClaim("a", "hami-gpu-0");
  auto stub = v1beta1::DRAPlugin::NewStub(Connect(dra_socket_));
  grpc::ClientContext call, undo;
  v1beta1::NodePrepareResourcesResponse response;
  ASSERT_TRUE(stub->NodePrepareResources(
                      &call, RequestFor<v1beta1::NodePrepareResourcesRequest>({"a"}), &response)
                  .ok());
  EXPECT_EQ(response.claims().at("a").error(), "");
  EXPECT_EQ(response.claims().at("a").devices(0).device_name(), "hami-gpu-0");
  v1beta1::NodeUnprepareResourcesResponse undone;
  ASSERT_TRUE(stub->NodeUnprepareResources(
                      &undo, RequestFor<v1beta1::NodeUnprepareResourcesRequest>({"a"}), &undone)
                  .ok());
  EXPECT_EQ(undone.claims().at("a").error(), "");
}

TEST_F(DraServerTest, HealthIsTheCompleteListAtOnceAndOnChange) {
  auto stub = ::v1alpha1::DRAResourceHealth::NewStub(Connect(dra_socket_));
  grpc::ClientContext call;
  auto stream = stub->NodeWatchResources(&call, {});
  ::v1alpha1::NodeWatchResourcesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  ASSERT_EQ(message.devices_size(), 8);
  EXPECT_EQ(message.devices(3).device().device_name(), "hami-gpu-3");
  EXPECT_EQ(message.devices(3).health(), ::v1alpha1::HEALTHY);
  inventory_.Apply({.kind = Fault::Kind::kUnhealthy, .device = 3, .message = "XID 79"},
                   clock_.Now());
  server_->SendHealth();
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.devices(3).health(), ::v1alpha1::UNHEALTHY);
  EXPECT_EQ(message.devices(3).message(), "XID 79");
  EXPECT_EQ(message.devices(4).health(), ::v1alpha1::HEALTHY);
  server_->Stop();
  EXPECT_FALSE(stream->Read(&message));
}

TEST_F(DraServerTest, StopRemovesBothSocketsAndAStaleOneDoesNotHinder) {
  EXPECT_TRUE(std::filesystem::exists(dra_socket_));
  EXPECT_TRUE(std::filesystem::exists(registration_socket_));
  server_->Stop();
  EXPECT_FALSE(std::filesystem::exists(dra_socket_));
  EXPECT_FALSE(std::filesystem::exists(registration_socket_));
  ASSERT_TRUE(runtime::WriteFileAtomically(dra_socket_, "").ok());
  server_ = ValueOf(DraServer::Start(ctx_, {profile_.driver, dra_socket_, registration_socket_},
                                     *handler_, inventory_));
  EXPECT_TRUE(std::filesystem::is_socket(dra_socket_));
}

TEST_F(DraServerTest, ClaimsThatAreGoneAreSwept) {
  AddClaim("a", "hami-gpu-0");
  AddClaim("b", "hami-gpu-0");
  for (const char* uid : {"a", "b"}) {
    ASSERT_TRUE(handler_->Prepare(ctx_, {"default", "claim-" + std::string(uid), uid}).ok());
  }
  EXPECT_EQ(ValueOf(handler_->SweepGoneClaims(ctx_)), 0);
  store_->Remove("claim-b");
  EXPECT_EQ(ValueOf(handler_->SweepGoneClaims(ctx_)), 1);
  ASSERT_EQ(preparer_->Claims().size(), 1u);
  EXPECT_EQ(preparer_->Claims()[0].uid, "a");
}

// An API server that was restored from a backup may have given the device away again, while nobody
// asks for the first claim any more.
TEST_F(DraServerTest, GivesUpTheHolderOfADeviceThatHasGone) {
  auto prepare = [&](const std::string& uid) {
    AllocatedClaim claim(uid, kGpuDriver);
    claim.Gets("gpu/small", "hami-gpu-0", {{"memory", "4Gi"}, {"cores", "80"}});
    store_->Put(claim);
    return handler_->Prepare(ctx_, {"default", "claim-" + uid, uid}).status();
  };
  ASSERT_TRUE(prepare("u1").ok());
  EXPECT_TRUE(prepare("u2").Is(Reason::kConflict)) << "its holder is still there";
  store_->Remove("claim-u1");
  EXPECT_TRUE(prepare("u2").ok());
  // The claim is there and holds nothing: it was allocated after the backup.
  api::ResourceClaim rolled_back = AllocatedClaim("u2", kGpuDriver);
  rolled_back.status.allocation.reset();
  store_->Put(rolled_back);
  EXPECT_TRUE(prepare("u3").ok());
  ASSERT_EQ(preparer_->Claims().size(), 1u);
  EXPECT_EQ(preparer_->Claims()[0].uid, "u3");
}

// While the sweep asks about a claim that has lost its allocation, the scheduler may allocate it
// anew and the kubelet prepare it: what the sweep knows is old then.
TEST_F(DraServerTest, SweepLeavesWhatHasBeenPreparedMeanwhile) {
  AddClaim("a", "hami-gpu-0");
  const ClaimName name{"default", "claim-a", "a"};
  ASSERT_TRUE(handler_->Prepare(ctx_, name).ok());
  api::ResourceClaim allocated =
      AllocatedClaim("a", kGpuDriver)
          .Gets("gpu/small", "hami-gpu-0", {{"memory", "4Gi"}, {"cores", "30"}})
          .claim();
  api::ResourceClaim released = allocated;
  released.status.allocation.reset();
  store_->Put(released);
  int asked = 0;
  store_->before = [&](const Context&) -> Status {
    return ++asked == 1 ? preparer_->Prepare(allocated).status() : Status();
  };
  EXPECT_EQ(ValueOf(handler_->SweepGoneClaims(ctx_)), 0);
  EXPECT_EQ(preparer_->Claims().size(), 1u);
  EXPECT_FALSE(std::filesystem::is_empty(dir_ / "cdi"));
  EXPECT_EQ(ValueOf(handler_->SweepGoneClaims(ctx_)), 1);  // nobody prepared it this time
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "cdi"));
}

// The kubelet gives a call 45 s, however many claims it has; an answer after that helps nobody, and
// what the kubelet asks next would wait for it.
TEST_F(DraServerTest, ACallHasOneDeadlineForAllItsClaims) {
  store_->before = [](const Context& ctx) { return ctx.Sleep(std::chrono::hours(1)); };
  auto stub = v1::DRAPlugin::NewStub(Connect(dra_socket_));
  grpc::ClientContext call;
  v1::NodePrepareResourcesResponse response;
  grpc::Status outcome;
  std::jthread calling([&] {
    outcome = stub->NodePrepareResources(
        &call, RequestFor<v1::NodePrepareResourcesRequest>({"a", "b", "c"}), &response);
  });
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  clock_.Advance(std::chrono::seconds(40));
  calling.join();
  ASSERT_TRUE(outcome.ok()) << outcome.error_message();
  ASSERT_EQ(response.claims_size(), 3);
  for (const auto& [uid, answer] : response.claims())
    EXPECT_THAT(answer.error(), ::testing::HasSubstr("deadline exceeded")) << uid;
}

TEST(SocketPath, TooLongIsOneSentence) {
  Status status = PrepareSocketPath("/tmp/" + std::string(110, 'x'));
  EXPECT_TRUE(status.Is(Reason::kInvalid));
  EXPECT_THAT(status.message(), ::testing::HasSubstr("a unix socket takes 107"));
}

}  // namespace
}  // namespace dray::mockdev
