// The garbage collector, the end of namespaces, and all controllers together as a process runs
// them.
#include <condition_variable>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devcluster/workloads/garbage_collector.h"
#include "devcluster/workloads/namespace_reconciler.h"
#include "devcluster/workloads/workloads.h"
#include "dray/runtime/controller.h"
#include "tests/support/test_cluster.h"

namespace dray::devcluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TestCluster;
using testing::Wire;

constexpr char kGhost[] = "0f000000-0000-4000-8000-000000000000";  // a UID that nobody has

// The collector with what its informers would tell it, by hand.
struct CollectorTest : ::testing::Test {
  template <class T>
  void Look(std::map<std::string, OwnedObject>& now) {
    for (const T& object : cluster.List<T>())
      now[object.metadata.uid] = {api::KindOf<T>::value, api::KeyOf(object), object.metadata};
  }
  // Tells what has changed since the last time; the UIDs to look at.
  std::set<std::string> News() {
    std::map<std::string, OwnedObject> now;
    Look<api::Pod>(now);
    Look<api::Node>(now);
    Look<api::ConfigMap>(now);
    Look<api::ReplicaSet>(now);
    Look<api::Deployment>(now);
    Look<api::ResourceClaim>(now);
    Look<api::ResourceSlice>(now);
    std::set<std::string> affected;
    for (const auto& [uid, object] : seen)
      if (!now.contains(uid))
        for (const std::string& other : collector.Gone(object.metadata)) affected.insert(other);
    for (const auto& [uid, object] : now)
      if (auto before = seen.find(uid);
          before == seen.end() || before->second.metadata != object.metadata)
        for (const std::string& other : collector.Seen(object)) affected.insert(other);
    seen = std::move(now);
    return affected;
  }
  // Until there is no news.
  void Collect() {
    for (int i = 0; i < 30; ++i) {
      const std::set<std::string> affected = News();
      if (affected.empty()) return;
      for (const std::string& uid : affected) {
        Result<runtime::Requeue> done = collector.Reconcile(cluster.Ctx(), {"", uid});
        EXPECT_TRUE(done.ok()) << done.status();
      }
    }
    ADD_FAILURE() << "does not come to rest";
  }
  // A ConfigMap stands for anything that owns or is owned.
  api::ConfigMap Make(const std::string& name, std::vector<api::OwnerReference> owners = {},
                      std::vector<std::string> finalizers = {}) {
    api::ConfigMap made;
    made.metadata.namespace_ = "default";
    made.metadata.name = name;
    made.metadata.owner_references = std::move(owners);
    made.metadata.finalizers = std::move(finalizers);
    return cluster.Create(made);
  }
  static api::OwnerReference By(const api::ConfigMap& owner, std::optional<bool> blocks = {}) {
    return {"v1", "ConfigMap", owner.metadata.name, owner.metadata.uid, std::nullopt, blocks};
  }
  std::vector<std::string> Left() {
    std::vector<std::string> names;
    for (const api::ConfigMap& one : cluster.List<api::ConfigMap>())
      names.push_back(one.metadata.name);
    std::sort(names.begin(), names.end());
    return names;
  }
  void Delete(const std::string& name, const std::string& how = "") {
    Status deleted = cluster.Delete<api::ConfigMap>({"default", name}, how);
    EXPECT_TRUE(deleted.ok()) << deleted;
  }

  TestCluster cluster;
  GarbageCollector collector{
      cluster.Tested(),
      {api::KindOf<api::Pod>::value, api::KindOf<api::Node>::value,
       api::KindOf<api::ConfigMap>::value, api::KindOf<api::ReplicaSet>::value,
       api::KindOf<api::Deployment>::value, api::KindOf<api::ResourceClaim>::value,
       api::KindOf<api::ResourceSlice>::value}};
  std::map<std::string, OwnedObject> seen;
};

TEST_F(CollectorTest, TakesWhatHasNoOwnerLeft) {
  const api::ConfigMap a = Make("a"), b = Make("b");
  const api::ConfigMap child = Make("child", {By(a)});
  Make("grandchild", {By(child)});
  Make("of-both", {By(a), By(b)});
  Make("of-none");
  Collect();
  EXPECT_THAT(Left(), SizeIs(6));
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  Delete("a");
  Collect();
  EXPECT_THAT(Left(), ElementsAre("b", "of-both", "of-none"));
  Delete("b");
  Collect();
  EXPECT_THAT(Left(), ElementsAre("of-none"));
}

