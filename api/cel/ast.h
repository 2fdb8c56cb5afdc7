#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/value.h"

namespace dray::cel {

struct StaticType;
struct Function;
struct Overload;
struct Expr;

// The loop that every macro over a range becomes: accu = init; for each item while `condition`: accu = step; then result.
struct Loop {
  std::string item;         // the element of a list, the key of a map; with `item2`: the index or the key
  std::string item2;        // the value; "" in loops over one variable
  std::string accumulator;
  Expr* range = nullptr;
  Expr* init = nullptr;
  Expr* condition = nullptr;
  Expr* step = nullptr;
  Expr* result = nullptr;

  // cel.bind and what is built like it: nothing to iterate, the accumulator is the bound value.
  bool IsBind() const;
};

// One node of the syntax tree. The parser fills the first part, the checker the second.
struct Expr {
  enum class Kind : uint8_t { kLiteral, kIdentifier, kSelect, kCall, kList, kMap, kMessage, kLoop };

  Kind kind = Kind::kLiteral;
  bool test_only = false;   // kSelect inside has()
  bool member = false;      // kCall with a target: target.name(args)
  uint16_t depth = 0;       // of operators, selections and calls below and including this one
  uint32_t index = 0;       // among the nodes of its tree
  size_t offset = 0;        // in the source, where mistakes are shown
  Value literal;            // kLiteral
  std::string name;         // identifier, field, function, message type
  Expr* target = nullptr;   // operand of kSelect, target of kCall
  std::vector<Expr*> args;  // arguments; list elements; keys and values of a map in turn
  std::vector<bool> optional;  // per list element or map entry: [?x], {?k: v}; empty when none is
  std::unique_ptr<Loop> loop;  // kLoop

  const StaticType* type = nullptr;
  const Function* function = nullptr;         // kCall, after overload resolution
  std::vector<const Overload*> overloads;     // those that may apply; one: it is known statically
  bool is_type_name = false;                  // kIdentifier that denotes a type: literal holds it

  bool Optional(size_t index) const { return index < optional.size() && optional[index]; }
};

// Owns the nodes of one expression.
class Ast {
 public:
  Expr* New(Expr::Kind kind, size_t offset) {
    Expr& node = nodes_.emplace_back();
    node.kind = kind;
    node.index = static_cast<uint32_t>(nodes_.size() - 1);
    node.offset = offset;
    return &node;
  }
  // A deep copy with nodes of its own.
  Expr* Copy(const Expr* expr);

  Expr* root = nullptr;
  size_t size() const { return nodes_.size(); }

 private:
  std::deque<Expr> nodes_;
};

// "a.b.c" for nested selections on an identifier, "" for anything else.
std::string QualifiedName(const Expr* expr);

// The accumulator of the built-in macros; no expression can name it.
inline constexpr std::string_view kAccumulator = "@result";
inline constexpr std::string_view kOldAccumulator = "__result__";

// Operators are functions with these names.
namespace op {
inline constexpr std::string_view kAnd = "_&&_", kOr = "_||_", kNot = "!_", kConditional = "_?_:_", kEqual = "_==_",
                                  kNotEqual = "_!=_", kLess = "_<_", kLessEqual = "_<=_", kGreater = "_>_",
                                  kGreaterEqual = "_>=_", kAdd = "_+_", kSubtract = "_-_", kMultiply = "_*_",
                                  kDivide = "_/_", kModulo = "_%_", kNegate = "-_", kIndex = "_[_]", kIn = "@in",
                                  kOptionalSelect = "_?._", kOptionalIndex = "_[?_]",
                                  kNotStrictlyFalse = "@not_strictly_false";
}  // namespace op

}  // namespace dray::cel
