#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace dray::mockdev {

// All open server streams of one method that sends the same complete picture to everybody.
// `Reactor` is grpc::ServerWriteReactor, a parameter so that no header of ours needs gRPC. A slow
// reader skips pictures, never sees an old one last. Any thread; must outlive its streams, that is,
// the server.
template <template <class> class Reactor, class Response>
class StreamHub {
 public:
  // `picture` says how things are now. It is called under the hub's lock: what was drawn earlier is
  // sent earlier, and a change that is followed by Send() reaches every stream, also one that opens
  // at that moment.
  explicit StreamHub(std::function<Response()> picture) : picture_(std::move(picture)) {}

  // A new stream, which gets the picture at once. gRPC owns it.
  Reactor<Response>* Open() {
    auto* stream = new Stream(*this);  // NOLINT: deletes itself in OnDone
    std::lock_guard lock(mutex_);
    streams_.insert(stream);
    closed_ ? stream->End() : stream->Send(std::make_shared<const Response>(picture_()));
    return stream;
  }
  // The picture as it is now, to every stream.
  void Send() {
    std::lock_guard lock(mutex_);
    if (streams_.empty()) return;
    auto shared = std::make_shared<const Response>(picture_());
    for (Stream* stream : streams_) stream->Send(shared);
  }
  // Ends all streams, and those that come later.
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (Stream* stream : streams_) stream->End();
  }

 private:
  using Picture = std::shared_ptr<const Response>;

  class Stream final : public Reactor<Response> {
   public:
    explicit Stream(StreamHub& hub) : hub_(hub) {}

    void Send(Picture picture) {
      std::lock_guard lock(mutex_);
      if (finished_) return;
      next_ = std::move(picture);
      WriteNextLocked();
    }
    void End() {
      std::lock_guard lock(mutex_);
      FinishLocked();
    }

   private:
    void OnWriteDone(bool ok) override {
      std::lock_guard lock(mutex_);
      current_.reset();
      if (!ok) return FinishLocked();
      if (!finished_) WriteNextLocked();
    }
    void OnCancel() override { End(); }
    void OnDone() override {
      hub_.Forget(this);
      delete this;
    }
    void WriteNextLocked() {
      if (current_ != nullptr || next_ == nullptr) return;
      current_ = std::exchange(next_, nullptr);
      this->StartWrite(current_.get());
    }
    void FinishLocked() {
      if (!std::exchange(finished_, true)) this->Finish({});
    }

    StreamHub& hub_;
    std::mutex mutex_;
    bool finished_ = false;
    Picture current_, next_;  // being written; to be written after it
  };

  void Forget(Stream* stream) {
    std::lock_guard lock(mutex_);
    streams_.erase(stream);
  }

  const std::function<Response()> picture_;
  std::mutex mutex_;
  std::set<Stream*> streams_;
  bool closed_ = false;
};

}  // namespace dray::mockdev
