// The informer against a server that says exactly what the test has written down.
#include "dray/runtime/informer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "dray/api/types/core.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

Json PodJson(const std::string& name, int version, const std::string& node = "",
             const std::string& uid = "") {
  return {{"kind", "Pod"},
          {"apiVersion", "v1"},
          {"metadata",
           {{"name", name},
            {"namespace", "ns"},
            {"uid", uid.empty() ? "uid-" + name : uid},
            {"resourceVersion", std::to_string(version)}}},
          {"spec", {{"nodeName", node}, {"containers", Json::array()}}}};
}
std::string Line(const std::string& type, const Json& object) {
  return Json({{"type", type}, {"object", object}}).dump();
}
std::string Added(const std::string& name, int version, const std::string& node = "") {
  return Line("ADDED", PodJson(name, version, node));
}
std::string Modified(const std::string& name, int version, const std::string& node = "") {
  return Line("MODIFIED", PodJson(name, version, node));
}
std::string Deleted(const std::string& name, int version) {
  return Line("DELETED", PodJson(name, version));
}
std::string Bookmark(int version, bool initial_end = false) {
  Json object = {{"kind", "Pod"},
                 {"apiVersion", "v1"},
                 {"metadata", {{"resourceVersion", std::to_string(version)}}}};
  if (initial_end) object["metadata"]["annotations"]["k8s.io/initial-events-end"] = "true";
  return Line("BOOKMARK", object);
}
std::string Gone() {
  return Line("ERROR", api::EncodeStatus(Status(Reason::kGone, "too old resource version: 5 (9)"),
                                         "", "", ""));
}
std::string ListBody(int version, std::vector<Json> pods, const std::string& token = "") {
  for (Json& pod : pods) pod.erase("kind"), pod.erase("apiVersion");
  return Json({{"kind", "PodList"},
               {"apiVersion", "v1"},
               {"metadata", {{"resourceVersion", std::to_string(version)}, {"continue", token}}},
               {"items", pods}})
      .dump();
}
std::string Refusal(Reason reason) {
  return api::EncodeStatus(Status(reason, "refused"), "", "pods", "").dump();
}

// Both ways of keeping objects: as they are, and packed.
class InformerTest : public ::testing::TestWithParam<bool> {
 protected:
  ~InformerTest() override {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  void Start() {
    informer_.AddHandler({[this](const std::shared_ptr<const api::Pod>& before,
                                 const std::shared_ptr<const api::Pod>& after) {
      std::lock_guard lock(mutex_);
      auto version = [](const auto& pod) {
        return pod == nullptr ? "" : pod->metadata.resource_version;
      };
      told_.push_back((before == nullptr ? after : before)->metadata.name + " " + version(before) +
                      ">" + version(after));
      changed_.notify_all();
    }});
    thread_ = std::jthread(
        [this](std::stop_token stop) { EXPECT_TRUE(informer_.Run(Context(clock_, stop)).ok()); });
  }
  // What handlers were told since the last call; waits until it is so many.
  Lines Told(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 30s, [&] { return told_.size() >= count; });
    return std::exchange(told_, {});
  }
  // All calls of the script have been made and the thread waits for what comes.
  void AwaitIdle(size_t requests) {
    ASSERT_TRUE(server_->AwaitRequests(requests));
    ASSERT_TRUE(clock_.AwaitWaiters(1));
  }
  // The thread waits for its back-off to end, and it does.
  void PassBackOff() {
    ASSERT_TRUE(clock_.AwaitWaiters(1));
    ASSERT_TRUE(clock_.AdvanceToNextDeadline());
  }
  std::string Asked(size_t i) {
    const auto requests = server_->requests();
    return i < requests.size() ? requests[i].path : "nothing";
  }
  bool Asks(size_t i, const std::string& part) { return Asked(i).find(part) != std::string::npos; }
  Lines Names(const std::vector<std::shared_ptr<const api::Pod>>& pods) {
    Lines names;
    for (const auto& pod : pods)
      names.push_back(pod->metadata.name + "@" + pod->metadata.resource_version);
    return names;
  }

  testing::FakeClock clock_;
  std::shared_ptr<testing::ScriptedTransport> server_ =
      std::make_shared<testing::ScriptedTransport>();
  Informer<api::Pod> informer_{
      Client(server_),
      {{},
       {{"node", [](const api::Pod& pod) { return Lines{pod.spec.node_name}; }}},
       {},
       GetParam()}};
  std::mutex mutex_;
  std::condition_variable changed_;
  Lines told_;
  std::jthread thread_;
};

