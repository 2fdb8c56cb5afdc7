#include "api/cel/checker.h"

#include <algorithm>
#include <array>

#include "api/cel/messages.h"
#include "api/cel/registry.h"
#include "api/cel/suggest.h"
#include "api/cel/unify.h"

namespace dray::cel {
namespace {

// The types of device.attributes and device.capacity.
struct FieldTypes {
  TypeArena arena;
  const StaticType* attributes = TwoLevels(&types::kAny);
  const StaticType* list_attributes = TwoLevels(&types::kDyn);
  const StaticType* capacity = TwoLevels(&types::kQuantity);

  const StaticType* TwoLevels(const StaticType* value) {
    return arena.Map(&types::kString, arena.Map(&types::kString, value));
  }
  static const FieldTypes& Get() {
    static const auto* const types = new FieldTypes;
    return *types;
  }
};

// Names that denote types, as type(x) == NAME uses them.
const StaticType* TypeCalled(std::string_view name) {
  static constexpr TypeParams kTwoDyn = {&types::kDyn, &types::kDyn};
  static const StaticType kList{TypeKind::kList, "list", {&types::kDyn}},
      kMap{TypeKind::kMap, "map", kTwoDyn}, kType{TypeKind::kType, "type", {}},
      kOptional{TypeKind::kOpaque, "optional_type", {}};
  static const std::array<const StaticType*, 15> kAll = {
      &types::kBool, &types::kBytes, &types::kDouble, &types::kDuration,
      &types::kInt,  &types::kNull,  &types::kString, &types::kTimestamp,
      &types::kUint, &types::kIp,    &types::kCidr,   &kList,
      &kMap,         &kType,         &kOptional};
  for (const StaticType* type : kAll)
    if (type->name == name) return type;
  const MessageType* message = FindMessage(name);
  return message == nullptr ? nullptr : message->type;
}

// Whether a type is called something.NAME.
bool EndsTypeName(std::string_view name) {
  return name == "IP" || name == "CIDR" || name == "Duration" || name == "Timestamp" ||
         name == "Any" || name == "Struct" || name == "Empty" || name.ends_with("Value");
}

class Checker {
 public:
  Checker(Ast& ast, const Environment& environment, const Options& options, TypeArena& arena,
          std::vector<Mistake>& mistakes)
      : ast_(ast),
        environment_(environment),
        options_(options),
        arena_(arena),
        mistakes_(mistakes),
        unifier_(arena),
        variables_(environment.variables.begin(), environment.variables.end()) {
    checked_.reserve(ast.size());
  }

  bool Run(Expr* root) {
    CheckExpr(root);
    for (Expr* expr : checked_) expr->type = unifier_.Substitute(expr->type, true);
    return mistakes_.empty();
  }

 private:
  using Variable = Environment::Variable;

  void Mistaken(const Expr* at, std::string message) {
    mistakes_.push_back({at->offset, std::move(message)});
  }
  void Undeclared(const Expr* at, std::string_view name, const std::string& suggestion) {
    Mistaken(at,
             "undeclared reference to '" + std::string(name) + "' (in container '')" + suggestion);
  }
  // Looking for what was meant takes time: the first mistakes have to do.
  bool Suggesting() const { return mistakes_.size() < 10; }
  std::string VariableLike(std::string_view name) const {
    if (!Suggesting()) return "";
    std::vector<std::string_view> names;
    for (const Variable& variable : variables_)
      if (variable.name[0] != '@' && variable.name[0] != '#') names.push_back(variable.name);
    return DidYouMean(name, names);
  }
  void Mismatch(const Expr* at, const StaticType* expected, const StaticType* found) {
    Mistaken(at,
             "expected type '" + FormatType(expected) + "' but found '" + FormatType(found) + "'");
  }
  void SetType(Expr* expr, const StaticType* type) {
    expr->type = type;
    checked_.push_back(expr);
  }

  void CheckExpr(Expr* expr) {
    switch (expr->kind) {
      case Expr::Kind::kLiteral:
        return SetType(expr, TypeOfLiteral(expr->literal));
      case Expr::Kind::kIdentifier:
        return CheckIdentifier(expr);
      case Expr::Kind::kSelect:
        return CheckSelect(expr);
      case Expr::Kind::kCall:
        return CheckCall(expr);
      case Expr::Kind::kList:
        return CheckList(expr);
      case Expr::Kind::kMap:
        return CheckMap(expr);
      case Expr::Kind::kMessage:
        return CheckMessage(expr);
      case Expr::Kind::kLoop:
        return CheckLoop(expr);
    }
  }

