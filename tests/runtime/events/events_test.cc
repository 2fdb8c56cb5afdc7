// The event recorder against a server that says what the test has written down.
#include "dray/runtime/events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;

class EventsTest : public ::testing::Test {
 protected:
  void Record(const std::string& message, const std::string& name = "p") {
    recorder_->Record({"v1", "Pod", "ns", name, "uid-" + name, "7", ""}, "Warning", "Reason",
                      message);
  }
  // The calls so far, after so many have been made.
  std::vector<ApiRequest> Await(size_t count) {
    EXPECT_TRUE(server_->AwaitRequests(count));
    return server_->requests();
  }
  void Created(int times = 1) {
    for (int i = 0; i < times; ++i) server_->Answer(201, "{}");
  }

  testing::FakeClock clock_;
  std::shared_ptr<testing::ScriptedTransport> server_ =
      std::make_shared<testing::ScriptedTransport>();
  std::optional<EventRecorder> recorder_{std::in_place, Client(server_), clock_, "dray"};
};

TEST_F(EventsTest, AnEventHasWhatKubernetesWants) {
  Created();
  Record("why");
  const ApiRequest request = Await(1)[0];
  EXPECT_EQ(request.method + " " + request.path, "POST /api/v1/namespaces/ns/events");
  const Json event = Json::parse(request.body);
  EXPECT_TRUE(event["metadata"]["name"].get<std::string>().starts_with("p."));
  EXPECT_EQ(event["metadata"]["namespace"], "ns");
  EXPECT_EQ(event["involvedObject"]["uid"], "uid-p");
  EXPECT_EQ(event["reason"], "Reason");
  EXPECT_EQ(event["message"], "why");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["count"], 1);
  EXPECT_EQ(event["source"]["component"], "dray");
  EXPECT_EQ(event["reportingComponent"], "dray");
  EXPECT_EQ(event["firstTimestamp"], "2026-01-01T00:00:00Z");
}

TEST_F(EventsTest, AClusterScopedObjectsEventsAreInDefault) {
  Created();
  recorder_->Record({"resource.k8s.io/v1", "DeviceClass", "", "gpu", "u", "", ""}, "Normal", "R",
                    "m");
  EXPECT_EQ(Await(1)[0].path, "/api/v1/namespaces/default/events");
}

TEST_F(EventsTest, ARepetitionCountsUp) {
  Created();
  Record("why");
  Await(1);
  server_->Answer(200, "{}");
  clock_.Advance(1min);
  Record("why");
  const ApiRequest again = Await(2)[1];
  EXPECT_EQ(again.method, "PATCH");
  EXPECT_EQ(again.content_type, "application/merge-patch+json");
  EXPECT_EQ(Json::parse(again.body),
            Json({{"count", 2}, {"lastTimestamp", "2026-01-01T00:01:00Z"}}));
  // It has expired on the server: a new one.
  server_->Answer(404,
                  api::EncodeStatus(Status(Reason::kNotFound, "gone"), "", "events", "p.1").dump());
  Created();
  Record("why");
  EXPECT_EQ(Await(4)[3].method, "POST");
  Created();
  Record("another reason");
  EXPECT_EQ(Await(5)[4].method, "POST");
}

TEST_F(EventsTest, ABurstPerObjectThenOneInFiveMinutes) {
  Created(26);
  for (int i = 0; i < 40; ++i) Record(std::to_string(i));
  Await(25);
  Record("of another object", "q");
  const auto requests = Await(26);
  EXPECT_EQ(Json::parse(requests[24].body)["message"], "24");
  EXPECT_EQ(Json::parse(requests[25].body)["message"], "of another object");
  Created();
  clock_.Advance(5min);
  Record("later");
  Record("too much again");
  EXPECT_EQ(Json::parse(Await(27)[26].body)["message"], "later");
}

TEST_F(EventsTest, ALostAnswerMakesNoSecondEvent) {
  server_->Fail(Status(Reason::kUnavailable, "reset"));
  server_->Answer(
      409, api::EncodeStatus(Status(Reason::kAlreadyExists, "exists"), "", "events", "p.1").dump());
  Record("why");
  Await(1);
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  clock_.AdvanceToNextDeadline();
  const auto requests = Await(2);
  EXPECT_EQ(Json::parse(requests[0].body)["metadata"]["name"],
            Json::parse(requests[1].body)["metadata"]["name"]);
  server_->Answer(200, "{}");
  Record("why");
  EXPECT_EQ(Await(3)[2].method, "PATCH");
}

TEST_F(EventsTest, ARefusedEventIsDroppedAndTheNextIsSent) {
  server_->Answer(403,
                  api::EncodeStatus(Status(Reason::kForbidden, "no"), "", "events", "").dump());
  Created();
  Record("one");
  Record("two");
  EXPECT_EQ(Json::parse(Await(2)[1].body)["message"], "two");
}

TEST_F(EventsTest, WhatIsQueuedIsSentBeforeTheEnd) {
  Created(3);
  for (const char* message : {"a", "b", "c"}) Record(message);
  recorder_.reset();
  EXPECT_EQ(server_->requests().size(), 3u);
}

}  // namespace
}  // namespace dray::runtime
