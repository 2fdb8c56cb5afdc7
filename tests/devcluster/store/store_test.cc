#include "devcluster/store/store.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace dray::devcluster {
namespace {

Json Object(const std::string& name, const std::string& value = "",
            const std::string& space = "ns") {
  Json object = {
      {"metadata", {{"name", name}, {"uid", "uid-" + name}, {"labels", {{"value", value}}}}},
      {"value", value}};
  if (!space.empty()) object["metadata"]["namespace"] = space;
  return object;
}

class StoreTest : public ::testing::Test {
 protected:
  ObjectPtr Create(const std::string& name, const std::string& value = "",
                   const std::string& space = "ns") {
    Result<ObjectPtr> created = store_.Create(0, Object(name, value, space), {});
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? *created : nullptr;
  }
  std::string Keys(const ListRequest& request) {
    Result<ListResult> listed = store_.List(0, request);
    if (!listed.ok()) return std::string(ReasonName(listed.status().reason()));
    std::string keys;
    for (const ObjectPtr& object : listed->items)
      keys += object->key + "=" + object->labels.find("value")->second + " ";
    if (!listed->next.empty())
      keys += "> " + listed->next + " +" + std::to_string(listed->remaining);
    return keys;
  }

  Store store_{
      {[](const Json& object) { return std::vector<std::string>{object.value("value", "")}; },
       nullptr},
      100,
      5};
};

TEST_F(StoreTest, VersionsGrowOverAllKinds) {
  EXPECT_EQ(Create("a")->resource_version, 101u);
  EXPECT_EQ((*store_.Create(1, Object("a"), {}))->resource_version, 102u);
  EXPECT_EQ(Create("b")->resource_version, 103u);
  EXPECT_EQ(store_.version(), 103u);
  EXPECT_EQ(store_.LatestChange(0), 103u);
  EXPECT_EQ(store_.LatestChange(1), 102u);
}

TEST_F(StoreTest, KeepsWhatSelectorsNeedAndTheTextWithItsVersion) {
  ObjectPtr object = Create("a", "red");
  EXPECT_EQ(object->key, "ns/a");
  EXPECT_EQ(object->uid, "uid-a");
  EXPECT_EQ(object->fields, std::vector<std::string>{"red"});
  EXPECT_EQ(object->labels.at("value"), "red");
  EXPECT_EQ(Json::parse(object->text)["metadata"]["resourceVersion"], "101");
  EXPECT_EQ(Create("cluster", "", "")->key, "cluster");
}

TEST_F(StoreTest, OnlyTheVersionThatWasReadCanBeReplacedOrRemoved) {
  ObjectPtr first = Create("a", "1");
  EXPECT_EQ(store_.Create(0, Object("a"), {}).status().reason(), Reason::kAlreadyExists);
  Result<ObjectPtr> second = store_.Replace(0, first, Object("a", "2"), {});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(store_.Replace(0, first, Object("a", "3"), {}).status().reason(), Reason::kConflict);
  EXPECT_EQ(store_.Remove(0, first, Object("a"), {}).status().reason(), Reason::kConflict);
  // The name cannot change on the way.
  EXPECT_EQ(store_.Replace(0, *second, Object("b"), {}).status().reason(), Reason::kConflict);
  Result<ObjectPtr> gone = store_.Remove(0, *second, Object("a", "last"), {});
  ASSERT_TRUE(gone.ok());
  EXPECT_GT((*gone)->resource_version, (*second)->resource_version);
  EXPECT_EQ(store_.Get(0, "ns/a"), nullptr);
  EXPECT_EQ(store_.Replace(0, *second, Object("a"), {}).status().reason(), Reason::kConflict);
}

TEST_F(StoreTest, ListsByPrefixInOrderAndInPages) {
  for (const char* name : {"c", "a", "b"}) Create(name);
  Create("a", "", "other");
  Create("z", "", "n");
  EXPECT_EQ(Keys({}), "n/z= ns/a= ns/b= ns/c= other/a= ");
  EXPECT_EQ(Keys({.prefix = "ns/"}), "ns/a= ns/b= ns/c= ");
  EXPECT_EQ(Keys({.limit = 2, .count_remaining = true}), "n/z= ns/a= > ns/b +3");
  EXPECT_EQ(Keys({.prefix = "ns/", .limit = 2, .count_remaining = true}), "ns/a= ns/b= > ns/c +1");
  EXPECT_EQ(Keys({.prefix = "ns/", .start = "ns/c", .limit = 2}), "ns/c= ");
  ListRequest picky;
  picky.wanted = [](const StoredObject& object) { return object.key.ends_with("/a"); };
  EXPECT_EQ(Keys(picky), "ns/a= other/a= ");
}

TEST_F(StoreTest, ListsThePast) {
  ObjectPtr a = Create("a", "1");                      // 101
  ObjectPtr b = Create("b", "1");                      // 102
  a = *store_.Replace(0, a, Object("a", "2"), {});     // 103
  (void)*store_.Remove(0, b, Object("b", "end"), {});  // 104
  Create("c", "1");                                    // 105
  EXPECT_EQ(Keys({}), "ns/a=2 ns/c=1 ");
  struct Case {
    uint64_t version;
    const char* keys;
  };
  for (const Case& c :
       {Case{105, "ns/a=2 ns/c=1 "}, Case{104, "ns/a=2 "}, Case{103, "ns/a=2 ns/b=1 "},
        Case{102, "ns/a=1 ns/b=1 "}, Case{101, "ns/a=1 "}, Case{100, ""}})
    EXPECT_EQ(Keys({.at_version = c.version}), c.keys) << c.version;
  EXPECT_EQ(Keys({.limit = 1, .at_version = 103, .count_remaining = true}), "ns/a=2 > ns/b +1");
  EXPECT_EQ(Keys({.at_version = 200}), "Timeout");
  EXPECT_EQ(Keys({.at_version = 99}), "Expired");
  Create("d");  // the sixth change: the history holds five
  EXPECT_EQ(Keys({.at_version = 100}), "Expired");
  EXPECT_EQ(Keys({.at_version = 101}), "ns/a=1 ");
}

TEST_F(StoreTest, ChangesSinceAVersion) {
  ObjectPtr a = Create("a", "1");
  a = *store_.Replace(0, a, Object("a", "2"), {});
  (void)*store_.Remove(0, a, Object("a", "3"), {});
  auto changes = store_.Since(0, 100, 10);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 3u);
  EXPECT_EQ((*changes)[0].type, ChangeType::kAdded);
  EXPECT_EQ((*changes)[0].previous, nullptr);
  EXPECT_EQ((*changes)[1].type, ChangeType::kModified);
  EXPECT_EQ((*changes)[1].previous, (*changes)[0].object);
  EXPECT_EQ((*changes)[2].type, ChangeType::kDeleted);
  EXPECT_EQ((*changes)[2].object->resource_version, 103u);
  EXPECT_EQ(store_.Since(0, 101, 10)->size(), 2u);
  EXPECT_EQ(store_.Since(0, 100, 2)->size(), 2u);
  EXPECT_TRUE(store_.Since(0, 103, 10)->empty());
  EXPECT_TRUE(store_.Since(1, 100, 10)->empty());
  EXPECT_EQ(store_.Since(0, 99, 10).status().reason(), Reason::kGone);
}

