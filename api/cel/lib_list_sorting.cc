#include <algorithm>
#include <numeric>

#include "api/cel/compare.h"
#include "api/cel/registry.h"

// Version 3 of the lists extension: slice(), flatten(), sort(), sortBy(), distinct(), reverse(),
// lists.range().
namespace dray::cel {
namespace {

Value Slice(Evaluation&, Args args) {
  const List& list = args[0].as_list();
  int64_t start = args[1].as_int(), end = args[2].as_int();
  auto refused = [&](const std::string& why) {
    return Value::OwnedError("cannot slice(" + std::to_string(start) + ", " + std::to_string(end) +
                             "), " + why);
  };
  if (start < 0 || end < 0) return refused("negative indexes not supported");
  if (start > end) return refused("start index must be less than or equal to end index");
  if (static_cast<int64_t>(list.size()) < end)
    return refused("list is length " + std::to_string(list.size()));
  std::vector<Value> items;
  for (int64_t i = start; i < end; ++i) items.push_back(list.at(i));
  return Value::ListOf(std::move(items));
}

void Flatten(Evaluation& ev, const List& list, int64_t depth, std::vector<Value>& out) {
  ev.Work(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    if (depth > 0 && list.at(i).is(Kind::kList)) {
      Flatten(ev, list.at(i).as_list(), depth - 1, out);
    } else {
      out.push_back(list.at(i));
    }
  }
}

Value FlattenList(Evaluation& ev, Args args) {
  if (!args[0].is(Kind::kList) || (args.size() == 2 && !args[1].is(Kind::kInt)))
    return Value::Error("no such overload: flatten");
  int64_t depth = args.size() == 2 ? args[1].as_int() : 1;
  if (depth < 0) return Value::Error("level must be non-negative");
  std::vector<Value> items;
  Flatten(ev, args[0].as_list(), depth, items);
  return Value::ListOf(std::move(items));
}

Value SortByKeys(Evaluation& ev, const Value& list_value, const Value& keys_value) {
  if (!list_value.is(Kind::kList) || !keys_value.is(Kind::kList))
    return Value::Error("no such overload: sort");
  const List &list = list_value.as_list(), &keys = keys_value.as_list();
  if (list.size() != keys.size())
    return Value::Error("@sortByAssociatedKeys() expected a list of the same size as the keys");
  if (list.size() == 0) return list_value;
  if (!IsComparable(keys.at(0))) return Value::Error("list elements must be comparable");
  ev.Work(list.size() * 8);
  for (size_t i = 1; i < keys.size(); ++i)
    if (keys.at(i).kind() != keys.at(0).kind())
      return Value::Error("list elements must have the same type");
  std::vector<size_t> order(list.size());
  std::iota(order.begin(), order.end(), size_t{0});
  auto before = [&](size_t a, size_t b) {
    Value outcome = Compare(keys.at(a), keys.at(b));
    return outcome.is(Kind::kInt) && outcome.as_int() < 0;
  };
  std::stable_sort(order.begin(), order.end(), before);
  std::vector<Value> sorted;
  for (size_t index : order) sorted.push_back(list.at(index));
  return Value::ListOf(std::move(sorted));
}

Value Sort(Evaluation& ev, Args args) {
  return SortByKeys(ev, args[0], args[0]);
}
Value SortBy(Evaluation& ev, Args args) {
  return SortByKeys(ev, args[0], args[1]);
}

Value ListRange(Evaluation&, Args args) {
  std::vector<Value> items;
  for (int64_t i = 0; i < args[0].as_int(); ++i) items.push_back(Value::Int(i));
  return Value::ListOf(std::move(items));
}

Value Reverse(Evaluation&, Args args) {
  const List& list = args[0].as_list();
  std::vector<Value> items;
  for (size_t i = list.size(); i-- > 0;) items.push_back(list.at(i));
  return Value::ListOf(std::move(items));
}

Value Distinct(Evaluation& ev, Args args) {
  const List& list = args[0].as_list();
  if (list.size() == 0) return args[0];
  std::vector<Value> unique;
  for (size_t i = 0; i < list.size(); ++i) {
    ev.Work(unique.size() + 1);
    bool seen = std::any_of(unique.begin(), unique.end(),
                            [&](const Value& v) { return IsTrue(EqualTo(ev, list.at(i), v)); });
    if (!seen) unique.push_back(list.at(i));
  }
  return Value::ListOf(std::move(unique));
}

}  // namespace

void AddListSorting(Registry& r) {
  r.Member("slice", "list_slice", "list(T), int, int -> list(T)", Slice);
  r.Member("flatten", "list_flatten", "list(list(T)) -> list(T)", FlattenList);
  r.Member("flatten", "list_flatten_int", "list(dyn), int -> list(dyn)", FlattenList);
  r.At("flatten").unguarded = true;
  for (std::string_view type :
       {"int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"}) {
    std::string t(type);
    r.Member("sort", "list_" + t + "_sort", "list(" + t + ") -> list(" + t + ")");
    r.Member("@sortByAssociatedKeys", "list_" + t + "_sortByAssociatedKeys",
             "list(T), list(" + t + ") -> list(T)");
  }
  r.Singleton("sort", Sort);
  r.Singleton("@sortByAssociatedKeys", SortBy);
  r.Global("lists.range", "lists_range", "int -> list(int)", ListRange);
  r.Member("reverse", "list_reverse", "list(T) -> list(T)", Reverse);
  r.Member("distinct", "list_distinct", "list(T) -> list(T)", Distinct);
}

}  // namespace dray::cel