  void CheckMessage(Expr* expr) {
    const MessageType* message = FindMessage(expr->name);
    expr->message = message;
    if (message == nullptr) {
      std::string_view name = expr->name.substr(expr->name.starts_with('.') ? 1 : 0);
      if (TypeCalled(name) != nullptr) {
        Mistaken(expr, "'" + std::string(name) + "' is not a message type");
      } else {
        Undeclared(expr, expr->name, "");
      }
    }
    for (size_t i = 0; i < expr->args.size(); i += 2) {
      SetType(expr->args[i], &types::kString);
      Expr* value = expr->args[i + 1];
      CheckExpr(value);
      if (message == nullptr) continue;
      std::string_view name = expr->args[i]->literal.as_string();
      auto field = std::find_if(message->fields.begin(), message->fields.end(),
                                [&](const MessageField& f) { return f.name == name; });
      const StaticType* type = value->optional ? UnwrapOptional(value) : value->type;
      if (field == message->fields.end()) {
        std::vector<std::string_view> names;
        for (const MessageField& f : message->fields) names.push_back(f.name);
        Mistaken(expr->args[i],
                 "undefined field '" + std::string(name) + "'" + DidYouMean(name, names));
      } else if (!unifier_.Assignable(field->type, type)) {
        Mistaken(expr->args[i], "expected type of field '" + std::string(name) + "' is '" +
                                    FormatType(field->type) + "' but provided type is '" +
                                    FormatType(unifier_.Substitute(type, true)) + "'");
      }
    }
    SetType(expr, message == nullptr ? &types::kError : message->type);
  }

  static const StaticType* TypeOfLiteral(const Value& literal) {
    switch (literal.kind()) {
      case Kind::kBool:
        return &types::kBool;
      case Kind::kInt:
        return &types::kInt;
      case Kind::kUint:
        return &types::kUint;
      case Kind::kDouble:
        return &types::kDouble;
      case Kind::kString:
        return &types::kString;
      case Kind::kBytes:
        return &types::kBytes;
      default:
        return &types::kNull;
    }
  }

  // Makes the node an identifier of that name if there is a variable or type called so. A leading
  // dot only says that the name is complete.
  bool Resolve(Expr* expr, std::string_view name) {
    if (name.starts_with('.')) name.remove_prefix(1);
    auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                              [&](const Variable& v) { return v.name == name; });
    if (found != variables_.rend()) {
      SetType(expr, found->type);
    } else if (const StaticType* type = TypeCalled(name); type != nullptr) {
      SetType(expr, arena_.Type(type));
      expr->is_type_name = true;
      expr->literal = Value::Type(type->name);
    } else {
      return false;
    }
    expr->kind = Expr::Kind::kIdentifier;
    expr->name = name;
    return true;
  }

  void CheckIdentifier(Expr* expr) {
    if (Resolve(expr, expr->name)) return;
    if (std::string_view why = WhyAbsent(environment_, expr->name); !why.empty()) {
      Mistaken(expr, std::string(why));
    } else {
      Undeclared(expr, expr->name, VariableLike(expr->name));
    }
    SetType(expr, &types::kError);
  }

  void CheckSelect(Expr* expr) {
    if (EndsTypeName(expr->name)) {
      if (std::string name = QualifiedName(expr); !name.empty() && Resolve(expr, ast_.Keep(name)))
        return;
    }
    const StaticType* type = SelectedType(expr, expr->target, expr->name, false);
    SetType(expr, expr->test_only ? &types::kBool : unifier_.Substitute(type, false));
  }

  const StaticType* SelectedType(Expr* expr, Expr* operand, std::string_view field, bool optional) {
    CheckExpr(operand);
    const StaticType* target = unifier_.Substitute(operand->type, false);
    if (target->IsOptional()) {
      optional = true;
      target = target->params[0];
    }
    const StaticType* result = &types::kDyn;
    switch (target->kind) {
      case TypeKind::kMap:
        result = target->params[1];
        break;
      case TypeKind::kStruct:
        result = FieldType(expr, target, field);
        break;
      case TypeKind::kVariable:
        unifier_.Assignable(&types::kDyn, target);
        break;
      case TypeKind::kDyn:
      case TypeKind::kAny:
      case TypeKind::kError:
        break;
      default:
        Mistaken(expr, "type '" + FormatType(target) + "' does not support field selection");
    }
    return optional ? arena_.Optional(result) : result;
  }

