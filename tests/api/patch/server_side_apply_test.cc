#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dray/api/patch.h"

namespace dray::api {
namespace {

Json Doc(std::string_view text) {
  return Json::parse(text);
}

ApplyRequest By(std::string manager, std::string now = "2026-01-01T00:00:00Z") {
  return {.manager = std::move(manager),
          .group = "",
          .kind = "Pod",
          .api_version = "v1",
          .now = std::move(now)};
}
Json Pod(std::string_view rest) {
  Json pod = {
      {"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "p"}, {"namespace", "n"}}}};
  pod.merge_patch(Doc(rest));
  return pod;
}
// Applies and expects success.
Json Apply(const ApplyRequest& request, const Json& live, std::string_view rest) {
  Result<Json> applied = ApplyServerSide(request, live, Pod(rest));
  EXPECT_TRUE(applied.ok()) << applied.status();
  return applied.ok() ? *applied : Json();
}
// fieldsV1 of an entry; null when the manager has none.
Json Owned(const Json& object, std::string_view manager, std::string_view operation = "Apply") {
  for (const Json& entry : object["metadata"].value("managedFields", Json::array()))
    if (entry["manager"] == manager && entry["operation"] == operation) return entry["fieldsV1"];
  return nullptr;
}

TEST(ApplyServerSide, CreatesAndKeepsBooks) {
  Json pod = Apply(
      By("me"), nullptr,
      R"({"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"name":"c","image":"i","command":["x","y"],
                       "env":[{"name":"E","value":"v"}]}],"volumes":[{"name":"v","emptyDir":{}}]},"status":{"phase":"Running"}})");
  EXPECT_EQ(pod["spec"]["containers"][0]["image"], "i");
  EXPECT_FALSE(pod.contains("status")) << "the main resource does not write status";
  EXPECT_EQ(
      pod["metadata"]["managedFields"].dump(),
      R"([{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":)"
      R"({"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:command":{},"f:env":{"k:{\"name\":\"E\"}":{".":{},"f:name":{},)"
      R"("f:value":{}}},"f:image":{},"f:name":{}}},"f:volumes":{"k:{\"name\":\"v\"}":{".":{},"f:emptyDir":{},"f:name":{}}}}},)"
      R"("manager":"me","operation":"Apply","time":"2026-01-01T00:00:00Z"}])");
}

TEST(ApplyServerSide, RepeatedApplyChangesNothing) {
  Json pod = Apply(By("me"), nullptr, R"({"spec":{"containers":[{"name":"c","image":"i"}]}})");
  EXPECT_EQ(Apply(By("me", "2027-01-01T00:00:00Z"), pod,
                  R"({"spec":{"containers":[{"name":"c","image":"i"}]}})"),
            pod);
}

TEST(ApplyServerSide, ManagersShareListsByKey) {
  Json pod = Apply(By("one"), nullptr, R"({"spec":{"containers":[{"name":"a","image":"1"}]}})");
  pod = Apply(By("two"), pod, R"({"spec":{"containers":[{"name":"b","image":"2"}]}})");
  EXPECT_EQ(pod["spec"]["containers"].dump(),
            R"([{"image":"1","name":"a"},{"image":"2","name":"b"}])");
  pod = Apply(By("two"), pod, R"({"spec":{"containers":[{"name":"c","image":"3"}]}})");
  EXPECT_EQ(pod["spec"]["containers"].dump(),
            R"([{"image":"1","name":"a"},{"image":"3","name":"c"}])");
  EXPECT_EQ(
      Owned(pod, "two").dump(),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}})");
}

