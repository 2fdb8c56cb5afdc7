#include "api/cel/plan.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace dray::cel {
namespace {

bool IsConversion(std::string_view function) {
  constexpr std::array<std::string_view, 10> kConversions = {
      "bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"};
  for (std::string_view name : kConversions)
    if (name == function) return true;
  return false;
}

// Functions that only read their argument. Kubernetes calls them in every evaluation; the outcome
// is the same.
bool IsMaker(std::string_view function) {
  constexpr std::array<std::string_view, 12> kMakers = {
      "quantity", "isQuantity", "semver", "isSemver", "ip",           "isIP",
      "cidr",     "isCIDR",     "url",    "isURL",    "format.named", "ip.isCanonical"};
  for (std::string_view name : kMakers)
    if (name == function) return true;
  return false;
}

class Planner {
 public:
  explicit Planner(Plan& plan) : plan_(plan), folding_(nullptr, false, UINT64_MAX, {}) {}

  std::string Run(const Expr* root) {
    plan_.root = Make(root);
    plan_.loops = loops_;
    return error_;
  }

 private:
  using Root = Attribute::Root;
  struct Variable {
    std::string_view name;
    Root root;
    size_t slot;
  };

  NodePtr Constant(Value value) {
    value.PinTo(plan_.pins);
    return std::make_unique<ConstantNode>(std::move(value));
  }
  NodePtr Failed(std::string error) {
    if (error_.empty()) error_ = std::move(error);
    return Constant(Value::Null());
  }
  static std::unique_ptr<AttributeNode> Node(std::unique_ptr<Attribute> attribute) {
    return std::make_unique<AttributeNode>(std::move(attribute), false);
  }
  static AttributeNode* AsAttribute(const NodePtr& node) { return node->as_attribute(); }

  // Every attribute passes here when nothing can be added to it any more.
  NodePtr Make(const Expr* expr) {
    NodePtr node = MakeOpen(expr);
    if (AttributeNode* attribute = AsAttribute(node); attribute != nullptr)
      attribute->attribute().Prepare();
    return node;
  }

  NodePtr MakeOpen(const Expr* expr) {
    switch (expr->kind) {
      case Expr::Kind::kLiteral:
        return Constant(expr->literal);
      case Expr::Kind::kIdentifier:
        return MakeIdentifier(expr);
      case Expr::Kind::kSelect:
        return MakeSelect(expr);
      case Expr::Kind::kCall:
        return MakeCall(expr);
      case Expr::Kind::kList:
        return MakeList(expr);
      case Expr::Kind::kMap:
        return MakeMap(expr);
      case Expr::Kind::kLoop:
        return MakeLoop(expr);
      case Expr::Kind::kMessage:
        break;
    }
    return Failed("unknown type: " + std::string(expr->name));
  }

  NodePtr MakeIdentifier(const Expr* expr) {
    if (expr->is_type_name) {
      return Constant(expr->literal);
    }
    auto attribute = std::make_unique<Attribute>();
    auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                              [&](const Variable& v) { return v.name == expr->name; });
    if (found != variables_.rend()) {
      attribute->root = found->root;
      attribute->slot = found->slot;
    }
    return Node(std::move(attribute));
  }

  // The node as one that qualifiers can be added to.
  std::unique_ptr<AttributeNode> Qualifiable(NodePtr node) {
    if (AsAttribute(node) != nullptr)
      return std::unique_ptr<AttributeNode>(static_cast<AttributeNode*>(node.release()));
    return Node(Relative(std::move(node)));
  }
  static std::unique_ptr<Attribute> Relative(NodePtr node) {
    auto attribute = std::make_unique<Attribute>();
    attribute->root = Root::kOperand;
    attribute->operand = std::move(node);
    return attribute;
  }

  NodePtr MakeSelect(const Expr* expr) {
    std::unique_ptr<AttributeNode> node = Qualifiable(MakeOpen(expr->target));
    auto qualifier = std::make_shared<Qualifier>();
    qualifier->constant = Value::BorrowedString(expr->name);
    qualifier->test_only = expr->test_only;
    node->attribute().Add(std::move(qualifier));
    if (expr->test_only) node->SetTestOnly();
    return node;
  }

