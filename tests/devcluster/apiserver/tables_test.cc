#include "devcluster/apiserver/tables.h"

#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

TEST(HumanDurationTest, AsKubectlWrites) {
  using std::chrono::seconds;
  struct Case {
    int64_t seconds;
    const char* text;
  };
  for (const Case& c : {Case{-5, "<invalid>"},
                        Case{-1, "0s"},
                        Case{0, "0s"},
                        Case{119, "119s"},
                        Case{120, "2m"},
                        Case{125, "2m5s"},
                        Case{599, "9m59s"},
                        Case{600, "10m"},
                        Case{10'799, "179m"},
                        Case{10'800, "3h"},
                        Case{11'000, "3h3m"},
                        Case{8 * 3600, "8h"},
                        Case{47 * 3600, "47h"},
                        Case{48 * 3600, "2d"},
                        Case{49 * 3600, "2d1h"},
                        Case{8 * 86400, "8d"},
                        Case{729 * 86400, "729d"},
                        Case{730 * 86400, "2y"},
                        Case{740 * 86400, "2y10d"},
                        Case{9 * 365 * 86400, "9y"}})
    EXPECT_EQ(HumanDuration(seconds(c.seconds)), c.text) << c.seconds;
}

class TableTest : public ApiFixture {
 protected:
  const std::string kAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  // The cells of the columns that are shown without -o wide.
  std::string Row(const std::string& path, bool wide = false) {
    Reply reply = Get(path, kAccept);
    EXPECT_EQ(reply.At("/kind"), "Table") << reply.text;
    std::string text;
    for (size_t i = 0; i < reply.At("/columnDefinitions").size(); ++i) {
      if (!wide && reply.body["columnDefinitions"][i]["priority"] != 0) continue;
      const Json& cell = reply.body["rows"][0]["cells"][i];
      text +=
          (text.empty() ? "" : " | ") + (cell.is_string() ? cell.get<std::string>() : cell.dump());
    }
    return text;
  }
  std::string PodRow(const std::string& status, const std::string& metadata = "{}") {
    static int count = 0;
    std::string name = "p" + std::to_string(++count);
    Json pod = PodNamed(name);
    pod["spec"]["nodeName"] = "n";
    pod["spec"]["initContainers"] = {{{"name", "i"}, {"image", "x"}}};
    pod["metadata"].update(Json::parse(metadata));
    Create(In("v1", "pods"), pod);
    EXPECT_EQ(Merge(In("v1", "pods/" + name + "/status"), {{"status", Json::parse(status)}}).code,
              200);
    if (pod["metadata"].contains("finalizers")) Delete(In("v1", "pods/" + name));
    std::string row = Row(In("v1", "pods/" + name));
    return row.substr(row.find('|') + 2);
  }
};

TEST_F(TableTest, PodStates) {
  struct Case {
    const char* status;
    const char* row;
  };
  for (
      const Case& c : {
          Case{R"({"phase":"Pending"})", "0/1 | Pending | 0 | 0s"},
          Case{
              R"({"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]})",
              "0/1 | SchedulingGated | 0 | 0s"},
          Case{
              R"({"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}}]})",
              "0/1 | Init:0/1 | 0 | 0s"},
          Case{
              R"({"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})",
              "0/1 | Init:CrashLoopBackOff | 2 | 0s"},
          Case{
              R"({"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":3,"reason":"Error"}}}]})",
              "0/1 | Init:Error | 0 | 0s"},
          Case{
              R"({"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0}}}],"containerStatuses":[{"name":"c","state":{"waiting":{"reason":"ContainerCreating"}}}]})",
              "0/1 | ContainerCreating | 0 | 0s"},
          Case{
              R"({"phase":"Running","containerStatuses":[{"name":"c","ready":true,"restartCount":0,"state":{"running":{}}}]})",
              "1/1 | Running | 0 | 0s"},
          Case{
              R"({"phase":"Running","containerStatuses":[{"name":"c","restartCount":1,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})",
              "0/1 | CrashLoopBackOff | 1 | 0s"},
          Case{
              R"({"phase":"Succeeded","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]})",
              "0/1 | Completed | 0 | 0s"},
          Case{
              R"({"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":7}}}]})",
              "0/1 | ExitCode:7 | 0 | 0s"},
          Case{
              R"({"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"signal":9}}}]})",
              "0/1 | Signal:9 | 0 | 0s"},
          Case{R"({"phase":"Failed","reason":"Evicted"})", "0/1 | Evicted | 0 | 0s"},
      })
    EXPECT_EQ(PodRow(c.status), c.row) << c.status;
  EXPECT_EQ(
      PodRow(
          R"({"phase":"Running","containerStatuses":[{"name":"c","ready":true,"state":{"running":{}}}]})",
          R"({"finalizers":["a.example.com/x"]})"),
      "1/1 | Terminating | 0 | 0s");
}

