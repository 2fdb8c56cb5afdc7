#include "devcluster/kubelet/node_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "dray/api/codec.h"
#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
#include "dray/runtime/files.h"
#include "dray/runtime/real_clock.h"
#include "tests/devcluster/kubelet/fake_plugins.h"
#include "tests/devcluster/kubelet/scratch_dir.h"

namespace dray::devcluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kOne[] = "one.example.com", kTwo[] = "two.example.com";

// An API server of ResourceClaims in namespace "ns".
class ClaimServer : public runtime::Transport {
 public:
  void Put(const api::ResourceClaim& claim) {
    bodies_.With([&](auto& bodies) { bodies[Path(claim.metadata.name)] = api::Encode(claim); });
  }
  void Remove(const std::string& name) {
    bodies_.With([&](auto& bodies) { bodies.erase(Path(name)); });
  }
  Result<runtime::ApiResponse> Do(const Context&, const runtime::ApiRequest& request) override {
    if (request.path == "/apis/resource.k8s.io") {
      return runtime::ApiResponse{200, R"({"kind":"APIGroup","versions":[{"version":"v1"}]})", {}};
    }
    return bodies_.With([&](auto& bodies) -> Result<runtime::ApiResponse> {
      auto found = bodies.find(request.path);
      if (found != bodies.end()) return runtime::ApiResponse{200, found->second, {}};
      return runtime::ApiResponse{
          404, R"({"kind":"Status","reason":"NotFound","message":"no such claim","code":404})", {}};
    });
  }
  Status Watch(const Context&, const runtime::ApiRequest&,
               const std::function<bool(std::string_view)>&) override {
    return Status(Reason::kUnavailable, "no watch");
  }

 private:
  static std::string Path(const std::string& name) {
    return "/apis/resource.k8s.io/v1/namespaces/ns/resourceclaims/" + name;
  }
  Guarded<std::map<std::string, std::string>> bodies_;
};

api::Pod PodOf(const std::string& name) {
  api::Pod pod;
  pod.metadata.name = name;
  pod.metadata.namespace_ = "ns";
  pod.metadata.uid = "uid-" + name;
  return pod;
}
// The Pod names the claim directly and its container uses `request` of it.
void Use(api::Pod& pod, const std::string& claim, const std::string& request = "") {
  api::PodResourceClaim entry;
  entry.name = claim;
  entry.resource_claim_name = claim;
  pod.spec.resource_claims.push_back(entry);
  if (pod.spec.containers.empty()) pod.spec.containers.emplace_back().name = "main";
  pod.spec.containers[0].resources.claims.push_back({claim, request});
}
api::ResourceClaim ClaimFor(const std::string& name, const std::vector<std::string>& drivers,
                            const std::vector<api::Pod>& pods, const std::string& uid = "") {
  api::ResourceClaim claim;
  claim.metadata.name = name;
  claim.metadata.namespace_ = "ns";
  claim.metadata.uid = uid.empty() ? "uid-" + name : uid;
  claim.status.allocation.emplace();
  for (const std::string& driver : drivers) {
    auto& result = claim.status.allocation->devices.results.emplace_back();
    result.request = "gpu";
    result.driver = driver;
    result.pool = "pool";
    result.device = "dev";
  }
  for (const api::Pod& pod : pods) {
    auto& consumer = claim.status.reserved_for.emplace_back();
    consumer.resource = "pods";
    consumer.name = pod.metadata.name;
    consumer.uid = pod.metadata.uid;
  }
  return claim;
}

class NodeClaimsTest : public ::testing::Test {
 protected:
  NodeClaimsTest() {
    std::filesystem::create_directories(dir_.path() + "/plugins");
    std::filesystem::create_directories(dir_.path() + "/plugins_registry");
    one_ = std::make_unique<FakeDraPlugin>(dir_.path(), kOne, std::vector<std::string>{kDraV1});
    two_ =
        std::make_unique<FakeDraPlugin>(dir_.path(), kTwo, std::vector<std::string>{kDraV1Beta1});
    EXPECT_TRUE(Restart().ok());
  }
  // A new kubelet on the same disk, with the drivers registered.
  Status Restart() {
    claims_.reset();
    plugins_ = std::make_unique<DraPlugins>(
        runtime::RealClock(), runtime::Client(server_), "node-1", [](const std::string&) {},
        [this] { news_.Add("health"); });
    for (FakeDraPlugin* plugin : {one_.get(), two_.get()}) {
      const bool first = plugin == one_.get();
      EXPECT_TRUE(plugins_
                      ->Register(Ctx(), {"DRAPlugin",
                                         first ? kOne : kTwo,
                                         plugin->endpoint(),
                                         {first ? kDraV1 : kDraV1Beta1}})
                      .ok());
    }
    claims_ = std::make_unique<NodeClaims>(runtime::Client(server_), *plugins_, File());
    return claims_->Load();
  }
  std::string File() const { return dir_.path() + "/dra_manager_state"; }
  static Context Ctx() {
    return Context(runtime::RealClock(), {}).WithTimeout(std::chrono::seconds(30));
  }
  // Each device with its CDI id, so that containers can be told apart.
  static FakeDraPlugin::Script WithCdi(std::vector<std::string> requests = {}) {
    FakeDraPlugin::Script script;
    script.request_names = std::move(requests);
    script.cdi_id = [](const std::string& uid) { return "vendor/class=" + uid; };
    return script;
  }

