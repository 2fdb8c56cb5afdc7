#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dray/runtime/transport.h"

namespace dray::testing {

// Another transport that notes every write and can be cut: the process behind it dies at an exact
// place. Any thread.
class Wire final : public runtime::Transport {
 public:
  explicit Wire(std::shared_ptr<runtime::Transport> inner) : inner_(std::move(inner)) {}

  enum class Cut { kBeforeTheWrite, kAfterTheWrite };
  // The write after `more` others still (not) happens, and nothing after it reaches the server:
  // kUnavailable.
  void CutAt(int more, Cut how) {
    std::lock_guard lock(mutex_);
    left_ = more;
    how_ = how;
    dead_ = false;
  }
  void Repair() {
    std::lock_guard lock(mutex_);
    left_ = -1;
    dead_ = false;
  }
  bool dead() const {
    std::lock_guard lock(mutex_);
    return dead_;
  }
  // Calls for which `refused` gives a status end with it. Null: none.
  void RefuseWhere(std::function<Status(const runtime::ApiRequest&)> refused) {
    std::lock_guard lock(mutex_);
    refused_ = std::move(refused);
  }

  // "POST /api/v1/...", everything but reads, since the last call. Includes what was refused.
  std::vector<std::string> TakeWrites() {
    std::lock_guard lock(mutex_);
    return std::exchange(writes_, {});
  }

  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override {
    std::function<Status(const runtime::ApiRequest&)> refused;
    bool last = false;
    {
      std::lock_guard lock(mutex_);
      if (dead_) return Gone();
      if (request.method != "GET") {
        if (left_ == 0) {
          dead_ = true;
          if (how_ == Cut::kBeforeTheWrite) return Gone();
          last = true;
        }
        if (left_ > 0) --left_;
        writes_.push_back(request.method + " " + request.path);
      }
      refused = refused_;
    }
    if (refused)
      if (Status status = refused(request); !status.ok()) return status;
    Result<runtime::ApiResponse> answer = inner_->Do(ctx, request);
    return last ? Result<runtime::ApiResponse>(Gone()) : answer;
  }
  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override {
    return inner_->Watch(ctx, request, on_line);
  }

 private:
  static Status Gone() { return Status(Reason::kUnavailable, "the wire is cut"); }

  const std::shared_ptr<runtime::Transport> inner_;
  mutable std::mutex mutex_;
  int left_ = -1;
  Cut how_ = Cut::kBeforeTheWrite;
  bool dead_ = false;
  std::function<Status(const runtime::ApiRequest&)> refused_;
  std::vector<std::string> writes_;
};

}  // namespace dray::testing
