#include "api/cel/nodes.h"

#include <array>

#include "api/cel/compare.h"

namespace dray::cel {

Value AttributeNode::Run(Evaluation& ev) const {
  Value value = attribute_->Resolve(ev);
  // A conditional costs nothing of its own, and neither does has().
  bool conditional = attribute_->root == Attribute::Root::kConditional;
  if (!conditional && !test_only_) ev.Charge(1);
  if (conditional && test_only_) ev.Refund(1);
  if (test_only_ && value.is(Kind::kOptional)) return Value::Bool(value.has_value());
  return value;
}

Value LogicNode::Run(Evaluation& ev) const {
  Value error;
  for (const Node* term : {left_.get(), right_.get()}) {
    Value value = term->Run(ev);
    if (value.is(Kind::kBool)) {
      if (value.as_bool() == deciding_) return value;
    } else if (!error.is_error()) {
      error = value.is_error() ? std::move(value) : Value::NoSuchOverload();
    }
  }
  return error.is_error() ? error : Value::Bool(!deciding_);
}

Value EqualNode::Run(Evaluation& ev) const {
  std::array<Value, 2> values = {left_->Run(ev), right_->Run(ev)};
  ev.Charge(CallCost(negated_ ? CostRule::kSmaller : CostRule::kEqual, ev, values, Value::Null()));
  for (Value& value : values)
    if (value.is_error()) return std::move(value);
  Value equal = Equal(ev, values[0], values[1]);
  return negated_ ? Value::Bool(!IsTrue(equal)) : equal;
}

Value NotStrictlyFalseNode::Run(Evaluation& ev) const {
  Value value = operand_->Run(ev);
  ev.Charge(1);
  return value.is(Kind::kBool) ? value : Value::Bool(true);
}

Value Target::Call(Evaluation& ev, Args args) const {
  if (function->singleton != nullptr) return function->singleton(ev, args);
  auto fits = [&](const Overload& o) {
    if (o.run == nullptr || o.args.size() != args.size()) return false;
    if (function->unguarded) return true;
    for (size_t i = 0; i < args.size(); ++i)
      if (!AcceptsAtRuntime(o.args[i], args[i])) return false;
    return true;
  };
  if (overload != nullptr && fits(*overload)) return overload->run(ev, args);
  if (by_types) {
    for (const Overload& o : function->overloads)
      if (fits(o)) return o.run(ev, args);
  }
  std::string types;
  for (const Value& arg : args) types += (types.empty() ? "" : ", ") + std::string(TypeName(arg));
  return Value::OwnedError("no such overload: " + function->name + '(' + types + ')');
}

Value CallNode::Run(Evaluation& ev) const {
  // The usual calls need no allocation, and no values that they do not use.
  if (args_.size() == 1) {
    std::array<Value, 1> values;
    return RunWith(ev, values);
  }
  if (args_.size() == 2) {
    std::array<Value, 2> values;
    return RunWith(ev, values);
  }
  if (args_.size() <= 4) {
    std::array<Value, 4> values;
    return RunWith(ev, std::span(values).first(args_.size()));
  }
  std::vector<Value> values(args_.size());
  return RunWith(ev, values);
}

Value CallNode::RunWith(Evaluation& ev, std::span<Value> values) const {
  const Value* error = nullptr;
  for (size_t i = 0; i < args_.size(); ++i) {
    values[i] = args_[i]->Run(ev);
    if (!values[i].is_error() || error != nullptr) continue;
    error = &values[i];
    if (target_.variadic && i + 1 < args_.size()) return values[i];
  }
  if (error != nullptr) {
    ev.Charge(CallCost(target_.cost, ev, values, *error));
    return *error;
  }
  if (!NeedsResult(target_.cost)) {
    ev.Charge(CallCost(target_.cost, ev, values, Value::Null()));
    return target_.Call(ev, values);
  }
  // What the call is going to make is bounded by what is left to spend.
  uint64_t size = values[0].is(Kind::kInt) && values[0].as_int() > 0
                      ? static_cast<uint64_t>(values[0].as_int())
                      : SizeOf(values[0]);
  if (size > ev.left() && target_.cost == CostRule::kListOutput &&
      target_.function->name != "slice")
    ev.Charge(size);
  Value result = target_.Call(ev, values);
  ev.Charge(CallCost(target_.cost, ev, values, result));
  return result;
}

Value RegexNode::Run(Evaluation& ev) const {
  std::array<Value, 3> values;
  for (size_t i = 0; i < args_.size(); ++i) {
    values[i] = args_[i]->Run(ev);
    if (!values[i].is_error()) continue;
    if (i + 1 == args_.size())
      ev.Charge(CallCost(cost_, ev, std::span(values).first(args_.size()), values[i]));
    return values[i];
  }
  ev.Charge(CallCost(cost_, ev, std::span(values).first(args_.size()), Value::Null()));
  if (!values[0].is(Kind::kString)) return Value::NoSuchOverload();
  ev.Work(values[0].as_string().size() / 8);
  switch (use_) {
    case Use::kMatches:
      return Value::Bool(regex_.Matches(values[0].as_string()));
    case Use::kFind:
      return regex_.Find(values[0]);
    case Use::kFindAll:
      break;
  }
  if (args_.size() == 3 && !values[2].is(Kind::kInt)) return Value::NoSuchOverload();
  return regex_.FindAll(values[0], args_.size() == 3 ? values[2].as_int() : -1);
}

Value ListNode::Build(Evaluation& ev) const {
  std::vector<Value> items;
  items.reserve(elements_.size());
  for (size_t i = 0; i < elements_.size(); ++i) {
    Value value = elements_[i]->Run(ev);
    if (value.is_error()) return value;
    if (i < optional_.size() && optional_[i]) {
      if (!value.is(Kind::kOptional))
        return Value::Error("cannot initialize optional list element from non-optional value");
      if (!value.has_value()) continue;
      value = Value(value.optional_value());
    }
    items.push_back(std::move(value));
  }
  return Value::ListOf(std::move(items));
}

Value ListNode::Run(Evaluation& ev) const {
  Value list = Build(ev);
  ev.Charge(kListBase);
  return list;
}

Value MapNode::Build(Evaluation& ev) const {
  auto* map = new LiteralMap;
  Value result = Value::Of(map);
  for (size_t i = 0; i < entries_.size(); i += 2) {
    Value key = entries_[i]->Run(ev);
    if (key.is_error()) return key;
    Value value = entries_[i + 1]->Run(ev);
    if (value.is_error()) return value;
    if (i / 2 < optional_.size() && optional_[i / 2]) {
      if (!value.is(Kind::kOptional))
        return Value::Error("cannot initialize optional entry from non-optional value");
      if (!value.has_value()) {
        map->Remove(key);
        continue;
      }
      value = Value(value.optional_value());
    }
    if (!map->Put(std::move(key), std::move(value)))
      return Value::Error("internal error: runtime error: hash of unhashable type");
  }
  return result;
}

Value MapNode::Run(Evaluation& ev) const {
  Value map = Build(ev);
  ev.Charge(kMapBase);
  return map;
}

Value MembershipNode::Run(Evaluation& ev) const {
  Value element = element_->Run(ev);
  if (element.is_error()) return element;
  Value found;
  bool contained = set_->Find(element, found);
  return found.is_error() ? found : Value::Bool(contained);
}

Value OptionalOrNode::Run(Evaluation& ev) const {
  Value left = left_->Run(ev);
  if (!left.is(Kind::kOptional)) return left;
  if (left.has_value()) return unwrap_ ? Value(left.optional_value()) : left;
  return right_->Run(ev);
}

Value LoopNode::Accumulator(Evaluation& ev) const {
  LoopState& state = ev.loop(slot_);
  if (!state.started) {
    state.started = true;
    Value value = init_->Run(ev);
    // A list or map that the loop builds grows in place.
    if (!bind_ && value.is(Kind::kList) && value.as_list().size() == 0) {
      auto* list = new List({});
      list->StartGrowing();
      value = Value::Of(list);
    } else if (!bind_ && value.is(Kind::kMap) && value.as_map().size() == 0) {
      auto* map = new LiteralMap;
      map->StartGrowing();
      value = Value::Of(map);
    }
    state.accumulator = std::move(value);
  }
  return state.accumulator;
}

// False when the loop is to end.
bool LoopNode::Step(Evaluation& ev, LoopState& state) const {
  Value condition = condition_->Run(ev);
  if (condition.is(Kind::kBool) && !condition.as_bool()) return false;
  ev.Work(1);
  state.accumulator = step_->Run(ev);
  state.started = true;
  return true;
}

Value LoopNode::Run(Evaluation& ev) const {
  Value range = range_->Run(ev);
  if (range.is_error()) return range;
  LoopState& state = ev.loop(slot_);
  state = LoopState();
  state.node = this;
  if (range.is(Kind::kList)) {
    const List& list = range.as_list();
    for (size_t i = 0; i < list.size(); ++i) {
      state.item = two_variables_ ? Value::Int(static_cast<int64_t>(i)) : list.at(i);
      if (two_variables_) state.item2 = list.at(i);
      if (!Step(ev, state)) break;
    }
  } else if (range.is(Kind::kMap)) {
    const Map& map = range.as_map();
    for (size_t i = 0; i < map.size(); ++i) {
      state.item = map.KeyAt(i);
      if (two_variables_) state.item2 = map.ValueAt(i);
      if (!Step(ev, state)) break;
    }
  } else {
    return Value::OwnedError("got '" + std::string(TypeName(range)) + "', expected iterable type");
  }
  Value result = result_->Run(ev);
  if (!bind_ && result.is(Kind::kList)) result.as_list().StopGrowing();
  if (!bind_ && result.is(Kind::kMap)) {
    if (const auto* map = dynamic_cast<const LiteralMap*>(&result.as_map()); map != nullptr)
      map->StopGrowing();
  }
  state = LoopState();
  return result;
}

}  // namespace dray::cel