  ScratchDir dir_;
  std::shared_ptr<ClaimServer> server_ = std::make_shared<ClaimServer>();
  CallLog news_;
  std::unique_ptr<FakeDraPlugin> one_, two_;
  std::unique_ptr<DraPlugins> plugins_;
  std::unique_ptr<NodeClaims> claims_;
};

TEST_F(NodeClaimsTest, OneCallPerDriverWithAllClaims) {
  api::Pod pod = PodOf("p");
  for (const char* claim : {"a", "b"}) Use(pod, claim);
  server_->Put(ClaimFor("a", {kOne}, {pod}));
  server_->Put(ClaimFor("b", {kOne, kTwo}, {pod}));
  one_->Set(WithCdi());
  two_->Set(WithCdi());
  ASSERT_TRUE(claims_->Prepare(Ctx(), pod).ok());
  EXPECT_THAT(one_->log().Lines(), ElementsAre("v1 prepare ns/a ns/b"));
  EXPECT_THAT(two_->log().Lines(), ElementsAre("v1beta1 prepare ns/b"));
  EXPECT_THAT(claims_->CdiDevices(pod, pod.spec.containers[0]),
              ElementsAre("vendor/class=uid-a", "vendor/class=uid-b"));
  // Prepared is prepared.
  ASSERT_TRUE(claims_->Prepare(Ctx(), pod).ok());
  EXPECT_EQ(one_->log().Lines().size(), 1u);

  ASSERT_TRUE(claims_->Unprepare(Ctx(), "uid-p").ok());
  EXPECT_EQ(one_->log().Count("v1 unprepare ns/a ns/b"), 1);
  EXPECT_EQ(two_->log().Count("v1beta1 unprepare ns/b"), 1);
  EXPECT_TRUE(claims_->PodUids().empty());
  ASSERT_TRUE(claims_->Unprepare(Ctx(), "uid-p").ok());
  EXPECT_EQ(one_->log().Lines().size(), 2u);
}

TEST_F(NodeClaimsTest, ASharedClaimIsUnpreparedWithItsLastPod) {
  api::Pod first = PodOf("first"), second = PodOf("second");
  Use(first, "a");
  Use(second, "a");
  server_->Put(ClaimFor("a", {kOne}, {first, second}));
  ASSERT_TRUE(claims_->Prepare(Ctx(), first).ok());
  ASSERT_TRUE(claims_->Prepare(Ctx(), second).ok());
  EXPECT_EQ(one_->log().Count("v1 prepare ns/a"), 1);
  EXPECT_THAT(claims_->PodUids(), ElementsAre("uid-first", "uid-second"));
  ASSERT_TRUE(claims_->Unprepare(Ctx(), "uid-first").ok());
  EXPECT_EQ(one_->log().Count("v1 unprepare ns/a"), 0);
  ASSERT_TRUE(claims_->Unprepare(Ctx(), "uid-second").ok());
  EXPECT_EQ(one_->log().Count("v1 unprepare ns/a"), 1);
}

// allocatedResourcesStatus of kubelet 1.36: by the container's entries, device by device.
TEST_F(NodeClaimsTest, SaysHowTheDevicesOfAContainerFare) {
  api::Pod pod = PodOf("p");
  Use(pod, "a", "gpu/small");
  Use(pod, "b");
  server_->Put(ClaimFor("a", {kOne, kTwo}, {pod}));
  server_->Put(ClaimFor("b", {kOne}, {pod}));
  one_->Set(WithCdi({"gpu"}));
  two_->Set(WithCdi({"nic"}));
  one_->health().Say(
      {{"dev-a", {v1alpha1::UNHEALTHY, "XID 79"}}, {"dev-b", {v1alpha1::HEALTHY, ""}}});
  ASSERT_TRUE(news_.Await("health"));
  EXPECT_TRUE(claims_->HealthOf(pod, pod.spec.containers[0]).empty()) << "nothing is prepared yet";
  ASSERT_TRUE(claims_->Prepare(Ctx(), pod).ok());
  using Statuses = std::vector<api::ResourceStatus>;
  EXPECT_EQ(claims_->HealthOf(pod, pod.spec.containers[0]),
            (Statuses{{"claim:a/gpu/small", {{"vendor/class=uid-a", "Unhealthy", "XID 79"}}},
                      {"claim:b", {{"vendor/class=uid-b", "Healthy", ""}}}}));
  // Without a CDI id the device is named; nobody has said anything about it.
  two_->Set({});
  api::Pod other = PodOf("other");
  Use(other, "c");
  server_->Put(ClaimFor("c", {kTwo}, {other}));
  ASSERT_TRUE(claims_->Prepare(Ctx(), other).ok());
  EXPECT_EQ(claims_->HealthOf(other, other.spec.containers[0]),
            (Statuses{{"claim:c", {{"two.example.com/pool/dev-c", "Unknown", ""}}}}));
}