  const StaticType* FieldType(Expr* expr, const StaticType* target, std::string_view field) {
    if (target == &types::kDevice) {
      if (field == "driver") return &types::kString;
      const FieldTypes& types = FieldTypes::Get();
      if (field == "attributes")
        return options_.list_attributes ? types.list_attributes : types.attributes;
      if (field == "capacity") return types.capacity;
      if (field == "allowMultipleAllocations" &&
          (options_.consumable_capacity || !options_.new_expression))
        return &types::kBool;
      Mistaken(expr, "undefined field '" + std::string(field) + "'" +
                         DidYouMean(field, std::array<std::string_view, 4>{
                                               "driver", "attributes", "capacity",
                                               "allowMultipleAllocations"}));
    } else if (const auto fields = FieldsOf(target); !fields.empty()) {
      std::vector<std::string_view> names;
      for (const Variable& known : fields) {
        if (known.name == field) return known.type;
        names.push_back(known.name);
      }
      Mistaken(expr, "undefined field '" + std::string(field) + "'" + DidYouMean(field, names));
    } else if (FindMessage(target->name) != nullptr) {
      Mistaken(expr, "undefined field '" + std::string(field) + "'");
    } else {
      Mistaken(expr, "unexpected failed resolution of '" + std::string(target->name) + "'");
    }
    return &types::kError;
  }

  void CheckCall(Expr* expr) {
    if (expr->name == op::kOptionalSelect) return CheckOptionalSelect(expr);
    for (Expr* arg : expr->args) CheckExpr(arg);
    if (expr->member) {
      // Either a function with a qualified name, or a function called on a target.
      std::string prefix =
          Registry::Get().HasQualified(expr->name) ? QualifiedName(expr->target) : "";
      if (!prefix.empty()) {
        if (const Function* function = FindFunction(prefix + '.' + std::string(expr->name));
            function != nullptr) {
          expr->name = function->name;
          expr->member = false;
          expr->target = nullptr;
          return ResolveOverload(expr, function);
        }
      }
      CheckExpr(expr->target);
    }
    const Function* function = FindFunction(expr->name);
    if (function == nullptr) {
      Undeclared(expr, expr->name,
                 Suggesting() ? DidYouMeanFunction(expr->name, expr->member) : "");
      return SetType(expr, &types::kError);
    }
    expr->name = function->name;
    ResolveOverload(expr, function);
  }

  const Function* FindFunction(std::string_view name) const {
    if (name.starts_with('.')) name.remove_prefix(1);
    const Function* function = Registry::Get().Find(name);
    if (function != nullptr && function->list_attributes_only &&
        (!environment_.devices || (options_.new_expression && !options_.list_attributes)))
      return nullptr;
    return function;
  }

  void CheckOptionalSelect(Expr* expr) {
    const StaticType* type =
        SelectedType(expr, expr->args[0], expr->args[1]->literal.as_string(), true);
    SetType(expr->args[1], &types::kString);
    expr->function = Registry::Get().Find(op::kOptionalSelect);
    SetOverload(expr, expr->function->overloads[0]);
    SetType(expr, unifier_.Substitute(type, false));
  }

  void SetOverload(Expr* expr, const Overload& overload) {
    const Overload* only = &overload;
    expr->overloads = ast_.Array(std::span<const Overload* const>(&only, 1));
  }

  void ResolveOverload(Expr* expr, const Function* function) {
    std::vector<const StaticType*>& arg_types = arg_types_;
    arg_types.clear();
    if (expr->member) arg_types.push_back(expr->target->type);
    for (const Expr* arg : expr->args) arg_types.push_back(arg->type);
    expr->function = function;

    if (function->name == op::kAnd || function->name == op::kOr) {
      const StaticType* type = &types::kBool;
      for (size_t i = 0; i < arg_types.size(); ++i) {
        if (unifier_.Assignable(arg_types[i], &types::kBool)) continue;
        Mismatch(expr->args[i], &types::kBool, arg_types[i]);
        type = &types::kError;
      }
      SetOverload(expr, function->overloads[0]);
      return SetType(expr, type);
    }

    const StaticType* result = nullptr;
    std::vector<const Overload*>& found = found_;
    found.clear();
    for (const Overload& overload : function->overloads) {
      if (overload.member != expr->member || NeverApplies(overload)) continue;
      int first = unifier_.NewVariables(overload.variables);
      wanted_.clear();
      for (const StaticType* arg : overload.args)
        wanted_.push_back(unifier_.Instantiate(arg, first));
      if (!unifier_.Assignable(arg_types_, wanted_)) continue;
      found.push_back(&overload);
      const StaticType* this_result =
          unifier_.Substitute(unifier_.Instantiate(overload.result, first), false);
      if (result == nullptr) {
        result = this_result;
      } else if (!result->IsDynamic() && !SameType(this_result, result)) {
        result = &types::kDyn;
      }
    }
    expr->overloads = ast_.Array(std::span<const Overload* const>(found));
    if (result != nullptr) return SetType(expr, result);
    std::string shown;
    for (size_t i = 0; i < arg_types.size(); ++i) {
      if (i == 0 && expr->member) {
        shown += FormatType(unifier_.Substitute(arg_types[i], true)) + ".(";
        continue;
      }
      if (i == 0) shown += '(';
      shown += (i > (expr->member ? 1 : 0) ? ", " : "") +
               FormatType(unifier_.Substitute(arg_types[i], true));
    }
    if (arg_types.empty()) shown = "(";
    Mistaken(expr, "found no matching overload for '" + function->name + "' applied to '" + shown +
                       ")'" + (Suggesting() ? WhatFits(*function, expr->member, arg_types) : ""));
    SetType(expr, &types::kError);
  }

