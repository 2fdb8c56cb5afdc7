#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

using WriteTest = ApiFixture;

TEST_F(WriteTest, CreateFillsInWhatTheServerOwns) {
  Json sent = Named("cm");
  sent["metadata"].update(
      {{"uid", "mine"}, {"creationTimestamp", "2001-01-01T00:00:00Z"}, {"generation", 7}});
  sent["data"] = {{"a", "b"}};
  Json made = Create(In("v1", "configmaps"), sent);
  EXPECT_EQ(made["kind"], "ConfigMap");
  EXPECT_EQ(made["apiVersion"], "v1");
  EXPECT_EQ(made["metadata"]["namespace"], "default");
  EXPECT_EQ(made["metadata"]["uid"].get<std::string>().size(), 36u);
  EXPECT_NE(made["metadata"]["creationTimestamp"], "2001-01-01T00:00:00Z");
  EXPECT_FALSE(made["metadata"].contains("generation")) << "ConfigMaps have none";
  EXPECT_GT(std::stoull(made["metadata"]["resourceVersion"].get<std::string>()), 1000u);
  EXPECT_EQ(made["metadata"]["managedFields"][0]["manager"], "tester");
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).body, made);
}

TEST_F(WriteTest, RefusalsOfCreate) {
  Create(In("v1", "configmaps"), Named("taken"));
  struct Case {
    std::string path, body;
    int code;
    const char* reason;
    std::string message;
  };
  for (const Case& c : {
           Case{In("v1", "configmaps"), R"({"metadata":{"name":"taken"}})", 409, "AlreadyExists",
                "configmaps \"taken\" already exists"},
           Case{"/api/v1/namespaces/nowhere/configmaps", R"({"metadata":{"name":"a"}})", 404,
                "NotFound", "namespaces \"nowhere\" not found"},
           Case{In("v1", "configmaps"), R"({"metadata":{"name":"a","namespace":"other"}})", 400,
                "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the "
                "request"},
           Case{In("v1", "configmaps"), R"({"metadata":{"name":"a","resourceVersion":"1"}})", 500,
                "InternalError", "resourceVersion should not be set on objects to be created"},
           Case{In("v1", "configmaps"), R"({"kind":"Pod","metadata":{"name":"a"}})", 400,
                "BadRequest",
                "the kind in the data (Pod) does not match the expected kind (ConfigMap)"},
           Case{In("v1", "configmaps"), R"({"apiVersion":"v2","metadata":{"name":"a"}})", 400,
                "BadRequest",
                "the API version in the data (v2) does not match the expected API version (v1)"},
           Case{In("v1", "configmaps"), "{", 400, "BadRequest", ""},
           Case{In("v1", "configmaps"), "[]", 400, "BadRequest", "the body must be a JSON object"},
           Case{In("v1", "configmaps"), std::string(300, '[') + std::string(300, ']'), 400,
                "BadRequest", "the body is nested more than 250 levels deep"},
           Case{In("v1", "configmaps"), R"({"metadata":{}})", 422, "Invalid", ""},
           Case{In("v1", "configmaps"), R"({"metadata":{"name":"Not_a_name"}})", 422, "Invalid",
                ""},
           Case{In("v1", "configmaps"), R"({"metadata":{"name":"a","labels":{"x":1}}})", 400,
                "BadRequest",
                "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot "
                "unmarshal number into Go struct "
                "field ObjectMeta.metadata.labels of type string"},
           Case{"/api/v1/configmaps", R"({"metadata":{"name":"a"}})", 400, "BadRequest",
                "an empty namespace may not be set during creation"},
           Case{In("v1", "widgets"), R"({"metadata":{"name":"a"}})", 404, "NotFound",
                "the server could not find the requested resource"},
           Case{In("v1", "nodes"), R"({"metadata":{"name":"a"}})", 404, "NotFound",
                "the server could not find the requested resource"},
           Case{In("v1", "configmaps") + "?dryRun=Some", R"({"metadata":{"name":"a"}})", 422,
                "Invalid", "dryRun: Unsupported value: \"Some\": supported values: \"All\""},
       }) {
    Reply reply = Do("POST", c.path, c.body);
    EXPECT_EQ(reply.code, c.code) << c.body;
    EXPECT_EQ(reply.Reason(), c.reason) << c.body << reply.text;
    if (!c.message.empty()) {
      EXPECT_EQ(reply.Message(), c.message);
    }
    EXPECT_EQ(reply.At("/kind"), "Status");
    EXPECT_EQ(reply.At("/code"), c.code);
  }
}

