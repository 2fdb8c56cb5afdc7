#include <string>

#include "api/cel/checker.h"
#include "api/cel/object_pool.h"
#include "api/cel/regex.h"
#include "api/cel/registry.h"
#include "api/cel/string_format.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

class Validator {
 public:
  explicit Validator(std::vector<Mistake>& mistakes) : mistakes_(mistakes) {}

  void Visit(const Expr* e, bool in_format) {
    if (e == nullptr) return;
    if (e->kind == Expr::Kind::kCall) {
      CheckLiteralArgument(e);
      if (e->name == "format" && e->member) CheckFormat(e);
      in_format |= e->name == "format";
    }
    // Elements that are formatted may differ.
    if (e->kind == Expr::Kind::kList && !in_format) CheckList(e);
    if (e->kind == Expr::Kind::kMap && !in_format) CheckMap(e);
    Visit(e->target, in_format);
    for (const Expr* arg : e->args) Visit(arg, in_format);
    if (e->loop != nullptr) {
      const Loop& loop = *e->loop;
      for (const Expr* part : {loop.range, loop.init, loop.condition, loop.step, loop.result})
        Visit(part, in_format);
    }
  }

 private:
  void CheckLiteralArgument(const Expr* e) {
    if (e->args.empty() || e->args[0]->kind != Expr::Kind::kLiteral) return;
    const Value& literal = e->args[0]->literal;
    bool ok = true;
    std::string want;
    if (e->name == "duration") {
      ok = literal.is(Kind::kString) && ParseDuration(literal.as_string());
      want = "a duration is written like '1h30m' or '500ms'";
    } else if (e->name == "timestamp") {
      if (literal.is(Kind::kString)) ok = ParseTimestamp(literal.as_string()).has_value();
      if (literal.is(Kind::kInt))
        ok = literal.as_int() >= -62135596800 && literal.as_int() <= 253402300799;
      want = "a time is written like '2026-01-31T12:00:00Z', in the years 1 to 9999";
    } else if (e->name == "matches" && literal.is(Kind::kString)) {
      // matches(text, pattern) is checked by its first argument, as Kubernetes does.
      const auto* regex = Make<Regex>(literal.as_string());
      ok = regex->ok();
      want = regex->error();
      e->args[0]->regex = regex;
    }
    if (!ok)
      mistakes_.push_back(
          {e->args[0]->offset, "invalid " + std::string(e->name) + " argument (" + want + ")"});
  }

  void Mismatch(const Expr* at, const StaticType* expected, const StaticType* found) {
    mistakes_.push_back({at->offset, "expected type '" + FormatType(expected) + "' but found '" +
                                         FormatType(found) + "'"});
  }

  static const StaticType* ElementType(const Expr* element, bool optional) {
    return optional && !element->type->params.empty() ? element->type->params[0] : element->type;
  }

  void CheckList(const Expr* e) {
    const StaticType* type = nullptr;
    for (size_t i = 0; i < e->args.size(); ++i) {
      const StaticType* element = ElementType(e->args[i], e->args[i]->optional);
      if (type == nullptr) {
        type = element;
      } else if (!SameType(type, element)) {
        return Mismatch(e->args[i], type, element);
      }
    }
  }

  void CheckMap(const Expr* e) {
    const StaticType *key = nullptr, *value = nullptr;
    for (size_t i = 0; i < e->args.size(); i += 2) {
      const StaticType* k = e->args[i]->type;
      const StaticType* v = ElementType(e->args[i + 1], e->args[i + 1]->optional);
      if (key == nullptr) {
        key = k;
        value = v;
        continue;
      }
      if (!SameType(key, k)) Mismatch(e->args[i], key, k);
      if (!SameType(value, v)) Mismatch(e->args[i + 1], value, v);
    }
  }

  // A literal format string with a list of literal length.
  void CheckFormat(const Expr* e) {
    if (e->target->kind != Expr::Kind::kLiteral || !e->target->literal.is(Kind::kString) ||
        e->args.size() != 1 || e->args[0]->kind != Expr::Kind::kList)
      return;
    std::span<Expr* const> args = e->args[0]->args;
    size_t used = 0, at = e->offset;
    std::string unused;
    std::string error = WalkFormat(e->target->literal.as_string(), args.size(), used, unused,
                                   [&](const FormatClause& clause, size_t index, std::string& why) {
                                     const Expr* bad = Unfit(clause.verb, args[index]);
                                     if (bad != nullptr) {
                                       why = FormatMismatch(clause.verb, bad->type->name);
                                       at = bad->offset;
                                     }
                                     return std::string();
                                   });
    if (error.empty() && args.size() > used) {
      error = "too many arguments supplied to string.format (expected " + std::to_string(used) +
              ", got " + std::to_string(args.size()) + ")";
    }
    if (!error.empty()) mistakes_.push_back({at, error});
  }

  // The expression whose type the verb cannot show.
  static const Expr* Unfit(char verb, const Expr* e) {
    auto is = [&](std::initializer_list<TypeKind> kinds) {
      if (e->type->kind == TypeKind::kDyn) return true;
      for (TypeKind kind : kinds)
        if (e->type->kind == kind) return true;
      return false;
    };
    using T = TypeKind;
    switch (verb) {
      case 'd':
      case 'o':
        return is({T::kInt, T::kUint}) ? nullptr : e;
      case 'f':
      case 'e':
        return is({T::kDouble, T::kString}) ? nullptr : e;
      case 'b':
        return is({T::kInt, T::kUint, T::kBool}) ? nullptr : e;
      case 'x':
      case 'X':
        return is({T::kInt, T::kUint, T::kString, T::kBytes}) ? nullptr : e;
      default:
        break;
    }
    if (!is({T::kList, T::kMap, T::kInt, T::kUint, T::kDouble, T::kBool, T::kString, T::kTimestamp,
             T::kBytes, T::kDuration, T::kType, T::kNull}))
      return e;
    if (e->kind == Expr::Kind::kList || e->kind == Expr::Kind::kMap) {
      for (const Expr* part : e->args)
        if (const Expr* bad = Unfit(verb, part); bad != nullptr) return bad;
    }
    return nullptr;
  }

  std::vector<Mistake>& mistakes_;
};

}  // namespace

void Validate(const Ast& ast, std::vector<Mistake>& mistakes) {
  Validator(mistakes).Visit(ast.root, false);
}

}  // namespace dray::cel
