#include "runtime/http_stream.h"

namespace dray::runtime {

void ChunkQueue::WakeAfter(std::unique_lock<std::mutex> lock) {
  // A session that is stuck in sending hears of the overflow at once: its client may never read
  // again.
  bool wake = !std::exchange(woken_, true) || state_ == State::kOverflow;
  lock.unlock();
  if (wake) wake_();
}

bool ChunkQueue::Write(std::string chunk) {
  std::unique_lock lock(mutex_);
  if (state_ != State::kOpen) return false;
  if (chunk.empty()) return true;
  size_t waiting = queued_bytes_ + sending_bytes_;
  bool fits = waiting == 0 ||
              waiting + chunk.size() <= limit_;  // a big chunk alone is no sign of a slow client
  if (fits) {
    queued_bytes_ += chunk.size();
    chunks_.push_back(std::move(chunk));
  } else {
    state_ = State::kOverflow;
    chunks_.clear();
    queued_bytes_ = 0;
  }
  WakeAfter(std::move(lock));
  return fits;
}

void ChunkQueue::Close() {
  std::unique_lock lock(mutex_);
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  WakeAfter(std::move(lock));
}

bool ChunkQueue::closed() const {
  std::lock_guard lock(mutex_);
  return state_ != State::kOpen;
}

void ChunkQueue::OnClose(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::kEnded) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

ChunkQueue::Batch ChunkQueue::Take() {
  std::lock_guard lock(mutex_);
  Batch batch;
  batch.chunks.swap(chunks_);
  sending_bytes_ = std::exchange(queued_bytes_, 0);
  batch.last = state_ == State::kClosing;
  woken_ = !batch.chunks.empty();  // the session takes again when these are sent
  return batch;
}

bool ChunkQueue::overflowed() const {
  std::lock_guard lock(mutex_);
  return state_ == State::kOverflow;
}

void ChunkQueue::End() {
  std::vector<std::function<void()>> callbacks;
  {
    std::lock_guard lock(mutex_);
    state_ = State::kEnded;
    woken_ = true;  // nobody takes any more
    chunks_.clear();
    queued_bytes_ = sending_bytes_ = 0;
    callbacks.swap(callbacks_);
  }
  for (auto& callback : callbacks) callback();
}

}  // namespace dray::runtime
