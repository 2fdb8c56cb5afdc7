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

Value PathNode::Run(Evaluation& ev) const {
  ev.Charge(test_only_ ? 3 : 4);
  if (const Value* known = ev.Recall(path_.index); known != nullptr)
    return test_only_ ? Value::Bool(true) : *known;
  return Look(ev);
}

Value PathNode::Look(Evaluation& ev) const {
  const DeviceData& device = ev.device();
  const DeviceData::Item* item =
      device.Find(attribute_ ? device.attributes() : device.capacity(), path_);
  if (item == nullptr)
    return test_only_ ? Value::Bool(false) : Value::NoSuchKey(Value::BorrowedString(path_.id));
  Value value = attribute_ ? device.AttributeValue(*item) : DeviceData::CapacityValue(*item);
  ev.Remember(path_.index, value);
  return test_only_ ? Value::Bool(true) : value;
}

Value DeviceFieldNode::Run(Evaluation& ev) const {
  ev.Charge(2);
  return driver_ ? Value::BorrowedString(ev.device().driver)
                 : Value::Bool(ev.device().allow_multiple_allocations);
}

Value VariableNode::Run(Evaluation& ev) const {
  LoopState& loop = ev.loop(slot_);
  ev.Charge(1);
  Value value = root_ == Attribute::Root::kItem    ? loop.item
                : root_ == Attribute::Root::kItem2 ? loop.item2
                                                   : Accumulator(ev, loop);
  return value.is(Kind::kOptional) ? ReadOptional(value) : value;
}

Value LogicNode::Run(Evaluation& ev) const {
  Value error;
  for (const Node* term : terms_) {
    Value value = term->Run(ev);
    if (value.is(Kind::kBool)) {
      if (value.as_bool() == deciding_) return value;
    } else if (!error.is_error()) {
      error = value.is_error() ? value : Value::NoSuchOverload();
    }
  }
  return error.is_error() ? error : Value::Bool(!deciding_);
}

Value EqualNode::Run(Evaluation& ev) const {
  Value left = left_->Run(ev);
  Value right = constant_ != nullptr ? *constant_ : right_->Run(ev);
  if (left.kind() != right.kind()) return Mixed(ev, left, right);
  switch (left.kind()) {
    case Kind::kString: {
      const std::string_view a = left.as_string(), b = right.as_string();
      ev.Charge(SmallerTextCost(a, b));
      return Value::Bool(SameName(a, b) != negated_);
    }
    case Kind::kInt:
    case Kind::kBool:
      ev.Charge(1);
      return Value::Bool((left.is(Kind::kInt) ? left.as_int() == right.as_int()
                                              : left.as_bool() == right.as_bool()) != negated_);
    default:
      return Mixed(ev, left, right);
  }
}

Value EqualNode::Mixed(Evaluation& ev, const Value& left, const Value& right) const {
  const std::array<Value, 2> values = {left, right};
  ev.Charge(CallCost(negated_ ? CostRule::kSmaller : CostRule::kEqual, ev, values, Value::Null()));
  for (const Value& value : values)
    if (value.is_error()) return value;
  Value equal = Equal(ev, left, right);
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
    if (!o.kinds.empty()) {
      for (size_t i = 0; i < args.size(); ++i)
        if (!args[i].is(o.kinds[i])) return false;
      return true;
    }
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
  // The usual calls have few arguments.
  if (args_.size() <= 2) {
    std::array<Value, 2> values;
    return RunWith(ev, std::span(values).first(args_.size()));
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
  PoolVector<Value> items;
  for (size_t i = 0; i < elements_.size(); ++i) {
    Value value = elements_[i]->Run(ev);
    if (value.is_error()) return value;
    if (i < optional_.size() && optional_[i]) {
      if (!value.is(Kind::kOptional))
        return Value::Error("cannot initialize optional list element from non-optional value");
      if (!value.has_value()) continue;
      value = value.optional_value();
    }
    items.push_back(value);
  }
  return Value::Of(Make<List>(items));
}

Value ListNode::Run(Evaluation& ev) const {
  Value list = Build(ev);
  ev.Charge(kListBase);
  return list;
}

Value MapNode::Build(Evaluation& ev) const {
  auto* map = Make<LiteralMap>();
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
      value = value.optional_value();
    }
    if (!map->Put(key, value))
      return Value::Error("internal error: runtime error: hash of unhashable type");
  }
  return Value::Of(map);
}

Value MapNode::Run(Evaluation& ev) const {
  Value map = Build(ev);
  ev.Charge(kMapBase);
  return map;
}

Value MessageNode::Build(Evaluation& ev) const {
  PoolVector<NamedValue> values;
  for (const Field& field : fields_) {
    Value value = field.value->Run(ev);
    if (value.is_error()) return value;
    if (field.optional) {
      if (!value.is(Kind::kOptional))
        return Value::Error("cannot initialize optional entry from non-optional value");
      if (!value.has_value()) continue;
      value = value.optional_value();
    }
    values.push_back({field.name, value});
  }
  return MakeMessage(message_, values);
}