TEST_F(WriteTest, MediaTypesOfBodies) {
  Reply yaml = Do("POST", In("v1", "configmaps"), "metadata:\n  name: y\ndata:\n  a: \"1\"\n",
                  "application/yaml");
  EXPECT_EQ(yaml.code, 201) << yaml.text;
  EXPECT_EQ(yaml.At("/data/a"), "1");
  Reply text = Do("POST", In("v1", "configmaps"), "hello", "text/plain");
  EXPECT_EQ(text.code, 415);
  EXPECT_EQ(text.Reason(), "UnsupportedMediaType");
  Reply cbor = Do("POST", In("v1", "configmaps"), "hello", "application/cbor");
  EXPECT_EQ(cbor.code, 415);
  EXPECT_EQ(Do("GET", In("v1", "configmaps"), "", "", "application/vnd.kubernetes.protobuf").code,
            406);
  EXPECT_EQ(Do("POST", In("v1", "configmaps"), std::string((3 << 20) + 1, ' ')).code, 413);
}

TEST_F(WriteTest, GeneratedNames) {
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    Json made = Create(In("v1", "pods"), [] {
      Json pod = PodNamed("");
      pod["metadata"] = {{"generateName", std::string(70, 'x')}};
      return pod;
    }());
    std::string name = made["metadata"]["name"];
    EXPECT_EQ(name.size(), 63u);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 20u);
}

TEST_F(WriteTest, UpdateNeedsTheVersionThatWasRead) {
  Json first = Create(In("v1", "configmaps"), Named("cm"));
  Json second = first;
  second["data"] = {{"a", "1"}};
  EXPECT_EQ(Put(In("v1", "configmaps/cm"), second).code, 200);
  Reply stale = Put(In("v1", "configmaps/cm"), first);
  EXPECT_EQ(stale.code, 409);
  EXPECT_EQ(stale.Message(),
            "Operation cannot be fulfilled on configmaps \"cm\": the object has been modified; "
            "please apply your changes to "
            "the latest version and try again");
  Json free = first;
  free["metadata"].erase("resourceVersion");
  EXPECT_EQ(Put(In("v1", "configmaps/cm"), free).code, 200) << "unconditional";
  free["metadata"]["uid"] = "another";
  EXPECT_EQ(Put(In("v1", "configmaps/cm"), free).code, 409);
  free["metadata"].erase("uid");
  free["metadata"]["name"] = "other";
  EXPECT_EQ(Put(In("v1", "configmaps/cm"), free).code, 400);
  EXPECT_EQ(Put(In("v1", "configmaps/none"), Named("none")).code, 404);
}

TEST_F(WriteTest, NothingHappensWhenNothingChanges) {
  Json made = Create(In("v1", "configmaps"), Named("cm"));
  clock_.Advance(std::chrono::seconds(5));
  for (Reply reply :
       {Put(In("v1", "configmaps/cm"), made), Merge(In("v1", "configmaps/cm"), {{"data", nullptr}}),
        Merge(In("v1", "configmaps/cm"), {{"metadata", {{"labels", Json::object()}}}})}) {
    EXPECT_EQ(reply.code, 200);
    EXPECT_EQ(reply.body, made);
  }
}

TEST_F(WriteTest, ClientsCannotChangeIdentity) {
  Json made = Create(In("v1", "pods"), PodNamed("p"));
  Reply reply = Merge(In("v1", "pods/p"), {{"metadata",
                                            {{"creationTimestamp", "2001-01-01T00:00:00Z"},
                                             {"deletionTimestamp", "2001-01-01T00:00:00Z"},
                                             {"generation", 100},
                                             {"selfLink", "/x"},
                                             {"labels", {{"a", "b"}}}}}});
  EXPECT_EQ(reply.code, 200) << reply.text;
  EXPECT_EQ(reply.At("/metadata/creationTimestamp"), made["metadata"]["creationTimestamp"]);
  EXPECT_EQ(reply.At("/metadata/deletionTimestamp"), nullptr);
  EXPECT_EQ(reply.At("/metadata/generation"), 1);
  EXPECT_EQ(reply.At("/metadata/selfLink"), nullptr);
  EXPECT_EQ(reply.At("/metadata/labels/a"), "b");
}