TEST_P(InformerTest, WatchListThenChanges) {
  auto watch = server_->OpensWatch();
  Start();
  watch->Send(Added("b", 4, "n1"));
  watch->Send(Added("a", 3));
  ASSERT_TRUE(server_->AwaitRequests(1));
  EXPECT_TRUE(Asks(0, "sendInitialEvents=true") && Asks(0, "resourceVersionMatch=NotOlderThan") &&
              Asks(0, "allowWatchBookmarks=true"));
  EXPECT_FALSE(informer_.HasSynced());
  EXPECT_TRUE(informer_.List().empty()) << "half a list is no list";
  watch->Send(Bookmark(5, true));
  EXPECT_EQ(Told(2), (Lines{"a >3", "b >4"}));
  EXPECT_TRUE(informer_.WaitForSync(Context(clock_, {})).ok());
  watch->Send(Modified("b", 6, "n2"));
  watch->Send(Added("c", 7, "n2"));
  watch->Send(Deleted("a", 8));
  EXPECT_EQ(Told(3), (Lines{"b 4>6", "c >7", "a 3>"}));
  EXPECT_EQ(Names(informer_.List()), (Lines{"b@6", "c@7"}));
  EXPECT_EQ(Names(informer_.By("node", "n2")), (Lines{"b@6", "c@7"}));
  EXPECT_TRUE(informer_.By("node", "n1").empty());
  EXPECT_EQ(Names(informer_.By("namespace", "ns")), (Lines{"b@6", "c@7"}));
  EXPECT_TRUE(informer_.By("namespace", "n").empty());
  EXPECT_TRUE(informer_.By("namespace", "nsx").empty());
  EXPECT_TRUE(informer_.By("nothing", "n1").empty());
  EXPECT_EQ(informer_.Get({"ns", "a"}), nullptr);
  // The watch goes on where it was, with the last bookmark.
  watch->Send(Bookmark(20));
  watch->End();
  AwaitIdle(2);
  EXPECT_TRUE(Asks(1, "resourceVersion=20")) << Asked(1);
  EXPECT_FALSE(Asks(1, "sendInitialEvents"));
}

TEST_P(InformerTest, ListsInPagesWhereThereIsNoWatchList) {
  server_->Fail(Status(Reason::kInvalid, "sendInitialEvents is forbidden for watch"));
  server_->Answer(200, ListBody(9, {PodJson("a", 3)}, "more"));
  server_->Answer(200, ListBody(9, {PodJson("b", 4)}));
  auto watch = server_->OpensWatch();
  Start();
  EXPECT_EQ(Told(2), (Lines{"a >3", "b >4"}));
  AwaitIdle(4);
  EXPECT_TRUE(Asks(1, "limit=500")) << Asked(1);
  EXPECT_TRUE(Asks(2, "continue=more") && !Asks(2, "resourceVersion=")) << Asked(2);
  EXPECT_TRUE(Asks(3, "resourceVersion=9") && Asks(3, "watch=true")) << Asked(3);
  EXPECT_TRUE(informer_.HasSynced());
  EXPECT_EQ(Names(informer_.List()), (Lines{"a@3", "b@4"}));
}

// What has been read of a long list is not read again for one page that failed.
TEST_P(InformerTest, APageThatFailedIsAskedForAgain) {
  server_->Fail(Status(Reason::kInvalid, "sendInitialEvents is forbidden for watch"));
  server_->Answer(200, ListBody(9, {PodJson("a", 3)}, "more"));
  server_->Fail(Status(Reason::kUnavailable, "connection reset"));
  server_->Answer(503, Refusal(Reason::kUnavailable));
  server_->Answer(200, ListBody(9, {PodJson("b", 4)}));
  auto watch = server_->OpensWatch();
  Start();
  for (size_t made : {3, 4}) {
    ASSERT_TRUE(server_->AwaitRequests(made));
    PassBackOff();
  }
  EXPECT_EQ(Told(2), (Lines{"a >3", "b >4"}));
  for (size_t i : {2, 3, 4}) EXPECT_TRUE(Asks(i, "continue=more")) << Asked(i);
}

