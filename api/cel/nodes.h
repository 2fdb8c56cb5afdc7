#pragma once

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "api/cel/attribute.h"
#include "api/cel/map_value.h"
#include "api/cel/messages.h"
#include "api/cel/regex.h"
#include "api/cel/registry.h"
#include "api/cel/runtime_cost.h"

// What a program runs: a tree of nodes, each of which gives a value and charges what it cost. Which
// step is charged how, and what an error still charges, follows cel-go's interpreter, whose costs
// are part of the API. Nodes live in the pool of their Plan.
namespace dray::cel {

class AttributeNode;

class Node {
 public:
  virtual Value Run(Evaluation& evaluation) const = 0;
  // The value when it is known at compile time; such a node costs nothing.
  virtual const Value* constant() const { return nullptr; }
  virtual AttributeNode* as_attribute() { return nullptr; }

 protected:
  ~Node() = default;
};
using Nodes = std::span<const Node* const>;

class ConstantNode final : public Node {
 public:
  explicit ConstantNode(Value value) : value_(value) {}
  Value Run(Evaluation&) const override { return value_; }
  const Value* constant() const override { return &value_; }

 private:
  Value value_;
};

class AttributeNode final : public Node {
 public:
  explicit AttributeNode(Attribute* attribute) : attribute_(attribute) {}
  Value Run(Evaluation& evaluation) const override;
  AttributeNode* as_attribute() override { return this; }
  Attribute& attribute() const { return *attribute_; }
  bool test_only() const { return test_only_; }
  void SetTestOnly() { test_only_ = true; }

 private:
  Attribute* attribute_;
  bool test_only_ = false;
};

// Attributes that can be read without going from step to step; same values, same costs.

// device.attributes["domain"].name and device.capacity["domain"].name, also inside has().
class PathNode final : public Node {
 public:
  PathNode(const DevicePath& path, bool attribute, bool test_only)
      : path_(path), attribute_(attribute), test_only_(test_only) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Value Look(Evaluation& evaluation) const;

  DevicePath path_;
  bool attribute_, test_only_;
};

// device.driver and device.allowMultipleAllocations.
class DeviceFieldNode final : public Node {
 public:
  explicit DeviceFieldNode(bool driver) : driver_(driver) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool driver_;
};

// A variable of a loop.
class VariableNode final : public Node {
 public:
  VariableNode(Attribute::Root root, size_t slot) : root_(root), slot_(slot) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Attribute::Root root_;
  size_t slot_;
};

// A chain of && or ||: an error counts only when no other term decides.
class LogicNode final : public Node {
 public:
  LogicNode(bool deciding, Nodes terms) : deciding_(deciding), terms_(terms) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool deciding_;  // false for &&, true for ||
  Nodes terms_;
};

class EqualNode final : public Node {
 public:
  EqualNode(bool negated, const Node* left, const Node* right)
      : negated_(negated), left_(left), right_(right), constant_(right->constant()) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Value Mixed(Evaluation& evaluation, const Value& left, const Value& right) const;

  bool negated_;
  const Node *left_, *right_;
  const Value* constant_;  // the right side when it is one
};

// The condition of all() and exists(): errors count as "not strictly false".
class NotStrictlyFalseNode final : public Node {
 public:
  explicit NotStrictlyFalseNode(const Node* operand) : operand_(operand) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  const Node* operand_;
};

// How a call finds its implementation.
struct Target {
  const Function* function = nullptr;
  const Overload* overload =
      nullptr;  // null: by the types of the arguments, or the function's singleton
  bool by_types = false;
  // Bound to take any number of arguments: the first error ends the call at once, and is then
  // charged only if it was the last argument. Otherwise all arguments are evaluated first.
  bool variadic = false;
  CostRule cost = CostRule::kOne;

  Value Call(Evaluation& evaluation, Args args) const;
};

class CallNode final : public Node {
 public:
  CallNode(const Target& target, Nodes args) : target_(target), args_(args) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Value RunWith(Evaluation& evaluation, std::span<Value> values) const;

  Target target_;
  Nodes args_;
};

// <, <=, >, >=: integers at once, all else as a call.
class OrderNode final : public Node {
 public:
  enum class Order : uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual };
  OrderNode(Order order, const Target& target, const Node* left, const Node* right)
      : order_(order), target_(target), left_(left), right_(right), constant_(right->constant()) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Order order_;
  Target target_;
  const Node *left_, *right_;
  const Value* constant_;
};

