#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

class DeleteTest : public ApiFixture {
 protected:
  // A Pod that runs on a node.
  void RunningPod(const std::string& name, int64_t grace = 30) {
    Json pod = PodNamed(name);
    pod["spec"]["nodeName"] = "n";
    pod["spec"]["terminationGracePeriodSeconds"] = grace;
    Create(In("v1", "pods"), pod);
    EXPECT_EQ(
        Merge(In("v1", "pods/" + name + "/status"), {{"status", {{"phase", "Running"}}}}).code,
        200);
  }
};

TEST_F(DeleteTest, AnswersByKind) {
  Create(In("v1", "configmaps"), Named("cm"));
  Reply map = Delete(In("v1", "configmaps/cm"));
  EXPECT_EQ(map.code, 200);
  EXPECT_EQ(map.At("/kind"), "Status");
  EXPECT_EQ(map.At("/status"), "Success");
  EXPECT_EQ(map.At("/details/name"), "cm");
  EXPECT_EQ(map.At("/details/kind"), "configmaps");
  EXPECT_NE(map.At("/details/uid"), nullptr);
  Create(In("v1", "pods"), PodNamed("p"));
  Reply pod = Delete(In("v1", "pods/p"));
  EXPECT_EQ(pod.At("/kind"), "Pod");
  Reply gone = Delete(In("v1", "pods/p"));
  EXPECT_EQ(gone.code, 404);
  EXPECT_EQ(gone.Message(), "pods \"p\" not found");
  EXPECT_EQ(Delete(In("resource.k8s.io/v1", "resourceclaims/c")).Message(),
            "resourceclaims.resource.k8s.io \"c\" not found");
}

TEST_F(DeleteTest, Preconditions) {
  Json made = Create(In("v1", "configmaps"), Named("cm"));
  EXPECT_EQ(Delete(In("v1", "configmaps/cm"), {{"preconditions", {{"uid", "other"}}}}).code, 409);
  EXPECT_EQ(Delete(In("v1", "configmaps/cm"), {{"preconditions", {{"resourceVersion", "1"}}}}).code,
            409);
  EXPECT_EQ(
      Delete(In("v1", "configmaps/cm"), {{"preconditions", {{"uid", made["metadata"]["uid"]}}}})
          .code,
      200);
}

TEST_F(DeleteTest, OptionsThatMakeNoSense) {
  Create(In("v1", "configmaps"), Named("cm"));
  for (const char* options :
       {R"({"propagationPolicy":"Later"})",
        R"({"propagationPolicy":"Orphan","orphanDependents":true})", R"({"dryRun":["Some"]})"})
    EXPECT_EQ(Do("DELETE", In("v1", "configmaps/cm"), options).code, 422) << options;
  EXPECT_EQ(Do("DELETE", In("v1", "configmaps/cm"), "nonsense").code, 400);
}

TEST_F(DeleteTest, FinalizersHoldAnObject) {
  Json object = Named("cm");
  object["metadata"]["finalizers"] = {"a.example.com/x", "b.example.com/y"};
  Create(In("v1", "configmaps"), object);
  Reply first = Delete(In("v1", "configmaps/cm"));
  EXPECT_EQ(first.code, 200);
  EXPECT_NE(first.At("/metadata/deletionTimestamp"), nullptr);
  EXPECT_EQ(first.At("/metadata/deletionGracePeriodSeconds"), 0);
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_EQ(Delete(In("v1", "configmaps/cm")).body, first.body) << "a second time changes nothing";
  EXPECT_EQ(Merge(In("v1", "configmaps/cm"),
                  {{"metadata", {{"finalizers", {"a.example.com/x", "c.example.com/z"}}}}})
                .code,
            422)
      << "none may be added now";
  EXPECT_EQ(
      Merge(In("v1", "configmaps/cm"), {{"metadata", {{"finalizers", {"b.example.com/y"}}}}}).code,
      200);
  OpenWatch watch =
      Watch(In("v1", "configmaps") + "?watch=true&resourceVersion=" +
            Get(In("v1", "configmaps")).At("/metadata/resourceVersion").get<std::string>());
  Reply last = Merge(In("v1", "configmaps/cm"), {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_EQ(last.code, 200);
  EXPECT_EQ(watch.NextLine(), "DELETED cm");
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).code, 404);
}

TEST_F(DeleteTest, PropagationPoliciesAreFinalizers) {
  struct Case {
    const char* policy;
    const char* finalizers;  // "" gone
  };
  for (const Case& c : {Case{"Foreground", R"(["foregroundDeletion"])"},
                        Case{"Orphan", R"(["orphan"])"}, Case{"Background", ""}}) {
    Create(In("v1", "configmaps"), Named("cm"));
    Delete(In("v1", "configmaps/cm"), {{"propagationPolicy", c.policy}});
    Reply left = Get(In("v1", "configmaps/cm"));
    EXPECT_EQ(left.code, *c.finalizers ? 200 : 404) << c.policy;
    if (*c.finalizers) {
      EXPECT_EQ(left.At("/metadata/finalizers"), Json::parse(c.finalizers));
      Merge(In("v1", "configmaps/cm"), {{"metadata", {{"finalizers", nullptr}}}});
    }
  }
}

