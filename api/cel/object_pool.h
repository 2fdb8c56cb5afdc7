#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace dray::cel {

// Thrown when an evaluation has cost too much, in CEL's units, in steps or in memory, and caught by
// Program::Evaluate, nowhere else: no operator may absorb this error.
struct CostExceeded {};

// What values point to: the lists, texts and the like that one evaluation makes, or the constants
// of one program. Everything goes at once, with the pool. Objects are made in the pool that is
// current on the calling thread (Use); one pool serves one thread at a time.
class ObjectPool {
 public:
  // What one evaluation may hold at a time. Far above what one within kMaxSelectorCost needs,
  // unless it prints long texts over and over, which costs next to nothing in CEL's units.
  static constexpr size_t kMostBytes = size_t{128} << 20;

  ObjectPool() = default;
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;
  ~ObjectPool() {
    if (finalizers_ != nullptr || chunks_ != nullptr) Release();
  }

  // The pool of the innermost Use; there is one whenever an expression is compiled or evaluated.
  static ObjectPool& Current() { return *current; }

  class Use {
   public:
    explicit Use(ObjectPool& pool) : previous_(std::exchange(current, &pool)) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { current = previous_; }

   private:
    ObjectPool* previous_;
  };

  // Aligned for everything below over-aligned types.
  void* Allocate(size_t bytes) {
    bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (bytes > static_cast<size_t>(end_ - at_)) return AllocateChunk(bytes);
    return std::exchange(at_, at_ + bytes);
  }

  template <class T, class... Args>
  T* New(Args&&... args) {
    static_assert(alignof(T) <= kAlignment);
    if constexpr (std::is_trivially_destructible_v<T>) {
      return new (Allocate(sizeof(T))) T(std::forward<Args>(args)...);
    } else {
      auto* finalizer = static_cast<Finalizer*>(Allocate(sizeof(Finalizer)));
      T* object = new (Allocate(sizeof(T))) T(std::forward<Args>(args)...);
      finalizers_ =
          new (finalizer) Finalizer{[](void* o) { static_cast<T*>(o)->~T(); }, object, finalizers_};
      return object;
    }
  }

 private:
  static constexpr size_t kAlignment = 16;
  static constinit inline thread_local ObjectPool* current = nullptr;

  struct Finalizer {
    void (*destroy)(void*);
    void* object;
    Finalizer* next;
  };
  struct alignas(kAlignment) Chunk {
    Chunk* next;
  };

  void* AllocateChunk(size_t bytes);
  void Release();

  std::byte* at_ = first_;
  std::byte* end_ = first_ + sizeof(first_);
  Finalizer* finalizers_ = nullptr;
  Chunk* chunks_ = nullptr;
  size_t held_ = 0;  // bytes in chunks
  alignas(kAlignment) std::byte first_[1024];
};

// A T in the current pool.
template <class T, class... Args>
T* Make(Args&&... args) {
  return ObjectPool::Current().New<T>(std::forward<Args>(args)...);
}

// What is added to one by one, in the pool that is current when it is added. Trivial itself: a copy
// sees the same elements.
template <class T>
class PoolVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  PoolVector() = default;
  void push_back(T item) {
    if (size_ == capacity_) {
      capacity_ = std::max<size_t>(4, 2 * capacity_);
      auto* items = static_cast<T*>(ObjectPool::Current().Allocate(capacity_ * sizeof(T)));
      std::uninitialized_copy(items_, items_ + size_, items);
      items_ = items;
    }
    new (items_ + size_++) T(item);
  }
  void clear() { size_ = 0; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t index) const { return items_[index]; }
  T& back() const { return items_[size_ - 1]; }
  T* begin() const { return items_; }
  T* end() const { return items_ + size_; }
  operator std::span<T>() const { return {items_, size_}; }
  operator std::span<const T>() const { return {items_, size_}; }

 private:
  T* items_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace dray::cel
