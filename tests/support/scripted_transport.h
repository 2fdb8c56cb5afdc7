#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dray/runtime/transport.h"

namespace dray::testing {

// A watch that the test feeds line by line. Any thread.
class ScriptedWatch {
 public:
  void Send(std::string line);
  void End(Status how = {});

 private:
  friend class ScriptedTransport;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> lines_;
  std::optional<Status> end_;
};

// An API server that says what the test has written down, call by call, and remembers what it was
// asked. A call that the script does not reach waits for its context's deadline or stop, like an
// idle server; a call of the other sort (a watch where an answer stands, or the reverse) is a test
// failure. Any thread.
class ScriptedTransport final : public runtime::Transport {
 public:
  void Answer(int code, std::string body, std::map<std::string, std::string> headers = {});
  void Fail(Status status);  // no answer comes, to a request or a watch
  // A watch that tells `lines` and ends so.
  void Watches(std::vector<std::string> lines, Status end = {});
  std::shared_ptr<ScriptedWatch> OpensWatch();

  std::vector<runtime::ApiRequest> requests() const;
  size_t unused_steps() const;
  // Blocks (real time, at most 30 s, then a test failure) until so many calls have been made.
  bool AwaitRequests(size_t count) const;

  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override;
  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override;

 private:
  struct Step {
    std::optional<runtime::ApiResponse> answer;
    std::shared_ptr<ScriptedWatch> watch;
    Status failure;
  };
  void Append(Step step);
  std::optional<Step> Next(const Context& ctx, const runtime::ApiRequest& request, Status* cut);

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::deque<Step> steps_;
  std::vector<runtime::ApiRequest> requests_;
};

}  // namespace dray::testing