TEST_F(StoreTest, HistoryIsBoundedPerKind) {
  ObjectPtr a = Create("a");
  (void)*store_.Create(1, Object("x"), {});
  for (int i = 0; i < 6; ++i) a = *store_.Replace(0, a, Object("a", std::to_string(i)), {});
  Status gone = store_.Since(0, 101, 10).status();
  EXPECT_EQ(gone.reason(), Reason::kGone);
  EXPECT_EQ(gone.message(), "too old resource version: 101 (103)");
  EXPECT_EQ(store_.Since(0, 103, 10)->size(), 5u);
  EXPECT_EQ(store_.Since(1, 100, 10)->size(), 1u);
}

TEST_F(StoreTest, WritersOnManyThreadsLoseNothing) {
  std::atomic<int> told = 0;
  store_.OnChange([&] { ++told; });
  Create("counter", "0");
  constexpr int kThreads = 4, kEach = 50;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < kEach;) {
          ObjectPtr present = store_.Get(0, "ns/counter");
          int value = std::stoi(Json::parse(present->text)["value"].get<std::string>());
          if (store_.Replace(0, present, Object("counter", std::to_string(value + 1)), {}).ok())
            ++i;
        }
      });
  }
  EXPECT_EQ(Json::parse(store_.Get(0, "ns/counter")->text)["value"],
            std::to_string(kThreads * kEach));
  EXPECT_EQ(told, kThreads * kEach + 1);
  EXPECT_EQ(store_.version(), 100u + kThreads * kEach + 1);
}

}  // namespace
}  // namespace dray::devcluster
