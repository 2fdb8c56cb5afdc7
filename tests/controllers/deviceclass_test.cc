// DeviceClasses of the configuration against a real API server's field ownership.
#include "controllers/deviceclass/deviceclass_reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/manager/controller_manager.h"
#include "dray/base/embedded.h"
#include "dray/runtime/yaml.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kSelector[] = "device.driver == \"gpu.example.com\"";

std::string Manifest(const std::string& name = "gpu", const std::string& expression = kSelector) {
  return Json({{"apiVersion", "resource.k8s.io/v1"},
               {"kind", "DeviceClass"},
               {"metadata", {{"name", name}}},
               {"spec", {{"selectors", {{{"cel", {{"expression", expression}}}}}}}}})
      .dump();
}

struct DeviceClassTest : ::testing::Test {
  void Configure(ConfiguredClasses configured) {
    reconciler = std::make_unique<DeviceClassReconciler>(
        DeviceClassReconciler::Options{cluster.Tested(), &classes, &claims, &templates, &*events,
                                       &metrics, std::move(configured)});
  }
  void Sync() {
    classes.Sync(cluster.client, cluster.Ctx());
    claims.Sync(cluster.client, cluster.Ctx());
    templates.Sync(cluster.client, cluster.Ctx());
  }
  runtime::Requeue Reconcile(const std::string& name = "gpu") {
    Sync();
    Result<runtime::Requeue> result = reconciler->Reconcile(cluster.Ctx(), {"", name});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : runtime::Requeue();
  }
  std::vector<std::string> Events() {
    events.reset();  // sends what it has
    std::vector<std::string> lines = cluster.Events();
    events.emplace(cluster.client, cluster.clock, "dray-controller-manager");
    return lines;
  }
  std::string Metric(const std::string& name, const std::string& error) {
    const std::string start =
        "dray_deviceclass_errors{deviceclass=\"" + name + "\",error=\"" + error + "\"} ";
    std::istringstream text(metrics.Text());
    for (std::string line; std::getline(text, line);)
      if (line.starts_with(start)) return line.substr(start.size());
    return "absent";
  }
  std::string SelectorOf(const std::string& name = "gpu") {
    const api::DeviceClass found = cluster.Get<api::DeviceClass>({"", name});
    return found.spec.selectors.size() == 1 ? found.spec.selectors[0].cel->expression : "";
  }

  testing::TestCluster cluster;
  testing::SyncedCache<api::DeviceClass> classes;
  testing::SyncedCache<api::ResourceClaim> claims{{{"waits", [](const api::ResourceClaim& claim) {
                                                      return claim.status.allocation
                                                                 ? std::vector<std::string>()
                                                                 : std::vector<std::string>{"yes"};
                                                    }}}};
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
  std::optional<runtime::EventRecorder> events{std::in_place, cluster.client, cluster.clock,
                                               "dray-controller-manager"};
  runtime::Metrics metrics;
  std::unique_ptr<DeviceClassReconciler> reconciler;
};

