#include "api/cel/object_pool.h"

#include <cstdlib>

namespace dray::cel {

void* ObjectPool::AllocateChunk(size_t bytes) {
  // Chunks grow with what is held already, so there are few of them.
  size_t size = std::max({bytes, size_t{4096}, std::min(held_, size_t{1} << 20)});
  if (held_ + size > kMostBytes) throw CostExceeded();
  void* memory = std::malloc(sizeof(Chunk) + size);
  if (memory == nullptr) throw std::bad_alloc();
  chunks_ = new (memory) Chunk{chunks_};
  held_ += size;
  auto* begin = reinterpret_cast<std::byte*>(chunks_ + 1);
  // A big object fills its chunk; what is left of the one before stays in use.
  if (size == bytes) return begin;
  at_ = begin + bytes;
  end_ = begin + size;
  return begin;
}

void ObjectPool::Release() {
  for (; finalizers_ != nullptr; finalizers_ = finalizers_->next)
    finalizers_->destroy(finalizers_->object);
  while (chunks_ != nullptr) std::free(std::exchange(chunks_, chunks_->next));
}

}  // namespace dray::cel