  NodePtr MakeIndex(const Expr* expr, bool optional) {
    std::unique_ptr<AttributeNode> node = Qualifiable(MakeOpen(expr->args[0]));
    auto qualifier = std::make_shared<Qualifier>();
    qualifier->optional = optional;
    NodePtr index = Make(expr->args[1]);
    if (const Value* constant = index->constant(); constant != nullptr) {
      qualifier->constant = *constant;
      switch (constant->kind()) {
        case Kind::kString:
        case Kind::kInt:
        case Kind::kUint:
        case Kind::kBool:
        case Kind::kDouble:
          break;
        default:
          return Failed("invalid qualifier type: " + std::string(TypeName(*constant)));
      }
    } else if (AttributeNode* attribute = AsAttribute(index); attribute != nullptr) {
      qualifier->dynamic = attribute->Take();
    } else {
      qualifier->dynamic = Relative(std::move(index));
    }
    node->attribute().Add(std::move(qualifier));
    return node;
  }

  NodePtr MakeConditional(const Expr* expr) {
    auto attribute = std::make_unique<Attribute>();
    attribute->root = Root::kConditional;
    attribute->operand = Make(expr->args[0]);
    auto branch = [&](const Expr* e) {
      NodePtr node = MakeOpen(e);
      AttributeNode* inner = AsAttribute(node);
      return inner != nullptr ? inner->Take() : Relative(std::move(node));
    };
    attribute->yes = branch(expr->args[1]);
    attribute->no = branch(expr->args[2]);
    return Node(std::move(attribute));
  }

  NodePtr MakeCall(const Expr* expr) {
    std::string_view name = expr->name;
    if (name == op::kConditional) return MakeConditional(expr);
    if (name == op::kIndex) return MakeIndex(expr, false);
    if (name == op::kOptionalIndex || name == op::kOptionalSelect) return MakeIndex(expr, true);

    std::vector<NodePtr> args;
    args.reserve(expr->args.size() + 1);
    if (expr->target != nullptr) args.push_back(Make(expr->target));
    for (const Expr* arg : expr->args) args.push_back(Make(arg));
    if (name == op::kAnd || name == op::kOr)
      return std::make_unique<LogicNode>(name == op::kOr, std::move(args[0]), std::move(args[1]));
    if (name == op::kEqual || name == op::kNotEqual)
      return std::make_unique<EqualNode>(name == op::kNotEqual, std::move(args[0]),
                                         std::move(args[1]));
    if (name == op::kNotStrictlyFalse)
      return std::make_unique<NotStrictlyFalseNode>(std::move(args[0]));
    if ((name == "or" || name == "orValue") && args.size() == 2)
      return std::make_unique<OptionalOrNode>(name == "orValue", std::move(args[0]),
                                              std::move(args[1]));

    Target target = MakeTarget(expr, args.size());
    if (target.overload != nullptr || expr->overloads.size() == 1) {
      if (expr->overloads[0]->id == "in_list" && args[1]->constant() != nullptr) {
        if (NodePtr membership = MakeMembership(args); membership != nullptr) return membership;
      }
    }
    if (IsConversion(name) && args.size() == 1 && args[0]->constant() != nullptr) {
      std::array<Value, 1> values = {*args[0]->constant()};
      Value value = target.Call(folding_, values);
      return value.is_error() ? Failed(value.ErrorText()) : Constant(std::move(value));
    }
    if ((name == "matches" || name == "find" || name == "findAll") && args.size() >= 2 &&
        args[1]->constant() != nullptr && args[1]->constant()->is(Kind::kString))
      return MakeRegex(name, target, std::move(args));
    bool all_constant = AllConstant(args);
    auto call = std::make_unique<CallNode>(target, std::move(args));
    return all_constant && IsMaker(name) ? MakeOnce(*call) : std::move(call);
  }

  NodePtr MakeOnce(const CallNode& call) {
    Evaluation run(nullptr, false, UINT64_MAX, {});
    Value value = call.Run(run);
    value.PinTo(plan_.pins);
    return std::make_unique<MadeNode>(std::move(value), run.cost());
  }

  static Target MakeTarget(const Expr* expr, size_t arg_count) {
    Target target;
    target.function = expr->function;
    const Overload* only = expr->overloads.size() == 1 ? expr->overloads[0] : nullptr;
    target.cost = only == nullptr ? expr->function->cost : only->cost;
    size_t bound = 0;
    for (const Overload& overload : expr->function->overloads) bound += overload.run != nullptr;
    if (only != nullptr && only->run != nullptr) {
      target.overload = only;
      target.variadic = only->variadic;
    } else if (expr->function->singleton == nullptr) {
      target.by_types = true;
      target.variadic = bound > 1 || (bound == 1 && expr->function->overloads[0].variadic);
    }
    target.variadic |= arg_count != 1 && arg_count != 2;
    return target;
  }