// Nor is it asked for for ever: the token may be what is wrong.
TEST_P(InformerTest, APageThatKeepsFailingBeginsTheListAnew) {
  server_->Fail(Status(Reason::kInvalid, "sendInitialEvents is forbidden for watch"));
  server_->Answer(200, ListBody(9, {PodJson("a", 3)}, "more"));
  for (int i = 0; i < 4; ++i) server_->Fail(Status(Reason::kUnavailable, "connection reset"));
  server_->Answer(200, ListBody(12, {PodJson("b", 4)}));
  auto watch = server_->OpensWatch();
  Start();
  for (size_t made : {3, 4, 5, 6}) {
    ASSERT_TRUE(server_->AwaitRequests(made));
    PassBackOff();
  }
  EXPECT_EQ(Told(1), Lines{"b >4"});
  EXPECT_TRUE(Asks(5, "continue=more") && !Asks(6, "continue=")) << Asked(6);
}

TEST_P(InformerTest, AContinueTokenThatExpiredMakesOneWholeList) {
  server_->Fail(Status(Reason::kBadRequest, "no"));
  server_->Answer(200, ListBody(9, {PodJson("a", 3)}, "more"));
  server_->Answer(410, Refusal(Reason::kGone));
  server_->Answer(200, ListBody(12, {PodJson("a", 3), PodJson("b", 11)}));
  auto watch = server_->OpensWatch();
  Start();
  EXPECT_EQ(Told(2), (Lines{"a >3", "b >11"}));
  AwaitIdle(5);
  EXPECT_FALSE(Asks(3, "limit=")) << Asked(3);
  EXPECT_TRUE(Asks(4, "resourceVersion=12"));
}

// A relist tells the difference: nothing lost, nothing twice. 410 comes as a line or as the answer.
TEST_P(InformerTest, GoneTellsTheDifferenceOnly) {
  for (bool as_line : {true, false}) {
    SCOPED_TRACE(as_line);
    testing::FakeClock clock;
    auto server = std::make_shared<testing::ScriptedTransport>();
    Informer<api::Pod> informer{Client(server), {}};
    std::mutex mutex;
    Lines told;
    informer.AddHandler({[&](const auto& before, const auto& after) {
      std::lock_guard lock(mutex);
      told.push_back((before == nullptr ? after : before)->metadata.name + (before == nullptr ? "+"
                                                                            : after == nullptr
                                                                                ? "-"
                                                                                : "~"));
    }});
    server->Watches({Added("same", 1), Added("gone", 2), Added("changed", 3), Bookmark(4, true),
                     as_line ? Gone() : Bookmark(4)});
    if (!as_line) server->Fail(Status(Reason::kGone, "too old"));
    auto watch = server->OpensWatch();
    for (const std::string& line :
         {Added("same", 1), Added("changed", 8), Added("new", 7), Bookmark(9, true)})
      watch->Send(line);
    std::jthread thread(
        [&](std::stop_token stop) { EXPECT_TRUE(informer.Run(Context(clock, stop)).ok()); });
    // The last step waits for lines: everything before it has been read.
    ASSERT_TRUE(server->AwaitRequests(as_line ? 2 : 3));
    while (informer.Get({"ns", "new"}) == nullptr) std::this_thread::yield();
    thread.request_stop();
    thread.join();
    EXPECT_EQ(told, (Lines{"changed+", "gone+", "same+", "gone-", "changed~", "new+"}));
    EXPECT_EQ(Names(informer.List()), (Lines{"changed@8", "new@7", "same@1"}));
  }
}

TEST_P(InformerTest, LinesThatComeTwiceOrLate) {
  auto watch = server_->OpensWatch();
  Start();
  for (const std::string& line : {Added("a", 3), Added("b", 4), Bookmark(5, true)})
    watch->Send(line);
  EXPECT_EQ(Told(2).size(), 2u);
  watch->Send(Modified("a", 8));
  watch->Send(Modified("a", 8));  // twice
  watch->Send(Modified("b", 7));  // late, and news of b all the same
  watch->Send(Modified("a", 6));  // late, and known better
  watch->Send(Bookmark(6));       // late
  watch->Send(Deleted("a", 7));   // of a state before the last
  watch->Send(Deleted("b", 9));
  watch->Send(Deleted("b", 9));  // twice
  watch->Send(Modified("a", 10));
  EXPECT_EQ(Told(4), (Lines{"a 3>8", "b 4>7", "b 7>", "a 8>10"}));
  // Late, and of an object that is gone: whether it is there, only a list says.
  auto again = server_->OpensWatch();
  watch->Send(Modified("b", 9));
  AwaitIdle(2);
  EXPECT_TRUE(Asks(1, "sendInitialEvents=true")) << Asked(1);
  for (const std::string& line : {Added("a", 10), Bookmark(12, true), Modified("a", 13)})
    again->Send(line);
  EXPECT_EQ(Told(1), (Lines{"a 10>13"}));
}

