#pragma once

#include <memory>
#include <vector>

#include "api/cel/attribute.h"
#include "api/cel/map_value.h"
#include "api/cel/regex.h"
#include "api/cel/registry.h"
#include "api/cel/runtime_cost.h"

// What a program runs: a tree of nodes, each of which gives a value and charges what it cost. Which
// step is charged how, and what an error still charges, follows cel-go's interpreter, whose costs
// are part of the API.
namespace dray::cel {

class AttributeNode;

class Node {
 public:
  virtual ~Node() = default;
  virtual Value Run(Evaluation& evaluation) const = 0;
  // The value when it is known at compile time; such a node costs nothing.
  virtual const Value* constant() const { return nullptr; }
  virtual AttributeNode* as_attribute() { return nullptr; }
};
using NodePtr = std::unique_ptr<Node>;

class ConstantNode final : public Node {
 public:
  // The value must be pinned by the plan.
  explicit ConstantNode(Value value) : value_(std::move(value)) {}
  Value Run(Evaluation&) const override { return value_.Borrowed(); }
  const Value* constant() const override { return &value_; }

 private:
  Value value_;
};

class AttributeNode final : public Node {
 public:
  AttributeNode(std::unique_ptr<Attribute> attribute, bool test_only)
      : attribute_(std::move(attribute)), test_only_(test_only) {}
  Value Run(Evaluation& evaluation) const override;
  AttributeNode* as_attribute() override { return this; }
  Attribute& attribute() { return *attribute_; }
  std::unique_ptr<Attribute> Take() { return std::move(attribute_); }
  void SetTestOnly() { test_only_ = true; }

 private:
  std::unique_ptr<Attribute> attribute_;
  bool test_only_;
};

// && and ||: an error counts only when the other side does not decide.
class LogicNode final : public Node {
 public:
  LogicNode(bool deciding, NodePtr left, NodePtr right)
      : deciding_(deciding), left_(std::move(left)), right_(std::move(right)) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool deciding_;  // false for &&, true for ||
  NodePtr left_, right_;
};

class EqualNode final : public Node {
 public:
  EqualNode(bool negated, NodePtr left, NodePtr right)
      : negated_(negated), left_(std::move(left)), right_(std::move(right)) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool negated_;
  NodePtr left_, right_;
};

// The condition of all() and exists(): errors count as "not strictly false".
class NotStrictlyFalseNode final : public Node {
 public:
  explicit NotStrictlyFalseNode(NodePtr operand) : operand_(std::move(operand)) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  NodePtr operand_;
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
  CallNode(Target target, std::vector<NodePtr> args) : target_(target), args_(std::move(args)) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Value RunWith(Evaluation& evaluation, std::span<Value> values) const;

  Target target_;
  std::vector<NodePtr> args_;
};

// matches(), find() and findAll() with a pattern that is known at compile time.
class RegexNode final : public Node {
 public:
  enum class Use { kMatches, kFind, kFindAll };
  RegexNode(Use use, Regex regex, CostRule cost, std::vector<NodePtr> args)
      : use_(use), regex_(std::move(regex)), cost_(cost), args_(std::move(args)) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  Use use_;
  Regex regex_;
  CostRule cost_;
  std::vector<NodePtr> args_;
};

class ListNode final : public Node {
 public:
  ListNode(std::vector<NodePtr> elements, std::vector<bool> optional)
      : elements_(std::move(elements)), optional_(std::move(optional)) {}
  Value Run(Evaluation& evaluation) const override;
  Value Build(Evaluation& evaluation) const;

 private:
  std::vector<NodePtr> elements_;
  std::vector<bool> optional_;
};

class MapNode final : public Node {
 public:
  // Keys and values in turn.
  MapNode(std::vector<NodePtr> entries, std::vector<bool> optional)
      : entries_(std::move(entries)), optional_(std::move(optional)) {}
  Value Run(Evaluation& evaluation) const override;
  Value Build(Evaluation& evaluation) const;

 private:
  std::vector<NodePtr> entries_;
  std::vector<bool> optional_;
};

// A call whose arguments are constants, made once: quantity("4Gi"). It still costs what it costs.
class MadeNode final : public Node {
 public:
  // The value must be pinned by the plan.
  MadeNode(Value value, uint64_t cost) : value_(std::move(value)), cost_(cost) {}
  Value Run(Evaluation& evaluation) const override {
    evaluation.Charge(cost_);
    return value_.Borrowed();
  }

 private:
  Value value_;
  uint64_t cost_;
};

// x in [constants]: a look-up that costs nothing beyond x.
class MembershipNode final : public Node {
 public:
  MembershipNode(NodePtr element, std::unique_ptr<LiteralMap> set)
      : element_(std::move(element)), set_(std::move(set)) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  NodePtr element_;
  std::unique_ptr<LiteralMap> set_;
};

// or() and orValue() of optionals: the second only when the first has nothing.
class OptionalOrNode final : public Node {
 public:
  OptionalOrNode(bool unwrap, NodePtr left, NodePtr right)
      : unwrap_(unwrap), left_(std::move(left)), right_(std::move(right)) {}
  Value Run(Evaluation& evaluation) const override;

 private:
  bool unwrap_;
  NodePtr left_, right_;
};

class LoopNode final : public Node {
 public:
  LoopNode(size_t slot, bool two_variables, bool bind, NodePtr range, NodePtr init,
           NodePtr condition, NodePtr step, NodePtr result)
      : slot_(slot),
        two_variables_(two_variables),
        bind_(bind),
        range_(std::move(range)),
        init_(std::move(init)),
        condition_(std::move(condition)),
        step_(std::move(step)),
        result_(std::move(result)) {}
  Value Run(Evaluation& evaluation) const override;
  // The accumulator, initialised when it is first asked for.
  Value Accumulator(Evaluation& evaluation) const;

 private:
  bool Step(Evaluation& evaluation, LoopState& state) const;

  size_t slot_;
  bool two_variables_, bind_;
  NodePtr range_, init_, condition_, step_, result_;
};

}  // namespace dray::cel
