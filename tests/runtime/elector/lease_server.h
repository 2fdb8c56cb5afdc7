#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "dray/runtime/transport.h"

namespace dray::testing {

// An API server that knows one Lease, with resource versions, conflicts and watches. A caller can
// be cut off. Any thread.
class LeaseServer {
 public:
  // The way of one caller to it.
  class Wire final : public runtime::Transport {
   public:
    explicit Wire(LeaseServer& server) : server_(server) {}
    void Cut(bool cut) {
      std::lock_guard lock(server_.mutex_);
      cut_ = cut;
      server_.changed_.notify_all();
    }
    // The process behind it is dead: nothing goes through any more, and it does not wait to learn
    // so.
    void Die() {
      std::lock_guard lock(server_.mutex_);
      dead_ = true;
    }
    Result<runtime::ApiResponse> Do(const Context& ctx,
                                    const runtime::ApiRequest& request) override {
      {
        std::unique_lock lock(server_.mutex_);
        if (dead_ || (cut_ && request.path.starts_with("/work")))
          return Status(Reason::kUnavailable, "cut");
        if (cut_) {  // as a network does: no answer, and no word about it
          ctx.clock().WaitUntil(lock, server_.changed_, ctx.deadline(), ctx.stop(),
                                [] { return false; });
          return Status(ctx.stopped() ? Reason::kCancelled : Reason::kTimeout, "no answer in time");
        }
      }
      return server_.Answer(request);
    }
    Status Watch(const Context& ctx, const runtime::ApiRequest&,
                 const std::function<bool(std::string_view)>& on_line) override {
      std::unique_lock lock(server_.mutex_);
      uint64_t sent = 0;
      while (true) {
        server_.changed_.notify_all();
        auto news = [&] { return server_.version_ != sent && !cut_; };
        if (!ctx.clock().WaitUntil(lock, server_.changed_, ctx.deadline(), ctx.stop(), news))
          return ctx.Check();
        sent = server_.version_;
        Json event = {
            {"type", server_.lease_ ? "MODIFIED" : "DELETED"},
            {"object", server_.lease_ ? *server_.lease_
                                      : Json{{"kind", "Lease"}, {"metadata", {{"name", "lock"}}}}}};
        lock.unlock();
        const bool more = on_line(event.dump());
        lock.lock();
        if (!more) return {};
      }
    }

   private:
    LeaseServer& server_;
    bool cut_ = false, dead_ = false;
  };

  std::optional<Json> lease() const {
    std::lock_guard lock(mutex_);
    return lease_;
  }
  std::string holder() const {
    std::lock_guard lock(mutex_);
    return lease_ ? lease_->at("spec").value("holderIdentity", "") : "";
  }
  int writes() const {
    std::lock_guard lock(mutex_);
    return writes_;
  }
  // As somebody else would.
  void Put(Json spec) {
    std::lock_guard lock(mutex_);
    Store({{"apiVersion", "coordination.k8s.io/v1"},
           {"kind", "Lease"},
           {"metadata", {{"name", "lock"}, {"namespace", "ns"}}},
           {"spec", std::move(spec)}});
  }
  void Remove() {
    std::lock_guard lock(mutex_);
    lease_.reset();
    ++version_;
    changed_.notify_all();
  }
  // What leaders write: POST /work?term=N. The sentence about the first write that came from an
  // earlier term than one before it.
  std::string wrong() const {
    std::lock_guard lock(mutex_);
    return wrong_;
  }
  int works() const {
    std::lock_guard lock(mutex_);
    return works_;
  }
  void Refuse(int code) {
    std::lock_guard lock(mutex_);
    refuse_ = code;
  }

 private:
  runtime::ApiResponse Answer(const runtime::ApiRequest& request) {
    std::lock_guard lock(mutex_);
    auto failure = [](int code, const std::string& reason) {
      Json status = {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
                     {"reason", reason}, {"message", reason},  {"code", code}};
      return runtime::ApiResponse{code, status.dump(), {}};
    };
    if (refuse_ != 0) return failure(refuse_, "Forbidden");
    if (request.path.starts_with("/work?term=")) {
      const int term = std::stoi(request.path.substr(11));
      if (term < latest_term_ && wrong_.empty())
        wrong_ = "a write of term " + std::to_string(term) + " after one of term " +
                 std::to_string(latest_term_);
      latest_term_ = std::max(latest_term_, term);
      ++works_;
      return {200, "{}", {}};
    }
    if (request.method == "GET")
      return lease_ ? runtime::ApiResponse{200, lease_->dump(), {}} : failure(404, "NotFound");
    Json sent = Json::parse(request.body);
    if (request.method == "POST" && lease_) return failure(409, "AlreadyExists");
    if (request.method == "PUT") {
      if (!lease_) return failure(404, "NotFound");
      if (sent.at("metadata").value("resourceVersion", "") !=
          lease_->at("metadata").at("resourceVersion"))
        return failure(409, "Conflict");
    }
    ++writes_;
    Store(std::move(sent));
    return {request.method == "POST" ? 201 : 200, lease_->dump(), {}};
  }
  void Store(Json document) {
    document["metadata"]["resourceVersion"] = std::to_string(++version_);
    lease_ = std::move(document);
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Json> lease_;
  uint64_t version_ = 0;
  int writes_ = 0;
  int refuse_ = 0;
  int latest_term_ = -1, works_ = 0;
  std::string wrong_;
};

}  // namespace dray::testing