TEST_P(InformerTest, TheInitialEventsMayComeInAnyOrder) {
  auto watch = server_->OpensWatch();
  Start();
  for (const std::string& line : {Added("a", 3), Modified("a", 9), Modified("a", 8), Added("b", 2),
                                  Deleted("b", 7), Modified("b", 6), Deleted("c", 5), Added("c", 6),
                                  Added("d", 4), Deleted("d", 3), Bookmark(9, true)})
    watch->Send(line);
  EXPECT_EQ(Told(3), (Lines{"a >9", "c >6", "d >4"}));
}

TEST_P(InformerTest, AnotherObjectUnderTheSameName) {
  auto watch = server_->OpensWatch();
  Start();
  for (const std::string& line : {Added("a", 3), Bookmark(5, true)}) watch->Send(line);
  EXPECT_EQ(Told(1).size(), 1u);
  watch->Send(Line("MODIFIED", PodJson("a", 9, "", "uid-2")));
  EXPECT_EQ(Told(2), (Lines{"a 3>", "a >9"}));
}

TEST_P(InformerTest, ABrokenConnectionGoesOnWhereItWas) {
  server_->Watches({Added("a", 3), Bookmark(5, true), Modified("a", 6)},
                   Status(Reason::kUnavailable, "reset"));
  Start();
  EXPECT_EQ(Told(2), (Lines{"a >3", "a 3>6"}));
  server_->Fail(Status(Reason::kUnavailable, "nothing listens"));
  server_->Answer(200, ListBody(40, {PodJson("a", 6)}, "more"));
  auto watch = server_->OpensWatch();
  PassBackOff();
  ASSERT_TRUE(server_->AwaitRequests(2));
  EXPECT_TRUE(Asks(1, "limit=1")) << "is it still the same server? " << Asked(1);
  PassBackOff();
  AwaitIdle(4);
  EXPECT_TRUE(Asks(3, "resourceVersion=6") && Asks(3, "watch=true")) << Asked(3);
  watch->Send(Modified("a", 41));
  EXPECT_EQ(Told(1), (Lines{"a 6>41"}));
}

// A server that was restored from a backup: versions that we know stand for other states now.
TEST_P(InformerTest, AServerThatIsBackAtAnOlderVersion) {
  server_->Watches(
      {Added("a", 3), Added("kept", 4), Bookmark(5, true), Modified("a", 16), Added("b", 20)},
      Status(Reason::kUnavailable, "reset"));
  server_->Answer(200, ListBody(10, {PodJson("a", 3)}, "more"));
  auto watch = server_->OpensWatch();
  Start();
  EXPECT_EQ(Told(4).size(), 4u);
  PassBackOff();
  AwaitIdle(3);
  EXPECT_TRUE(Asks(1, "limit=1"));
  EXPECT_TRUE(Asks(2, "sendInitialEvents=true")) << Asked(2);
  for (const std::string& line : {Added("a", 3), Added("kept", 4), Bookmark(10, true)})
    watch->Send(line);
  EXPECT_EQ(Told(3), (Lines{"b 20>", "a 16>3", "kept 4>4"}));
  // Its versions grow again, and count.
  watch->Send(Modified("a", 16));
  EXPECT_EQ(Told(1), (Lines{"a 3>16"}));
}

TEST_P(InformerTest, AConnectionThatDiedSilentlyIsNoticed) {
  auto silent = server_->OpensWatch();
  Start();
  for (const std::string& line : {Added("a", 3), Bookmark(5, true)}) silent->Send(line);
  EXPECT_EQ(Told(1).size(), 1u);
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  clock_.Advance(11min);  // the watch should have ended by itself after 10 at most
  PassBackOff();
  ASSERT_TRUE(server_->AwaitRequests(2));
  server_->Answer(200, ListBody(5, {}));
  auto watch = server_->OpensWatch();
  watch->Send(Modified("a", 6));
  EXPECT_EQ(Told(1), (Lines{"a 3>6"}));
}

