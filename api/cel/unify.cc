#include "api/cel/unify.h"

namespace dray::cel {

const StaticType* Unifier::Fresh() {
  return arena_.Variable(NewVariables(1), "");
}

int Unifier::NewVariables(int count) {
  int first = static_cast<int>(bindings_.size());
  bindings_.resize(bindings_.size() + count);
  return first;
}

const StaticType* Unifier::Instantiate(const StaticType* type, int first) {
  if (!type->open) return type;
  if (type->kind == TypeKind::kVariable)
    return arena_.Variable(first - 1 - type->variable, type->name);
  TypeParams params = type->params;
  bool changed = false;
  for (size_t i = 0; i < params.size(); ++i) {
    const StaticType* param = params[i];
    params[i] = Instantiate(param, first);
    changed |= params[i] != param;
  }
  return changed ? arena_.Make(type->kind, type->name, params) : type;
}

bool Unifier::Assignable(const StaticType* from, const StaticType* to) {
  undo_.clear();
  if (Fits(from, to)) return true;
  for (; !undo_.empty(); undo_.pop_back()) bindings_[undo_.back().first] = undo_.back().second;
  return false;
}

bool Unifier::Assignable(std::span<const StaticType* const> from,
                         std::span<const StaticType* const> to) {
  undo_.clear();
  if (FitsAll(from, to)) return true;
  for (; !undo_.empty(); undo_.pop_back()) bindings_[undo_.back().first] = undo_.back().second;
  return false;
}

bool Unifier::FitsAll(std::span<const StaticType* const> a, std::span<const StaticType* const> b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!Fits(a[i], b[i])) return false;
  return true;
}

bool Unifier::Fits(const StaticType* a, const StaticType* b) {
  bool bound = false;
  if (b->kind == TypeKind::kVariable) {
    if (CanStandFor(a, b, bound)) return true;
    if (bound) return false;
  }
  if (a->kind == TypeKind::kVariable) return CanStandFor(b, a, bound);
  auto open = [](const StaticType* t) { return t->IsDynamic() || t->kind == TypeKind::kError; };
  if (open(a) || open(b)) return true;
  if (a->kind == TypeKind::kNull || b->kind == TypeKind::kNull) {
    if (a->nullable || b->nullable) return true;
    switch ((a->kind == TypeKind::kNull ? b : a)->kind) {
      case TypeKind::kOpaque:
      case TypeKind::kStruct:
      case TypeKind::kDuration:
      case TypeKind::kTimestamp:
      case TypeKind::kNull:
        return true;
      default:
        return false;
    }
  }
  if (a->kind != b->kind) return false;
  switch (a->kind) {
    case TypeKind::kType:
      return true;
    case TypeKind::kOpaque:
    case TypeKind::kList:
    case TypeKind::kMap:
      return a->name == b->name &&
             FitsAll({a->params.begin(), a->params.end()}, {b->params.begin(), b->params.end()});
    default:
      return a->name == b->name;
  }
}

bool Unifier::NeverFits(const StaticType* a, const StaticType* b) {
  if (a->kind == b->kind) return false;
  for (const StaticType* type : {a, b}) {
    switch (type->kind) {
      case TypeKind::kVariable:
      case TypeKind::kDyn:
      case TypeKind::kAny:
      case TypeKind::kError:
      case TypeKind::kNull:
        return false;
      default:
        break;
    }
  }
  return true;
}

bool Unifier::CanStandFor(const StaticType* type, const StaticType* variable, bool& bound) {
  bound = true;
  if (SameType(type, variable)) return true;
  if (const StaticType* stands_for = Bound(variable); stands_for != nullptr) {
    if (SameType(type, stands_for)) return true;
    if (!Fits(type, stands_for)) return false;
    const StaticType* wider = MoreGeneral(type, stands_for);
    if (OccursNot(variable, wider)) Bind(variable, wider);
    return true;
  }
  bound = false;
  if (!OccursNot(variable, type)) return false;
  Bind(variable, type);
  return true;
}

bool Unifier::OccursNot(const StaticType* variable, const StaticType* within) const {
  if (SameType(variable, within)) return false;
  if (within->kind == TypeKind::kVariable) {
    const StaticType* stands_for = Bound(within);
    return stands_for == nullptr || OccursNot(variable, stands_for);
  }
  for (const StaticType* param : within->params)
    if (!OccursNot(variable, param)) return false;
  return true;
}

bool Unifier::AsGeneral(const StaticType* a, const StaticType* b) const {
  auto open = [](const StaticType* t) { return t->IsDynamic() || t->kind == TypeKind::kVariable; };
  if (open(a)) return true;
  if (open(b) || a->kind != b->kind) return false;
  if (a->kind == TypeKind::kType) return true;
  if (a->name != b->name || a->params.size() != b->params.size()) return false;
  for (size_t i = 0; i < a->params.size(); ++i)
    if (!AsGeneral(a->params[i], b->params[i])) return false;
  return true;
}

const StaticType* Unifier::Substitute(const StaticType* type, bool unbound_to_dyn) {
  if (!type->open) return type;
  if (const StaticType* stands_for = Bound(type); stands_for != nullptr)
    return Substitute(stands_for, unbound_to_dyn);
  if (type->kind == TypeKind::kVariable) return unbound_to_dyn ? &types::kDyn : type;
  TypeParams params = type->params;
  bool changed = false;
  for (size_t i = 0; i < params.size(); ++i) {
    const StaticType* param = params[i];
    params[i] = Substitute(param, unbound_to_dyn);
    changed |= params[i] != param;
  }
  return changed ? arena_.Make(type->kind, type->name, params) : type;
}

}  // namespace dray::cel