// matches(), find() and findAll() with a pattern that is known at compile time.
class RegexNode final : public Node {
 public:
  enum class Use { kMatches, kFind, kFindAll };
  RegexNode(Use use, const Regex& regex, CostRule cost, Nodes args)
      : use_(use), regex_(regex), cost_(cost), args_(args) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Use use_;
  const Regex& regex_;
  CostRule cost_;
  Nodes args_;
};

class ListNode final : public Node {
 public:
  ListNode(Nodes elements, std::span<const bool> optional)
      : elements_(elements), optional_(optional) {}
  Value Run(Evaluation& evaluation) const override;
  Value Build(Evaluation& evaluation) const;

 private:
  Nodes elements_;
  std::span<const bool> optional_;
};

class MapNode final : public Node {
 public:
  // Keys and values in turn.
  MapNode(Nodes entries, std::span<const bool> optional) : entries_(entries), optional_(optional) {}
  Value Run(Evaluation& evaluation) const override;
  Value Build(Evaluation& evaluation) const;

 private:
  Nodes entries_;
  std::span<const bool> optional_;
};

// google.protobuf.Int64Value{value: 1}.
class MessageNode final : public Node {
 public:
  struct Field {
    std::string_view name;
    const Node* value;
    bool optional;
  };
  MessageNode(const MessageType& message, std::span<const Field> fields)
      : message_(message), fields_(fields) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Value Build(Evaluation& evaluation) const;

  const MessageType& message_;
  std::span<const Field> fields_;
};

// A call whose arguments are constants, made once: quantity("4Gi"). It still costs what it costs.
class MadeNode final : public Node {
 public:
  MadeNode(Value value, uint64_t cost) : value_(value), cost_(cost) {}
  Value Run(Evaluation& evaluation) const override {
    evaluation.Charge(cost_);
    return value_;
  }

 private:
  Value value_;
  uint64_t cost_;
};

// x in [constants]: a look-up that costs nothing beyond x.
class MembershipNode final : public Node {
 public:
  MembershipNode(const Node* element, const LiteralMap* set) : element_(element), set_(set) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  const Node* element_;
  const LiteralMap* set_;
};

// or() and orValue() of optionals: the second only when the first has nothing.
class OptionalOrNode final : public Node {
 public:
  OptionalOrNode(bool unwrap, const Node* left, const Node* right)
      : unwrap_(unwrap), left_(left), right_(right) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool unwrap_;
  const Node *left_, *right_;
};

class LoopNode final : public Node {
 public:
  LoopNode(size_t slot, bool two_variables, const Node* range, const Node* init,
           const Node* condition, const Node* step, const Node* result)
      : slot_(slot),
        two_variables_(two_variables),
        range_(range),
        init_(init),
        condition_(condition),
        step_(step),
        result_(result) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool Step(Evaluation& evaluation, LoopState& state) const;

  size_t slot_;
  bool two_variables_;
  const Node *range_, *init_, *condition_, *step_, *result_;
};

// all() and exists(), as the loop that they stand for would run.
class QuantifierNode final : public Node {
 public:
  QuantifierNode(size_t slot, bool two_variables, bool exists, const Node* range,
                 const Node* predicate)
      : slot_(slot),
        two_variables_(two_variables),
        exists_(exists),
        range_(range),
        predicate_(predicate) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool Step(Evaluation& evaluation, Value& outcome) const;

  size_t slot_;
  bool two_variables_, exists_;
  const Node *range_, *predicate_;
};

// acc + [element]: what map() and filter() do in each step.
class AppendNode final : public Node {
 public:
  AppendNode(size_t slot, const Node* element, const Target& add)
      : slot_(slot), element_(element), add_(add) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  size_t slot_;
  const Node* element_;
  Target add_;
};

// cel.bind() and what is built like it: a variable, computed when it is first asked for.
class BindNode final : public Node {
 public:
  BindNode(size_t slot, const Node* value, const Node* result)
      : slot_(slot), value_(value), result_(result) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  size_t slot_;
  const Node *value_, *result_;
};

}  // namespace dray::cel
