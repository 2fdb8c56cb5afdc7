#pragma once

#include <span>
#include <utility>
#include <vector>

#include "api/cel/type.h"

namespace dray::cel {

// What the type variables of one check stand for, found by making types agree.
class Unifier {
 public:
  explicit Unifier(TypeArena& arena) : arena_(arena) {}

  const StaticType* Fresh();
  // The overload's types with fresh variables for its own. `first` is what NewVariables(count)
  // gave.
  int NewVariables(int count);
  const StaticType* Instantiate(const StaticType* type, int first);

  // Whether each type fits its counterpart; binds variables. Bindings stay only when all fit.
  bool Assignable(const StaticType* from, const StaticType* to);
  bool Assignable(std::span<const StaticType* const> from, std::span<const StaticType* const> to);
  // A quick look: whatever variables stand for, these two never fit.
  static bool NeverFits(const StaticType* a, const StaticType* b);

  // Bound variables replaced; unbound ones by dyn if asked.
  const StaticType* Substitute(const StaticType* type, bool unbound_to_dyn);

  // The wider of two types that agree.
  const StaticType* MoreGeneral(const StaticType* a, const StaticType* b) const {
    return AsGeneral(a, b) ? a : b;
  }

 private:
  bool Fits(const StaticType* a, const StaticType* b);
  bool FitsAll(std::span<const StaticType* const> a, std::span<const StaticType* const> b);
  // Whether `variable` can stand for `type`; `bound` tells that it stood for something already.
  bool CanStandFor(const StaticType* type, const StaticType* variable, bool& bound);
  bool OccursNot(const StaticType* variable, const StaticType* within) const;
  bool AsGeneral(const StaticType* a, const StaticType* b) const;
  const StaticType* Bound(const StaticType* type) const {
    return type->kind == TypeKind::kVariable ? bindings_[type->variable] : nullptr;
  }
  void Bind(const StaticType* variable, const StaticType* type) {
    undo_.push_back({variable->variable, bindings_[variable->variable]});
    bindings_[variable->variable] = type;
  }

  TypeArena& arena_;
  std::vector<const StaticType*> bindings_;  // by variable number; null: unbound
  std::vector<std::pair<int, const StaticType*>> undo_;
};

}  // namespace dray::cel