TEST_F(DeleteTest, PodsThatNobodyRunsGoAtOnce) {
  Create(In("v1", "pods"), PodNamed("pending"));
  Delete(In("v1", "pods/pending"));
  EXPECT_EQ(Get(In("v1", "pods/pending")).code, 404);
  RunningPod("done");
  Merge(In("v1", "pods/done/status"), {{"status", {{"phase", "Succeeded"}}}});
  Delete(In("v1", "pods/done"));
  EXPECT_EQ(Get(In("v1", "pods/done")).code, 404);
}

TEST_F(DeleteTest, RunningPodsWaitForTheirKubelet) {
  RunningPod("p");
  Reply marked = Delete(In("v1", "pods/p"));
  EXPECT_EQ(marked.At("/metadata/deletionGracePeriodSeconds"), 30);
  EXPECT_EQ(marked.At("/metadata/generation"), 2);
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_EQ(Delete(In("v1", "pods/p")).body, marked.body) << "no wish, no change";
  EXPECT_EQ(Delete(In("v1", "pods/p"), {{"gracePeriodSeconds", 60}}).body, marked.body)
      << "never longer";
  Reply shorter = Delete(In("v1", "pods/p"), {{"gracePeriodSeconds", 10}});
  EXPECT_EQ(shorter.At("/metadata/deletionGracePeriodSeconds"), 10);
  EXPECT_LT(shorter.At("/metadata/deletionTimestamp"), marked.At("/metadata/deletionTimestamp"));
  // The kubelet's last word.
  EXPECT_EQ(Delete(In("v1", "pods/p"), {{"gracePeriodSeconds", 0}}).code, 200);
  EXPECT_EQ(Get(In("v1", "pods/p")).code, 404);
}

TEST_F(DeleteTest, GraceFromTheQuery) {
  RunningPod("p");
  EXPECT_EQ(Delete(In("v1", "pods/p") + "?gracePeriodSeconds=7")
                .At("/metadata/deletionGracePeriodSeconds"),
            7);
  RunningPod("q");
  EXPECT_EQ(Delete(In("v1", "pods/q"), {{"gracePeriodSeconds", -5}})
                .At("/metadata/deletionGracePeriodSeconds"),
            1);
  RunningPod("r", 3);
  EXPECT_EQ(Delete(In("v1", "pods/r")).At("/metadata/deletionGracePeriodSeconds"), 3);
}

TEST_F(DeleteTest, Collections) {
  for (const char* name : {"a", "b", "c"}) {
    Json object = Named(name);
    object["metadata"]["labels"] = {{"keep", name == std::string("c") ? "yes" : "no"}};
    Create(In("v1", "configmaps"), object);
  }
  Create("/api/v1/namespaces/kube-system/configmaps", Named("other"));
  Reply reply = Delete(In("v1", "configmaps") + "?labelSelector=keep%3Dno");
  EXPECT_EQ(reply.code, 200);
  EXPECT_EQ(reply.At("/items").size(), 2u);
  EXPECT_EQ(Get(In("v1", "configmaps")).At("/items").size(), 1u);
  EXPECT_EQ(Get("/api/v1/configmaps").At("/items").size(), 2u);
  EXPECT_EQ(Delete("/api/v1/namespaces").code, 405) << "namespaces have no deletecollection";
}

TEST_F(DeleteTest, NamespacesEndInTwoSteps) {
  Create("/api/v1/namespaces", Named("ns"));
  Create("/api/v1/namespaces/ns/configmaps", Named("cm"));
  Reply marked = Delete("/api/v1/namespaces/ns");
  EXPECT_EQ(marked.At("/status/phase"), "Terminating");
  Reply late = Post("/api/v1/namespaces/ns/configmaps", Named("late"));
  EXPECT_EQ(late.code, 403);
  EXPECT_EQ(late.At("/details/causes/0/reason"), "NamespaceTerminating");
  EXPECT_EQ(late.Message(),
            "configmaps \"late\" is forbidden: unable to create new content in namespace ns "
            "because it is being terminated");
  EXPECT_EQ(Merge("/api/v1/namespaces/ns", {{"spec", {{"finalizers", nullptr}}}}).code, 200);
  EXPECT_EQ(Get("/api/v1/namespaces/ns").code, 200) << "spec.finalizers go through finalize alone";
  Json final = Get("/api/v1/namespaces/ns").body;
  final["spec"]["finalizers"] = Json::array();
  EXPECT_EQ(Put("/api/v1/namespaces/ns/finalize", final).code, 200);
  EXPECT_EQ(Get("/api/v1/namespaces/ns").code, 404);
  Reply forbidden = Delete("/api/v1/namespaces/default");
  EXPECT_EQ(forbidden.code, 403);
  EXPECT_EQ(forbidden.Message(),
            "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

}  // namespace
}  // namespace dray::devcluster