  // A set of constants of primitive types; numbers are found whatever their type.
  NodePtr MakeMembership(std::vector<NodePtr>& args) {
    const List& list = args[1]->constant()->as_list();
    if (list.size() == 0) return Constant(Value::Bool(false));
    auto set = std::make_unique<LiteralMap>();
    Value yes = Value::Bool(true);
    for (size_t i = 0; i < list.size(); ++i) {
      const Value& element = list.at(i);
      switch (element.kind()) {
        case Kind::kBool:
        case Kind::kString:
          break;
        case Kind::kInt:
          set->Put(Value::Double(static_cast<double>(element.as_int())), yes);
          break;
        case Kind::kUint:
          set->Put(Value::Double(static_cast<double>(element.as_uint())), yes);
          break;
        case Kind::kDouble:
          break;  // the map finds whole numbers of other types by itself
        default:
          return nullptr;
      }
      set->Put(element, yes);
    }
    // Double elements also stand for the integers that equal them.
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list.at(i).is(Kind::kDouble)) continue;
      double d = list.at(i).as_double();
      if (d > -0x1p63 && d < 0x1p63 && d == static_cast<double>(static_cast<int64_t>(d)))
        set->Put(Value::Int(static_cast<int64_t>(d)), yes);
      if (d >= 0 && d < 0x1p64 && d == static_cast<double>(static_cast<uint64_t>(d)))
        set->Put(Value::Uint(static_cast<uint64_t>(d)), yes);
    }
    return std::make_unique<MembershipNode>(std::move(args[0]), std::move(set));
  }

  NodePtr MakeRegex(std::string_view name, const Target& target, std::vector<NodePtr> args) {
    Regex regex(args[1]->constant()->as_string());
    if (!regex.ok()) return Failed("error parsing regexp: " + regex.error());
    RegexNode::Use use = name == "matches" ? RegexNode::Use::kMatches
                         : name == "find"  ? RegexNode::Use::kFind
                                           : RegexNode::Use::kFindAll;
    return std::make_unique<RegexNode>(use, std::move(regex), target.cost, std::move(args));
  }

  static bool AllConstant(const std::vector<NodePtr>& nodes) {
    for (const NodePtr& node : nodes)
      if (node->constant() == nullptr) return false;
    return true;
  }

  NodePtr MakeList(const Expr* expr) {
    std::vector<NodePtr> elements;
    for (const Expr* element : expr->args) elements.push_back(Make(element));
    bool constant = AllConstant(elements);
    auto node = std::make_unique<ListNode>(std::move(elements), expr->optional);
    return constant ? Constant(node->Build(folding_)) : std::move(node);
  }

  NodePtr MakeMap(const Expr* expr) {
    std::vector<NodePtr> entries;
    for (const Expr* entry : expr->args) entries.push_back(Make(entry));
    bool constant = AllConstant(entries);
    auto node = std::make_unique<MapNode>(std::move(entries), expr->optional);
    return constant ? Constant(node->Build(folding_)) : std::move(node);
  }

  NodePtr MakeLoop(const Expr* expr) {
    const Loop& loop = *expr->loop;
    size_t slot = loops_++;
    NodePtr init = Make(loop.init);
    NodePtr range = Make(loop.range);
    // The accumulator hides an item of the same name.
    bool two = !loop.item2.empty();
    variables_.push_back({loop.item, Root::kItem, slot});
    if (two) variables_.push_back({loop.item2, Root::kItem2, slot});
    variables_.push_back({loop.accumulator, Root::kAccumulator, slot});
    NodePtr condition = Make(loop.condition);
    NodePtr step = Make(loop.step);
    variables_.resize(variables_.size() - (two ? 3 : 2));
    variables_.push_back({loop.accumulator, Root::kAccumulator, slot});
    NodePtr result = Make(loop.result);
    variables_.pop_back();
    return std::make_unique<LoopNode>(slot, two, loop.IsBind(), std::move(range), std::move(init),
                                      std::move(condition), std::move(step), std::move(result));
  }

  Plan& plan_;
  Evaluation folding_;
  size_t loops_ = 0;
  std::vector<Variable> variables_;  // innermost last
  std::string error_;
};

}  // namespace

std::string MakePlan(const Expr* root, Plan& plan) {
  return Planner(plan).Run(root);
}

}  // namespace dray::cel
