#include "api/cel/macros.h"

#include <utility>

namespace dray::cel {
namespace {

constexpr std::string_view kUnused = "#unused", kInsert = "cel.@mapInsert";

// Builds the nodes of one expansion. All of them stand where the call stands.
class Expansion {
 public:
  Expansion(Ast& ast, const Environment& environment, Expr* call, std::vector<Mistake>& mistakes)
      : ast_(ast), environment_(environment), call_(call), mistakes_(mistakes) {}

  Expr* Run() {
    std::string_view name = call_->name;
    size_t count = call_->args.size();
    if (!call_->member) return name == "has" && count == 1 ? Has() : call_;
    if (count == 2) {
      if (name == "all" || name == "exists" || name == "exists_one")
        return OneVariable([&] { return Quantifier(name, Arg(1)); });
      if (name == "map")
        return OneVariable([&] { return Transform(nullptr, Arg(1)); },
                           "argument is not an identifier");
      if (name == "filter")
        return OneVariable([&] { return Transform(Arg(1), Arg(0)); },
                           "argument is not an identifier");
      if (name == "optMap" || name == "optFlatMap") return OptionalMap(name == "optFlatMap");
      if (name == "sortBy") return SortBy();
    }
    if (count == 3) {
      if (name == "bind" && environment_.devices &&
          call_->target->kind == Expr::Kind::kIdentifier && call_->target->name == "cel")
        return UserBind();
      if (name == "map")
        return OneVariable([&] { return Transform(Arg(1), Arg(2)); },
                           "argument is not an identifier");
      if (name == "all" || name == "exists" || name == "exists_one" || name == "existsOne")
        return TwoVariables([&] { return Quantifier(name, Arg(2)); });
    }
    if (count == 3 || count == 4) {
      Expr* filter = count == 4 ? Arg(2) : nullptr;
      if (name == "transformList")
        return TwoVariables([&] { return Transform(filter, Arg(count - 1)); });
      if (name == "transformMap")
        return TwoVariables([&] {
          return Insert(filter,
                        Call(kInsert, {Accumulator(), Identifier(Arg(0)->name), Arg(count - 1)}));
        });
      if (name == "transformMapEntry")
        return TwoVariables([&] {
          return Insert(filter, Call(kInsert, {Accumulator(), Arg(count - 1)}));
        });
    }
    return call_;
  }

 private:
  Expr* Arg(size_t index) { return call_->args[index]; }

  Expr* Literal(Value value) {
    Expr* literal = ast_.New(Expr::Kind::kLiteral, call_->offset);
    literal->literal = std::move(value);
    return literal;
  }
  Expr* Identifier(std::string_view name) {
    Expr* identifier = ast_.New(Expr::Kind::kIdentifier, call_->offset);
    identifier->name = name;
    return identifier;
  }
  Expr* Accumulator() { return Identifier(kAccumulator); }
  Expr* List(std::initializer_list<Expr*> elements) {
    Expr* list = ast_.New(Expr::Kind::kList, call_->offset);
    list->args = ast_.Array(elements);
    return list;
  }
  Expr* Call(std::string_view function, std::initializer_list<Expr*> args) {
    Expr* call = ast_.New(Expr::Kind::kCall, call_->offset);
    call->name = function;
    call->args = ast_.Array(args);
    return call;
  }
  Expr* MemberCall(std::string_view function, Expr* target, std::initializer_list<Expr*> args) {
    Expr* call = Call(function, args);
    call->member = true;
    call->target = target;
    return call;
  }
  // Loops over the call's target, or over `range`, with the variables that the macro names.
  Expr* MakeLoop(Expr* init, Expr* condition, Expr* step, Expr* result) {
    Expr* loop = ast_.New(Expr::Kind::kLoop, call_->offset);
    loop->loop =
        ast_.NewLoop(Loop{item_, item2_, kAccumulator, range_ == nullptr ? call_->target : range_,
                          init, condition, step, result});
    return loop;
  }
  Expr* Bind(std::string_view name, Expr* value, Expr* result) {
    Expr* loop = ast_.New(Expr::Kind::kLoop, call_->offset);
    loop->loop = ast_.NewLoop(Loop{kUnused, "", name, List({}), value, Literal(Value::Bool(false)),
                                   Identifier(name), result});
    return loop;
  }
  Expr* Mistaken(const Expr* at, std::string message) {
    mistakes_.push_back({at->offset, std::move(message)});
    return call_;
  }

  Expr* Has() {
    if (Arg(0)->kind != Expr::Kind::kSelect)
      return Mistaken(
          Arg(0),
          "invalid argument to has() macro (it takes a field selection, as in has(x.field))");
    Expr* test = ast_.New(Expr::Kind::kSelect, call_->offset);
    test->test_only = true;
    test->target = Arg(0)->target;
    test->name = Arg(0)->name;
    return test;
  }

