#include "api/cel/map_value.h"

#include <cmath>

#include "api/cel/compare.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

constexpr size_t kScanned = 8;  // maps up to this size are searched one by one

bool Hashable(const Value& key) {
  return !key.is(Kind::kBytes) && !key.is(Kind::kSemver);
}

}  // namespace

size_t LiteralMap::IndexOf(const Value& key) const {
  if (entries_.size() <= kScanned) {
    for (size_t i = 0; i < entries_.size(); ++i)
      if (SameKey(entries_[i].first, key)) return i;
    return kNone;
  }
  auto [begin, end] = index_.equal_range(HashKey(key));
  for (auto it = begin; it != end; ++it)
    if (SameKey(entries_[it->second].first, key)) return it->second;
  return kNone;
}

bool LiteralMap::Put(Value key, Value value) {
  if (!Hashable(key)) return false;
  if (size_t index = IndexOf(key); index != kNone) {
    entries_[index].second = std::move(value);
    return true;
  }
  entries_.emplace_back(std::move(key), std::move(value));
  if (entries_.size() == kScanned + 1) {
    for (size_t i = 0; i < entries_.size(); ++i) index_.emplace(HashKey(entries_[i].first), i);
  } else if (entries_.size() > kScanned) {
    index_.emplace(HashKey(entries_.back().first), entries_.size() - 1);
  }
  return true;
}

void LiteralMap::Remove(const Value& key) {
  size_t index = IndexOf(key);
  if (index == kNone) return;
  std::vector<std::pair<Value, Value>> kept = std::move(entries_);
  kept.erase(kept.begin() + static_cast<ptrdiff_t>(index));
  entries_.clear();
  index_.clear();
  for (auto& [k, v] : kept) Put(std::move(k), std::move(v));
}

bool LiteralMap::Find(const Value& key, Value& found) const {
  if (entries_.empty()) return false;
  if (!Hashable(key)) {
    found = Value::Error("internal error: runtime error: hash of unhashable type");
    return true;
  }
  auto take = [&](const Value& k) {
    size_t index = IndexOf(k);
    if (index == kNone) return false;
    found = entries_[index].second;
    return true;
  };
  if (take(key)) return true;
  // The same number as another type.
  switch (key.kind()) {
    case Kind::kDouble: {
      double d = key.as_double();
      if (d > -0x1p63 && d < 0x1p63 && d == std::trunc(d) &&
          take(Value::Int(static_cast<int64_t>(d))))
        return true;
      return d >= 0 && d < 0x1p64 && d == std::trunc(d) &&
             take(Value::Uint(static_cast<uint64_t>(d)));
    }
    case Kind::kInt:
      return key.as_int() >= 0 && take(Value::Uint(static_cast<uint64_t>(key.as_int())));
    case Kind::kUint:
      return key.as_uint() <= INT64_MAX && take(Value::Int(static_cast<int64_t>(key.as_uint())));
    default:
      return false;
  }
}

Value InsertEntry(const Value& map, const Value& key, const Value& value) {
  Value found;
  if (map.as_map().Find(key, found)) {
    if (found.is_error()) return found;
    return Value::OwnedError("insert failed: key " + Describe(key) + " already exists");
  }
  auto refused = [] {
    return Value::Error("internal error: runtime error: hash of unhashable type");
  };
  const auto* literal = dynamic_cast<const LiteralMap*>(&map.as_map());
  if (literal != nullptr && literal->growing())
    return const_cast<LiteralMap*>(literal)->Put(key, value) ? map : refused();
  auto* copy = Make<LiteralMap>();
  Value result = Value::Of(copy);
  for (size_t i = 0; i < map.as_map().size(); ++i)
    copy->Put(map.as_map().KeyAt(i), map.as_map().ValueAt(i));
  return copy->Put(key, value) ? result : refused();
}

}  // namespace dray::cel
