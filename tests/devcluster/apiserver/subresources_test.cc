#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

class SubresourceTest : public ApiFixture {
 protected:
  static Json BindingTo(const std::string& node) {
    return {{"target", {{"kind", "Node"}, {"name", node}}}};
  }
  const std::string pod_ = In("v1", "pods/p");
};

TEST_F(SubresourceTest, BindingPlacesAPodOnce) {
  Json made = Create(In("v1", "pods"), PodNamed("p"));
  EXPECT_EQ(Post(pod_ + "/binding", Json::object()).code, 422);
  Json wrong = BindingTo("n");
  wrong["metadata"] = {{"name", "p"}, {"uid", "other"}};
  EXPECT_EQ(Post(pod_ + "/binding", wrong).code, 409);
  Json right = BindingTo("n");
  right["metadata"] = {
      {"name", "p"}, {"uid", made["metadata"]["uid"]}, {"annotations", {{"a", "b"}}}};
  Reply bound = Post(pod_ + "/binding", right);
  EXPECT_EQ(bound.code, 201) << bound.text;
  EXPECT_EQ(bound.At("/kind"), "Status");
  EXPECT_EQ(bound.At("/status"), "Success");
  Reply pod = Get(pod_);
  EXPECT_EQ(pod.At("/spec/nodeName"), "n");
  EXPECT_EQ(pod.At("/metadata/annotations/a"), "b");
  EXPECT_EQ(pod.At("/status/conditions/0/type"), "PodScheduled");
  EXPECT_EQ(pod.At("/status/conditions/0/status"), "True");
  Reply again = Post(pod_ + "/binding", BindingTo("m"));
  EXPECT_EQ(again.code, 409);
  EXPECT_EQ(again.Message(),
            "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to "
            "node \"n\"");
  EXPECT_EQ(Post(In("v1", "pods/none/binding"), BindingTo("n")).code, 404);
  EXPECT_EQ(Get(pod_ + "/binding").code, 405);
}

TEST_F(SubresourceTest, GatedAndDeletedPodsAreNotBound) {
  Json gated = PodNamed("p");
  gated["spec"]["schedulingGates"] = {{{"name", "example.com/wait"}}};
  Create(In("v1", "pods"), gated);
  EXPECT_EQ(Post(pod_ + "/binding", BindingTo("n")).code, 409);
  EXPECT_EQ(Merge(pod_, {{"spec", {{"schedulingGates", nullptr}}}}).code, 200);
  Merge(pod_, {{"metadata", {{"finalizers", {"a.example.com/x"}}}}});
  Delete(pod_);
  EXPECT_EQ(Post(pod_ + "/binding", BindingTo("n")).code, 409);
}

TEST_F(SubresourceTest, EvictionIsADeletionWithAReason) {
  Create(In("v1", "pods"), PodNamed("p"));
  Post(pod_ + "/binding", BindingTo("n"));
  Merge(pod_ + "/status", {{"status", {{"phase", "Running"}}}});
  EXPECT_EQ(Post(pod_ + "/eviction", {{"metadata", {{"name", "q"}}}}).code, 400);
  Reply evicted = Post(pod_ + "/eviction", {{"metadata", {{"name", "p"}}},
                                            {"deleteOptions", {{"gracePeriodSeconds", 4}}}});
  EXPECT_EQ(evicted.code, 201) << evicted.text;
  EXPECT_EQ(evicted.At("/status"), "Success");
  Reply pod = Get(pod_);
  EXPECT_EQ(pod.At("/metadata/deletionGracePeriodSeconds"), 4);
  bool found = false;
  for (const Json& condition : pod.At("/status/conditions"))
    if (condition["type"] == "DisruptionTarget") {
      found = true;
      EXPECT_EQ(condition["reason"], "EvictionByEvictionAPI");
    }
  EXPECT_TRUE(found) << pod.text;
  EXPECT_EQ(Post(In("v1", "pods/none/eviction"), Json::object()).code, 404);
}

