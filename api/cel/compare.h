#pragma once

#include "api/cel/evaluation.h"

// Equality and order of values.
namespace dray::cel {

// The == operator: Bool, or an error where a type of Kubernetes meets anything but its own kind.
// Numbers compare by value across their types; other kinds that differ are unequal.
Value Equal(Evaluation& evaluation, const Value& a, const Value& b);
// As `in`, indexOf and the sets compare: the same but for null, which a type of Kubernetes refuses.
Value EqualTo(Evaluation& evaluation, const Value& a, const Value& b);
inline bool IsTrue(const Value& value) {
  return value.is(Kind::kBool) && value.as_bool();
}

bool IsComparable(const Value& value);
// Int -1, 0 or 1, or an error.
Value Compare(const Value& a, const Value& b);

// elem in list.
bool Contains(Evaluation& evaluation, const List& list, const Value& element);

// The size that costs are computed from: characters, bytes, elements, entries; 1 for everything
// else.
uint64_t SizeOf(const Value& value);

// Keys of maps: the same kind and the same value. Unlike Equal, 1 and 1u differ.
bool SameKey(const Value& a, const Value& b);
uint64_t HashKey(const Value& key);

}  // namespace dray::cel