  template <class Make>
  Expr* OneVariable(Make make, std::string_view no_name = "argument must be a simple name") {
    if (!TakeVariable(Arg(0), item_, no_name)) return call_;
    return make();
  }
  template <class Make>
  Expr* TwoVariables(Make make) {
    if (!TakeVariable(Arg(0), item_, "argument must be a simple name") ||
        !TakeVariable(Arg(1), item2_, "argument must be a simple name"))
      return call_;
    if (item_ == item2_) return Mistaken(Arg(1), "duplicate variable name: " + std::string(item_));
    return make();
  }
  bool TakeVariable(const Expr* arg, std::string_view& name, std::string_view no_name) {
    if (arg->kind != Expr::Kind::kIdentifier) {
      Mistaken(arg, std::string(no_name));
      return false;
    }
    name = arg->name;
    if (name == kAccumulator || name == kOldAccumulator) {
      Mistaken(arg, "iteration variable overwrites accumulator variable");
      return false;
    }
    return true;
  }

  Expr* Quantifier(std::string_view name, Expr* predicate) {
    if (name == "all") {
      return MakeLoop(Literal(Value::Bool(true)), Call(op::kNotStrictlyFalse, {Accumulator()}),
                      Call(op::kAnd, {Accumulator(), predicate}), Accumulator());
    }
    if (name == "exists") {
      return MakeLoop(Literal(Value::Bool(false)),
                      Call(op::kNotStrictlyFalse, {Call(op::kNot, {Accumulator()})}),
                      Call(op::kOr, {Accumulator(), predicate}), Accumulator());
    }
    Expr* step =
        Call(op::kConditional,
             {predicate, Call(op::kAdd, {Accumulator(), Literal(Value::Int(1))}), Accumulator()});
    return MakeLoop(Literal(Value::Int(0)), Literal(Value::Bool(true)), step,
                    Call(op::kEqual, {Accumulator(), Literal(Value::Int(1))}));
  }

  Expr* Filtered(Expr* filter, Expr* step) {
    return filter == nullptr ? step : Call(op::kConditional, {filter, step, Accumulator()});
  }
  Expr* Transform(Expr* filter, Expr* element) {
    Expr* step = Filtered(filter, Call(op::kAdd, {Accumulator(), List({element})}));
    return MakeLoop(List({}), Literal(Value::Bool(true)), step, Accumulator());
  }
  // `entry` calls cel.@mapInsert.
  Expr* Insert(Expr* filter, Expr* entry) {
    Expr* step = Filtered(filter, entry);
    return MakeLoop(ast_.New(Expr::Kind::kMap, call_->offset), Literal(Value::Bool(true)), step,
                    Accumulator());
  }

  Expr* UserBind() {
    if (Arg(0)->kind != Expr::Kind::kIdentifier)
      return Mistaken(Arg(0), "cel.bind() variable names must be simple identifiers");
    return Bind(Arg(0)->name, Arg(1), Arg(2));
  }

  Expr* OptionalMap(bool flat) {
    if (Arg(0)->kind != Expr::Kind::kIdentifier)
      return Mistaken(Arg(0),
                      std::string(call_->name) + "() variable name must be a simple identifier");
    Expr* mapped = Bind(Arg(0)->name, MemberCall("value", ast_.Copy(call_->target), {}), Arg(1));
    return Call(op::kConditional,
                {MemberCall("hasValue", call_->target, {}),
                 flat ? mapped : Call("optional.of", {mapped}), Call("optional.none", {})});
  }

  Expr* SortBy() {
    using K = Expr::Kind;
    constexpr std::string_view kInput = "@__sortBy_input__";
    K kind = call_->target->kind;
    if (kind != K::kList && kind != K::kSelect && kind != K::kIdentifier && kind != K::kLoop &&
        kind != K::kCall)
      return Mistaken(call_->target,
                      "sortBy can only be applied to a list, identifier, comprehension, call or "
                      "select expression");
    Expr* target = call_->target;
    range_ = Identifier(kInput);
    if (!TakeVariable(Arg(0), item_, "argument is not an identifier")) return call_;
    Expr* keys = Transform(nullptr, Arg(1));
    return Bind(kInput, target, MemberCall("@sortByAssociatedKeys", Identifier(kInput), {keys}));
  }

  Ast& ast_;
  const Environment& environment_;
  Expr* call_;
  std::vector<Mistake>& mistakes_;
  std::string_view item_, item2_;
  Expr* range_ = nullptr;
};

}  // namespace

Expr* ExpandMacro(Ast& ast, const Environment& environment, Expr* call,
                  std::vector<Mistake>& mistakes) {
  return Expansion(ast, environment, call, mistakes).Run();
}

}  // namespace dray::cel
