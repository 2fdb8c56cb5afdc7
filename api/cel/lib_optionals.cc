#include "api/cel/ast.h"
#include "api/cel/map_value.h"
#include "api/cel/registry.h"
#include "api/cel/text.h"

// Optional values, and the function behind transformMap(). or() and orValue() are nodes of their
// own: they evaluate their second argument only when they need it.
namespace dray::cel {
namespace {

bool IsZero(const Value& v) {
  switch (v.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return !v.as_bool();
    case Kind::kInt:
    case Kind::kDuration:
      return v.as_int() == 0;
    case Kind::kUint:
      return v.as_uint() == 0;
    case Kind::kDouble:
      return v.as_double() == 0;
    case Kind::kString:
    case Kind::kBytes:
      return v.as_string().empty();
    case Kind::kTimestamp:
      return v.seconds() == -62135596800 && v.nanoseconds() == 0;
    case Kind::kList:
      return v.as_list().size() == 0;
    case Kind::kMap:
      return v.as_map().size() == 0;
    case Kind::kMessage:
      return true;
    default:
      return false;
  }
}

Value Of(Evaluation&, Args args) {
  return Value::OptionalOf(args[0]);
}
Value OfNonZero(Evaluation&, Args args) {
  return IsZero(args[0]) ? Value::OptionalNone() : Value::OptionalOf(args[0]);
}
Value None(Evaluation&, Args) {
  return Value::OptionalNone();
}
Value ValueOf(Evaluation&, Args args) {
  return args[0].has_value() ? args[0].optional_value()
                             : Value::Error("optional.none() dereference");
}
Value HasValue(Evaluation&, Args args) {
  return Value::Bool(args[0].has_value());
}

Value Last(Evaluation&, Args args) {
  const List& list = args[0].as_list();
  return list.size() == 0 ? Value::OptionalNone() : Value::OptionalOf(list.at(list.size() - 1));
}
Value First(Evaluation&, Args args) {
  const List& list = args[0].as_list();
  return list.size() == 0 ? Value::OptionalNone() : Value::OptionalOf(list.at(0));
}

Value Unwrap(Evaluation& ev, Args args) {
  const List& list = args[0].as_list();
  ev.Work(list.size());
  std::vector<Value> items;
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list.at(i).is(Kind::kOptional))
      return Value::OwnedError("value " + Describe(list.at(i)) + " is not optional");
    if (list.at(i).has_value()) items.push_back(list.at(i).optional_value());
  }
  return Value::ListOf(std::move(items));
}

Value InsertPair(Evaluation&, Args args) {
  return InsertEntry(args[0], args[1], args[2]);
}
Value InsertMap(Evaluation& ev, Args args) {
  const Map& entries = args[1].as_map();
  ev.Work(entries.size());
  Value map = args[0];
  for (size_t i = 0; i < entries.size() && !map.is_error(); ++i)
    map = InsertEntry(map, entries.KeyAt(i), entries.ValueAt(i));
  return map;
}

}  // namespace

void AddOptionals(Registry& r) {
  r.Global("optional.of", "optional_of", "V -> optional(V)", Of);
  r.Global("optional.ofNonZeroValue", "optional_ofNonZeroValue", "V -> optional(V)", OfNonZero);
  r.Global("optional.none", "optional_none", "-> optional(V)", None);
  r.Member("value", "optional_value", "optional(V) -> V", ValueOf);
  r.Member("hasValue", "optional_hasValue", "optional(V) -> bool", HasValue);
  r.Member("or", "optional_or_optional", "optional(V), optional(V) -> optional(V)");
  r.Member("orValue", "optional_orValue_value", "optional(V), V -> V");
  r.Global(op::kOptionalSelect, "select_optional_field", "dyn, string -> optional(V)");
  r.Global(op::kOptionalIndex, "list_optindex_optional_int", "list(V), int -> optional(V)");
  r.Global(op::kOptionalIndex, "optional_list_optindex_optional_int",
           "optional(list(V)), int -> optional(V)");
  r.Global(op::kOptionalIndex, "map_optindex_optional_value", "map(K, V), K -> optional(V)");
  r.Global(op::kOptionalIndex, "optional_map_optindex_optional_value",
           "optional(map(K, V)), K -> optional(V)");
  r.Global(op::kIndex, "optional_list_index_int", "optional(list(V)), int -> optional(V)");
  r.Global(op::kIndex, "optional_map_index_value", "optional(map(K, V)), K -> optional(V)");
  r.Member("last", "list_last", "list(V) -> optional(V)", Last);
  r.Member("first", "list_first", "list(V) -> optional(V)", First);
  r.Global("optional.unwrap", "optional_unwrap", "list(optional(V)) -> list(V)", Unwrap);
  r.Member("unwrapOpt", "optional_unwrapOpt", "list(optional(V)) -> list(V)", Unwrap);
}

void AddMapInsert(Registry& r) {
  r.Global("cel.@mapInsert", "@mapInsert_map_key_value", "map(K, V), K, V -> map(K, V)",
           InsertPair);
  r.Global("cel.@mapInsert", "@mapInsert_map_map", "map(K, V), map(K, V) -> map(K, V)", InsertMap);
}

}  // namespace dray::cel
