#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

using PatchTest = ApiFixture;

TEST_F(PatchTest, FourTypes) {
  Json pod = PodNamed("p");
  pod["metadata"]["labels"] = {{"a", "1"}, {"b", "2"}};
  Create(In("v1", "pods"), pod);
  struct Case {
    const char* type;
    const char* patch;
    int code;
    const char* labels;
  };
  for (const Case& c : {
           Case{"application/merge-patch+json", R"({"metadata":{"labels":{"a":null,"c":"3"}}})",
                200, R"({"b":"2","c":"3"})"},
           Case{"application/json-patch+json",
                R"([{"op":"replace","path":"/metadata/labels/b","value":"x"}])", 200,
                R"({"b":"x","c":"3"})"},
           Case{"application/json-patch+json",
                R"([{"op":"test","path":"/metadata/labels/b","value":"y"}])", 422,
                R"({"b":"x","c":"3"})"},
           Case{"application/json-patch+json", R"({"op":"add"})", 400, R"({"b":"x","c":"3"})"},
           Case{"application/strategic-merge-patch+json",
                R"({"metadata":{"labels":{"$patch":"replace","d":"4"}}})", 200, R"({"d":"4"})"},
           Case{"application/apply-patch+yaml",
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels:\n    e: \"5\"\n", 200,
                R"({"d":"4","e":"5"})"},
           Case{"application/json", R"({"metadata":{"labels":{"f":"6"}}})", 415,
                R"({"d":"4","e":"5"})"},
           Case{"", R"({"metadata":{"labels":{"f":"6"}}})", 415, R"({"d":"4","e":"5"})"},
       }) {
    std::string query =
        std::string_view(c.type) == "application/apply-patch+yaml" ? "?fieldManager=m" : "";
    Reply reply = Do("PATCH", In("v1", "pods/p") + query, c.patch, c.type);
    EXPECT_EQ(reply.code, c.code) << c.patch << reply.text;
    EXPECT_EQ(Get(In("v1", "pods/p")).At("/metadata/labels"), Json::parse(c.labels)) << c.patch;
  }
}

TEST_F(PatchTest, StrategicMergeKnowsTheKeysOfLists) {
  Json pod = PodNamed("p");
  pod["spec"]["containers"].push_back({{"name", "d"}, {"image", "other"}});
  Create(In("v1", "pods"), pod);
  Reply reply =
      Do("PATCH", In("v1", "pods/p"), R"({"spec":{"containers":[{"name":"d","image":"new"}]}})",
         "application/strategic-merge-patch+json");
  ASSERT_EQ(reply.code, 200) << reply.text;
  EXPECT_EQ(reply.At("/spec/containers/0/image"), "busybox:1.36");
  EXPECT_EQ(reply.At("/spec/containers/1/image"), "new");
}

TEST_F(PatchTest, Refusals) {
  Json made = Create(In("v1", "configmaps"), Named("cm"));
  struct Case {
    const char* patch;
    int code;
  };
  for (const Case& c : {
           Case{R"({"metadata":{"name":"other"}})", 400},
           Case{R"({"kind":"Pod"})", 400},
           Case{R"({"metadata":{"resourceVersion":"1"}})", 409},
           Case{R"({"metadata":{"uid":"other"}})", 409},
           Case{R"({"metadata":{"namespace":"kube-system"}})", 400},
           Case{"[]", 400},
           Case{"{", 400},
           Case{R"({"metadata":null})", 400},
           Case{R"({"data":{"a":1}})", 400},
       }) {
    Reply reply = Do("PATCH", In("v1", "configmaps/cm"), c.patch, "application/merge-patch+json");
    EXPECT_EQ(reply.code, c.code) << c.patch << reply.text;
  }
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).body, made);
  EXPECT_EQ(Merge(In("v1", "configmaps/none"), Json::object()).code, 404);
  EXPECT_EQ(
      Do("PATCH", In("v1", "configmaps/cm") + "?force=true", "{}", "application/merge-patch+json")
          .code,
      422);
}

TEST_F(PatchTest, ApplyCreatesSharesAndFights) {
  const std::string path = In("v1", "configmaps/cm");
  auto map = [](const Json& data) {
    return Json{{"kind", "ConfigMap"},
                {"apiVersion", "v1"},
                {"metadata", {{"name", "cm"}}},
                {"data", data}};
  };
  Reply made = Apply(path, map({{"a", "1"}, {"b", "1"}}), "alice");
  EXPECT_EQ(made.code, 201) << made.text;
  EXPECT_EQ(made.At("/metadata/managedFields/0/operation"), "Apply");
  clock_.Advance(std::chrono::seconds(3));
  Reply again = Apply(path, map({{"a", "1"}, {"b", "1"}}), "alice");
  EXPECT_EQ(again.code, 200);
  EXPECT_EQ(again.body, made.body) << "a no-op keeps the version";

  EXPECT_EQ(Apply(path, map({{"a", "1"}}), "bob").code, 200) << "equal values are shared";
  Reply conflict = Apply(path, map({{"a", "2"}}), "bob");
  EXPECT_EQ(conflict.code, 409);
  EXPECT_EQ(conflict.Message(),
            "Apply failed with 1 conflict: conflict with \"alice\" using v1: .data.a");
  EXPECT_EQ(conflict.At("/details/causes/0/reason"), "FieldManagerConflict");
  Reply forced = Apply(path, map({{"a", "2"}}), "bob", true);
  EXPECT_EQ(forced.code, 200);
  EXPECT_EQ(forced.At("/data/a"), "2");
  // What alice no longer names goes, except for what bob owns.
  Reply pruned = Apply(path, map(Json::object()), "alice");
  EXPECT_EQ(pruned.code, 200) << pruned.text;
  EXPECT_EQ(pruned.At("/data"), Json({{"a", "2"}}));
}