TEST_F(DeviceClassTest, MakesTheClassesItBringsAlong) {
  Result<ConfiguredClasses> built_in = BuiltInDeviceClasses();
  ASSERT_TRUE(built_in.ok()) << built_in.status();
  Configure(*built_in);
  for (const char* name :
       {"hami-core-gpu.project-hami.io", "dra.hygon.com", "hami-vnpu-core.project-hami.io"})
    EXPECT_TRUE(built_in->contains(name)) << name;
  for (const auto& [name, manifest] : *built_in) {
    Reconcile(name);
    const api::DeviceClass made = cluster.Get<api::DeviceClass>({"", name});
    EXPECT_EQ(made.metadata.labels.at("app.kubernetes.io/managed-by"), "dray");
    EXPECT_FALSE(made.spec.selectors.empty());
    // Nothing changes the second time, and what was made compiles.
    Reconcile(name);
    EXPECT_EQ(cluster.Get<api::DeviceClass>({"", name}).metadata.resource_version,
              made.metadata.resource_version);
    EXPECT_EQ(Metric(name, "selector"), "0");
    EXPECT_EQ(Metric(name, "conflict"), "0");
  }
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(DeviceClassTest, RepairsDrift) {
  struct Case {
    const char* name;
    std::function<void(testing::TestCluster&)> drift;
  };
  const Case cases[] = {
      {"the label is gone",
       [](auto& cluster) {
         cluster.template Merge<api::DeviceClass>({"", "gpu"},
                                                  {{"metadata", {{"labels", nullptr}}}});
       }},
      {"the selectors are gone",
       [](auto& cluster) {
         cluster.template Merge<api::DeviceClass>({"", "gpu"},
                                                  {{"spec", {{"selectors", nullptr}}}});
       }},
      {"the class is gone",
       [](auto& cluster) {
         EXPECT_TRUE(cluster.template Delete<api::DeviceClass>({"", "gpu"}).ok());
       }},
      {"it is another class now",
       [](auto& cluster) {
         EXPECT_TRUE(cluster.template Delete<api::DeviceClass>({"", "gpu"}).ok());
         api::DeviceClass empty;
         empty.metadata.name = "gpu";
         cluster.Create(empty);
       }},
  };
  Configure({{"gpu", Manifest()}});
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Reconcile();
    one.drift(cluster);
    Reconcile();
    EXPECT_EQ(SelectorOf(), kSelector);
    EXPECT_EQ(cluster.Get<api::DeviceClass>({"", "gpu"})
                  .metadata.labels.at("app.kubernetes.io/managed-by"),
              "dray");
  }
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(DeviceClassTest, FollowsItsConfigurationAndLeavesTheRest) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  cluster.Merge<api::DeviceClass>(
      {"", "gpu"}, {{"metadata", {{"labels", {{"team", "ml"}}}, {"annotations", {{"note", "x"}}}}},
                    {"spec", {{"extendedResourceName", "example.com/gpu"}}}});
  Configure({{"gpu", Manifest("gpu", "device.driver == \"new.example.com\"")}});
  Reconcile();
  EXPECT_EQ(SelectorOf(), "device.driver == \"new.example.com\"");
  const api::DeviceClass kept = cluster.Get<api::DeviceClass>({"", "gpu"});
  EXPECT_EQ(kept.metadata.labels.at("team"), "ml");
  EXPECT_EQ(kept.metadata.annotations.at("note"), "x");
  EXPECT_EQ(kept.spec.extended_resource_name, "example.com/gpu");
}