// Containers get the devices of the requests they name; a device without request names serves all
// of them.
TEST_F(NodeClaimsTest, ContainersGetTheirRequests) {
  api::Pod pod = PodOf("p");
  Use(pod, "a", "gpu");
  api::Container other = pod.spec.containers[0];
  other.name = "other";
  other.resources.claims = {{"a", "nic"}};
  api::Container none;
  none.name = "none";
  server_->Put(ClaimFor("a", {kOne, kTwo}, {pod}));
  one_->Set(WithCdi({"gpu"}));
  FakeDraPlugin::Script script = WithCdi();
  script.cdi_id = [](const std::string&) { return "vendor/class=everywhere"; };
  two_->Set(script);
  ASSERT_TRUE(claims_->Prepare(Ctx(), pod).ok());
  EXPECT_THAT(claims_->CdiDevices(pod, pod.spec.containers[0]),
              ElementsAre("vendor/class=uid-a", "vendor/class=everywhere"));
  EXPECT_THAT(claims_->CdiDevices(pod, other), ElementsAre("vendor/class=everywhere"));
  EXPECT_THAT(claims_->CdiDevices(pod, none), ElementsAre());
}

// Nothing is remembered and no driver is called.
TEST_F(NodeClaimsTest, ChecksBeforeItActs) {
  api::Pod pod = PodOf("p"), stranger = PodOf("stranger");
  Use(pod, "a");
  struct Case {
    std::function<void()> arrange;
    std::string part;
  };
  const Case cases[] = {
      {[&] { server_->Remove("a"); }, "get ResourceClaim ns/a: no such claim"},
      {[&] { server_->Put(ClaimFor("a", {kOne}, {stranger})); },
       "ResourceClaim ns/a is not reserved for this Pod"},
      {[&] {
         api::ResourceClaim claim = ClaimFor("a", {kOne}, {pod});
         claim.status.allocation.reset();
         server_->Put(claim);
       },
       "ResourceClaim ns/a is not allocated"},
      {[&] {
         server_->Put(ClaimFor("a", {kOne, "missing.example.com"}, {pod}));
       },
       "ResourceClaim ns/a: DRA driver missing.example.com is not registered"},
      {[&] {
         pod.spec.resource_claims[0].resource_claim_name.reset();
         pod.spec.resource_claims[0].resource_claim_template_name = "t";
       },
       "the ResourceClaim for \"a\" has not been created yet"},
      {[&] {
         pod.status.resource_claim_statuses = {{"a", "a"}};
         server_->Put(ClaimFor("a", {kOne}, {pod}));
       },
       "ResourceClaim ns/a was not created for this Pod (another owner)"},
  };
  for (const Case& test : cases) {
    test.arrange();
    Status refused = claims_->Prepare(Ctx(), pod);
    EXPECT_FALSE(refused.ok()) << test.part;
    EXPECT_EQ(refused.message(), test.part);
  }
  EXPECT_TRUE(one_->log().Lines().empty());
  EXPECT_TRUE(claims_->PodUids().empty());
}

TEST_F(NodeClaimsTest, WhatADriverMayAnswerWrong) {
  api::Pod pod = PodOf("p");
  Use(pod, "a");
  server_->Put(ClaimFor("a", {kOne}, {pod}));
  FakeDraPlugin::Script script;
  script.prepare_error = [](const std::string&) { return "no memory"; };
  one_->Set(script);
  EXPECT_EQ(claims_->Prepare(Ctx(), pod).message(),
            "driver one.example.com could not prepare ResourceClaim ns/a: no memory");
  script = {};
  script.leave_out = true;
  one_->Set(script);
  EXPECT_EQ(claims_->Prepare(Ctx(), pod).message(),
            "driver one.example.com left ResourceClaim ns/a out of its answer");
  // It may have acted all the same: the Pod holds the claim until it is unprepared.
  EXPECT_THAT(claims_->PodUids(), ElementsAre("uid-p"));
  EXPECT_FALSE(claims_->Unprepare(Ctx(), "uid-p").ok());
  EXPECT_THAT(claims_->PodUids(), ElementsAre("uid-p"));
  one_->Set({});
  EXPECT_TRUE(claims_->Unprepare(Ctx(), "uid-p").ok());
  EXPECT_TRUE(claims_->PodUids().empty());
}