TEST_F(SubresourceTest, Logs) {
  Json pod = PodNamed("p");
  pod["spec"]["containers"].push_back({{"name", "d"}, {"image", "x"}});
  Create(In("v1", "pods"), pod);
  EXPECT_EQ(Get(pod_ + "/log").Message(),
            "a container name must be specified for pod p, choose one of: [c d]");
  EXPECT_EQ(Get(pod_ + "/log?container=zzz").Message(), "container zzz is not valid for pod p");
  EXPECT_EQ(Get(pod_ + "/log?container=c").Message(), "pod p does not have a host assigned");
  Post(pod_ + "/binding", BindingTo("n"));
  EXPECT_EQ(Get(pod_ + "/log?container=c").code, 503) << "no kubelet";
  LogRequest seen;
  server_.SetLogSource(
      [&](const LogRequest& request, std::shared_ptr<runtime::HttpResponder> responder) {
        seen = request;
        if (request.container == "d")
          return SendStatus(*responder, Status(Reason::kBadRequest,
                                               "container \"d\" in pod \"p\" is waiting to start"));
        if (!request.follow) return responder->Send({200, "hello\n", "text/plain", {}});
        auto stream = responder->StartStream(200, "text/plain");
        stream->Write("one\n");
        stream->Write("two\n");
        stream->Close();
      });
  Reply log = Get(pod_ +
                      "/log?container=c&tailLines=5&limitBytes=100&previous=true&timestamps=true&"
                      "sinceSeconds=9",
                  "*/*");
  EXPECT_EQ(log.text, "hello\n");
  EXPECT_EQ(log.headers["content-type"], "text/plain");
  EXPECT_EQ(seen.node, "n");
  EXPECT_EQ(seen.pod, "p");
  EXPECT_EQ(seen.pod_uid, Get(pod_).At("/metadata/uid"));
  EXPECT_EQ(seen.tail_lines, 5);
  EXPECT_EQ(seen.limit_bytes, 100);
  EXPECT_EQ(seen.since_seconds, 9);
  EXPECT_TRUE(seen.previous && seen.timestamps && !seen.follow);
  EXPECT_EQ(Get(pod_ + "/log?container=c&follow=true").text, "one\ntwo\n");
  EXPECT_EQ(Get(pod_ + "/log?container=d").code, 400);
  EXPECT_EQ(Get(pod_ + "/log?container=c&tailLines=x").code, 400);
}

TEST_F(SubresourceTest, Scale) {
  Create(In("apps/v1", "deployments"),
         Json::parse(
             R"({"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},
      "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})"));
  const std::string path = In("apps/v1", "deployments/d/scale");
  Reply scale = Get(path);
  EXPECT_EQ(scale.At("/kind"), "Scale");
  EXPECT_EQ(scale.At("/apiVersion"), "autoscaling/v1");
  EXPECT_EQ(scale.At("/spec/replicas"), 3);
  EXPECT_EQ(scale.At("/status/selector"), "a=b");
  scale.body["spec"]["replicas"] = 5;
  EXPECT_EQ(Put(path, scale.body).At("/spec/replicas"), 5);
  EXPECT_EQ(Put(path, scale.body).code, 409) << "its version is old now";
  EXPECT_EQ(Merge(path, {{"spec", {{"replicas", 0}}}}).At("/spec/replicas"), 0);
  EXPECT_EQ(Merge(path, {{"spec", {{"replicas", -1}}}}).code, 422);
  Reply deployment = Get(In("apps/v1", "deployments/d"));
  EXPECT_EQ(deployment.At("/spec/replicas"), 0);
  EXPECT_EQ(deployment.At("/metadata/generation"), 3);
  EXPECT_EQ(Get(In("apps/v1", "deployments/none/scale")).code, 404);
}

TEST_F(SubresourceTest, MethodsThatDoNotExist) {
  Create(In("v1", "pods"), PodNamed("p"));
  struct Case {
    const char* method;
    std::string path;
    int code;
  };
  for (const Case& c :
       {Case{"POST", pod_, 405}, Case{"DELETE", pod_ + "/status", 405},
        Case{"PUT", In("v1", "pods"), 405}, Case{"POST", pod_ + "/status", 405},
        Case{"POST", pod_ + "/log", 405}, Case{"POST", pod_ + "/exec", 400},
        Case{"GET", pod_ + "/portforward", 400}, Case{"PATCH", pod_ + "/resize", 400},
        Case{"GET", pod_ + "/more", 404}, Case{"PATCH", In("v1", "pods"), 405},
        Case{"GET", In("v1", "configmaps/x/status"), 404}}) {
    Reply reply = Do(c.method, c.path, "{}");
    EXPECT_EQ(reply.code, c.code) << c.method << " " << c.path << reply.text;
  }
}

}  // namespace
}  // namespace dray::devcluster