TEST_P(InformerTest, HalfALineIsNotBelieved) {
  server_->Watches(
      {Added("a", 3), Bookmark(5, true), R"({"type":"MODIFIED","object":{"kind":"Po)"});
  server_->Answer(200, ListBody(6, {}));
  server_->Watches({Modified("a", 6)});
  Start();
  EXPECT_EQ(Told(1), (Lines{"a >3"}));
  PassBackOff();
  EXPECT_EQ(Told(1), (Lines{"a 3>6"}));
}

TEST_P(InformerTest, BacksOffAndObeysRetryAfter) {
  Status busy(Reason::kTooManyRequests, "later");
  busy.retry_after = 120s;
  server_->Fail(busy);
  Start();
  ASSERT_TRUE(server_->AwaitRequests(1));
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  const SteadyTime began = clock_.Steady();
  EXPECT_EQ(*clock_.NextDeadline() - began, 120s);
  for (int i = 0; i < 12; ++i) {
    server_->Fail(Status(Reason::kUnavailable, "nothing listens"));
    PassBackOff();
    ASSERT_TRUE(server_->AwaitRequests(i + 2));
    ASSERT_TRUE(clock_.AwaitWaiters(1));
    const Duration wait = *clock_.NextDeadline() - clock_.Steady();
    EXPECT_GE(wait, std::min<Duration>(250ms * (1 << std::min(i + 1, 6)), 15s));
    EXPECT_LE(wait, std::min<Duration>(750ms * (1 << std::min(i + 1, 6)), 45s));
  }
}

// What is not to be kept is as what is not there, also while it changes from one to the other.
TEST_P(InformerTest, KeepsOnlyWhatIsWanted) {
  auto server = std::make_shared<testing::ScriptedTransport>();
  auto watch = server->OpensWatch();
  InformerOptions<api::Pod> options;
  options.packed = GetParam();
  options.keep = [](const api::Pod& pod) { return !pod.spec.node_name.empty(); };
  Informer<api::Pod> informer{Client(server), options};
  Lines told;
  std::mutex mutex;
  std::condition_variable changed;
  informer.AddHandler({[&](const auto& before, const auto& after) {
    std::lock_guard lock(mutex);
    told.push_back((before == nullptr ? after : before)->metadata.name + " " +
                   (before == nullptr ? "" : before->spec.node_name) + ">" +
                   (after == nullptr ? "" : after->spec.node_name));
    changed.notify_all();
  }});
  auto await_told = [&](size_t count) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 30s, [&] { return told.size() >= count; });
    return std::exchange(told, {});
  };
  std::jthread thread(
      [&](std::stop_token stop) { EXPECT_TRUE(informer.Run(Context(clock_, stop)).ok()); });
  watch->Send(Added("a", 1));
  watch->Send(Added("b", 2, "n1"));
  watch->Send(Added("c", 3, "n1"));
  watch->Send(Modified("c", 4));  // before the list is complete
  watch->Send(Bookmark(5, true));
  EXPECT_EQ(await_told(1), Lines{"b >n1"});
  ASSERT_TRUE(informer.WaitForSync(Context(clock_, {})).ok());
  EXPECT_EQ(informer.List().size(), 1u);
  const uint64_t version = informer.Version();
  watch->Send(Modified("a", 6));
  watch->Send(Modified("a", 7, "n2"));
  EXPECT_EQ(await_told(1), Lines{"a >n2"});
  EXPECT_EQ(informer.Version(), version + 1) << "nothing has changed with the first of the two";
  watch->Send(Modified("a", 8));
  watch->Send(Deleted("a", 9));
  watch->Send(Deleted("b", 10));
  EXPECT_EQ(await_told(2), (Lines{"a n2>", "b n1>"}));
  EXPECT_TRUE(informer.List().empty());
}

TEST_P(InformerTest, DoesNotGoBlindForADay) {
  Status busy(Reason::kTooManyRequests, "later");
  busy.retry_after = 86'400s;
  server_->Fail(busy);
  Start();
  ASSERT_TRUE(server_->AwaitRequests(1));
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  EXPECT_EQ(*clock_.NextDeadline() - clock_.Steady(), 120s);
}

TEST_P(InformerTest, KeepsWhatIsReadAndNothingElse) {
  Json pod = PodJson("a", 3);
  pod["metadata"]["managedFields"] = {{{"manager", "kubectl"}}};
  pod["metadata"]["annotations"] = {{"large", "text"}, {"kept", "1"}};
  auto server = std::make_shared<testing::ScriptedTransport>();
  auto watch = server->OpensWatch();
  watch->Send(Line("ADDED", pod));
  watch->Send(Bookmark(4, true));
  InformerOptions<api::Pod> options;
  options.transform = [](api::Pod& one) { one.metadata.annotations.erase("large"); };
  Informer<api::Pod> informer{Client(server), options};
  std::jthread thread(
      [&](std::stop_token stop) { EXPECT_TRUE(informer.Run(Context(clock_, stop)).ok()); });
  ASSERT_TRUE(informer.WaitForSync(Context(clock_, {})).ok());
  EXPECT_EQ(informer.Get({"ns", "a"})->metadata.annotations, (api::Labels{{"kept", "1"}}));
}

