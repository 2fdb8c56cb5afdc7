#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "devcluster/apiserver/api_server.h"
#include "dray/base/json.h"
#include "dray/runtime/transport.h"
#include "tests/support/fake_clock.h"

namespace dray::devcluster {

// "/api/v1/namespaces/default/pods" and the like, for the namespace `default`.
inline std::string In(const std::string& group_version, const std::string& rest) {
  return (group_version == "v1" ? "/api/v1" : "/apis/" + group_version) + "/namespaces/default/" +
         rest;
}

struct Reply {
  int code = 0;
  std::string text;
  Json body;  // null when the text is no JSON
  std::map<std::string, std::string> headers;

  std::string Message() const { return body.is_object() ? body.value("message", "") : ""; }
  std::string Reason() const { return body.is_object() ? body.value("reason", "") : ""; }
  // The value at a JSON pointer, null when absent.
  Json At(const std::string& pointer) const {
    return body.value(Json::json_pointer(pointer), Json());
  }
};

// A watch in a thread of its own.
class OpenWatch {
 public:
  OpenWatch(std::shared_ptr<runtime::Transport> transport, Clock& clock, std::string path,
            std::string accept = "application/json")
      : thread_([this, transport, &clock, path, accept](std::stop_token stop) {
          runtime::ApiRequest request;
          request.path = path;
          request.accept = accept;
          Status status =
              transport->Watch(Context(clock, stop), request, [this](std::string_view line) {
                std::lock_guard lock(mutex_);
                lines_.push_back(Json::parse(line));
                changed_.notify_all();
                return true;
              });
          std::lock_guard lock(mutex_);
          end_ = status;
          changed_.notify_all();
        }) {}

  // The next event; null when the watch has ended or, with a test failure, after 10 s.
  Json Next() {
    std::unique_lock lock(mutex_);
    bool ready =
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return !lines_.empty() || end_; });
    EXPECT_TRUE(ready) << "no event";
    if (lines_.empty()) return nullptr;
    Json line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }
  // "ADDED default/name@version"
  std::string NextLine() {
    Json event = Next();
    if (event.is_null()) return "end";
    const Json& object = event["object"];
    const Json& metadata =
        object.contains("rows") ? object["rows"][0]["object"]["metadata"] : object["metadata"];
    return event["type"].get<std::string>() + " " + metadata.value("name", "");
  }
  // How the watch ended.
  Status End() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return end_.has_value(); }));
    return end_.value_or(Status());
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Json> lines_;
  std::optional<Status> end_;
  std::jthread thread_;  // last: stopped first
};

// An API server without sockets, on a clock that stands still.
class ApiFixture : public ::testing::Test {
 protected:
  explicit ApiFixture(size_t watch_history = 10'000)
      : server_({.clock = &clock_,
                 .tokens = {{"secret", {"robot", {"machines"}}}},
                 .first_resource_version = 1000,
                 .watch_history = watch_history}),
        transport_(server_.InProcess("tester", {"system:masters"})) {}

  Reply Do(const std::string& method, const std::string& path, const std::string& body = "",
           const std::string& content_type = "", const std::string& accept = "application/json") {
    runtime::ApiRequest request{.method = method,
                                .path = path,
                                .body = body,
                                .content_type = content_type,
                                .accept = accept};
    Result<runtime::ApiResponse> response = transport_->Do(Context(clock_, {}), request);
    EXPECT_TRUE(response.ok()) << method << " " << path << ": " << response.status();
    if (!response.ok()) return {};
    return {response->code, response->body, Json::parse(response->body, nullptr, false),
            response->headers};
  }
  Reply Get(const std::string& path, const std::string& accept = "application/json") {
    return Do("GET", path, "", "", accept);
  }
  Reply Post(const std::string& path, const Json& body) { return Do("POST", path, body.dump()); }
  Reply Put(const std::string& path, const Json& body) { return Do("PUT", path, body.dump()); }
  Reply Delete(const std::string& path, const Json& options = nullptr) {
    return Do("DELETE", path, options.is_null() ? "" : options.dump());
  }
  Reply Merge(const std::string& path, const Json& patch) {
    return Do("PATCH", path, patch.dump(), "application/merge-patch+json");
  }
  Reply Apply(const std::string& path, const Json& object, const std::string& manager,
              bool force = false) {
    return Do("PATCH",
              path + (path.find('?') == std::string::npos ? "?" : "&") + "fieldManager=" + manager +
                  (force ? "&force=true" : ""),
              object.dump(), "application/apply-patch+yaml");
  }
  OpenWatch Watch(const std::string& path, const std::string& accept = "application/json") {
    return OpenWatch(transport_, clock_, path, accept);
  }
  // A failure when it is not created.
  Json Create(const std::string& path, const Json& object) {
    Reply reply = Post(path, object);
    EXPECT_EQ(reply.code, 201) << reply.text;
    return reply.body;
  }
  static Json Named(const std::string& name) { return {{"metadata", {{"name", name}}}}; }
  static Json PodNamed(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec", {{"containers", {{{"name", "c"}, {"image", "busybox:1.36"}}}}}}};
  }

  testing::FakeClock clock_;
  ApiServer server_;
  std::shared_ptr<runtime::Transport> transport_;
};

}  // namespace dray::devcluster