// A manifest that someone exported: it names the uid and version of an object that is long gone.
TEST_F(DeviceClassTest, ExportedManifestIsAppliedAsAConfiguration) {
  Json exported = Json::parse(Manifest());
  exported["metadata"]["uid"] = "6d1b2f9e-0000-4000-8000-000000000000";
  exported["metadata"]["resourceVersion"] = "17";
  exported["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z";
  exported["metadata"]["managedFields"] = {{{"manager", "kubectl"}, {"operation", "Update"}}};
  exported["metadata"]["annotations"] = {{"note", "x"}};
  Configure({{"gpu", exported.dump()}});
  Reconcile();
  Reconcile();
  EXPECT_EQ(SelectorOf(), kSelector);
  EXPECT_EQ(cluster.Get<api::DeviceClass>({"", "gpu"}).metadata.annotations.at("note"), "x");
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(DeviceClassTest, DoesNotFightOverAFieldOfSomeoneElse) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  const Json theirs = {{"spec", {{"selectors", {{{"cel", {{"expression", "true"}}}}}}}}};
  cluster.Merge<api::DeviceClass>({"", "gpu"}, theirs, "", "kubectl-edit");
  for (int i = 0; i < 3; ++i) Reconcile();
  EXPECT_EQ(SelectorOf(), "true");
  EXPECT_EQ(Metric("gpu", "conflict"), "1");
  auto said = Events();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_THAT(
      said[0],
      AllOf(StartsWith("DeviceClass gpu: Warning FieldOwnedByOther: not applied as configured: "),
            HasSubstr("kubectl-edit"), HasSubstr(".spec.selectors"), ::testing::EndsWith(" x1")));

  // They let go of it: ours again, without a word.
  cluster.clock.Advance(std::chrono::seconds(1));
  cluster.Merge<api::DeviceClass>({"", "gpu"}, {{"spec", {{"selectors", nullptr}}}}, "",
                                  "kubectl-edit");
  Reconcile();
  EXPECT_EQ(SelectorOf(), kSelector);
  EXPECT_EQ(Metric("gpu", "conflict"), "0");
  EXPECT_THAT(Events(), SizeIs(1));

  // And once more: news again.
  cluster.clock.Advance(std::chrono::seconds(1));
  cluster.Merge<api::DeviceClass>({"", "gpu"}, theirs, "", "kubectl-edit");
  Reconcile();
  EXPECT_THAT(Events(), SizeIs(2));
}

TEST_F(DeviceClassTest, DeletesOnlyWhatItMadeAndNobodyUses) {
  struct Case {
    const char* name;
    std::function<void(testing::TestCluster&)>
        then;  // after the class was made, before it leaves the configuration
    bool stays;
  };
  auto claim_with = [](auto edit) {
    return [edit](testing::TestCluster& cluster) {
      api::ResourceClaim claim = testing::TestCluster::MakeClaim("c");
      edit(claim.spec);
      cluster.Create(claim);
    };
  };
  const Case cases[] = {
      {"unused", [](auto&) {}, false},
      {"a claim of another class",
       claim_with([](auto& spec) { spec = testing::TestCluster::Wants("other"); }), false},
      {"a claim", claim_with([](auto&) {}), true},
      {"a claim's second choice", claim_with([](auto& spec) {
         spec.devices.requests[0].exactly.reset();
         spec.devices.requests[0].first_available.resize(2);
         spec.devices.requests[0].first_available[0].name = "a";
         spec.devices.requests[0].first_available[0].device_class_name = "other";
         spec.devices.requests[0].first_available[1].name = "b";
         spec.devices.requests[0].first_available[1].device_class_name = "gpu";
       }),
       true},
      {"a template", [](auto& cluster) { cluster.Create(testing::TestCluster::MakeTemplate("t")); },
       true},
      {"an administrator changed its spec",
       [](auto& cluster) {
         cluster.template Merge<api::DeviceClass>(
             {"", "gpu"}, {{"spec", {{"extendedResourceName", "example.com/gpu"}}}});
       },
       true},
      {"an administrator annotated it",
       [](auto& cluster) {
         cluster.template Merge<api::DeviceClass>(
             {"", "gpu"}, {{"metadata", {{"annotations", {{"note", "x"}}}}}});
       },
       false},
      {"made by hand, with our label",
       [](auto& cluster) {
         EXPECT_TRUE(cluster.template Delete<api::DeviceClass>({"", "gpu"}).ok());
         api::DeviceClass one;
         one.metadata.name = "gpu";
         one.metadata.labels["app.kubernetes.io/managed-by"] = "dray";
         cluster.Create(one);
       },
       true},
      {"without our label",
       [](auto& cluster) {
         cluster.template Merge<api::DeviceClass>({"", "gpu"},
                                                  {{"metadata", {{"labels", nullptr}}}});
       },
       true},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    testing::TestCluster fresh;
    runtime::EventRecorder quiet(fresh.client, fresh.clock, "test");
    auto make = [&](ConfiguredClasses configured) {
      return DeviceClassReconciler(
          {fresh.Tested(), &classes, &claims, &templates, &quiet, &metrics, std::move(configured)});
    };
    ASSERT_TRUE(make({{"gpu", Manifest()}}).Reconcile(fresh.Ctx(), {"", "gpu"}).ok());
    one.then(fresh);
    classes.Sync(fresh.client, fresh.Ctx());
    claims.Sync(fresh.client, fresh.Ctx());
    templates.Sync(fresh.client, fresh.Ctx());
    Result<runtime::Requeue> pruned = make({}).Reconcile(fresh.Ctx(), {"", "gpu"});
    EXPECT_TRUE(pruned.ok()) << pruned.status();
    EXPECT_EQ(fresh.Find<api::DeviceClass>({"", "gpu"}).has_value(), one.stays);
  }
}

TEST_F(DeviceClassTest, WaitsUntilTheLastClaimIsGone) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  cluster.Create(testing::TestCluster::MakeClaim("c"));
  Configure({});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reconcile().after, Duration(std::chrono::minutes(1)));
  EXPECT_THAT(
      Events(),
      ElementsAre(
          "DeviceClass gpu: Normal StillInUse: no longer configured; deleted when no claim names "
          "it x1"));
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>({"default", "c"}).ok());
  EXPECT_FALSE(Reconcile().after);
  EXPECT_FALSE(cluster.Find<api::DeviceClass>({"", "gpu"}));
  Reconcile();
  EXPECT_EQ(Metric("gpu", "selector"), "absent");
  EXPECT_EQ(Metric("gpu", "conflict"), "absent");
}

