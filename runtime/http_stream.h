#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dray/runtime/http_server.h"

namespace dray::runtime {

// The queue between a handler that writes chunks and the session that sends them. Any thread.
//
//   open -> closing (the handler has closed: what is queued still goes out) -> ended
//        -> ended (the client went away, or was too slow)
class ChunkQueue {
 public:
  // `wake` asks the session to call Take() soon, or to close the connection if overflowed(). It is
  // called without a lock held; between two calls there is a Take(), except on overflow.
  ChunkQueue(std::function<void()> wake, size_t limit_bytes)
      : wake_(std::move(wake)), limit_(limit_bytes) {}

  // The handler's side, as HttpStream.
  bool Write(std::string chunk);
  void Close();
  bool closed() const;
  void OnClose(std::function<void()> callback);

  // The session's side. Take() gives everything queued and holds it against the limit until the
  // next Take(). An empty batch: nothing to send now; `last`: nothing more will come.
  struct Batch {
    std::vector<std::string> chunks;
    bool last = false;  // the response ends after these chunks
  };
  Batch Take();
  bool overflowed() const;  // the client was too slow
  // The connection is gone or the response complete. Runs the OnClose callbacks.
  void End();

 private:
  enum class State { kOpen, kClosing, kOverflow, kEnded };
  void WakeAfter(std::unique_lock<std::mutex> lock);

  const std::function<void()> wake_;
  const size_t limit_;
  mutable std::mutex mutex_;
  State state_ = State::kOpen;
  bool woken_ = false;  // wake_ was called and Take() has not answered yet
  std::vector<std::string> chunks_;
  size_t queued_bytes_ = 0, sending_bytes_ = 0;
  std::vector<std::function<void()>> callbacks_;
};

// What a handler holds: dropping it closes the response.
class QueuedStream final : public HttpStream {
 public:
  explicit QueuedStream(std::shared_ptr<ChunkQueue> queue) : queue_(std::move(queue)) {}
  ~QueuedStream() override { queue_->Close(); }
  bool Write(std::string chunk) override { return queue_->Write(std::move(chunk)); }
  void Close() override { queue_->Close(); }
  bool closed() const override { return queue_->closed(); }
  void OnClose(std::function<void()> callback) override { queue_->OnClose(std::move(callback)); }

 private:
  std::shared_ptr<ChunkQueue> queue_;
};

}  // namespace dray::runtime