  bool NeverApplies(const Overload& overload) const {
    if (overload.args.size() != arg_types_.size()) return true;
    for (size_t i = 0; i < arg_types_.size(); ++i)
      if (Unifier::NeverFits(arg_types_[i], overload.args[i])) return true;
    return false;
  }

  // The type of the elements so far, made wide enough for one more.
  const StaticType* Join(const Expr* at, const StaticType* so_far, const StaticType* next) {
    if (so_far == nullptr) return next;
    if (unifier_.Assignable(so_far, next)) return unifier_.MoreGeneral(so_far, next);
    Mismatch(at, so_far, next);
    return &types::kError;
  }

  const StaticType* UnwrapOptional(const Expr* at) {
    if (at->type->IsOptional()) return at->type->params[0];
    if (!at->type->IsDynamic()) Mismatch(at, arena_.Optional(at->type), at->type);
    return at->type;
  }

  void CheckList(Expr* expr) {
    const StaticType* element = nullptr;
    for (size_t i = 0; i < expr->args.size(); ++i) {
      CheckExpr(expr->args[i]);
      element = Join(expr->args[i], element,
                     expr->args[i]->optional ? UnwrapOptional(expr->args[i]) : expr->args[i]->type);
    }
    SetType(expr, arena_.List(element == nullptr ? unifier_.Fresh() : element));
  }

  void CheckMap(Expr* expr) {
    const StaticType *key = nullptr, *value = nullptr;
    for (size_t i = 0; i < expr->args.size(); i += 2) {
      CheckExpr(expr->args[i]);
      key = Join(expr->args[i], key, expr->args[i]->type);
      Expr* entry = expr->args[i + 1];
      CheckExpr(entry);
      value = Join(entry, value, entry->optional ? UnwrapOptional(entry) : entry->type);
    }
    if (key == nullptr) {
      key = unifier_.Fresh();
      value = unifier_.Fresh();
    }
    SetType(expr, arena_.Map(key, value));
  }

  void CheckLoop(Expr* expr) {
    Loop& loop = *expr->loop;
    CheckExpr(loop.range);
    CheckExpr(loop.init);
    const StaticType* range = unifier_.Substitute(loop.range->type, false);
    const StaticType* accumulator = loop.init->type;
    const StaticType *item = &types::kDyn, *item2 = &types::kDyn;
    switch (range->kind) {
      case TypeKind::kList:
        item = loop.item2.empty() ? range->params[0] : &types::kInt;
        item2 = range->params[0];
        break;
      case TypeKind::kMap:
        item = range->params[0];
        item2 = range->params[1];
        break;
      case TypeKind::kDyn:
      case TypeKind::kError:
      case TypeKind::kVariable:
        unifier_.Assignable(&types::kDyn, range);
        break;
      default:
        Mistaken(loop.range,
                 "expression of type '" + FormatType(range) +
                     "' cannot be range of a comprehension (must be list, map, or dynamic)");
        item = item2 = &types::kError;
    }
    variables_.push_back({loop.accumulator, accumulator});
    variables_.push_back({loop.item, item});
    if (!loop.item2.empty()) variables_.push_back({loop.item2, item2});
    CheckExpr(loop.condition);
    Assert(loop.condition, &types::kBool);
    CheckExpr(loop.step);
    Assert(loop.step, accumulator);
    if (!loop.item2.empty()) variables_.pop_back();
    variables_.pop_back();
    CheckExpr(loop.result);
    variables_.pop_back();
    SetType(expr, unifier_.Substitute(loop.result->type, false));
  }

  void Assert(const Expr* expr, const StaticType* type) {
    if (!unifier_.Assignable(type, expr->type)) Mismatch(expr, type, expr->type);
  }

  Ast& ast_;
  const Environment& environment_;
  const Options& options_;
  TypeArena& arena_;
  std::vector<Mistake>& mistakes_;
  Unifier unifier_;
  std::vector<Variable> variables_;                    // innermost last
  std::vector<const StaticType*> arg_types_, wanted_;  // of the call that is being resolved
  std::vector<const Overload*> found_;
  std::vector<Expr*> checked_;
};

}  // namespace

bool Check(Ast& ast, const Environment& environment, const Options& options, TypeArena& arena,
           std::vector<Mistake>& mistakes) {
  return Checker(ast, environment, options, arena, mistakes).Run(ast.root);
}

}  // namespace dray::cel