// Of an allocated claim the cache does not keep what it asked for: the server is asked, for all of
// them once, then for the one that was found.
TEST_F(DeviceClassTest, AClassThatAllocatedClaimsHoldIsNotSearchedForAgain) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  cluster.Create(testing::TestCluster::MakeClaim("a", "other"));
  cluster.Create(testing::TestCluster::MakeClaim("b"));
  cluster.Create(testing::TestCluster::MakeClaim("c"));
  for (const char* name : {"a", "b", "c"}) cluster.Allocate({"default", name}, "n1", {"gpu-0"}, {});
  Configure({});
  int lists = 0;
  cluster.wire->RefuseWhere([&](const runtime::ApiRequest& request) {
    lists += request.method == "GET" && request.path.find("/resourceclaims?") != std::string::npos;
    return Ok();
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reconcile().after, Duration(std::chrono::minutes(1)));
  EXPECT_EQ(lists, 1);
  auto remove = [&](const char* name) {
    cluster.Merge<api::ResourceClaim>({"default", name}, {{"metadata", {{"finalizers", nullptr}}}});
    ASSERT_TRUE(cluster.Delete<api::ResourceClaim>({"default", name}).ok());
  };
  remove("b");
  EXPECT_EQ(Reconcile().after, Duration(std::chrono::minutes(1)));
  EXPECT_EQ(lists, 2);
  remove("c");
  EXPECT_FALSE(Reconcile().after);
  EXPECT_FALSE(cluster.Find<api::DeviceClass>({"", "gpu"}));
}

// A proxy in front of a server that restarts answers every GET with something of its own.
class Proxy final : public runtime::Transport {
 public:
  Proxy(std::shared_ptr<runtime::Transport> server, std::string page)
      : server_(std::move(server)), page_(std::move(page)) {}
  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override {
    if (request.method == "GET" && request.path.ends_with("/deviceclasses/gpu"))
      return runtime::ApiResponse{200, page_, {}};
    return server_->Do(ctx, request);
  }
  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view)>& on_line) override {
    return server_->Watch(ctx, request, on_line);
  }

 private:
  const std::shared_ptr<runtime::Transport> server_;
  const std::string page_;
};

TEST_F(DeviceClassTest, AnAnswerThatIsNoObjectDeletesNothing) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  Sync();
  struct Case {
    const char* page;
    bool error;
  };
  for (const Case& c : {Case{"<html>503 Service Unavailable</html>", true}, Case{"", true},
                        Case{"[]", true}, Case{R"({"metadata":{"managedFields":[1,"x"]}})", false},
                        Case{R"({"metadata":{"managedFields":[{"manager":7}]}})", false}}) {
    DeviceClassReconciler strange(DeviceClassReconciler::Options{
        runtime::Client(std::make_shared<Proxy>(cluster.wire, c.page)),
        &classes,
        &claims,
        &templates,
        &*events,
        &metrics,
        {}});
    const Result<runtime::Requeue> result = strange.Reconcile(cluster.Ctx(), {"", "gpu"});
    EXPECT_EQ(result.Is(Reason::kUnavailable), c.error) << c.page << ": " << result.status();
    EXPECT_TRUE(cluster.Find<api::DeviceClass>({"", "gpu"})) << c.page;
  }
}

