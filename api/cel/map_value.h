#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "api/cel/value.h"

namespace dray::cel {

// A map literal, or one that a macro builds. A key that occurs twice keeps its last value.
class LiteralMap final : public Map {
 public:
  // False when the key cannot be one (bytes, semantic versions): Kubernetes fails there as well.
  bool Put(Value key, Value value);
  void Remove(const Value& key);
  // The map of the two-variable macros grows in place while its loop runs.
  bool growing() const { return growing_; }
  void StartGrowing() { growing_ = true; }
  void StopGrowing() const override {
    if (growing_) growing_ = false;  // constants are shared between threads
  }

  size_t size() const override { return entries_.size(); }
  Value KeyAt(size_t index) const override { return entries_[index].first; }
  Value ValueAt(size_t index) const override { return entries_[index].second; }
  bool Find(const Value& key, Value& found) const override;

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t IndexOf(const Value& key) const;

  std::vector<std::pair<Value, Value>> entries_;
  std::unordered_multimap<uint64_t, size_t> index_;  // of more than a few entries
  mutable bool growing_ = false;
};

// A copy of the map with one entry more; an error when the key is there already. A growing map
// grows instead.
Value InsertEntry(const Value& map, const Value& key, const Value& value);

}  // namespace dray::cel
