#include "dray/runtime/client.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "dray/api/types/core.h"
#include "dray/api/types/resource.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace dray::runtime {
namespace {

using api::ObjectKey;
using std::chrono::seconds;

std::string StatusBody(Reason reason, const std::string& message, const std::string& name = "") {
  return api::EncodeStatus(Status(reason, message), "", "pods", name).dump();
}
constexpr char kPod[] =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"ns","resourceVersion":"7"}})";

class ClientTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  std::shared_ptr<testing::ScriptedTransport> server_ =
      std::make_shared<testing::ScriptedTransport>();
  Client client_{server_};
  Context ctx_{clock_, {}};

  std::string Asked(size_t i = 0) const {
    auto requests = server_->requests();
    return i < requests.size() ? requests[i].method + " " + requests[i].path : "";
  }
};

TEST_F(ClientTest, BuildsPathsAndVerbs) {
  const ObjectKey key{"ns", "a"};
  struct Case {
    std::function<Status()> call;
    const char* asked;
    const char* content_type;
    const char* body;
  };
  PatchOptions apply;
  apply.subresource = "status";
  apply.force = apply.dry_run = true;
  apply.field_manager = "me & you";
  DeleteOptions guarded;
  guarded.uid = "u-1";
  guarded.resource_version = "5";
  guarded.grace_period_seconds = 0;
  guarded.propagation_policy = "Background";
  ListOptions list;
  list.namespace_ = "ns";
  list.label_selector = "a=b,c in (d,e)";
  list.field_selector = "spec.nodeName=n";
  list.resource_version = "0";
  Case cases[] = {
      {[&] { return client_.Get<api::Pod>(ctx_, key).status(); },
       "GET /api/v1/namespaces/ns/pods/a", "", ""},
      {[&] {
         return client_.Get<api::Node>(ctx_, {"", "n/1"}).status();
       },
       "GET /api/v1/nodes/n%2F1", "", ""},
      {[&] { return client_.ListRaw(ctx_, api::KindOf<api::Pod>::value, list, "").status(); },
       "GET "
       "/api/v1/namespaces/ns/"
       "pods?labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29&fieldSelector=spec.nodeName%3Dn&limit=500&"
       "resourceVersion=0",
       "", ""},
      {[&] { return client_.ListRaw(ctx_, api::KindOf<api::Pod>::value, {}, "t+1").status(); },
       "GET /api/v1/pods?limit=500&continue=t%2B1", "", ""},
      {[&] {
         return client_.CreateRaw(ctx_, api::KindOf<api::Pod>::value, "ns", "{}", true).status();
       },
       "POST /api/v1/namespaces/ns/pods?dryRun=All", "application/json", "{}"},
      {[&] {
         return client_.CreateSubresource(ctx_, api::KindOf<api::Pod>::value, key, "binding", "{}")
             .status();
       },
       "POST /api/v1/namespaces/ns/pods/a/binding", "application/json", "{}"},
      {[&] {
         return client_.UpdateRaw(ctx_, api::KindOf<api::Pod>::value, key, "status", "{}").status();
       },
       "PUT /api/v1/namespaces/ns/pods/a/status", "application/json", "{}"},
      {[&] { return client_.Patch<api::Pod>(ctx_, key, PatchType::kJson, "[]").status(); },
       "PATCH /api/v1/namespaces/ns/pods/a?fieldManager=dray-controller-manager",
       "application/json-patch+json", "[]"},
      {[&] { return client_.Patch<api::Pod>(ctx_, key, PatchType::kMerge, "{}").status(); },
       "PATCH /api/v1/namespaces/ns/pods/a?fieldManager=dray-controller-manager",
       "application/merge-patch+json", "{}"},
      {[&] { return client_.Patch<api::Pod>(ctx_, key, PatchType::kStrategic, "{}").status(); },
       "PATCH /api/v1/namespaces/ns/pods/a?fieldManager=dray-controller-manager",
       "application/strategic-merge-patch+json", "{}"},
      {[&] { return client_.Patch<api::Pod>(ctx_, key, PatchType::kApply, "{}", apply).status(); },
       "PATCH "
       "/api/v1/namespaces/ns/pods/a/status?fieldManager=me%20%26%20you&dryRun=All&force=true",
       "application/apply-patch+yaml", "{}"},
      {[&] { return client_.Delete<api::Pod>(ctx_, key, guarded); },
       "DELETE /api/v1/namespaces/ns/pods/a", "application/json",
       R"({"apiVersion":"v1","gracePeriodSeconds":0,"kind":"DeleteOptions","preconditions":{"resourceVersion":"5","uid":"u-1"},"propagationPolicy":"Background"})"},
      {[&] { return client_.DeleteCollection(ctx_, api::KindOf<api::Pod>::value, list); },
       "DELETE "
       "/api/v1/namespaces/ns/"
       "pods?labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29&fieldSelector=spec.nodeName%3Dn",
       "", ""},
  };
  size_t i = 0;
  for (const Case& c : cases) {
    server_->Answer(200, kPod);
    Status status = c.call();
    EXPECT_TRUE(status.ok()) << c.asked << ": " << status;
    EXPECT_EQ(Asked(i), c.asked);
    EXPECT_EQ(server_->requests()[i].content_type, c.content_type) << c.asked;
    EXPECT_EQ(server_->requests()[i].body, c.body) << c.asked;
    ++i;
  }
  EXPECT_EQ(Client::PathOf(api::KindOf<api::ResourceClaim>::value, "ns", "c", "status"),
            "/apis/resource.k8s.io/v1/namespaces/ns/resourceclaims/c/status");
}