TEST_F(DeviceClassTest, DeletesExactlyWhatItSaw) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  Configure({});
  Sync();
  cluster.Merge<api::DeviceClass>({"", "gpu"},
                                  {{"metadata", {{"annotations", {{"changed", "meanwhile"}}}}}});
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"", "gpu"}).Is(Reason::kConflict));
  EXPECT_TRUE(cluster.Find<api::DeviceClass>({"", "gpu"}));
  Reconcile();
  EXPECT_FALSE(cluster.Find<api::DeviceClass>({"", "gpu"}));
  // Stale: gone already.
  api::DeviceClass ghost;
  ghost.metadata.name = "gpu";
  ghost.metadata.labels["app.kubernetes.io/managed-by"] = "dray";
  classes.Put(ghost);
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"", "gpu"}).ok());
}

TEST_F(DeviceClassTest, LeavesATerminatingClassInPeace) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  cluster.Merge<api::DeviceClass>({"", "gpu"},
                                  {{"metadata", {{"finalizers", {"example.com/hold"}}}}});
  ASSERT_TRUE(cluster.Delete<api::DeviceClass>({"", "gpu"}).ok());
  Configure({});
  cluster.wire->TakeWrites();
  Reconcile();
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

// Selectors that an older or newer API server let through.
TEST_F(DeviceClassTest, SaysWhereASelectorIsWrong) {
  struct Case {
    std::vector<const char*> expressions;
    std::vector<const char*> words;  // none: all is well
  };
  const Case cases[] = {
      {{kSelector}, {}},
      {{}, {}},
      {{"device.nonexistent == 1"},
       {"spec.selectors[0].cel.expression: ", "<input>:1:7", "nonexistent"}},
      {{kSelector, "device.driver =="}, {"spec.selectors[1].cel.expression: ", "<input>:1:"}},
      {{kSelector, "true &&\n  device.driver == 5"},
       {"spec.selectors[1].cel.expression: ", "<input>:2:"}},
      {{"device.driver"}, {"spec.selectors[0].cel.expression: ", "bool"}},
  };
  Configure({});
  size_t said = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.expressions.empty() ? "none" : one.expressions.back());
    api::DeviceClass foreign;
    foreign.metadata.name = "foreign";
    for (const char* expression : one.expressions)
      foreign.spec.selectors.push_back({api::CelDeviceSelector{expression}});
    classes.Put(foreign);
    cluster.wire->TakeWrites();
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"", "foreign"}).ok());
    EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());  // read-only for foreign classes
    EXPECT_EQ(Metric("foreign", "selector"), one.words.empty() ? "0" : "1");
    const std::vector<std::string> events_now = Events();
    cluster.clock.Advance(std::chrono::seconds(1));
    if (!one.words.empty()) ++said;
    ASSERT_EQ(events_now.size(), said);
    if (one.words.empty()) continue;
    bool found = false;
    for (const std::string& event : events_now) {
      bool all = event.starts_with("DeviceClass foreign: Warning InvalidSelector: ");
      for (const char* word : one.words) all = all && event.find(word) != std::string::npos;
      found = found || all;
    }
    EXPECT_TRUE(found) << ::testing::PrintToString(events_now);
  }
  classes.Sync(cluster.client, cluster.Ctx());  // it is deleted
  ASSERT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"", "foreign"}).ok());
  EXPECT_EQ(Metric("foreign", "selector"), "absent");
}

TEST_F(DeviceClassTest, ApiErrorsComeBackAsErrors) {
  Configure({{"gpu", Manifest()}});
  for (const Status& failure :
       {Status(Reason::kUnavailable, "no route"), Status(Reason::kForbidden, "no RBAC")}) {
    cluster.wire->RefuseWhere([&](const runtime::ApiRequest&) { return failure; });
    EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"", "gpu"}).Is(failure.reason()));
  }
  EXPECT_EQ(Metric("gpu", "conflict"), "absent");  // nothing is known
}