TEST_F(PatchTest, ApplyIsStrictAboutItsDocument) {
  const std::string path = In("v1", "configmaps/cm");
  Json good = {{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"metadata", {{"name", "cm"}}}};
  EXPECT_EQ(Do("PATCH", path, good.dump(), "application/apply-patch+yaml").code, 422)
      << "fieldManager is required";
  for (const auto& [pointer, value] :
       std::map<std::string, Json>{{"/kind", "Pod"},
                                   {"/apiVersion", "v2"},
                                   {"/metadata/name", "other"},
                                   {"/metadata/managedFields", {{{"manager", "x"}}}}}) {
    Json bad = good;
    bad[Json::json_pointer(pointer)] = value;
    EXPECT_EQ(Apply(path, bad, "m").code, 400) << pointer;
  }
  Json versioned = good;
  versioned["metadata"]["resourceVersion"] = "5";
  EXPECT_EQ(Apply(path, versioned, "m").code, 409) << "there is nothing with that version";
  EXPECT_EQ(Apply(path, good, std::string(129, 'm')).code, 422);
}

TEST_F(PatchTest, ApplyToStatusIsKeptApart) {
  Create(In("v1", "pods"), PodNamed("p"));
  Json status = Json::parse(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},
      "status":{"resourceClaimStatuses":[{"name":"gpu","resourceClaimName":"p-gpu-x"}]}})");
  Reply reply = Apply(In("v1", "pods/p/status"), status, "ResourceClaimController", true);
  ASSERT_EQ(reply.code, 200) << reply.text;
  EXPECT_EQ(reply.At("/status/resourceClaimStatuses/0/resourceClaimName"), "p-gpu-x");
  EXPECT_EQ(reply.At("/status/phase"), "Pending");
  bool found = false;
  for (const Json& entry : reply.At("/metadata/managedFields"))
    if (entry["manager"] == "ResourceClaimController") {
      found = true;
      EXPECT_EQ(entry["subresource"], "status");
      EXPECT_EQ(entry["operation"], "Apply");
    }
  EXPECT_TRUE(found);
  Json missing = status;
  missing["metadata"]["name"] = "none";
  EXPECT_EQ(Apply(In("v1", "pods/none/status"), missing, "m").code, 404);
}

TEST_F(PatchTest, OrdinaryWritesAreTracked) {
  Json object = Named("cm");
  object["data"] = {{"x", "y"}};
  Create(In("v1", "configmaps"), object);
  Do("PATCH", In("v1", "configmaps/cm") + "?fieldManager=kubectl-label",
     R"({"metadata":{"labels":{"a":"b"}}})", "application/merge-patch+json");
  Json fields = Get(In("v1", "configmaps/cm")).At("/metadata/managedFields");
  ASSERT_EQ(fields.size(), 2u) << fields;
  const Json& label = fields[fields[0]["manager"] == "kubectl-label" ? 0 : 1];
  EXPECT_EQ(label["manager"], "kubectl-label");
  EXPECT_EQ(label["operation"], "Update");
  EXPECT_EQ(label["fieldsType"], "FieldsV1");
  EXPECT_TRUE(label["fieldsV1"]["f:metadata"]["f:labels"].contains("f:a")) << fields;
}

TEST_F(PatchTest, TheBooksCanBeCleared) {
  Json object = Named("cm");
  object["data"] = {{"x", "y"}};
  Create(In("v1", "configmaps"), object);
  ASSERT_FALSE(Get(In("v1", "configmaps/cm")).At("/metadata/managedFields").empty());
  Reply cleared = Merge(In("v1", "configmaps/cm"),
                        {{"metadata", {{"managedFields", Json::array({Json::object()})}}}});
  EXPECT_EQ(cleared.At("/metadata/managedFields"), nullptr) << cleared.text;
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).At("/data/x"), "y");
}

TEST_F(PatchTest, WritersNeverLoseEachOther) {
  Create(In("v1", "configmaps"), Named("cm"));
  constexpr int kThreads = 4, kEach = 25;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach;) {
          std::string key = "k" + std::to_string(t) + "-" + std::to_string(i);
          Reply reply = Merge(In("v1", "configmaps/cm"), {{"data", {{key, "v"}}}});
          ASSERT_TRUE(reply.code == 200 || reply.code == 409) << reply.text;
          if (reply.code == 200) ++i;
        }
      });
  }
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).At("/data").size(),
            static_cast<size_t>(kThreads * kEach));
}

}  // namespace
}  // namespace dray::devcluster