TEST_P(InformerTest, TellsKeysAndVersionsWithoutObjects) {
  auto watch = server_->OpensWatch();
  Start();
  watch->Send(Added("b", 4, "n1"));
  watch->Send(Added("a", 3, "n1"));
  watch->Send(Added("c", 5, "n2"));
  watch->Send(Bookmark(6, true));
  Told(3);
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  auto keys = [&](const std::string& index, const std::string& value) {
    Lines lines;
    for (const api::ObjectKey& key : informer_.KeysBy(index, value))
      lines.push_back(key.ToString());
    return lines;
  };
  EXPECT_EQ(keys("node", "n1"), (Lines{"ns/a", "ns/b"}));
  EXPECT_EQ(keys("namespace", "ns"), (Lines{"ns/a", "ns/b", "ns/c"}));
  EXPECT_EQ(keys("namespace", "n"), Lines{});
  EXPECT_EQ(keys("node", "n3"), Lines{});
  EXPECT_EQ(keys("color", "n1"), Lines{});
  EXPECT_TRUE(informer_.Has("node", "n2"));
  EXPECT_TRUE(informer_.Has("namespace", "ns"));
  EXPECT_FALSE(informer_.Has("node", "n3"));
  EXPECT_FALSE(informer_.Has("color", "n1"));
  Lines asked, seen;
  informer_.ForEachIf(
      [&](const ObjectVersion& one) {
        asked.push_back(std::string(one.namespace_) + "/" + std::string(one.name) + " " +
                        std::string(one.uid) + "@" + std::string(one.resource_version));
        return one.name == "b";
      },
      [&](const api::Pod& pod) { seen.push_back(pod.metadata.name + " " + pod.spec.node_name); });
  EXPECT_EQ(asked, (Lines{"ns/a uid-a@3", "ns/b uid-b@4", "ns/c uid-c@5"}));
  EXPECT_EQ(seen, Lines{"b n1"});
  watch->Send(Deleted("c", 7));
  Told(1);
  EXPECT_FALSE(informer_.Has("node", "n2"));
}

TEST_P(InformerTest, ShowsOneObjectAfterTheOtherAndTellsOnlyWhoWants) {
  auto watch = server_->OpensWatch();
  bool wanted = false;
  InformerHandlers<api::Pod> handlers;
  std::vector<std::string> heard;
  handlers.wanted = [&] { return wanted; };
  handlers.on_change = [&](const auto& before, const auto& after) {
    heard.push_back(std::string(before == nullptr ? "" : before->metadata.resource_version) + ">" +
                    (after == nullptr ? "" : after->spec.node_name));
  };
  informer_.AddHandler(std::move(handlers));
  Start();
  const uint64_t at_first = informer_.Version();
  EXPECT_NE(at_first, 0u);
  watch->Send(Added("b", 4, "n1"));
  watch->Send(Added("a", 3));
  watch->Send(Bookmark(5, true));
  Told(2);
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  const uint64_t synced = informer_.Version();
  EXPECT_NE(synced, at_first);
  Lines seen;
  informer_.ForEach([&](const api::Pod& pod) {
    seen.push_back(pod.metadata.name + "@" + pod.metadata.resource_version + " " +
                   pod.metadata.namespace_ + " " + pod.metadata.uid + " " + pod.spec.node_name);
  });
  const auto a = informer_.Get({"ns", "a"}), b = informer_.Get({"ns", "b"});
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_EQ(seen, (Lines{"a@3 ns " + a->metadata.uid + " ", "b@4 ns " + b->metadata.uid + " n1"}));
  EXPECT_EQ(heard, Lines());
  EXPECT_EQ(informer_.Version(), synced);
  wanted = true;  // the informer's thread is waiting for the next line
  watch->Send(Modified("b", 6, "n2"));
  Told(1);
  EXPECT_EQ(heard, Lines{"4>n2"});
  EXPECT_NE(informer_.Version(), synced);
}

INSTANTIATE_TEST_SUITE_P(Kept, InformerTest, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Packed" : "Plain");
});

}  // namespace
}  // namespace dray::runtime