TEST(ReadDeviceClasses, NamesFileDocumentAndFault) {
  const std::string good =
      "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: a}\nspec: {}\n";
  struct Case {
    std::string yaml;
    const char* message;  // a part of it; "": accepted
  };
  const Case cases[] = {
      {good, ""},
      {"---\n" + good + "---\n", ""},
      {"", ""},
      {good + "---\n" + good, "f.yaml: document 2: metadata.name: a: this class was already given"},
      {"kind: DeviceClass\napiVersion: resource.k8s.io/v1beta1\nmetadata: {name: a}\n",
       "f.yaml: document 1: want kind"},
      {good + "---\nkind: Pod\napiVersion: v1\n", "f.yaml: document 2: want kind DeviceClass"},
      {"[1, 2]\n", "f.yaml: document 1: want kind DeviceClass"},
      {"kind: 5\napiVersion: resource.k8s.io/v1\n", "f.yaml: document 1: want kind DeviceClass"},
      {"plain text\n", "f.yaml: document 1: want kind DeviceClass"},
      {"a: [\n", "f.yaml"},
      {"apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nspec: {}\n", "f.yaml: document 1: "},
      {"apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: A_B}\n",
       "metadata.name"},
      {good + "  selectors: [{cel: {expression: 5}}]\n", "f.yaml"},
      {"apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: a}\nspec: {selectors: "
       "[{cel: {expression: "
       "device.x}}]}\n",
       "spec.selectors[0].cel.expression"},
      {"apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: a}\nspec: {selectors: "
       "5}\n",
       "spec.selectors"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.yaml);
    Result<ConfiguredClasses> read = ReadDeviceClasses(one.yaml, "f.yaml");
    EXPECT_EQ(read.ok(), *one.message == 0) << read.status();
    if (read.ok()) continue;
    EXPECT_TRUE(read.Is(Reason::kInvalid)) << read.status();
    EXPECT_THAT(read.status().message(), HasSubstr(one.message));
    EXPECT_THAT(read.status().message(), StartsWith("f.yaml"));
  }
}

// --- What the classes select. ---

struct ClassCounts : DeviceClassTest {
  ClassCounts() {
    reconciler = std::make_unique<DeviceClassReconciler>(DeviceClassReconciler::Options{
        cluster.Tested(), &classes, &claims, &templates, &*events, &metrics, {}, &slices});
  }
  runtime::Requeue Look() {
    slices.Sync(cluster.client, cluster.Ctx());
    return Reconcile();
  }
  std::string Matching() {
    const std::string start = "dray_deviceclass_matching_devices{deviceclass=\"gpu\"} ";
    std::istringstream text(metrics.Text());
    for (std::string line; std::getline(text, line);)
      if (line.starts_with(start)) return line.substr(start.size());
    return "absent";
  }
  testing::SyncedCache<api::ResourceSlice> slices;
};

TEST_F(ClassCounts, CountsDevicesOverAllSlicesOfTheNewestGeneration) {
  cluster.AddClass();
  cluster.AddDevices("n1", 3);
  cluster.AddDevices("n2", 2);
  EXPECT_EQ(Look().after, std::nullopt);
  EXPECT_EQ(Matching(), "5");
  // A newer generation of one pool, of one slice, with one device fewer.
  api::ResourceSlice newer = cluster.Get<api::ResourceSlice>({"", "n1-gpu"});
  newer.metadata = {};
  newer.metadata.name = "n1-gpu-2";
  newer.spec.pool.generation = 2;
  newer.spec.devices.pop_back();
  cluster.Create(newer);
  Look();
  EXPECT_EQ(Matching(), "4");
  ASSERT_TRUE(cluster.Delete<api::ResourceSlice>({"", "n2-gpu"}).ok());
  Look();
  EXPECT_EQ(Matching(), "2");
  // Another selector, another count.
  cluster.Merge<api::DeviceClass>(
      {"", "gpu"}, {{"spec",
                     {{"selectors",
                       {{{"cel",
                          {{"expression",
                            "device.driver == \"gpu.example.com\" && "
                            "device.attributes[\"gpu.example.com\"].uuid == \"GPU-n1-0\""}}}}}}}}});
  Look();
  EXPECT_EQ(Matching(), "1");
  ASSERT_TRUE(cluster.Delete<api::DeviceClass>({"", "gpu"}).ok());
  Look();
  EXPECT_EQ(Matching(), "absent");
}

