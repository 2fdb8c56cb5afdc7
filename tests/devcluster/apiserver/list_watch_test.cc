#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

class ListTest : public ApiFixture {
 protected:
  explicit ListTest(size_t history = 10'000) : ApiFixture(history) {}
  Json Map(const std::string& name, const std::string& color = "") {
    Json object = Named(name);
    if (!color.empty()) object["metadata"]["labels"] = {{"color", color}};
    return Create(In("v1", "configmaps"), object);
  }
  static std::string NamesOf(const Reply& reply) {
    std::string names;
    for (const Json& item : reply.At("/items"))
      names += item["metadata"]["name"].get<std::string>() + " ";
    return names;
  }
  std::string Version() { return Get(In("v1", "configmaps")).At("/metadata/resourceVersion"); }
  const std::string maps_ = In("v1", "configmaps");
};
class ShortHistory : public ListTest {
 protected:
  ShortHistory() : ListTest(3) {}
};

TEST_F(ListTest, ShapeAndSelectors) {
  Reply empty = Get(maps_);
  EXPECT_EQ(empty.At("/kind"), "ConfigMapList");
  EXPECT_EQ(empty.At("/apiVersion"), "v1");
  EXPECT_EQ(empty.At("/items"), Json::array());
  EXPECT_EQ(empty.At("/metadata/resourceVersion").get<std::string>(), std::to_string(1004))
      << "four namespaces";
  Map("a", "red");
  Map("b", "blue");
  Create("/api/v1/namespaces/kube-system/configmaps", Named("c"));
  struct Case {
    std::string path;
    const char* names;
  };
  for (const Case& c : {
           Case{maps_, "a b "},
           Case{"/api/v1/configmaps", "a b c "},
           Case{maps_ + "?labelSelector=color%3Dred", "a "},
           Case{maps_ + "?labelSelector=color!%3Dred", "b "},
           Case{maps_ + "?fieldSelector=metadata.name%3Db", "b "},
           Case{"/api/v1/configmaps?fieldSelector=metadata.namespace%3Dkube-system", "c "},
           Case{"/api/v1/configmaps?fieldSelector=metadata.namespace!%3Dkube-system", "a b "},
           Case{"/api/v1/namespaces/nowhere/configmaps", ""},
       })
    EXPECT_EQ(NamesOf(Get(c.path)), c.names) << c.path;
  EXPECT_EQ(Get(maps_ + "?fieldSelector=data.x%3D1").code, 400);
  EXPECT_EQ(Get(maps_ + "?labelSelector=((").code, 400);
}

TEST_F(ListTest, PodFieldSelectors) {
  Json pod = PodNamed("a");
  pod["spec"]["nodeName"] = "n1";
  Create(In("v1", "pods"), pod);
  Create(In("v1", "pods"), PodNamed("b"));
  struct Case {
    const char* selector;
    const char* names;
  };
  for (const Case& c : {Case{"spec.nodeName%3Dn1", "a "}, Case{"spec.nodeName%3D", "b "},
                        Case{"status.phase%3DPending", "a b "}, Case{"status.phase!%3DPending", ""},
                        Case{"spec.hostNetwork%3Dfalse", "a b "},
                        Case{"spec.schedulerName%3Ddefault-scheduler,spec.nodeName!%3Dn1", "b "},
                        Case{"spec.serviceAccountName%3Ddefault", "a b "},
                        Case{"spec.restartPolicy%3DAlways", "a b "}})
    EXPECT_EQ(NamesOf(Get(In("v1", "pods") + "?fieldSelector=" + c.selector)), c.names)
        << c.selector;
}

TEST_F(ListTest, PagesShowOneState) {
  for (char name = 'a'; name <= 'e'; ++name) Map(std::string(1, name));
  Reply first = Get(maps_ + "?limit=2");
  EXPECT_EQ(NamesOf(first), "a b ");
  EXPECT_EQ(first.At("/metadata/remainingItemCount"), 3);
  std::string version = first.At("/metadata/resourceVersion");
  Map("bb");
  Delete(In("v1", "configmaps/d"));
  Reply second =
      Get(maps_ + "?limit=2&continue=" + first.At("/metadata/continue").get<std::string>());
  EXPECT_EQ(NamesOf(second), "c d ");
  EXPECT_EQ(second.At("/metadata/resourceVersion"), version);
  EXPECT_EQ(second.At("/metadata/remainingItemCount"), 1);
  Reply third =
      Get(maps_ + "?limit=2&continue=" + second.At("/metadata/continue").get<std::string>());
  EXPECT_EQ(NamesOf(third), "e ");
  EXPECT_EQ(third.At("/metadata/continue"), nullptr);
  EXPECT_EQ(third.At("/metadata/remainingItemCount"), nullptr);
  EXPECT_EQ(NamesOf(Get(maps_ + "?resourceVersionMatch=Exact&resourceVersion=" + version)),
            "a b c d e ");
  EXPECT_EQ(Get(maps_ + "?limit=2&labelSelector=!x").At("/metadata/remainingItemCount"), nullptr);
  EXPECT_EQ(Get(maps_ + "?continue=rubbish").code, 400);
  EXPECT_EQ(Get(maps_ + "?limit=two").code, 400);
}

TEST_F(ShortHistory, AnOldPageGoesOnInThePresent) {
  for (char name = 'a'; name <= 'c'; ++name) Map(std::string(1, name));
  Reply first = Get(maps_ + "?limit=1");
  for (int i = 0; i < 4; ++i)
    Merge(In("v1", "configmaps/b"), {{"data", {{"i", std::to_string(i)}}}});
  Reply expired =
      Get(maps_ + "?limit=1&continue=" + first.At("/metadata/continue").get<std::string>());
  EXPECT_EQ(expired.code, 410);
  EXPECT_EQ(expired.Reason(), "Expired");
  Reply on =
      Get(maps_ + "?limit=5&continue=" + expired.At("/metadata/continue").get<std::string>());
  EXPECT_EQ(NamesOf(on), "b c ");
}

TEST_F(ListTest, ResourceVersions) {
  Map("a");
  struct Case {
    const char* query;
    int code;
  };
  for (const Case& c : {
           Case{"resourceVersion=0", 200},
           Case{"resourceVersion=1001", 200},
           Case{"resourceVersion=", 200},
           Case{"resourceVersion=999999", 504},
           Case{"resourceVersion=x", 400},
           Case{"resourceVersion=0&resourceVersionMatch=NotOlderThan", 200},
           Case{"resourceVersion=0&resourceVersionMatch=Exact", 422},
           Case{"resourceVersionMatch=Exact", 422},
           Case{"resourceVersion=1&resourceVersionMatch=Nearly", 422},
           Case{"resourceVersion=1004&resourceVersionMatch=Exact", 200},
           Case{"sendInitialEvents=true", 422},
           Case{"resourceVersion=5&resourceVersionMatch=Exact", 410},
       })
    EXPECT_EQ(Get(maps_ + "?" + c.query).code, c.code) << c.query;
  Reply future = Get(maps_ + "?resourceVersion=999999");
  EXPECT_EQ(future.Reason(), "Timeout");
  EXPECT_EQ(future.At("/details/causes/0/reason"), "ResourceVersionTooLarge");
  EXPECT_EQ(future.headers["retry-after"], "1");
  EXPECT_EQ(future.At("/details/retryAfterSeconds"), 1);
}

TEST_F(ListTest, WatchFromAVersion) {
  Map("a");
  std::string version = Version();
  Map("b");
  OpenWatch watch = Watch(maps_ + "?watch=true&resourceVersion=" + version);
  EXPECT_EQ(watch.NextLine(), "ADDED b");
  Merge(In("v1", "configmaps/a"), {{"data", {{"x", "y"}}}});
  EXPECT_EQ(watch.NextLine(), "MODIFIED a");
  Delete(In("v1", "configmaps/b"));
  Json deleted = watch.Next();
  EXPECT_EQ(deleted["type"], "DELETED");
  EXPECT_EQ(deleted["object"]["metadata"]["resourceVersion"], Version()) << "a version of its own";
}

TEST_F(ListTest, WatchFromThePresent) {
  Map("a");
  Map("b");
  for (const char* query : {"", "&resourceVersion=0", "&resourceVersion="}) {
    OpenWatch watch = Watch(maps_ + "?watch=1" + query);
    EXPECT_EQ(watch.NextLine(), "ADDED a") << query;
    EXPECT_EQ(watch.NextLine(), "ADDED b") << query;
  }
  OpenWatch one = Watch(In("v1", "configmaps/b") + "?watch=true");
  EXPECT_EQ(one.NextLine(), "ADDED b") << "a watch on one object";
  OpenWatch deprecated = Watch("/api/v1/watch/namespaces/default/configmaps");
  EXPECT_EQ(deprecated.End().reason(), Reason::kNotFound) << "the old watch paths are not served";
}

TEST_F(ListTest, SelectorsSeeTransitions) {
  Map("a", "blue");
  OpenWatch watch =
      Watch(maps_ + "?watch=true&labelSelector=color%3Dred&resourceVersion=" + Version());
  Merge(In("v1", "configmaps/a"), {{"metadata", {{"labels", {{"color", "red"}}}}}});
  EXPECT_EQ(watch.NextLine(), "ADDED a");
  Merge(In("v1", "configmaps/a"), {{"data", {{"x", "1"}}}});
  EXPECT_EQ(watch.NextLine(), "MODIFIED a");
  Merge(In("v1", "configmaps/a"),
        {{"metadata", {{"labels", {{"color", "blue"}}}}}, {"data", {{"x", "2"}}}});
  Json left = watch.Next();
  EXPECT_EQ(left["type"], "DELETED");
  EXPECT_EQ(left["object"]["data"]["x"], "1") << "the last state that matched";
  EXPECT_EQ(left["object"]["metadata"]["resourceVersion"], Version());
  Delete(In("v1", "configmaps/a"));
  Map("b", "red");
  EXPECT_EQ(watch.NextLine(), "ADDED b") << "a deletion outside of the selection is not seen";
}

TEST_F(ListTest, NamespacesDoNotMix) {
  OpenWatch watch = Watch(maps_ + "?watch=true");
  Create("/api/v1/namespaces/kube-system/configmaps", Named("other"));
  Map("mine");
  EXPECT_EQ(watch.NextLine(), "ADDED mine");
}

TEST_F(ListTest, WatchListEndsWithABookmark) {
  Map("a");
  OpenWatch watch = Watch(maps_ +
                          "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
                          "allowWatchBookmarks=true");
  EXPECT_EQ(watch.NextLine(), "ADDED a");
  Json mark = watch.Next();
  EXPECT_EQ(mark["type"], "BOOKMARK");
  EXPECT_EQ(mark["object"]["kind"], "ConfigMap");
  EXPECT_EQ(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  EXPECT_EQ(mark["object"]["metadata"]["resourceVersion"], Version());
  Map("b");
  EXPECT_EQ(watch.NextLine(), "ADDED b");
  for (const char* query :
       {"sendInitialEvents=true",
        "sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1"}) {
    OpenWatch refused = Watch(maps_ + "?watch=true&" + query);
    EXPECT_EQ(refused.End().reason(), Reason::kInvalid) << query;
  }
}

TEST_F(ListTest, BookmarksComeEveryMinuteAndBeforeTheEnd) {
  OpenWatch watch =
      Watch(maps_ +
            "?watch=true&allowWatchBookmarks=true&timeoutSeconds=90&resourceVersion=" + Version());
  Map("a");
  EXPECT_EQ(watch.NextLine(), "ADDED a");
  Create(In("v1", "secrets"), Named("s"));  // moves the version without an event here
  clock_.AwaitWaiters(1);
  clock_.Advance(std::chrono::seconds(60));
  Json mark = watch.Next();
  EXPECT_EQ(mark["type"], "BOOKMARK");
  EXPECT_EQ(mark["object"]["metadata"]["resourceVersion"], Version());
  EXPECT_FALSE(mark["object"]["metadata"].contains("annotations"));
  clock_.AwaitWaiters(1);
  clock_.Advance(std::chrono::seconds(28));
  EXPECT_EQ(watch.Next()["type"], "BOOKMARK");
  clock_.AwaitWaiters(1);
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_EQ(watch.NextLine(), "end");
  EXPECT_TRUE(watch.End().ok());
}

TEST_F(ListTest, NoBookmarksUnlessAskedFor) {
  Map("a");
  OpenWatch watch = Watch(maps_ + "?watch=true&timeoutSeconds=90");
  EXPECT_EQ(watch.NextLine(), "ADDED a");  // it is open
  clock_.AwaitWaiters(1);
  clock_.Advance(std::chrono::seconds(90));
  EXPECT_EQ(watch.NextLine(), "end");
}

TEST_F(ShortHistory, TooOldIsGone) {
  std::string version = Version();
  for (char name = 'a'; name <= 'd'; ++name) Map(std::string(1, name));
  OpenWatch watch = Watch(maps_ + "?watch=true&resourceVersion=" + version);
  Json error = watch.Next();
  ASSERT_TRUE(error.is_object());
  EXPECT_EQ(error["type"], "ERROR");
  EXPECT_EQ(error["object"]["code"], 410);
  EXPECT_EQ(error["object"]["reason"], "Expired");
  EXPECT_EQ(error["object"]["message"].get<std::string>().substr(0, 30),
            "too old resource version: 1004");
  EXPECT_EQ(watch.NextLine(), "end");
  OpenWatch earlier_run = Watch(maps_ + "?watch=true&resourceVersion=17");
  EXPECT_EQ(earlier_run.Next()["object"]["code"], 410);
}

TEST_F(ListTest, AVersionOfTheFutureIsTooLarge) {
  OpenWatch watch = Watch(maps_ + "?watch=true&resourceVersion=999999");
  EXPECT_EQ(watch.End().reason(), Reason::kTimeout);
}

TEST_F(ListTest, PartialMetadata) {
  Json object = Named("a");
  object["data"] = {{"x", "y"}};
  Create(maps_, object);
  const std::string accept =
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
  Reply one = Get(In("v1", "configmaps/a"), accept);
  EXPECT_EQ(one.At("/kind"), "PartialObjectMetadata");
  EXPECT_EQ(one.At("/apiVersion"), "meta.k8s.io/v1");
  EXPECT_EQ(one.At("/data"), nullptr);
  EXPECT_EQ(one.At("/metadata/name"), "a");
  Reply list = Get(maps_, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(list.At("/kind"), "PartialObjectMetadataList");
  EXPECT_EQ(list.At("/items/0/metadata/name"), "a");
  OpenWatch watch = Watch(maps_ + "?watch=true", accept);
  Json event = watch.Next();
  EXPECT_EQ(event["object"]["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(event["object"].contains("data"));
}

TEST_F(ListTest, TablesInAWatchNameTheirColumnsOnce) {
  OpenWatch watch =
      Watch(maps_ + "?watch=true", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
  Map("a");
  Map("b");
  Json first = watch.Next(), second = watch.Next();
  EXPECT_EQ(first["object"]["columnDefinitions"].size(), 3u);
  EXPECT_EQ(first["object"]["rows"][0]["cells"][0], "a");
  EXPECT_TRUE(second["object"].value("columnDefinitions", Json::array()).empty());
  EXPECT_EQ(second["object"]["rows"][0]["cells"][0], "b");
}

TEST_F(ListTest, ManyWatchersSeeTheSameOrder) {
  std::vector<std::unique_ptr<OpenWatch>> watches;
  for (int i = 0; i < 8; ++i)
    watches.push_back(std::make_unique<OpenWatch>(
        transport_, clock_, maps_ + "?watch=true&resourceVersion=" + Version()));
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < 4; ++t)
      writers.emplace_back([&, t] {
        for (int i = 0; i < 10; ++i) Map("m" + std::to_string(t) + "-" + std::to_string(i));
      });
  }
  std::vector<std::string> order;
  for (int i = 0; i < 40; ++i) order.push_back(watches[0]->NextLine());
  for (size_t w = 1; w < watches.size(); ++w)
    for (const std::string& line : order) ASSERT_EQ(watches[w]->NextLine(), line);
}

}  // namespace
}  // namespace dray::devcluster