TEST_F(CollectorTest, GoesByUidNotByName) {
  const api::ConfigMap a = Make("a");
  Make("child", {By(a)});
  Collect();
  // The owner is replaced between two looks.
  Delete("a");
  Make("a");
  Collect();
  EXPECT_THAT(Left(), ElementsAre("a"));
  // And a child that names an owner which has never been.
  Make("stray", {{"v1", "ConfigMap", "a", kGhost, std::nullopt, std::nullopt}});
  Collect();
  EXPECT_THAT(Left(), ElementsAre("a"));
}

TEST_F(CollectorTest, LeavesWhatItCannotJudge) {
  Make("crd", {{"example.com/v1", "Widget", "w", kGhost, true, true}});
  Make("other-version", {{"v2", "ConfigMap", "w", kGhost, true, true}});
  api::ResourceSlice slice;  // cluster-scoped, owned by something in a namespace
  slice.metadata.name = "s";
  slice.metadata.owner_references = {{"v1", "Pod", "driver", kGhost, true, std::nullopt}};
  slice.spec.driver = "gpu.example.com";
  slice.spec.pool = {"n", 1, 1};
  slice.spec.all_nodes = true;
  cluster.Create(slice);
  Collect();
  EXPECT_THAT(Left(), ElementsAre("crd", "other-version"));
  EXPECT_THAT(cluster.List<api::ResourceSlice>(), SizeIs(1));
}