TEST_F(ClassCounts, AClassThatStaysEmptyIsSaidOnce) {
  cluster.AddClass();
  EXPECT_EQ(Look().after, std::chrono::minutes(1));
  cluster.clock.Advance(std::chrono::seconds(59));
  EXPECT_EQ(Look().after, std::chrono::seconds(1));
  EXPECT_THAT(Events(), IsEmpty());
  cluster.clock.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Look().after, std::nullopt);
  Look();
  EXPECT_THAT(
      Events(),
      ElementsAre(
          "DeviceClass gpu: Warning NoMatchingDevices: no driver has published a device x1"));
  cluster.AddDevices("n1", 1);
  Look();
  EXPECT_EQ(Matching(), "1");
}

TEST_F(ClassCounts, ASelectorThatFailsOnADeviceIsSaid) {
  cluster.AddDevices("n1", 1);
  cluster.AddClass();
  cluster.Merge<api::DeviceClass>(
      {"", "gpu"},
      {{"spec",
        {{"selectors",
          {{{"cel",
             {{"expression", "device.attributes[\"gpu.example.com\"].model == \"x\""}}}}}}}}});
  Look();
  EXPECT_EQ(Matching(), "0");
  EXPECT_THAT(Events(), ElementsAre(StartsWith(
                            "DeviceClass gpu: Warning SelectorFails: spec.selectors[0] fails on "
                            "device gpu.example.com/n1/gpu-0: no such key: model")));
}

TEST_F(ClassCounts, SelectorsThatDoNotCompileAreAllNamed) {
  // Stored before the server knew better.
  api::DeviceClass odd;
  odd.metadata.name = "gpu";
  odd.spec.selectors = {{api::CelDeviceSelector{"device.nonsense"}},
                        {api::CelDeviceSelector{"true"}},
                        {api::CelDeviceSelector{"1 +"}}};
  classes.Put(odd);
  ASSERT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"", "gpu"}).ok());
  EXPECT_EQ(Matching(), "0");
  EXPECT_EQ(Metric("gpu", "selector"), "1");
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_THAT(events[0], AllOf(HasSubstr("spec.selectors[0].cel.expression: "), HasSubstr("1:7"),
                               HasSubstr("spec.selectors[2].cel.expression: ")));
}

// --- Extended resources. ---

TEST(ExtendedResources, AreSetOnConfiguredClasses) {
  ConfiguredClasses classes{{"gpu", Manifest("gpu")}, {"other", Manifest("other")}};
  ASSERT_TRUE(SetExtendedResources("f", "", &classes).ok());
  Status set = SetExtendedResources("f", "nvidia.com/gpu=gpu,example.com/other=other", &classes);
  ASSERT_TRUE(set.ok()) << set;
  EXPECT_EQ(Json::parse(classes["gpu"])["spec"]["extendedResourceName"], "nvidia.com/gpu");
  EXPECT_EQ(Json::parse(classes["other"])["spec"]["extendedResourceName"], "example.com/other");
  EXPECT_EQ(SetExtendedResources("f", "nvidia.com/gpu", &classes).message(),
            "--f: nvidia.com/gpu: want RESOURCE=DEVICECLASS");
  EXPECT_EQ(SetExtendedResources("f", "a.b/c=none", &classes).message(),
            "--f: a.b/c=none: no configured DeviceClass is called none");
  EXPECT_TRUE(SetExtendedResources("f", "gpu=gpu", &classes).Is(Reason::kInvalid));
}

TEST_F(DeviceClassTest, AnExtendedResourceNameIsApplied) {
  ConfiguredClasses configured{{"gpu", Manifest()}};
  ASSERT_TRUE(SetExtendedResources("f", "nvidia.com/gpu=gpu", &configured).ok());
  Configure(std::move(configured));
  Reconcile();
  EXPECT_EQ(cluster.Get<api::DeviceClass>({"", "gpu"}).spec.extended_resource_name,
            "nvidia.com/gpu");
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(DeviceClassTest, AClassThatStandsAsConfiguredIsNotAppliedAgain) {
  Configure({{"gpu", Manifest()}});
  Reconcile();
  Reconcile();
  cluster.wire->TakeWrites();
  Reconcile();
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

}  // namespace
}  // namespace dray::controllers