TEST_F(ClientTest, ErrorsAreTheServersStatus) {
  server_->Answer(404, StatusBody(Reason::kNotFound, "pods \"a\" not found", "a"));
  EXPECT_TRUE(client_.Get<api::Pod>(ctx_, {"ns", "a"}).Is(Reason::kNotFound));
  server_->Answer(409, StatusBody(Reason::kAlreadyExists, "exists", "a"));
  EXPECT_TRUE(client_.Create(ctx_, api::Pod{}).Is(Reason::kAlreadyExists));
  server_->Answer(409, StatusBody(Reason::kConflict, "the object has been modified", "a"));
  Result<api::Pod> conflict = client_.Update(ctx_, api::Pod{});
  EXPECT_TRUE(conflict.Is(Reason::kConflict));
  EXPECT_EQ(conflict.status().message(), "the object has been modified");
  server_->Answer(500, "oops", {});
  EXPECT_TRUE(client_.Get<api::Pod>(ctx_, {"ns", "a"}).Is(Reason::kInternal));
  server_->Fail(Status(Reason::kUnavailable, "nobody"));
  EXPECT_TRUE(client_.Get<api::Pod>(ctx_, {"ns", "a"}).Is(Reason::kUnavailable));
  EXPECT_EQ(server_->requests().size(), 5u);  // nothing was tried twice
}

TEST_F(ClientTest, ListFollowsPages) {
  server_->Answer(
      200,
      R"({"kind":"PodList","metadata":{"resourceVersion":"10","continue":"x"},"items":[{"metadata":{"name":"a"}}]})");
  server_->Answer(
      200,
      R"({"kind":"PodList","metadata":{"resourceVersion":"11"},"items":[{"metadata":{"name":"b"}}]})");
  auto list = client_.List<api::Pod>(ctx_);
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[1].metadata.name, "b");
  EXPECT_EQ(list->resource_version, "10");
  EXPECT_EQ(Asked(1), "GET /api/v1/pods?limit=500&continue=x");
}

TEST_F(ClientTest, RetriesWhenTheServerSaysWhen) {
  server_->Answer(429, StatusBody(Reason::kTooManyRequests, "busy"), {{"retry-after", "2"}});
  server_->Answer(503, "later", {{"retry-after", "3"}});
  server_->Answer(200, kPod);
  Status outcome(Reason::kInternal, "not run");
  std::jthread caller([&] { outcome = client_.Get<api::Pod>(ctx_, {"ns", "a"}).status(); });
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  EXPECT_EQ(server_->requests().size(), 1u);
  clock_.Advance(seconds(2));
  ASSERT_TRUE(server_->AwaitRequests(2));
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  clock_.Advance(seconds(3));
  caller.join();
  EXPECT_TRUE(outcome.ok()) << outcome;
  EXPECT_EQ(server_->requests().size(), 3u);
}

TEST_F(ClientTest, DoesNotWaitBeyondTheDeadline) {
  server_->Answer(429, StatusBody(Reason::kTooManyRequests, "busy"), {{"retry-after", "20"}});
  Result<api::Pod> pod = client_.Get<api::Pod>(ctx_.WithTimeout(seconds(10)), {"ns", "a"});
  EXPECT_TRUE(pod.Is(Reason::kTooManyRequests));
  EXPECT_EQ(pod.status().retry_after, seconds(20));
}

// What a proxy says need not be so: after half a minute it is asked again.
TEST_F(ClientTest, WaitsHalfAMinuteAtMost) {
  server_->Answer(503, "later", {{"retry-after", "999999"}});
  server_->Answer(200, kPod);
  Status outcome(Reason::kInternal, "not run");
  std::jthread caller([&] { outcome = client_.Get<api::Pod>(ctx_, {"ns", "a"}).status(); });
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  EXPECT_EQ(*clock_.NextDeadline() - clock_.Steady(), Duration(seconds(30)));
  clock_.Advance(seconds(999999));
  caller.join();
  EXPECT_TRUE(outcome.ok()) << outcome;
}