// One driver's failure keeps nothing from the others; the claim stays until all have done it.
TEST_F(NodeClaimsTest, UnprepareGoesOnAfterAFailure) {
  api::Pod pod = PodOf("p");
  for (const char* claim : {"a", "b"}) Use(pod, claim);
  server_->Put(ClaimFor("a", {kOne, kTwo}, {pod}));
  server_->Put(ClaimFor("b", {kTwo}, {pod}));
  ASSERT_TRUE(claims_->Prepare(Ctx(), pod).ok());
  FakeDraPlugin::Script script;
  script.unprepare_error = [](const std::string& claim) {
    return claim == "a" ? "device is busy" : "";
  };
  one_->Set(script);
  Status status = claims_->Unprepare(Ctx(), "uid-p");
  EXPECT_EQ(status.message(), "driver one.example.com could not unprepare claim a: device is busy");
  EXPECT_EQ(two_->log().Count("v1beta1 unprepare ns/a ns/b"), 1);
  one_->Set({});
  ASSERT_TRUE(claims_->Unprepare(Ctx(), "uid-p").ok());
  EXPECT_EQ(two_->log().Count("v1beta1 unprepare ns/a"), 1);  // b was done
  EXPECT_TRUE(claims_->PodUids().empty());
}

// The checkpoint stands before the first driver acts: a restarted kubelet unprepares what an
// earlier one began.
TEST_F(NodeClaimsTest, ARestartForgetsNothing) {
  api::Pod pod = PodOf("p");
  Use(pod, "a");
  server_->Put(ClaimFor("a", {kOne}, {pod}));
  FakeDraPlugin::Script script;
  script.prepare_error = [](const std::string&) { return "killed"; };
  one_->Set(script);
  EXPECT_FALSE(claims_->Prepare(Ctx(), pod).ok());
  ASSERT_TRUE(Restart().ok());
  EXPECT_THAT(claims_->PodUids(), ElementsAre("uid-p"));
  one_->Set(WithCdi());
  ASSERT_TRUE(claims_->Prepare(Ctx(), pod).ok());
  ASSERT_TRUE(Restart().ok());
  // Asked again, since what a driver made may not have survived the machine.
  ASSERT_TRUE(claims_->Prepare(Ctx(), pod).ok());
  EXPECT_EQ(one_->log().Count("v1 prepare ns/a"), 3);
  EXPECT_THAT(claims_->CdiDevices(pod, pod.spec.containers[0]), ElementsAre("vendor/class=uid-a"));
  server_->Remove("a");  // the API object may be gone by now
  ASSERT_TRUE(claims_->Unprepare(Ctx(), "uid-p").ok());
  ASSERT_TRUE(Restart().ok());
  EXPECT_TRUE(claims_->PodUids().empty());
}

TEST_F(NodeClaimsTest, ALostCheckpointStopsTheStart) {
  ASSERT_TRUE(runtime::WriteFileAtomically(File(), "{\"Data\":\"{}\",\"Checksum\":1}").ok());
  Status status = Restart();
  EXPECT_TRUE(status.Is(Reason::kInvalid));
  EXPECT_THAT(status.message(), HasSubstr(File()));
}

// A claim of the same name that was made anew must wait until the old one is gone here.
TEST_F(NodeClaimsTest, SameNameAnotherClaim) {
  api::Pod old = PodOf("old"), young = PodOf("young");
  Use(old, "a");
  Use(young, "a");
  server_->Put(ClaimFor("a", {kOne}, {old}));
  ASSERT_TRUE(claims_->Prepare(Ctx(), old).ok());
  server_->Put(ClaimFor("a", {kOne}, {young}, "uid-a2"));
  Status status = claims_->Prepare(Ctx(), young);
  EXPECT_EQ(status.message(),
            "ResourceClaim ns/a was made anew; the old one is not unprepared yet");
  ASSERT_TRUE(claims_->Unprepare(Ctx(), "uid-old").ok());
  EXPECT_TRUE(claims_->Prepare(Ctx(), young).ok());
}

TEST_F(NodeClaimsTest, APodWithoutClaims) {
  EXPECT_TRUE(claims_->Prepare(Ctx(), PodOf("p")).ok());
  EXPECT_TRUE(claims_->Unprepare(Ctx(), "uid-p").ok());
  EXPECT_FALSE(std::filesystem::exists(File()));
}

}  // namespace
}  // namespace dray::devcluster