Value MessageNode::Run(Evaluation& ev) const {
  Value message = Build(ev);
  ev.Charge(kMessageBase);
  return message;
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
  if (left.has_value()) return unwrap_ ? left.optional_value() : left;
  return right_->Run(ev);
}

Value Accumulator(Evaluation& ev, LoopState& state) {
  if (state.started) return state.accumulator;
  state.started = true;
  Value value = state.init->Run(ev);
  if (state.grows && value.is(Kind::kList) && value.as_list().size() == 0) {
    auto* list = Make<List>();
    list->StartGrowing();
    value = Value::Of(list);
  } else if (state.grows && value.is(Kind::kMap) && value.as_map().size() == 0) {
    auto* map = Make<LiteralMap>();
    map->StartGrowing();
    value = Value::Of(map);
  }
  return state.accumulator = value;
}

namespace {

// Calls step() with the loop's variables set for each item, until it says false. An error when the
// range is nothing to go through.
template <class Step>
Value ForEach(const Value& range, bool two_variables, LoopState& state, Step step) {
  if (range.is(Kind::kList)) {
    const List& list = range.as_list();
    for (size_t i = 0; i < list.size(); ++i) {
      state.item = two_variables ? Value::Int(static_cast<int64_t>(i)) : list.at(i);
      if (two_variables) state.item2 = list.at(i);
      if (!step()) break;
    }
  } else if (range.is(Kind::kMap)) {
    const Map& map = range.as_map();
    for (size_t i = 0; i < map.size(); ++i) {
      state.item = map.KeyAt(i);
      if (two_variables) state.item2 = map.ValueAt(i);
      if (!step()) break;
    }
  } else {
    return Value::OwnedError("got '" + std::string(TypeName(range)) + "', expected iterable type");
  }
  return Value::Null();
}

}  // namespace

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
  state.init = init_;
  state.started = false;
  state.grows = true;
  Value error = ForEach(range, two_variables_, state, [&] { return Step(ev, state); });
  if (error.is_error()) return error;
  Value result = result_->Run(ev);
  if (result.is(Kind::kList)) result.as_list().StopGrowing();
  if (result.is(Kind::kMap)) result.as_map().StopGrowing();
  return result;
}

// What the loop of the macro spends in each round: exists() on @not_strictly_false(!acc), all() on
// @not_strictly_false(acc); both on reading the accumulator again in the step, unless the condition
// has ended the loop.
bool QuantifierNode::Step(Evaluation& ev, Value& outcome) const {
  ev.Charge(exists_ ? 3 : 2);
  if (outcome.is(Kind::kBool) && outcome.as_bool() == exists_) return false;
  ev.Work(1);
  ev.Charge(1);
  Value value = predicate_->Run(ev);
  if (value.is(Kind::kBool)) {
    if (value.as_bool() == exists_) outcome = value;
  } else if (!outcome.is_error()) {
    outcome = value.is_error() ? value : Value::NoSuchOverload();
  }
  return true;
}

Value QuantifierNode::Run(Evaluation& ev) const {
  Value range = range_->Run(ev);
  if (range.is_error()) return range;
  Value outcome = Value::Bool(!exists_);
  Value error = ForEach(range, two_variables_, ev.loop(slot_), [&] { return Step(ev, outcome); });
  if (error.is_error()) return error;
  ev.Charge(1);
  return outcome;
}

Value AppendNode::Run(Evaluation& ev) const {
  const Value list = Accumulator(ev, ev.loop(slot_));
  ev.Charge(1);
  const Value element = element_->Run(ev);
  ev.Charge(kListBase + 1);
  if (list.is_error()) return list;
  if (element.is_error()) return element;
  if (list.is(Kind::kList) && list.as_list().growing()) {
    list.as_list().Append(element);
    return list;
  }
  const std::array<Value, 2> lists = {list, Value::ListOf({&element, 1})};
  return add_.Call(ev, lists);
}

Value BindNode::Run(Evaluation& ev) const {
  LoopState& state = ev.loop(slot_);
  state.init = value_;
  state.started = false;
  state.grows = false;
  return result_->Run(ev);
}

Value OrderNode::Run(Evaluation& ev) const {
  const Value left = left_->Run(ev);
  const Value right = constant_ != nullptr ? *constant_ : right_->Run(ev);
  if (left.is(Kind::kInt) && right.is(Kind::kInt)) {
    ev.Charge(1);
    const int64_t a = left.as_int(), b = right.as_int();
    switch (order_) {
      case Order::kLess:
        return Value::Bool(a < b);
      case Order::kLessEqual:
        return Value::Bool(a <= b);
      case Order::kGreater:
        return Value::Bool(a > b);
      case Order::kGreaterEqual:
        return Value::Bool(a >= b);
    }
  }
  const std::array<Value, 2> values = {left, right};
  ev.Charge(CallCost(target_.cost, ev, values, Value::Null()));
  for (const Value& value : values)
    if (value.is_error()) return value;
  return target_.Call(ev, values);
}

}  // namespace dray::cel