std::string Group(const std::vector<std::string>& versions) {
  Json group = {{"kind", "APIGroup"},
                {"apiVersion", "v1"},
                {"name", "resource.k8s.io"},
                {"versions", Json::array()}};
  for (const std::string& version : versions)
    group["versions"].push_back(
        {{"groupVersion", "resource.k8s.io/" + version}, {"version", version}});
  return group.dump();
}

TEST_F(ClientTest, DiscoversTheVersionOnceForAllCopies) {
  server_->Answer(200, Group({"v1beta1", "v1", "v1beta2"}));
  server_->Answer(200, R"({"metadata":{"name":"c"}})");
  server_->Answer(200, R"({"metadata":{"name":"c"}})");
  Client copy = client_;
  ASSERT_TRUE(client_.Get<api::DeviceClass>(ctx_, {"", "c"}).ok());
  ASSERT_TRUE(copy.Get<api::DeviceClass>(ctx_, {"", "c"}).ok());
  EXPECT_EQ(Asked(0), "GET /apis/resource.k8s.io");
  EXPECT_EQ(Asked(1), "GET /apis/resource.k8s.io/v1/deviceclasses/c");
  EXPECT_EQ(Asked(2), "GET /apis/resource.k8s.io/v1/deviceclasses/c");
}

TEST_F(ClientTest, SpeaksAnOlderVersionAndFollowsAnUpgrade) {
  api::ResourceClaim claim;
  claim.metadata.name = "c";
  claim.metadata.namespace_ = "ns";
  api::DeviceRequest request;
  request.name = "gpu";
  request.exactly.emplace();
  request.exactly->device_class_name = "gpu.example.com";
  claim.spec.devices.requests.push_back(request);

  server_->Answer(200, Group({"v1beta1"}));
  server_->Answer(
      201,
      R"({"apiVersion":"resource.k8s.io/v1beta1","kind":"ResourceClaim","metadata":{"name":"c","namespace":"ns"},
      "spec":{"devices":{"requests":[{"name":"gpu","deviceClassName":"gpu.example.com"}]}}})");
  auto created = client_.Create(ctx_, claim);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->spec, claim.spec);
  EXPECT_EQ(Asked(1), "POST /apis/resource.k8s.io/v1beta1/namespaces/ns/resourceclaims");
  Json sent = Json::parse(server_->requests()[1].body);
  EXPECT_EQ(sent["apiVersion"], "resource.k8s.io/v1beta1");
  EXPECT_EQ(sent["spec"]["devices"]["requests"][0]["deviceClassName"], "gpu.example.com")
      << sent.dump(1);

  // The server has been upgraded to one without v1beta1.
  server_->Answer(404, "404 page not found");
  server_->Answer(200, Group({"v1", "v1beta2"}));
  server_->Answer(
      200,
      R"({"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim","metadata":{"name":"c","namespace":"ns"},
      "spec":{"devices":{"requests":[{"name":"gpu","exactly":{"deviceClassName":"gpu.example.com"}}]}}})");
  auto got = client_.Get<api::ResourceClaim>(ctx_, {"ns", "c"});
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->spec, claim.spec);
  EXPECT_EQ(Asked(4), "GET /apis/resource.k8s.io/v1/namespaces/ns/resourceclaims/c");

  // An absent object is no reason to ask again.
  server_->Answer(404, StatusBody(Reason::kNotFound, "no such claim", "c"));
  EXPECT_TRUE(client_.Get<api::ResourceClaim>(ctx_, {"ns", "c"}).Is(Reason::kNotFound));
  EXPECT_EQ(server_->requests().size(), 6u);
}

TEST_F(ClientTest, SaysThatTheServerHasNoDra) {
  server_->Answer(404, "404 page not found");
  auto got = client_.Get<api::ResourceClaim>(ctx_, {"ns", "c"});
  EXPECT_TRUE(got.Is(Reason::kNotFound));
  EXPECT_NE(got.status().message().find("Dynamic Resource Allocation needs Kubernetes 1.34"),
            std::string::npos)
      << got.status();
  server_->Answer(200, Group({"v1alpha3"}));
  EXPECT_NE(client_.Get<api::ResourceClaim>(ctx_, {"ns", "c"})
                .status()
                .message()
                .find("only in v1alpha3"),
            std::string::npos);
}

}  // namespace
}  // namespace dray::runtime
