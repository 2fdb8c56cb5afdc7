#include "api/cel/compare.h"
#include "api/cel/registry.h"

// sets.contains(), sets.equivalent(), sets.intersects(), and includes() of DRA's list attributes.
namespace dray::cel {
namespace {

bool HasAll(Evaluation& ev, const List& list, const List& part) {
  for (size_t i = 0; i < part.size(); ++i)
    if (!Contains(ev, list, part.at(i))) return false;
  return true;
}

Value SetsContains(Evaluation& ev, Args args) {
  return Value::Bool(HasAll(ev, args[0].as_list(), args[1].as_list()));
}

Value SetsEquivalent(Evaluation& ev, Args args) {
  return Value::Bool(HasAll(ev, args[0].as_list(), args[1].as_list()) &&
                     HasAll(ev, args[1].as_list(), args[0].as_list()));
}

Value SetsIntersects(Evaluation& ev, Args args) {
  const List& list = args[0].as_list();
  for (size_t i = 0; i < list.size(); ++i)
    if (Contains(ev, args[1].as_list(), list.at(i))) return Value::Bool(true);
  return Value::Bool(false);
}

// x.includes(v): membership in a list, equality with anything else.
Value Includes(Evaluation& ev, Args args) {
  constexpr size_t kMostValues = 48;  // ResourceSliceMaxAttributeValuesPerDevice
  if (!args[0].is(Kind::kList)) return Value::Bool(IsTrue(EqualTo(ev, args[0], args[1])));
  const List& list = args[0].as_list();
  for (size_t i = 0; i < list.size(); ++i) {
    if (i >= kMostValues)
      return Value::Error("'includes' function cannot be applied to lists longer than 48 values");
    if (IsTrue(EqualTo(ev, list.at(i), args[1]))) return Value::Bool(true);
  }
  return Value::Bool(false);
}

}  // namespace

void AddSets(Registry& r) {
  r.Global("sets.contains", "list_sets_contains_list", "list(T), list(T) -> bool", SetsContains);
  r.Global("sets.equivalent", "list_sets_equivalent_list", "list(T), list(T) -> bool",
           SetsEquivalent);
  r.Global("sets.intersects", "list_sets_intersects_list", "list(T), list(T) -> bool",
           SetsIntersects);
}

void AddIncludes(Registry& r) {
  r.Member("includes", "dra_includes_dyn_dyn", "dyn, dyn -> bool", Includes);
  r.At("includes").list_attributes_only = true;
}

}  // namespace dray::cel