TEST(ApplyServerSide, ConflictsNameTheOwner) {
  Json pod = Apply(
      By("one"), nullptr,
      R"({"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"name":"c","image":"1"}],"x":1}})");
  Result<Json> refused = ApplyServerSide(By("two"), pod, Pod(R"({"spec":{"x":2}})"));
  ASSERT_TRUE(refused.Is(Reason::kConflict));
  EXPECT_EQ(refused.status().message(),
            "Apply failed with 1 conflict: conflict with \"one\" using v1: .spec.x");
  EXPECT_EQ(
      refused.status().causes,
      (std::vector<Cause>{{"FieldManagerConflict", "conflict with \"one\" using v1", ".spec.x"}}));

  refused = ApplyServerSide(
      By("two"), pod,
      Pod(R"({"metadata":{"labels":{"a":"2"}},"spec":{"containers":[{"name":"c","image":"2"}]}})"));
  ASSERT_TRUE(refused.Is(Reason::kConflict));
  EXPECT_EQ(
      refused.status().message(),
      "Apply failed with 2 conflicts: conflicts with \"one\" using v1:\n- .metadata.labels.a\n"
      "- .spec.containers[name=\"c\"].image");
  EXPECT_EQ(refused.status().causes.size(), 2u);
}

TEST(ApplyServerSide, EqualValuesAreSharedAndForceTakesOver) {
  Json pod = Apply(By("one"), nullptr, R"({"metadata":{"labels":{"a":"1","b":"1"}}})");
  pod = Apply(By("two"), pod, R"({"metadata":{"labels":{"a":"1"}}})");
  EXPECT_EQ(Owned(pod, "one").dump(), R"({"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}}})");
  EXPECT_EQ(Owned(pod, "two").dump(), R"({"f:metadata":{"f:labels":{"f:a":{}}}})");

  ApplyRequest forced = By("two");
  forced.force = true;
  pod = Apply(forced, pod, R"({"metadata":{"labels":{"a":"2"}}})");
  EXPECT_EQ(pod["metadata"]["labels"].dump(), R"({"a":"2","b":"1"})");
  EXPECT_EQ(Owned(pod, "one").dump(), R"({"f:metadata":{"f:labels":{"f:b":{}}}})");
}

TEST(ApplyServerSide, OmittedFieldsGoUnlessOthersOwnThem) {
  Json pod = Apply(
      By("one"), nullptr,
      R"({"metadata":{"labels":{"a":"1","b":"1"},"annotations":{"x":"y"}},"spec":{"containers":[{"name":"c","image":"1","command":["x"]}]}})");
  pod = Apply(
      By("two"), pod,
      R"({"metadata":{"labels":{"b":"1"}},"spec":{"containers":[{"name":"c","image":"1"}]}})");
  pod = Apply(By("one"), pod, R"({"metadata":{"labels":{}}})");
  EXPECT_EQ(pod["metadata"]["labels"].dump(), R"({"b":"1"})") << "a went, b is two's as well";
  EXPECT_FALSE(pod["metadata"].contains("annotations")) << "an emptied map goes with its last key";
  EXPECT_EQ(pod["spec"]["containers"].dump(), R"([{"image":"1","name":"c"}])")
      << "command went, the rest is two's";
}

TEST(ApplyServerSide, AnElementGoesWithEverythingInIt) {
  Json pod = Apply(By("one"), nullptr, R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})");
  pod["spec"]["containers"][1]["terminationMessagePath"] =
      "/dev/null";  // a default that nobody owns
  pod = Apply(By("one"), pod, R"({"spec":{"containers":[{"name":"a"}]}})");
  EXPECT_EQ(pod["spec"]["containers"].dump(), R"([{"name":"a"}])");
}

TEST(ApplyServerSide, AtomicListsAndObjectsAreTakenWhole) {
  Json pod = Apply(
      By("one"), nullptr,
      R"({"spec":{"nodeSelector":{"a":"1"},"tolerations":[{"key":"a"}],"containers":[{"name":"c","command":["x","y"]}]}})");
  EXPECT_EQ(
      Owned(pod, "one").dump(),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:command":{},"f:name":{}}},)"
      R"("f:nodeSelector":{},"f:tolerations":{}}})");
  Result<Json> refused =
      ApplyServerSide(By("two"), pod, Pod(R"({"spec":{"nodeSelector":{"b":"1"}}})"));
  ASSERT_TRUE(refused.Is(Reason::kConflict));
  EXPECT_EQ(refused.status().causes[0].field, ".spec.nodeSelector");
  pod = Apply(
      By("one"), pod,
      R"({"spec":{"nodeSelector":{"b":"1"},"tolerations":[{"key":"b"}],"containers":[{"name":"c","command":["z"]}]}})");
  EXPECT_EQ(pod["spec"]["nodeSelector"].dump(), R"({"b":"1"})");
  EXPECT_EQ(pod["spec"]["tolerations"].dump(), R"([{"key":"b"}])");
  EXPECT_EQ(pod["spec"]["containers"][0]["command"].dump(), R"(["z"])");
}

