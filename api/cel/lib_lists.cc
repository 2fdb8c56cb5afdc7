#include <array>

#include "api/cel/compare.h"
#include "api/cel/registry.h"

// isSorted(), sum(), min(), max(), indexOf() and lastIndexOf() of Kubernetes.
namespace dray::cel {
namespace {

Value IsSorted(Evaluation& ev, Args args) {
  const List& list = args[0].as_list();
  ev.Work(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    if (!IsComparable(list.at(i))) return Value::NoSuchOverload();
    if (i == 0) continue;
    Value order = Compare(list.at(i - 1), list.at(i));
    if (order.is(Kind::kInt) && order.as_int() == 1) return Value::Bool(false);
  }
  return Value::Bool(true);
}

// `worse`: the outcome of comparing the best so far to the next that makes the next the best.
template <int worse>
Value Extreme(Evaluation& ev, Args args) {
  const List& list = args[0].as_list();
  ev.Work(list.size());
  if (list.size() == 0)
    return Value::Error(worse == 1 ? "min called on empty list" : "max called on empty list");
  size_t best = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    if (!IsComparable(list.at(i))) return Value::NoSuchOverload();
    if (i == 0) continue;
    Value order = Compare(list.at(best), list.at(i));
    if (order.is(Kind::kInt) && order.as_int() == worse) best = i;
  }
  return list.at(best);
}

template <Value (*zero)()>
Value Sum(Evaluation& ev, Args args) {
  static const Implementation add = Registry::Get().Find("_+_")->singleton;
  const List& list = args[0].as_list();
  ev.Work(list.size());
  Value sum = zero();
  for (size_t i = 0; i < list.size(); ++i) {
    std::array<Value, 2> pair = {sum, list.at(i)};
    sum = add(ev, pair);
    if (sum.is_error()) return sum;
  }
  return sum;
}

Value IntZero() {
  return Value::Int(0);
}
Value UintZero() {
  return Value::Uint(0);
}
Value DoubleZero() {
  return Value::Double(0);
}
Value DurationZero() {
  return Value::Duration(0);
}

Value IndexOf(Evaluation& ev, Args args) {
  const List& list = args[0].as_list();
  ev.Work(list.size());
  for (size_t i = 0; i < list.size(); ++i)
    if (IsTrue(EqualTo(ev, list.at(i), args[1]))) return Value::Int(static_cast<int64_t>(i));
  return Value::Int(-1);
}

Value LastIndexOf(Evaluation& ev, Args args) {
  const List& list = args[0].as_list();
  ev.Work(list.size());
  for (size_t i = list.size(); i-- > 0;)
    if (IsTrue(EqualTo(ev, list.at(i), args[1]))) return Value::Int(static_cast<int64_t>(i));
  return Value::Int(-1);
}

}  // namespace

void AddLists(Registry& r) {
  for (std::string type :
       {"int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"}) {
    r.Member("isSorted", "list_" + type + "_is_sorted_bool", "list(" + type + ") -> bool",
             IsSorted);
    r.Member("max", "list_" + type + "_max_" + type, "list(" + type + ") -> " + type, Extreme<-1>);
    r.Member("min", "list_" + type + "_min_" + type, "list(" + type + ") -> " + type, Extreme<1>);
  }
  r.Member("sum", "list_int_sum_int", "list(int) -> int", Sum<IntZero>);
  r.Member("sum", "list_uint_sum_uint", "list(uint) -> uint", Sum<UintZero>);
  r.Member("sum", "list_double_sum_double", "list(double) -> double", Sum<DoubleZero>);
  r.Member("sum", "list_duration_sum_duration", "list(duration) -> duration", Sum<DurationZero>);
  r.Member("indexOf", "list_a_index_of_int", "list(A), A -> int", IndexOf);
  r.Member("lastIndexOf", "list_a_last_index_of_int", "list(A), A -> int", LastIndexOf);
}

}  // namespace dray::cel