TEST_F(TableTest, FinishedPodsAreMarked) {
  Create(In("v1", "pods"), PodNamed("p"));
  EXPECT_EQ(Get(In("v1", "pods"), kAccept).At("/rows/0/conditions"), nullptr);
  Merge(In("v1", "pods/p/status"), {{"status", {{"phase", "Succeeded"}}}});
  EXPECT_EQ(Get(In("v1", "pods"), kAccept).At("/rows/0/conditions/0/type"), "Completed");
}

TEST_F(TableTest, RowsOfOtherKinds) {
  auto create = [&](const std::string& path, const char* text) { Create(path, Json::parse(text)); };
  create(
      "/api/v1/nodes",
      R"({"metadata":{"name":"n","labels":{"node-role.kubernetes.io/gpu":""}},"spec":{"unschedulable":true}})");
  Merge(
      "/api/v1/nodes/n/status",
      Json::parse(
          R"({"status":{"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"kubeletVersion":"v1"}}})"));
  create(In("v1", "configmaps"),
         R"({"metadata":{"name":"m"},"data":{"a":"b"},"binaryData":{"c":"ZA=="}})");
  create(In("v1", "secrets"), R"({"metadata":{"name":"s"},"stringData":{"a":"b"}})");
  create(
      In("v1", "services"),
      R"({"metadata":{"name":"s"},"spec":{"ports":[{"port":443}],"selector":{"a":"b"},"clusterIP":"None"}})");
  create(In("discovery.k8s.io/v1", "endpointslices"),
         R"({"metadata":{"name":"e"},"addressType":"IPv4","ports":[{"port":80}],
      "endpoints":[{"addresses":["10.0.0.1"]},{"addresses":["10.0.0.2"]},{"addresses":["10.0.0.3"]},{"addresses":["10.0.0.4"]}]})");
  create(In("coordination.k8s.io/v1", "leases"),
         R"({"metadata":{"name":"l"},"spec":{"holderIdentity":"me"}})");
  create(In("apps/v1", "deployments"),
         R"({"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},
      "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  create(
      In("batch/v1", "jobs"),
      R"({"metadata":{"name":"j"},"spec":{"completions":2,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})");
  create(
      In("resource.k8s.io/v1", "resourceclaims"),
      R"({"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"x"}}]}}})");
  create(
      "/apis/resource.k8s.io/v1/resourceslices",
      R"({"metadata":{"name":"s"},"spec":{"driver":"d.example.com","nodeName":"n","pool":{"name":"p","generation":1,"resourceSliceCount":1}}})");
  create("/apis/resource.k8s.io/v1/deviceclasses",
         R"({"metadata":{"name":"gpu.example.com"},"spec":{}})");
  create(
      In("v1", "events"),
      R"({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"type":"Warning",
      "reason":"Failed","message":"it broke\n","count":3,"source":{"component":"kubelet","host":"n"}})");
  struct Case {
    std::string path;
    bool wide;
    const char* row;
  };
  for (const Case& c : {
           Case{"/api/v1/nodes", false, "n | Ready,SchedulingDisabled | gpu | 0s | v1"},
           Case{"/api/v1/namespaces/kube-system", false, "kube-system | Active | 0s"},
           Case{In("v1", "configmaps"), false, "m | 2 | 0s"},
           Case{In("v1", "secrets"), false, "s | Opaque | 1 | 0s"},
           Case{In("v1", "services"), true, "s | ClusterIP | None | <none> | 443/TCP | 0s | a=b"},
           Case{In("discovery.k8s.io/v1", "endpointslices"), false,
                "e | IPv4 | 80 | 10.0.0.1,10.0.0.2,10.0.0.3 + 1 more... | 0s"},
           Case{In("coordination.k8s.io/v1", "leases"), false, "l | me | 0s"},
           Case{In("apps/v1", "deployments"), true, "d | 0/3 | 0 | 0 | 0s | c | i | a=b"},
           Case{In("batch/v1", "jobs"), false, "j | Running | 0/2 |  | 0s"},
           Case{In("resource.k8s.io/v1", "resourceclaims"), false, "c | pending | 0s"},
           Case{"/apis/resource.k8s.io/v1/resourceslices", false, "s | n | d.example.com | p | 0s"},
           Case{"/apis/resource.k8s.io/v1/deviceclasses", false, "gpu.example.com | 0s"},
           Case{In("v1", "events"), true,
                "<unknown> | Warning | Failed | pod/p |  | kubelet, n | it broke | <unknown> | 3 | "
                "e"},
       })
    EXPECT_EQ(Row(c.path, c.wide), c.row) << c.path;
}

TEST_F(TableTest, IncludeObject) {
  Create(In("v1", "configmaps"), Named("m"));
  EXPECT_EQ(Get(In("v1", "configmaps"), kAccept).At("/rows/0/object/kind"),
            "PartialObjectMetadata");
  EXPECT_EQ(
      Get(In("v1", "configmaps") + "?includeObject=Object", kAccept).At("/rows/0/object/kind"),
      "ConfigMap");
  EXPECT_EQ(Get(In("v1", "configmaps") + "?includeObject=None", kAccept).At("/rows/0/object"),
            nullptr);
}

}  // namespace
}  // namespace dray::devcluster