TEST(ApplyServerSide, ListKeysDifferFromStrategicMerge) {
  Json pod = Apply(
      By("one"), nullptr,
      R"({"spec":{"containers":[{"name":"c","ports":[{"containerPort":53,"protocol":"UDP"},{"containerPort":53}],
                       "resources":{"claims":[{"name":"x"}]}}]},"metadata":{"finalizers":["a/b"]}})");
  pod = Apply(
      By("two"), pod,
      R"({"spec":{"containers":[{"name":"c","ports":[{"containerPort":53,"protocol":"TCP","name":"dns"}],
                  "resources":{"claims":[{"name":"y"}]}}]},"metadata":{"finalizers":["c/d"]}})");
  EXPECT_EQ(pod["spec"]["containers"][0]["ports"].size(), 2u);
  EXPECT_EQ(pod["spec"]["containers"][0]["ports"][1]["name"], "dns");
  EXPECT_EQ(pod["spec"]["containers"][0]["resources"]["claims"].dump(),
            R"([{"name":"x"},{"name":"y"}])");
  EXPECT_EQ(pod["metadata"]["finalizers"].dump(), R"(["a/b","c/d"])");
  pod = Apply(By("two"), pod, R"({"metadata":{"labels":{"z":"1"}}})");
  EXPECT_EQ(pod["metadata"]["finalizers"].dump(), R"(["a/b"])");
}

TEST(ApplyServerSide, TheClaimControllersStatusWrite) {
  Json live = Pod(R"({"spec":{"resourceClaims":[{"name":"a"}]},"status":{"phase":"Pending"}})");
  TrackUpdate(By("kubectl"), nullptr, live);
  ApplyRequest request = By("ResourceClaimController");
  request.subresource = "status";
  request.force = true;
  Json pod = Apply(
      request, live,
      R"({"status":{"resourceClaimStatuses":[{"name":"a","resourceClaimName":"p-a-x"}]},"spec":{"ignored":1}})");
  EXPECT_EQ(pod["status"]["resourceClaimStatuses"][0]["resourceClaimName"], "p-a-x");
  EXPECT_EQ(pod["status"]["phase"], "Pending");
  EXPECT_FALSE(pod["spec"].contains("ignored"));
  EXPECT_EQ(
      Owned(pod, "ResourceClaimController").dump(),
      R"~({"f:status":{"f:resourceClaimStatuses":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:resourceClaimName":{}}}}})~");
  Json& entries = pod["metadata"]["managedFields"];
  EXPECT_EQ(entries[0]["subresource"], "status");
  pod = Apply(
      request, pod,
      R"({"status":{"resourceClaimStatuses":[{"name":"a","resourceClaimName":"p-a-y"},{"name":"b"}]}})");
  EXPECT_EQ(pod["status"]["resourceClaimStatuses"].size(), 2u);
}

TEST(ApplyServerSide, UntrackedObjectsBelongToThoseBefore) {
  Json live = Pod(R"({"spec":{"x":1}})");
  Result<Json> refused = ApplyServerSide(By("me"), live, Pod(R"({"spec":{"x":2}})"));
  ASSERT_TRUE(refused.Is(Reason::kConflict));
  EXPECT_EQ(refused.status().message(),
            "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .spec.x");
  Json pod = Apply(By("me"), live, R"({"spec":{"y":2}})");
  EXPECT_EQ(Owned(pod, "before-first-apply", "Update").dump(), R"({"f:spec":{"f:x":{}}})");
}

