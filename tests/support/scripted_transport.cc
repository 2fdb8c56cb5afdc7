#include "tests/support/scripted_transport.h"

#include <gtest/gtest.h>

namespace dray::testing {

using runtime::ApiRequest;
using runtime::ApiResponse;

namespace {

Status Cut(const Context& ctx) {
  return ctx.stopped() ? Status(Reason::kCancelled, "stopped")
                       : Status(Reason::kTimeout, "deadline exceeded");
}

}  // namespace

void ScriptedWatch::Send(std::string line) {
  std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  changed_.notify_all();
}

void ScriptedWatch::End(Status how) {
  std::lock_guard lock(mutex_);
  end_ = std::move(how);
  changed_.notify_all();
}

void ScriptedTransport::Append(Step step) {
  std::lock_guard lock(mutex_);
  steps_.push_back(std::move(step));
  changed_.notify_all();
}

void ScriptedTransport::Answer(int code, std::string body,
                               std::map<std::string, std::string> headers) {
  Append({ApiResponse{code, std::move(body), std::move(headers)}, nullptr, {}});
}

void ScriptedTransport::Fail(Status status) {
  Append({std::nullopt, nullptr, std::move(status)});
}

void ScriptedTransport::Watches(std::vector<std::string> lines, Status end) {
  auto watch = std::make_shared<ScriptedWatch>();
  for (std::string& line : lines) watch->Send(std::move(line));
  watch->End(std::move(end));
  Append({std::nullopt, std::move(watch), {}});
}

std::shared_ptr<ScriptedWatch> ScriptedTransport::OpensWatch() {
  auto watch = std::make_shared<ScriptedWatch>();
  Append({std::nullopt, watch, {}});
  return watch;
}

std::vector<ApiRequest> ScriptedTransport::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

size_t ScriptedTransport::unused_steps() const {
  std::lock_guard lock(mutex_);
  return steps_.size();
}

bool ScriptedTransport::AwaitRequests(size_t count) const {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, std::chrono::seconds(30), [&] { return requests_.size() >= count; }))
    return true;
  ADD_FAILURE() << "only " << requests_.size() << " of " << count << " requests after 30 s";
  return false;
}

std::optional<ScriptedTransport::Step> ScriptedTransport::Next(const Context& ctx,
                                                               const ApiRequest& request,
                                                               Status* cut) {
  std::unique_lock lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
  if (!ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                             [this] { return !steps_.empty(); })) {
    *cut = Cut(ctx);
    return std::nullopt;
  }
  Step step = std::move(steps_.front());
  steps_.pop_front();
  return step;
}

Result<ApiResponse> ScriptedTransport::Do(const Context& ctx, const ApiRequest& request) {
  Status cut;
  std::optional<Step> step = Next(ctx, request, &cut);
  if (!step) return cut;
  if (step->answer) return *std::move(step->answer);
  if (step->watch) {
    ADD_FAILURE() << request.method << " " << request.path << " came where the script has a watch";
    return Status(Reason::kInternal, "not in the script");
  }
  return step->failure;
}

Status ScriptedTransport::Watch(const Context& ctx, const ApiRequest& request,
                                const std::function<bool(std::string_view line)>& on_line) {
  Status cut;
  std::optional<Step> step = Next(ctx, request, &cut);
  if (!step) return cut;
  if (step->answer) {
    ADD_FAILURE() << "the watch " << request.path << " came where the script has an answer";
    return Status(Reason::kInternal, "not in the script");
  }
  if (!step->watch) return step->failure;
  ScriptedWatch& watch = *step->watch;
  while (true) {
    std::unique_lock lock(watch.mutex_);
    bool woken = ctx.clock().WaitUntil(lock, watch.changed_, ctx.deadline(), ctx.stop(),
                                       [&] { return !watch.lines_.empty() || watch.end_; });
    if (!woken) return Cut(ctx);
    if (watch.lines_.empty()) return *watch.end_;
    std::string line = std::move(watch.lines_.front());
    watch.lines_.pop_front();
    lock.unlock();
    if (!on_line(line)) return Ok();
  }
}

}  // namespace dray::testing