TEST_F(WriteTest, DryRunStoresNothing) {
  Json before = Get("/api/v1/configmaps").body;
  Reply created = Do("POST", In("v1", "configmaps") + "?dryRun=All", Named("cm").dump());
  EXPECT_EQ(created.code, 201);
  EXPECT_NE(created.At("/metadata/uid"), nullptr);
  Reply named =
      Do("POST", In("v1", "configmaps") + "?dryRun=All", R"({"metadata":{"generateName":"a-"}})");
  EXPECT_EQ(named.code, 201);
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).code, 404);
  Create(In("v1", "configmaps"), Named("cm"));
  EXPECT_EQ(Do("POST", In("v1", "configmaps") + "?dryRun=All", Named("cm").dump()).code, 409);
  Reply patched = Do("PATCH", In("v1", "configmaps/cm") + "?dryRun=All", R"({"data":{"a":"b"}})",
                     "application/merge-patch+json");
  EXPECT_EQ(patched.At("/data/a"), "b");
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).At("/data"), nullptr);
  EXPECT_EQ(Delete(In("v1", "configmaps/cm") + "?dryRun=All").code, 200);
  EXPECT_EQ(Delete(In("v1", "configmaps/cm"), {{"dryRun", {"All"}}}).code, 200);
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).code, 200);
}

TEST_F(WriteTest, StatusIsAnotherDoor) {
  Json pod = PodNamed("p");
  pod["status"] = {{"phase", "Running"}};
  Json made = Create(In("v1", "pods"), pod);
  EXPECT_EQ(made["status"], Json({{"phase", "Pending"}, {"qosClass", "BestEffort"}}))
      << "not the client's";

  Json through_main = made;
  through_main["status"]["phase"] = "Failed";
  EXPECT_EQ(Put(In("v1", "pods/p"), through_main).At("/status/phase"), "Pending");

  Json through_status = Get(In("v1", "pods/p")).body;
  through_status["status"]["phase"] = "Running";
  through_status["spec"]["activeDeadlineSeconds"] = 5;
  through_status["metadata"]["labels"] = {{"by", "status"}};
  Reply reply = Put(In("v1", "pods/p/status"), through_status);
  EXPECT_EQ(reply.code, 200) << reply.text;
  EXPECT_EQ(reply.At("/status/phase"), "Running");
  EXPECT_EQ(reply.At("/spec/activeDeadlineSeconds"), nullptr);
  EXPECT_EQ(reply.At("/metadata/labels/by"), "status") << "pods/status stores labels";
  EXPECT_EQ(reply.At("/metadata/generation"), 1);
}

TEST_F(WriteTest, ClaimStatusKeepsMetadata) {
  Json claim = Named("c");
  claim["spec"] = {
      {"devices",
       {{"requests", {{{"name", "gpu"}, {"exactly", {{"deviceClassName", "gpu.example.com"}}}}}}}}};
  Json made = Create(In("resource.k8s.io/v1", "resourceclaims"), claim);
  EXPECT_EQ(made["spec"]["devices"]["requests"][0]["exactly"]["allocationMode"], "ExactCount");
  made["metadata"]["labels"] = {{"by", "status"}};
  made["status"] = {{"reservedFor", {{{"resource", "pods"}, {"name", "p"}, {"uid", "u"}}}}};
  Reply early = Put(In("resource.k8s.io/v1", "resourceclaims/c/status"), made);
  EXPECT_EQ(early.code, 422) << "a reservation needs an allocation: " << early.text;
  Json allocation = {
      {"devices",
       {{"results",
         {{{"request", "gpu"}, {"driver", "d.example.com"}, {"pool", "n"}, {"device", "0"}}}}}}};
  made["status"]["allocation"] = allocation;
  Reply reply = Put(In("resource.k8s.io/v1", "resourceclaims/c/status"), made);
  EXPECT_EQ(reply.code, 200) << reply.text;
  EXPECT_EQ(reply.At("/metadata/labels"), nullptr);
  EXPECT_EQ(reply.At("/status/allocation/devices/results/0/device"), "0");
  made = reply.body;
  made["status"]["allocation"]["devices"]["results"][0]["device"] = "1";
  EXPECT_EQ(Put(In("resource.k8s.io/v1", "resourceclaims/c/status"), made).code, 422)
      << "never changed in place";
  made = reply.body;
  made["spec"]["devices"]["requests"][0]["name"] = "other";
  EXPECT_EQ(Put(In("resource.k8s.io/v1", "resourceclaims/c"), made).code, 422)
      << "the spec is immutable";
}

