#include <cmath>
#include <limits>

#include "api/cel/ast.h"
#include "api/cel/calendar.h"
#include "api/cel/compare.h"
#include "api/cel/object_pool.h"
#include "api/cel/registry.h"

// Arithmetic, comparison and `in`. The logical operators, ==, !=, indexing and selection are nodes
// of their own (nodes.h); here they are only declared.
namespace dray::cel {
namespace {

Value IntOverflow() {
  return Value::Error("integer overflow");
}
Value UintOverflow() {
  return Value::Error("unsigned integer overflow");
}

Value AddDuration(const Value& timestamp, int64_t nanoseconds) {
  int64_t seconds = timestamp.seconds() + nanoseconds / 1'000'000'000;
  int64_t rest = timestamp.nanoseconds() + nanoseconds % 1'000'000'000;
  if (rest < 0) rest += 1'000'000'000, --seconds;
  if (rest >= 1'000'000'000) rest -= 1'000'000'000, ++seconds;
  if (seconds < kMinTimestamp || seconds > kMaxTimestamp) return Value::Error("timestamp overflow");
  return Value::Timestamp(seconds, static_cast<uint32_t>(rest), timestamp.offset_minutes());
}

Value AddLists(const Value& a, const Value& b) {
  if (a.as_list().growing()) {
    a.as_list().Append(b.as_list());
    return a;
  }
  if (a.as_list().size() == 0) return b;
  if (b.as_list().size() == 0) return a;
  constexpr size_t kMostElements = 1 << 24;
  if (a.as_list().size() + b.as_list().size() > kMostElements)
    return Value::Error("list is too long");
  return Value::Of(Make<List>(a.as_list(), b.as_list()));
}

// "no such overload: _+_" for types that have no such operator, "no such overload" when only the
// right side is wrong.
Value NoOperator(std::string_view name) {
  return Value::OwnedError("no such overload: " + std::string(name));
}

Value Add(Evaluation&, Args args) {
  const Value &a = args[0], &b = args[1];
  bool same = a.kind() == b.kind();
  switch (a.kind()) {
    case Kind::kInt: {
      int64_t sum;
      if (!same) return Value::NoSuchOverload();
      return __builtin_add_overflow(a.as_int(), b.as_int(), &sum) ? IntOverflow() : Value::Int(sum);
    }
    case Kind::kUint: {
      uint64_t sum;
      if (!same) return Value::NoSuchOverload();
      return __builtin_add_overflow(a.as_uint(), b.as_uint(), &sum) ? UintOverflow()
                                                                    : Value::Uint(sum);
    }
    case Kind::kDouble:
      return same ? Value::Double(a.as_double() + b.as_double()) : Value::NoSuchOverload();
    case Kind::kString:
    case Kind::kBytes: {
      if (!same) return Value::NoSuchOverload();
      const size_t front = a.as_string().size(), size = front + b.as_string().size();
      auto* text = static_cast<char*>(ObjectPool::Current().Allocate(size));
      a.as_string().copy(text, front);
      b.as_string().copy(text + front, size - front);
      return a.is(Kind::kString) ? Value::BorrowedString({text, size})
                                 : Value::BorrowedBytes({text, size});
    }
    case Kind::kList:
      return same ? AddLists(a, b) : Value::NoSuchOverload();
    case Kind::kDuration: {
      if (b.is(Kind::kTimestamp)) return AddDuration(b, a.as_duration());
      int64_t sum;
      if (!same) return Value::NoSuchOverload();
      return __builtin_add_overflow(a.as_duration(), b.as_duration(), &sum) ? IntOverflow()
                                                                            : Value::Duration(sum);
    }
    case Kind::kTimestamp:
      return b.is(Kind::kDuration) ? AddDuration(a, b.as_duration()) : Value::NoSuchOverload();
    default:
      return NoOperator(op::kAdd);
  }
}

Value Subtract(Evaluation&, Args args) {
  const Value &a = args[0], &b = args[1];
  bool same = a.kind() == b.kind();
  int64_t difference;
  switch (a.kind()) {
    case Kind::kInt:
      if (!same) return Value::NoSuchOverload();
      return __builtin_sub_overflow(a.as_int(), b.as_int(), &difference) ? IntOverflow()
                                                                         : Value::Int(difference);
    case Kind::kUint:
      if (!same) return Value::NoSuchOverload();
      return b.as_uint() > a.as_uint() ? UintOverflow() : Value::Uint(a.as_uint() - b.as_uint());
    case Kind::kDouble:
      return same ? Value::Double(a.as_double() - b.as_double()) : Value::NoSuchOverload();
    case Kind::kDuration:
      if (!same) return Value::NoSuchOverload();
      return __builtin_sub_overflow(a.as_duration(), b.as_duration(), &difference)
                 ? IntOverflow()
                 : Value::Duration(difference);
    case Kind::kTimestamp: {
      if (b.is(Kind::kDuration)) {
        if (b.as_duration() == INT64_MIN) return IntOverflow();
        return AddDuration(a, -b.as_duration());
      }
      if (!same) return Value::NoSuchOverload();
      int64_t nanoseconds = int64_t{a.nanoseconds()} - int64_t{b.nanoseconds()};
      if (__builtin_mul_overflow(a.seconds() - b.seconds(), int64_t{1'000'000'000}, &difference) ||
          __builtin_add_overflow(difference, nanoseconds, &difference))
        return IntOverflow();
      return Value::Duration(difference);
    }
    default:
      return NoOperator(op::kSubtract);
  }
}

Value Multiply(Evaluation&, Args args) {
  const Value &a = args[0], &b = args[1];
  bool same = a.kind() == b.kind();
  switch (a.kind()) {
    case Kind::kInt: {
      int64_t product;
      if (!same) return Value::NoSuchOverload();
      return __builtin_mul_overflow(a.as_int(), b.as_int(), &product) ? IntOverflow()
                                                                      : Value::Int(product);
    }
    case Kind::kUint: {
      uint64_t product;
      if (!same) return Value::NoSuchOverload();
      return __builtin_mul_overflow(a.as_uint(), b.as_uint(), &product) ? UintOverflow()
                                                                        : Value::Uint(product);
    }
    case Kind::kDouble:
      return same ? Value::Double(a.as_double() * b.as_double()) : Value::NoSuchOverload();
    default:
      return NoOperator(op::kMultiply);
  }
}

Value Divide(Evaluation&, Args args) {
  const Value &a = args[0], &b = args[1];
  bool same = a.kind() == b.kind();
  switch (a.kind()) {
    case Kind::kInt:
      if (!same) return Value::NoSuchOverload();
      if (b.as_int() == 0) return Value::Error("division by zero");
      return a.as_int() == INT64_MIN && b.as_int() == -1 ? IntOverflow()
                                                         : Value::Int(a.as_int() / b.as_int());
    case Kind::kUint:
      if (!same) return Value::NoSuchOverload();
      return b.as_uint() == 0 ? Value::Error("division by zero")
                              : Value::Uint(a.as_uint() / b.as_uint());
    case Kind::kDouble:
      return same ? Value::Double(a.as_double() / b.as_double()) : Value::NoSuchOverload();
    default:
      return NoOperator(op::kDivide);
  }
}

Value Modulo(Evaluation&, Args args) {
  const Value &a = args[0], &b = args[1];
  bool same = a.kind() == b.kind();
  switch (a.kind()) {
    case Kind::kInt:
      if (!same) return Value::NoSuchOverload();
      if (b.as_int() == 0) return Value::Error("modulus by zero");
      return a.as_int() == INT64_MIN && b.as_int() == -1 ? IntOverflow()
                                                         : Value::Int(a.as_int() % b.as_int());
    case Kind::kUint:
      if (!same) return Value::NoSuchOverload();
      return b.as_uint() == 0 ? Value::Error("modulus by zero")
                              : Value::Uint(a.as_uint() % b.as_uint());
    default:
      return NoOperator(op::kModulo);
  }
}

Value Negate(Evaluation&, Args args) {
  switch (args[0].kind()) {
    case Kind::kInt:
      return args[0].as_int() == INT64_MIN ? IntOverflow() : Value::Int(-args[0].as_int());
    case Kind::kDouble:
      return Value::Double(-args[0].as_double());
    case Kind::kDuration:
      return args[0].as_duration() == INT64_MIN ? IntOverflow()
                                                : Value::Duration(-args[0].as_duration());
    default:
      return Value::NoSuchOverload();
  }
}

Value Not(Evaluation&, Args args) {
  return args[0].is(Kind::kBool) ? Value::Bool(!args[0].as_bool()) : Value::NoSuchOverload();
}

template <class Holds>
Value Ordered(Args args, std::string_view name, Holds holds) {
  if (!IsComparable(args[0])) return NoOperator(name);
  Value order = Compare(args[0], args[1]);
  return order.is_error() ? order : Value::Bool(holds(order.as_int()));
}
Value Less(Evaluation&, Args args) {
  return Ordered(args, op::kLess, [](int64_t order) { return order < 0; });
}
Value LessEqual(Evaluation&, Args args) {
  return Ordered(args, op::kLessEqual, [](int64_t order) { return order <= 0; });
}
Value Greater(Evaluation&, Args args) {
  return Ordered(args, op::kGreater, [](int64_t order) { return order > 0; });
}
Value GreaterEqual(Evaluation&, Args args) {
  return Ordered(args, op::kGreaterEqual, [](int64_t order) { return order >= 0; });
}

Value In(Evaluation& ev, Args args) {
  if (args[1].is(Kind::kList)) return Value::Bool(Contains(ev, args[1].as_list(), args[0]));
  if (!args[1].is(Kind::kMap)) return Value::NoSuchOverload();
  Value error;
  bool contained = args[1].as_map().Contains(args[0], error);
  return error.is_error() ? error : Value::Bool(contained);
}

Value Size(Evaluation&, Args args) {
  switch (args[0].kind()) {
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kList:
    case Kind::kMap:
      return Value::Int(static_cast<int64_t>(SizeOf(args[0])));
    default:
      return Value::Error("no such overload: size");
  }
}

void AddOrder(Registry& r, std::string_view name, const std::string& prefix, Implementation run) {
  for (std::string_view type :
       {"bool", "int64", "int64_double", "int64_uint64", "uint64", "uint64_double", "uint64_int64",
        "double", "double_int64", "double_uint64", "string", "bytes", "timestamp", "duration"}) {
    auto spelled = [](std::string_view t) {
      return t == "int64" ? "int" : t == "uint64" ? "uint" : std::string(t);
    };
    size_t cut = type.find('_');
    std::string left = spelled(type.substr(0, cut));
    std::string right = cut == std::string_view::npos ? left : spelled(type.substr(cut + 1));
    r.Global(name, prefix + std::string(type), left + ", " + right + " -> bool");
  }
  r.Singleton(name, run);
}

}  // namespace

void AddOperators(Registry& r) {
  r.Global(op::kConditional, "conditional", "bool, A, A -> A");
  r.Global(op::kAnd, "logical_and", "bool, bool -> bool");
  r.Global(op::kOr, "logical_or", "bool, bool -> bool");
  r.Global(op::kNotStrictlyFalse, "not_strictly_false", "bool -> bool");
  r.Global(op::kEqual, "equals", "A, A -> bool");
  r.Global(op::kNotEqual, "not_equals", "A, A -> bool");
  r.Global(op::kIndex, "index_list", "list(A), int -> A");
  r.Global(op::kIndex, "index_map", "map(A, B), A -> B");

  r.Global(op::kNot, "logical_not", "bool -> bool");
  r.Singleton(op::kNot, Not);

  for (std::string_view overload :
       {"add_bytes:bytes, bytes -> bytes", "add_double:double, double -> double",
        "add_duration_duration:duration, duration -> duration",
        "add_duration_timestamp:duration, timestamp -> timestamp",
        "add_timestamp_duration:timestamp, duration -> timestamp", "add_int64:int, int -> int",
        "add_list:list(A), list(A) -> list(A)", "add_string:string, string -> string",
        "add_uint64:uint, uint -> uint"})
    r.Global(op::kAdd, overload.substr(0, overload.find(':')),
             overload.substr(overload.find(':') + 1));
  r.Singleton(op::kAdd, Add);
  r.Global(op::kSubtract, "subtract_double", "double, double -> double");
  r.Global(op::kSubtract, "subtract_duration_duration", "duration, duration -> duration");
  r.Global(op::kSubtract, "subtract_int64", "int, int -> int");
  r.Global(op::kSubtract, "subtract_timestamp_duration", "timestamp, duration -> timestamp");
  r.Global(op::kSubtract, "subtract_timestamp_timestamp", "timestamp, timestamp -> duration");
  r.Global(op::kSubtract, "subtract_uint64", "uint, uint -> uint");
  r.Singleton(op::kSubtract, Subtract);
  r.Global(op::kMultiply, "multiply_double", "double, double -> double");
  r.Global(op::kMultiply, "multiply_int64", "int, int -> int");
  r.Global(op::kMultiply, "multiply_uint64", "uint, uint -> uint");
  r.Singleton(op::kMultiply, Multiply);
  r.Global(op::kDivide, "divide_double", "double, double -> double");
  r.Global(op::kDivide, "divide_int64", "int, int -> int");
  r.Global(op::kDivide, "divide_uint64", "uint, uint -> uint");
  r.Singleton(op::kDivide, Divide);
  r.Global(op::kModulo, "modulo_int64", "int, int -> int");
  r.Global(op::kModulo, "modulo_uint64", "uint, uint -> uint");
  r.Singleton(op::kModulo, Modulo);
  r.Global(op::kNegate, "negate_double", "double -> double");
  r.Global(op::kNegate, "negate_int64", "int -> int");
  r.Singleton(op::kNegate, Negate);

  AddOrder(r, op::kLess, "less_", Less);
  AddOrder(r, op::kLessEqual, "less_equals_", LessEqual);
  AddOrder(r, op::kGreater, "greater_", Greater);
  AddOrder(r, op::kGreaterEqual, "greater_equals_", GreaterEqual);

  r.Global(op::kIn, "in_list", "A, list(A) -> bool");
  r.Global(op::kIn, "in_map", "A, map(A, B) -> bool");
  r.Singleton(op::kIn, In);

  for (std::string_view type : {"bytes", "list", "map", "string"}) {
    std::string spelled = type == "list"  ? "list(A)"
                          : type == "map" ? "map(A, B)"
                                          : std::string(type);
    r.Global("size", "size_" + std::string(type), spelled + " -> int");
    r.Member("size", std::string(type) + "_size", spelled + " -> int");
  }
  r.Singleton("size", Size);
}

}  // namespace dray::cel
