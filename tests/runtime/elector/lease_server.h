#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "dray/runtime/transport.h"

namespace dray::testing {

// An API server that knows one Lease, with resource versions, conflicts and watches. A caller can be cut off. Any thread.
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
    Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override {
      {
        std::unique_lock lock(server_.mutex_);
        if (cut_) {  // as a network does: no answer, and no word about it
          ctx.clock().WaitUntil(lock, server_.changed_, ctx.deadline(), ctx.stop(), [] { return false; });
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
        Json event = {{"type", server_.lease_ ? "MODIFIED" : "DELETED"},
                      {"object", server_.lease_ ? *server_.lease_ : Json{{"kind", "Lease"}, {"metadata", {{"name", "lock"}}}}}};
        lock.unlock();
        const bool more = on_line(event.dump());
        lock.lock();
        if (!more) return {};
      }
    }

   private:
    LeaseServer& server_;
    bool cut_ = false;
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
    Store({{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"},
           {"metadata", {{"name", "lock"}, {"namespace", "ns"}}}, {"spec", std::move(spec)}});
  }
  void Remove() {
    std::lock_guard lock(mutex_);
    lease_.reset();
    ++version_;
    changed_.notify_all();
  }
  void Refuse(int code) {
    std::lock_guard lock(mutex_);
    refuse_ = code;
  }

 private:
  runtime::ApiResponse Answer(const runtime::ApiRequest& request) {
    std::lock_guard lock(mutex_);
    auto failure = [](int code, const std::string& reason) {
      Json status = {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"}, {"reason", reason},
                     {"message", reason}, {"code", code}};
      return runtime::ApiResponse{code, status.dump(), {}};
    };
    if (refuse_ != 0) return failure(refuse_, "Forbidden");
    if (request.method == "GET")
      return lease_ ? runtime::ApiResponse{200, lease_->dump(), {}} : failure(404, "NotFound");
    Json sent = Json::parse(request.body);
    if (request.method == "POST" && lease_) return failure(409, "AlreadyExists");
    if (request.method == "PUT") {
      if (!lease_) return failure(404, "NotFound");
      if (sent.at("metadata").value("resourceVersion", "") != lease_->at("metadata").at("resourceVersion"))
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
};

}  // namespace dray::testing