TEST(ApplyServerSide, RefusesWhatIsNoApply) {
  struct Case {
    ApplyRequest request;
    Json applied;
  } cases[] = {
      {By(""), Pod("{}")},
      {By(std::string(129, 'a')), Pod("{}")},
      {By("a\n"), Pod("{}")},
      {By("me"), Doc("[]")},
      {By("me"), Pod(R"({"kind":"Node"})")},
      {By("me"), Pod(R"({"apiVersion":"v2"})")},
      {By("me"), Pod(R"({"metadata":{"managedFields":[{"manager":"x"}]}})")},
  };
  for (const Case& c : cases)
    EXPECT_TRUE(ApplyServerSide(c.request, nullptr, c.applied).Is(Reason::kBadRequest))
        << c.applied;
}

TEST(TrackUpdate, WritersOwnWhatTheyChange) {
  Json pod = Pod(R"({"spec":{"containers":[{"name":"c","image":"1"}],"x":1}})");
  TrackUpdate(By("creator"), nullptr, pod);
  EXPECT_EQ(
      Owned(pod, "creator", "Update").dump(),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}},"f:x":{}}})");
  Json after = pod;
  after["spec"]["containers"][0]["image"] = "2";
  after["spec"].erase("x");
  after["metadata"].erase("managedFields");  // absent means: as before
  TrackUpdate(By("editor", "2026-02-02T00:00:00Z"), pod, after);
  EXPECT_EQ(Owned(after, "creator", "Update").dump(),
            R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{}}}}})");
  EXPECT_EQ(Owned(after, "editor", "Update").dump(),
            R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{"f:image":{}}}}})");

  Json same = after;
  TrackUpdate(By("editor", "2026-03-03T00:00:00Z"), after, same);
  EXPECT_EQ(same, after) << "nothing changed, nor did the time";
}

TEST(TrackUpdate, UpdatesConflictWithLaterApplies) {
  Json pod = Pod(R"({"spec":{"x":1}})");
  TrackUpdate(By("kubectl-edit"), nullptr, pod);
  EXPECT_TRUE(ApplyServerSide(By("me"), pod, Pod(R"({"spec":{"x":2}})")).Is(Reason::kConflict));
  EXPECT_TRUE(ApplyServerSide(By("me"), pod, Pod(R"({"spec":{"x":1}})")).ok());
}

TEST(TrackUpdate, BooksCanBeCleared) {
  Json pod = Pod(R"({"spec":{"x":1}})");
  TrackUpdate(By("a"), nullptr, pod);
  for (std::string cleared : {"[]", "[{}]"}) {
    Json after = pod;
    after["metadata"]["managedFields"] = Doc(cleared);
    TrackUpdate(By("b"), pod, after);
    EXPECT_FALSE(after["metadata"].contains("managedFields"));
    Json later = after;
    later["spec"]["x"] = 2;
    TrackUpdate(By("c"), after, later);
    EXPECT_FALSE(later["metadata"].contains("managedFields"))
        << "books that are not kept stay closed";
  }
}

TEST(TrackUpdate, ManyWritersAreMerged) {
  Json pod = Pod(R"({"spec":{"f0":0}})");
  TrackUpdate(By("m0", "2026-01-01T00:00:00Z"), nullptr, pod);
  for (int i = 1; i < 14; ++i) {
    Json after = pod;
    after["spec"]["f" + std::to_string(i)] = i;
    TrackUpdate(By("m" + std::to_string(i), "2026-01-01T00:00:" + std::to_string(10 + i) + "Z"),
                pod, after);
    pod = after;
  }
  EXPECT_EQ(pod["metadata"]["managedFields"].size(), 10u);
  EXPECT_EQ(Owned(pod, "ancient-changes", "Update").dump(),
            R"({"f:spec":{"f:f0":{},"f:f1":{},"f:f2":{},"f:f3":{},"f:f4":{}}})");
  EXPECT_EQ(Owned(pod, "m13", "Update").dump(), R"({"f:spec":{"f:f13":{}}})");
}

}  // namespace
}  // namespace dray::api