TEST_F(CollectorTest, AClusterScopedOwnerTakesItsOwn) {
  cluster.AddNode("n1");
  const api::Node node = cluster.Get<api::Node>({"", "n1"});
  api::ResourceSlice slice;
  slice.metadata.name = "s";
  slice.metadata.owner_references = {{"v1", "Node", "n1", node.metadata.uid, true, std::nullopt}};
  slice.spec.driver = "gpu.example.com";
  slice.spec.pool = {"n1", 1, 1};
  slice.spec.node_name = "n1";
  cluster.Create(slice);
  Make("of-the-node", {{"v1", "Node", "n1", node.metadata.uid, std::nullopt, std::nullopt}});
  Collect();
  EXPECT_THAT(cluster.List<api::ResourceSlice>(), SizeIs(1));
  ASSERT_TRUE(cluster.Delete<api::Node>({"", "n1"}).ok());
  Collect();
  EXPECT_THAT(cluster.List<api::ResourceSlice>(), IsEmpty());
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(CollectorTest, OrphansWhenAsked) {
  const api::ConfigMap a = Make("a"), b = Make("b");
  Make("child", {By(a)});
  Make("shared", {By(a), By(b)});
  Collect();
  Delete("a", "Orphan");
  EXPECT_THAT(Left(), SizeIs(4)) << "waits for the collector";
  Collect();
  EXPECT_THAT(Left(), ElementsAre("b", "child", "shared"));
  EXPECT_THAT(cluster.Get<api::ConfigMap>({"default", "child"}).metadata.owner_references,
              IsEmpty());
  EXPECT_THAT(cluster.Get<api::ConfigMap>({"default", "shared"}).metadata.owner_references,
              ElementsAre(By(b)));
}

TEST_F(CollectorTest, ForegroundWaitsForThoseThatBlock) {
  const api::ConfigMap a = Make("a");
  Make("blocks", {By(a, true)}, {"example.com/hold"});
  Make("does-not", {By(a, false)}, {"example.com/hold"});
  Make("quick", {By(a, true)});
  Collect();
  Delete("a", "Foreground");
  Collect();
  EXPECT_THAT(Left(), ElementsAre("a", "blocks", "does-not"));
  EXPECT_TRUE(cluster.Get<api::ConfigMap>({"default", "blocks"}).metadata.deletion_timestamp);
  EXPECT_TRUE(cluster.Get<api::ConfigMap>({"default", "does-not"}).metadata.deletion_timestamp);
  cluster.Merge<api::ConfigMap>({"default", "blocks"}, {{"metadata", {{"finalizers", nullptr}}}});
  Collect();
  EXPECT_THAT(Left(), ElementsAre("does-not")) << "which does not keep its owner";
}

TEST_F(CollectorTest, ForegroundGoesDownTheWholeTree) {
  const api::ConfigMap a = Make("a");
  const api::ConfigMap b = Make("b", {By(a, true)});
  Make("c", {By(b, true)}, {"example.com/hold"});
  Collect();
  Delete("a", "Foreground");
  Collect();
  EXPECT_THAT(Left(), ElementsAre("a", "b", "c"));
  cluster.Merge<api::ConfigMap>({"default", "c"}, {{"metadata", {{"finalizers", nullptr}}}});
  Collect();
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(CollectorTest, SomeoneElsesFinalizersAreKept) {
  const api::ConfigMap a = Make("a", {}, {"example.com/hold"});
  Make("child", {By(a, true)});
  Collect();
  Delete("a", "Foreground");
  Collect();
  EXPECT_THAT(Left(), ElementsAre("a"));
  EXPECT_THAT(cluster.Get<api::ConfigMap>({"default", "a"}).metadata.finalizers,
              ElementsAre("example.com/hold"));
}

// What it knows is older than what is true: it asks, and deletes by UID.
TEST_F(CollectorTest, ALaggingGraphHurtsNobody) {
  const api::ConfigMap a = Make("a");
  const api::ConfigMap child = Make("child", {By(a)});
  Collect();
  // It has not seen the owner at all.
  GarbageCollector fresh(cluster.Tested(), {api::KindOf<api::ConfigMap>::value});
  fresh.Seen({api::KindOf<api::ConfigMap>::value, api::KeyOf(child), child.metadata});
  ASSERT_TRUE(fresh.Reconcile(cluster.Ctx(), {"", child.metadata.uid}).ok());
  EXPECT_THAT(Left(), ElementsAre("a", "child"));
  // It can't ask.
  cluster.wire->RefuseWhere(
      [](const runtime::ApiRequest&) { return Status(Reason::kUnavailable, "no route"); });
  EXPECT_TRUE(fresh.Reconcile(cluster.Ctx(), {"", child.metadata.uid}).Is(Reason::kUnavailable));
  cluster.wire->RefuseWhere(nullptr);
  // The child was replaced by one that nobody owns.
  Delete("a");
  Delete("child");
  Make("child");
  ASSERT_TRUE(fresh.Reconcile(cluster.Ctx(), {"", child.metadata.uid}).ok());
  EXPECT_THAT(Left(), ElementsAre("child"));
  EXPECT_TRUE(fresh.Reconcile(cluster.Ctx(), {"", kGhost}).ok());
}

TEST_F(CollectorTest, KilledAnywhereItFinishesLater) {
  for (const char* how : {"Background", "Foreground", "Orphan"}) {
    for (Wire::Cut cut : {Wire::Cut::kBeforeTheWrite, Wire::Cut::kAfterTheWrite}) {
      for (int writes = 0; writes < 6; ++writes) {
        SCOPED_TRACE(std::string(how) + ", killed at write " + std::to_string(writes));
        const api::ConfigMap a = Make("a");
        const api::ConfigMap b = Make("b", {By(a, true)});
        Make("c", {By(b, true)});
        Collect();
        Delete("a", how);
        cluster.wire->CutAt(writes, cut);
        for (int i = 0; i < 4; ++i)
          for (const std::string& uid : News()) (void)collector.Reconcile(cluster.Ctx(), {"", uid});
        cluster.wire->Repair();
        // A new process starts from a full list.
        seen.clear();
        Collect();
        EXPECT_EQ(Left().size(), std::string_view(how) == "Orphan" ? 2u : 0u);
        for (const std::string& name : Left()) Delete(name);
        Collect();
      }
    }
  }
}

// ---- namespaces

Json Object(const char* version, const char* kind, Json more = Json::object()) {
  Json object = {{"apiVersion", version},
                 {"kind", kind},
                 {"metadata", {{"name", "x"}, {"namespace", "doomed"}}}};
  object.update(more);
  return object;
}

TEST(Namespaces, EveryKindThatTheServerHasIsEmptied) {
  TestCluster cluster;
  api::Namespace doomed;
  doomed.metadata.name = "doomed";
  cluster.Create(doomed);
  const Json pod_template = {{"metadata", {{"labels", {{"a", "b"}}}}},
                             {"spec", {{"containers", {{{"name", "c"}, {"image", "i"}}}}}}};
  Json job_template = pod_template;
  job_template["spec"]["restartPolicy"] = "Never";
  const Json select = {{"matchLabels", {{"a", "b"}}}};
  const Json claim = {
      {"devices", {{"requests", {{{"name", "r"}, {"exactly", {{"deviceClassName", "gpu"}}}}}}}}};
  const std::map<std::string, Json> manifests = {
      {"configmaps", Object("v1", "ConfigMap")},
      {"secrets", Object("v1", "Secret")},
      {"serviceaccounts", Object("v1", "ServiceAccount")},
      {"services", Object("v1", "Service", {{"spec", {{"ports", {{{"port", 80}}}}}}})},
      {"pods",
       Object("v1", "Pod", {{"spec", {{"containers", {{{"name", "c"}, {"image", "i"}}}}}}})},
      {"events",
       Object("v1", "Event",
              {{"involvedObject", {{"kind", "Pod"}, {"name", "x"}, {"namespace", "doomed"}}},
               {"reason", "R"}})},
      {"leases", Object("coordination.k8s.io/v1", "Lease", {{"spec", Json::object()}})},
      {"endpointslices", Object("discovery.k8s.io/v1", "EndpointSlice",
                                {{"addressType", "IPv4"}, {"endpoints", Json::array()}})},
      {"deployments", Object("apps/v1", "Deployment",
                             {{"spec", {{"selector", select}, {"template", pod_template}}}})},
      {"replicasets", Object("apps/v1", "ReplicaSet",
                             {{"spec", {{"selector", select}, {"template", pod_template}}}})},
      {"jobs", Object("batch/v1", "Job", {{"spec", {{"template", job_template}}}})},
      {"resourceclaims", Object("resource.k8s.io/v1", "ResourceClaim", {{"spec", claim}})},
      {"resourceclaimtemplates",
       Object("resource.k8s.io/v1", "ResourceClaimTemplate", {{"spec", {{"spec", claim}}}})},
      {"roles", Object("rbac.authorization.k8s.io/v1", "Role", {{"rules", Json::array()}})},
      {"rolebindings",
       Object("rbac.authorization.k8s.io/v1", "RoleBinding",
              {{"roleRef",
                {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", "x"}}},
               {"subjects", Json::array()}})},
  };
  // One of each namespaced kind in discovery; a kind that is missing here shows that it may be
  // missing there as well.
  auto get = [&](const std::string& path) {
    runtime::ApiRequest request;
    request.path = path;
    Result<runtime::ApiResponse> answer = cluster.client.transport().Do(cluster.Ctx(), request);
    EXPECT_TRUE(answer.ok() && answer->code == 200) << path;
    return Json::parse(answer->body);
  };
  std::vector<std::string> lists;  // paths of collections
  std::vector<std::string> versions = {"/api/v1"};
  const Json groups = get("/apis");
  for (const Json& group : groups["groups"])
    if (group["name"] != "events.k8s.io")  // another face of core events
      versions.push_back("/apis/" + group["preferredVersion"]["groupVersion"].get<std::string>());
  for (const std::string& version : versions) {
    const Json document = get(version);
    for (const Json& resource : document["resources"]) {
      const std::string name = resource["name"];
      const Json& verbs = resource["verbs"];
      if (!resource["namespaced"].get<bool>() || name.find('/') != std::string::npos) continue;
      if (std::find(verbs.begin(), verbs.end(), "list") == verbs.end()) continue;
      ASSERT_TRUE(manifests.contains(name)) << version << "/" << name << " is not covered";
      runtime::ApiRequest request;
      request.method = "POST";
      request.path = version + "/namespaces/doomed/" + name;
      request.body = manifests.at(name).dump();
      Result<runtime::ApiResponse> made = cluster.client.transport().Do(cluster.Ctx(), request);
      ASSERT_TRUE(made.ok() && made->code == 201) << name << ": " << made->body;
      lists.push_back(request.path);
    }
  }
  EXPECT_EQ(lists.size(), manifests.size());
  // What holds on: a Pod with its grace period, a claim in use.
  cluster.Bind({"doomed", "x"}, "n1");
  cluster.Merge<api::ResourceClaim>(
      {"doomed", "x"}, {{"metadata", {{"finalizers", {std::string(api::kClaimFinalizer)}}}}});

  testing::SyncedCache<api::Namespace> namespaces;
  NamespaceReconciler reconciler(cluster.Tested(), namespaces);
  auto reconcile = [&] {
    namespaces.Sync(cluster.client, cluster.Ctx());
    Result<runtime::Requeue> done = reconciler.Reconcile(cluster.Ctx(), {"", "doomed"});
    EXPECT_TRUE(done.ok()) << done.status();
    return done.ok() ? done->after : std::nullopt;
  };
  EXPECT_FALSE(reconcile());
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty()) << "it is not being deleted";
  ASSERT_TRUE(cluster.Delete<api::Namespace>({"", "doomed"}).ok());
  EXPECT_EQ(cluster.Get<api::Namespace>({"", "doomed"}).status.phase, "Terminating");
  EXPECT_TRUE(reconcile());
  EXPECT_TRUE(cluster.Find<api::Namespace>({"", "doomed"})) << "a Pod is ending";
  ASSERT_TRUE(cluster.Delete<api::Pod>({"doomed", "x"}, "", 0).ok());
  EXPECT_TRUE(reconcile());
  cluster.Merge<api::ResourceClaim>({"doomed", "x"}, {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_FALSE(reconcile());
  EXPECT_FALSE(cluster.Find<api::Namespace>({"", "doomed"}));
  for (const std::string& list : lists) EXPECT_THAT(get(list)["items"], IsEmpty()) << list;
  EXPECT_FALSE(reconcile());
}

TEST(Namespaces, FailuresComeBackAsErrors) {
  TestCluster cluster;
  api::Namespace doomed;
  doomed.metadata.name = "doomed";
  cluster.Create(doomed);
  ASSERT_TRUE(cluster.Delete<api::Namespace>({"", "doomed"}).ok());
  testing::SyncedCache<api::Namespace> namespaces;
  namespaces.Sync(cluster.client, cluster.Ctx());
  NamespaceReconciler reconciler(cluster.Tested(), namespaces);
  for (const char* method : {"DELETE", "GET", "PUT"}) {
    cluster.wire->RefuseWhere([&](const runtime::ApiRequest& request) {
      return request.method == method ? Status(Reason::kUnavailable, "no route") : Ok();
    });
    EXPECT_TRUE(reconciler.Reconcile(cluster.Ctx(), {"", "doomed"}).Is(Reason::kUnavailable))
        << method;
  }
  cluster.wire->RefuseWhere(nullptr);
  EXPECT_TRUE(reconciler.Reconcile(cluster.Ctx(), {"", "doomed"}).ok());
  EXPECT_FALSE(cluster.Find<api::Namespace>({"", "doomed"}));
}

// ---- all together

struct WorkloadsRunTest : ::testing::Test {
  WorkloadsRunTest()
      : pods(cluster.client), sets(cluster.client), workloads(cluster.Tested(), cluster.clock) {
    auto wake = [this](auto&, auto&) {
      std::lock_guard lock(mutex);
      changed.notify_all();
    };
    pods.AddHandler({wake});
    sets.AddHandler({wake});
    runtime::AddCache(manager, pods);
    runtime::AddCache(manager, sets);
    workloads.AddTo(manager);
    running = std::jthread([this] { EXPECT_TRUE(manager.Run(cluster.Ctx()).ok()); });
  }
  ~WorkloadsRunTest() override { cluster.stop.request_stop(); }

  // The cluster's time goes on while nothing happens; real time only bounds how long a failure
  // takes.
  void Await(const char* what, std::function<bool()> holds) {
    const auto end = std::chrono::steady_clock::now() + seconds(30);
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, milliseconds(10), holds)) {
      if (std::chrono::steady_clock::now() > end) {
        ADD_FAILURE() << what;
        return;
      }
      lock.unlock();
      cluster.clock.Advance(milliseconds(100));
      lock.lock();
    }
  }
  size_t Active() {
    size_t active = 0;
    for (const auto& pod : pods.List())
      active += pod->status.phase != "Succeeded" && pod->status.phase != "Failed" &&
                !pod->metadata.deletion_timestamp;
    return active;
  }
  void Deploy(int replicas, const char* strategy = "RollingUpdate", const char* space = "default") {
    cluster.CreateFrom<api::Deployment>(
        {{"apiVersion", "apps/v1"},
         {"kind", "Deployment"},
         {"metadata", {{"name", "web"}, {"namespace", space}}},
         {"spec",
          {{"replicas", replicas},
           {"strategy", {{"type", strategy}}},
           {"selector", {{"matchLabels", {{"app", "web"}}}}},
           {"template",
            {{"metadata", {{"labels", {{"app", "web"}}}}},
             {"spec", {{"containers", {{{"name", "c"}, {"image", "v1"}}}}}}}}}}});
  }

  TestCluster cluster;
  runtime::Informer<api::Pod> pods;
  runtime::Informer<api::ReplicaSet> sets;
  std::mutex mutex;
  std::condition_variable changed;
  Workloads workloads;
  runtime::Manager manager;
  std::jthread running;
};

TEST_F(WorkloadsRunTest, ADeploymentComesAndGoesWithAllThatIsIts) {
  Deploy(3);
  Await("three Pods", [&] { return Active() == 3; });
  for (const auto& pod : pods.List()) cluster.SetPhase(api::KeyOf(*pod), "Running", true);
  Await("availability", [&] {
    return cluster.Get<api::Deployment>({"default", "web"}).status.available_replicas == 3;
  });
  ASSERT_TRUE(cluster.Delete<api::Pod>(api::KeyOf(*pods.List().at(0))).ok());
  Await("a new Pod", [&] { return Active() == 3; });
  ASSERT_TRUE(cluster.Delete<api::Deployment>({"default", "web"}).ok());
  Await("the end", [&] { return pods.List().empty() && sets.List().empty(); });
}

TEST_F(WorkloadsRunTest, ARecreateGoesOnWhenTheLastOldPodIsGone) {
  Deploy(1, "Recreate");
  Await("the Pod", [&] { return Active() == 1; });
  const api::ObjectKey old = api::KeyOf(*pods.List().at(0));
  cluster.Bind(old, "n1");
  cluster.Merge<api::Deployment>(
      {"default", "web"},
      {{"spec", {{"template", {{"spec", {{"containers", {{{"name", "c"}, {"image", "v2"}}}}}}}}}}});
  Await("the old one ends", [&] {
    auto pod = pods.Get(old);
    return pod != nullptr && pod->metadata.deletion_timestamp.has_value();
  });
  Await("the new set", [&] { return sets.List().size() == 2; });
  EXPECT_EQ(Active(), 0u);
  ASSERT_TRUE(cluster.Delete<api::Pod>(old, "", 0).ok());
  Await("the new one", [&] { return Active() == 1; });
}

TEST_F(WorkloadsRunTest, AStrayPodIsAdopted) {
  Deploy(1);
  Await("the Pod", [&] { return Active() == 1; });
  const api::ObjectKey key = api::KeyOf(*pods.List().at(0));
  const std::string set = api::ControllerOf(pods.List().at(0)->metadata)->uid;
  cluster.Merge<api::Pod>(key, {{"metadata", {{"ownerReferences", nullptr}}}});
  Await("its adoption", [&] {
    size_t owned = 0;
    for (const auto& pod : pods.List()) {
      const api::OwnerReference* owner = api::ControllerOf(pod->metadata);
      owned += owner != nullptr && owner->uid == set;
    }
    return owned == 1 && Active() == 1;
  });
}

TEST_F(WorkloadsRunTest, AJobRunsAndGoesAtItsTime) {
  cluster.CreateFrom<api::Job>(
      {{"apiVersion", "batch/v1"},
       {"kind", "Job"},
       {"metadata", {{"name", "once"}, {"namespace", "default"}}},
       {"spec",
        {{"ttlSecondsAfterFinished", 5},
         {"template",
          {{"spec",
            {{"restartPolicy", "Never"}, {"containers", {{{"name", "c"}, {"image", "i"}}}}}}}}}}});
  Await("its Pod", [&] { return Active() == 1; });
  cluster.SetPhase(api::KeyOf(*pods.List().at(0)), "Succeeded");
  Await("its end, and its Pod's", [&] {
    return pods.List().empty() && !cluster.Find<api::Job>({"default", "once"});
  });
}

TEST_F(WorkloadsRunTest, ANamespaceGoesWithItsContent) {
  api::Namespace doomed;
  doomed.metadata.name = "doomed";
  cluster.Create(doomed);
  Deploy(2, "RollingUpdate", "doomed");
  Await("its Pods", [&] { return Active() == 2; });
  const api::ObjectKey bound = api::KeyOf(*pods.List().at(0));
  cluster.Bind(bound, "n1");
  ASSERT_TRUE(cluster.Delete<api::Namespace>({"", "doomed"}).ok());
  Await("all but the bound Pod", [&] { return pods.List().size() == 1 && sets.List().empty(); });
  EXPECT_TRUE(cluster.Find<api::Namespace>({"", "doomed"}));
  ASSERT_TRUE(cluster.Delete<api::Pod>(bound, "", 0).ok());
  Await("the namespace", [&] { return !cluster.Find<api::Namespace>({"", "doomed"}); });
}

}  // namespace
}  // namespace dray::devcluster