TEST_F(WriteTest, GenerationsFollowTheSpec) {
  Json deployment = Json::parse(
      R"({"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{
      "metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  EXPECT_EQ(Create(In("apps/v1", "deployments"), deployment)["metadata"]["generation"], 1);
  const std::string path = In("apps/v1", "deployments/d");
  struct Case {
    const char* patch;
    int generation;
  };
  for (const Case& c :
       {Case{R"({"metadata":{"labels":{"x":"y"}}})", 1}, Case{R"({"spec":{"replicas":2}})", 2},
        Case{R"({"metadata":{"annotations":{"x":"y"}}})", 3},
        Case{R"({"spec":{"replicas":2}})", 3}})
    EXPECT_EQ(Merge(path, Json::parse(c.patch)).At("/metadata/generation"), c.generation)
        << c.patch;
  EXPECT_EQ(Merge(path + "/status", {{"status", {{"replicas", 2}}}}).At("/metadata/generation"), 3);
}

TEST_F(WriteTest, FieldValidation) {
  Json pod = PodNamed("p");
  pod["spec"]["foo"] = 1;
  Reply strict = Do("POST", In("v1", "pods") + "?fieldValidation=Strict", pod.dump());
  EXPECT_EQ(strict.code, 400);
  EXPECT_EQ(strict.Message(),
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown "
            "field \"spec.foo\"");
  Reply warn = Do("POST", In("v1", "pods"), pod.dump());
  EXPECT_EQ(warn.code, 201);
  EXPECT_EQ(warn.headers["warning"], "299 - \"unknown field \\\"spec.foo\\\"\"");
  EXPECT_EQ(warn.At("/spec/foo"), nullptr);
  pod["metadata"]["name"] = "q";
  Reply ignore = Do("POST", In("v1", "pods") + "?fieldValidation=Ignore", pod.dump());
  EXPECT_EQ(ignore.code, 201);
  EXPECT_EQ(ignore.headers.count("warning"), 0u);
  Reply patch = Do("PATCH", In("v1", "pods/q") + "?fieldValidation=Strict",
                   R"({"metadata":{"lables":{"a":"b"}}})", "application/merge-patch+json");
  EXPECT_EQ(patch.code, 422);
  EXPECT_NE(patch.Message().find("unknown field \"metadata.lables\""), std::string::npos)
      << patch.text;
  Reply apply = Apply(
      In("v1", "configmaps/x"),
      {{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"metadata", {{"name", "x"}}}, {"dta", {}}},
      "m");
  EXPECT_EQ(apply.code, 500);
  EXPECT_EQ(apply.Message(),
            "failed to create typed patch object (default/x; /v1, Kind=ConfigMap): .dta: field not "
            "declared in schema");
  EXPECT_EQ(Do("POST", In("v1", "pods") + "?fieldValidation=Perhaps", pod.dump()).code, 422);
}

TEST_F(WriteTest, LeasesAreMadeByPut) {
  const std::string path = In("coordination.k8s.io/v1", "leases/l");
  Json lease = Named("l");
  lease["spec"] = {{"holderIdentity", "a"}, {"renewTime", "2026-01-02T03:04:05.000006Z"}};
  EXPECT_EQ(Put(path, lease).code, 201);
  Reply blind = Put(path, lease);
  EXPECT_EQ(blind.code, 422) << "an existing Lease needs a version";
  EXPECT_NE(blind.Message().find("must be specified for an update"), std::string::npos);
  lease["spec"]["leaseDurationSeconds"] = 0;
  lease["metadata"]["resourceVersion"] = Get(path).At("/metadata/resourceVersion");
  EXPECT_EQ(Put(path, lease).code, 422);
}

TEST_F(WriteTest, EventsAreOneKindWithTwoFaces) {
  Json event = {{"metadata", {{"name", "e"}}},
                {"eventTime", "2026-01-02T03:04:05.000006Z"},
                {"regarding", {{"kind", "Pod"}, {"namespace", "default"}, {"name", "p"}}},
                {"reason", "Scheduled"},
                {"action", "Binding"},
                {"type", "Normal"},
                {"note", "all is well"},
                {"reportingController", "scheduler"},
                {"reportingInstance", "s-0"}};
  Json made = Create(In("events.k8s.io/v1", "events"), event);
  EXPECT_EQ(made["apiVersion"], "events.k8s.io/v1");
  EXPECT_EQ(made["note"], "all is well");
  Json core = Get(In("v1", "events/e")).body;
  EXPECT_EQ(core["apiVersion"], "v1");
  EXPECT_EQ(core["message"], "all is well");
  EXPECT_EQ(core["involvedObject"]["name"], "p");
  EXPECT_EQ(core["reportingComponent"], "scheduler");
  Reply patched = Do("PATCH", In("events.k8s.io/v1", "events/e"),
                     R"({"series":{"count":2,"lastObservedTime":"2026-01-02T03:04:06.000000Z"}})",
                     "application/strategic-merge-patch+json");
  EXPECT_EQ(patched.code, 200) << patched.text;
  EXPECT_EQ(patched.At("/regarding/name"), "p");
  Reply selected = Get(In("events.k8s.io/v1", "events") + "?fieldSelector=regarding.name%3Dp");
  EXPECT_EQ(selected.At("/items").size(), 1u) << selected.text;
  EXPECT_EQ(Get(In("v1", "events") + "?fieldSelector=involvedObject.name%3Dq").At("/items").size(),
            0u);
  event["metadata"]["name"] = "elsewhere";
  event["regarding"]["namespace"] = "kube-system";
  EXPECT_EQ(Post(In("events.k8s.io/v1", "events"), event).code, 422);
}

TEST_F(WriteTest, EventsGoAfterAnHour) {
  auto event = [](const std::string& name) {
    return Json{{"metadata", {{"name", name}}}, {"involvedObject", {{"namespace", "default"}}}};
  };
  Create(In("v1", "events"), event("old"));
  clock_.Advance(std::chrono::minutes(61));
  Create(In("v1", "events"), event("new"));
  Reply left = Get(In("v1", "events"));
  ASSERT_EQ(left.At("/items").size(), 1u);
  EXPECT_EQ(left.At("/items/0/metadata/name"), "new");
}

TEST_F(WriteTest, ImmutableConfigMaps) {
  Json map = Named("cm");
  map["immutable"] = true;
  map["data"] = {{"a", "1"}};
  Create(In("v1", "configmaps"), map);
  EXPECT_EQ(Merge(In("v1", "configmaps/cm"), {{"data", {{"a", "2"}}}}).code, 422);
  EXPECT_EQ(Merge(In("v1", "configmaps/cm"), {{"immutable", false}}).code, 422);
  EXPECT_EQ(Merge(In("v1", "configmaps/cm"), {{"metadata", {{"labels", {{"a", "b"}}}}}}).code, 200);
}

TEST_F(WriteTest, PodSpecsChangeOnlyWhereKubernetesAllows) {
  Create(In("v1", "pods"), PodNamed("p"));
  struct Case {
    const char* patch;
    int code;
  };
  for (const Case& c : {
           Case{R"({"spec":{"containers":[{"name":"c","image":"busybox:2"}]}})", 200},
           Case{R"({"spec":{"tolerations":[{"key":"a","operator":"Exists"}]}})", 200},
           Case{R"({"spec":{"activeDeadlineSeconds":100}})", 200},
           Case{R"({"spec":{"activeDeadlineSeconds":50}})", 200},
           Case{R"({"spec":{"activeDeadlineSeconds":60}})", 422},
           Case{R"({"spec":{"nodeName":"n"}})", 422},
           Case{R"({"spec":{"containers":[{"name":"c","command":["x"]}]}})", 422},
       }) {
    Reply reply =
        Do("PATCH", In("v1", "pods/p"), c.patch, "application/strategic-merge-patch+json");
    EXPECT_EQ(reply.code, c.code) << c.patch << reply.text;
  }
  EXPECT_EQ(Get(In("v1", "pods/p")).At("/metadata/generation"), 5);
}

}  // namespace
}  // namespace dray::devcluster
