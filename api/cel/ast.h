#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "api/cel/value.h"

namespace dray::cel {

struct StaticType;
struct Function;
struct Overload;
struct Expr;
struct MessageType;
class Regex;

// The loop that every macro over a range becomes: accu = init; for each item while `condition`:
// accu = step; then result.
struct Loop {
  std::string_view
      item;  // the element of a list, the key of a map; with `item2`: the index or the key
  std::string_view item2;  // the value; "" in loops over one variable
  std::string_view accumulator;
  Expr* range = nullptr;
  Expr* init = nullptr;
  Expr* condition = nullptr;
  Expr* step = nullptr;
  Expr* result = nullptr;

  // cel.bind and what is built like it: nothing to iterate, the accumulator is the bound value.
  bool IsBind() const;
};

// One node of the syntax tree. The parser fills the first part, the checker the second. Names and
// arrays live in the source or in the tree.
struct Expr {
  enum class Kind : uint8_t { kLiteral, kIdentifier, kSelect, kCall, kList, kMap, kMessage, kLoop };

  Kind kind = Kind::kLiteral;
  bool test_only = false;  // kSelect inside has()
  bool member = false;     // kCall with a target: target.name(args)
  bool optional = false;   // element of a list, value of a map: [?x], {?k: v}
  uint16_t depth = 0;      // of operators, selections and calls below and including this one
  uint32_t index = 0;      // among the nodes of its tree
  size_t offset = 0;       // in the source, where mistakes are shown
  Value literal;           // kLiteral
  std::string_view name;   // identifier, field, function, message type
  Expr* target = nullptr;  // operand of kSelect, target of kCall
  std::span<Expr*> args;   // arguments; list elements; keys and values of a map, names
                           // (literals) and values of a message in turn
  Loop* loop = nullptr;    // kLoop
  mutable const Regex* regex = nullptr;  // of a literal that was found to be a pattern

  const StaticType* type = nullptr;
  const MessageType* message = nullptr;  // kMessage
  const Function* function = nullptr;    // kCall, after overload resolution
  std::span<const Overload*> overloads;  // those that may apply; one: it is known statically
  bool is_type_name = false;             // kIdentifier that denotes a type: literal holds it
};

static_assert(std::is_trivially_destructible_v<Expr> && std::is_trivially_destructible_v<Loop>);

// Owns the nodes of one expression: in one block of memory as a rule.
class Ast {
 public:
  // What macros can make of an expression of the permitted length, with room to spare; optMap()
  // doubles what it is called on.
  static constexpr size_t kMostNodes = 100'000;

  Ast() = default;
  Ast(const Ast&) = delete;
  Ast& operator=(const Ast&) = delete;

  Expr* New(Expr::Kind kind, size_t offset) {
    auto* node = new (memory_.allocate(sizeof(Expr), alignof(Expr))) Expr;
    node->kind = kind;
    node->offset = offset;
    node->index = static_cast<uint32_t>(size_++);
    return node;
  }
  Loop* NewLoop(const Loop& loop) {
    return new (memory_.allocate(sizeof(Loop), alignof(Loop))) Loop(loop);
  }
  // A deep copy with nodes of its own; what goes beyond kMostNodes is left out.
  Expr* Copy(const Expr* expr);
  template <class T>
  std::span<T> Array(std::span<const T> items) {
    if (items.empty()) return {};
    T* copy = static_cast<T*>(memory_.allocate(items.size() * sizeof(T), alignof(T)));
    std::copy(items.begin(), items.end(), copy);
    return {copy, items.size()};
  }
  std::span<Expr*> Array(std::initializer_list<Expr*> items) {
    return Array(std::span<Expr* const>(items));
  }
  std::string_view Keep(std::string_view text) {
    std::span<char> copy = Array(std::span<const char>(text));
    return {copy.data(), copy.size()};
  }

  std::pmr::memory_resource* memory() { return &memory_; }

  Expr* root = nullptr;
  size_t size() const { return size_; }
  bool TooBig() const { return size_ > kMostNodes; }

 private:
  std::byte first_[16384];
  std::pmr::monotonic_buffer_resource memory_{first_, sizeof(first_)};
  size_t size_ = 0;
};

// "a.b.c" for nested selections on an identifier, "" for anything else.
std::string QualifiedName(const Expr* expr);

// The accumulator of the built-in macros; no expression can name it.
inline constexpr std::string_view kAccumulator = "@result";
inline constexpr std::string_view kOldAccumulator = "__result__";

// Operators are functions with these names.
namespace op {
inline constexpr std::string_view kAnd = "_&&_", kOr = "_||_", kNot = "!_", kConditional = "_?_:_",
                                  kEqual = "_==_", kNotEqual = "_!=_", kLess = "_<_",
                                  kLessEqual = "_<=_", kGreater = "_>_", kGreaterEqual = "_>=_",
                                  kAdd = "_+_", kSubtract = "_-_", kMultiply = "_*_",
                                  kDivide = "_/_", kModulo = "_%_", kNegate = "-_", kIndex = "_[_]",
                                  kIn = "@in", kOptionalSelect = "_?._", kOptionalIndex = "_[?_]",
                                  kNotStrictlyFalse = "@not_strictly_false";
}  // namespace op

}  // namespace dray::cel
