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
  Planner(const Environment& environment, Plan& plan)
      : plan_(plan), folding_(nullptr, UINT64_MAX, nullptr) {
    if (environment.devices) return;
    for (const Environment::Variable& variable : environment.variables) {
      const size_t index = variables_.size();
      variables_.push_back({variable.name, index % 2 == 0 ? Root::kItem : Root::kItem2, index / 2});
    }
    loops_ = (variables_.size() + 1) / 2;
  }

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

  static Node* Constant(Value value) { return cel::Make<ConstantNode>(value); }
  Node* Failed(std::string error) {
    if (error_.empty()) error_ = std::move(error);
    return Constant(Value::Null());
  }

  // Every attribute passes here when nothing can be added to it any more.
  Node* Make(const Expr* expr) {
    Node* node = MakeOpen(expr);
    AttributeNode* attribute = node->as_attribute();
    return attribute == nullptr ? node : Shortened(attribute);
  }
  template <class Exprs>
  std::span<const Node*> MakeAll(const Exprs& exprs, const Expr* first = nullptr) {
    const size_t count = exprs.size() + (first != nullptr ? 1 : 0);
    auto* nodes = static_cast<const Node**>(plan_.pool.Allocate(count * sizeof(const Node*)));
    const Node** next = nodes;
    if (first != nullptr) *next++ = Make(first);
    for (const Expr* expr : exprs) *next++ = Make(expr);
    return {nodes, count};
  }

  // The node that reads the attribute in the fewest steps.
  Node* Shortened(AttributeNode* node) {
    const Attribute& attribute = node->attribute();
    const bool variable = attribute.root == Root::kItem || attribute.root == Root::kItem2 ||
                          attribute.root == Root::kAccumulator;
    if (variable && attribute.qualifiers.empty() && !node->test_only())
      return cel::Make<VariableNode>(attribute.root, attribute.slot);
    if (attribute.IsDeviceField("driver")) return cel::Make<DeviceFieldNode>(true);
    if (attribute.IsDeviceField("allowMultipleAllocations"))
      return cel::Make<DeviceFieldNode>(false);
    DevicePath path;
    bool is_attribute = false;
    if (!attribute.IsDevicePath(path, is_attribute)) return node;
    path.index = IndexOf(path.full, is_attribute);
    return cel::Make<PathNode>(path, is_attribute, node->test_only());
  }
  // The same number for the same path.
  uint16_t IndexOf(std::string_view full, bool attribute) {
    for (size_t i = 0; i < paths_.size(); ++i)
      if (paths_[i].first == full && paths_[i].second == attribute) return static_cast<uint16_t>(i);
    if (paths_.size() == kPaths) return kPaths;
    paths_.push_back({full, attribute});
    return static_cast<uint16_t>(paths_.size() - 1);
  }

  Node* MakeOpen(const Expr* expr) {
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
        return MakeMessageNode(expr);
    }
    return Failed("unknown expression");
  }

  Node* MakeMessageNode(const Expr* expr) {
    PoolVector<MessageNode::Field> fields;
    for (size_t i = 0; i < expr->args.size(); i += 2)
      fields.push_back({expr->args[i]->literal.as_string(), Make(expr->args[i + 1]),
                        expr->args[i + 1]->optional});
    return cel::Make<MessageNode>(*expr->message, fields);
  }

  Node* MakeIdentifier(const Expr* expr) {
    if (expr->is_type_name) return Constant(expr->literal);
    auto* attribute = cel::Make<Attribute>();
    auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                              [&](const Variable& v) { return v.name == expr->name; });
    if (found != variables_.rend()) {
      attribute->root = found->root;
      attribute->slot = found->slot;
    }
    return cel::Make<AttributeNode>(attribute);
  }

  // The node as one that qualifiers can be added to.
  static AttributeNode* Qualifiable(Node* node) {
    AttributeNode* attribute = node->as_attribute();
    return attribute != nullptr ? attribute : cel::Make<AttributeNode>(Relative(node));
  }
  static Attribute* Relative(const Node* node) {
    auto* attribute = cel::Make<Attribute>();
    attribute->root = Root::kOperand;
    attribute->operand = node;
    return attribute;
  }

  Node* MakeSelect(const Expr* expr) {
    AttributeNode* node = Qualifiable(MakeOpen(expr->target));
    auto* qualifier = cel::Make<Qualifier>();
    qualifier->constant = Value::BorrowedString(expr->name);
    qualifier->test_only = expr->test_only;
    node->attribute().Add(qualifier);
    if (expr->test_only) node->SetTestOnly();
    return node;
  }

  Node* MakeIndex(const Expr* expr, bool optional) {
    AttributeNode* node = Qualifiable(MakeOpen(expr->args[0]));
    auto* qualifier = cel::Make<Qualifier>();
    qualifier->optional = optional;
    Node* index = MakeOpen(expr->args[1]);
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
    } else if (AttributeNode* attribute = index->as_attribute(); attribute != nullptr) {
      qualifier->dynamic = &attribute->attribute();
    } else {
      qualifier->dynamic = Relative(index);
    }
    node->attribute().Add(qualifier);
    return node;
  }

  Node* MakeConditional(const Expr* expr) {
    auto* attribute = cel::Make<Attribute>();
    attribute->root = Root::kConditional;
    attribute->operand = Make(expr->args[0]);
    auto branch = [&](const Expr* e) {
      Node* node = MakeOpen(e);
      AttributeNode* open = node->as_attribute();
      return open != nullptr ? &open->attribute() : Relative(node);
    };
    attribute->yes = branch(expr->args[1]);
    attribute->no = branch(expr->args[2]);
    return cel::Make<AttributeNode>(attribute);
  }

  // The terms of a chain of one logical operator, from left to right.
  void Terms(const Expr* expr, std::string_view name, PoolVector<const Node*>& terms) {
    for (const Expr* arg : expr->args) {
      if (arg->kind == Expr::Kind::kCall && arg->name == name) {
        Terms(arg, name, terms);
      } else {
        terms.push_back(Make(arg));
      }
    }
  }

  Node* MakeCall(const Expr* expr) {
    std::string_view name = expr->name;
    if (name[0] == '_' || name[0] == '@') {
      if (name == op::kAnd || name == op::kOr) {
        PoolVector<const Node*> terms;
        Terms(expr, name, terms);
        return cel::Make<LogicNode>(name == op::kOr, terms);
      }
      if (name == op::kConditional) return MakeConditional(expr);
      if (name == op::kIndex) return MakeIndex(expr, false);
      if (name == op::kOptionalIndex || name == op::kOptionalSelect) return MakeIndex(expr, true);
    }

    std::span<const Node*> args = MakeAll(expr->args, expr->target);
    Target target = MakeTarget(expr, args.size());
    if (name[0] == '_' || name[0] == '@') {
      if (name == op::kEqual || name == op::kNotEqual)
        return cel::Make<EqualNode>(name == op::kNotEqual, args[0], args[1]);
      if (name == op::kNotStrictlyFalse) return cel::Make<NotStrictlyFalseNode>(args[0]);
      using Order = OrderNode::Order;
      auto order = [&](Order o) { return cel::Make<OrderNode>(o, target, args[0], args[1]); };
      if (name == op::kLess) return order(Order::kLess);
      if (name == op::kLessEqual) return order(Order::kLessEqual);
      if (name == op::kGreater) return order(Order::kGreater);
      if (name == op::kGreaterEqual) return order(Order::kGreaterEqual);
    }
    if ((name == "or" || name == "orValue") && args.size() == 2)
      return cel::Make<OptionalOrNode>(name == "orValue", args[0], args[1]);
    if (name == op::kIn && expr->overloads.size() == 1 && expr->overloads[0]->id == "in_list" &&
        args[1]->constant() != nullptr) {
      if (Node* membership = MakeMembership(args); membership != nullptr) return membership;
    }
    if (args.size() == 1 && args[0]->constant() != nullptr && IsConversion(name)) {
      Value value = target.Call(folding_, std::span(args[0]->constant(), 1));
      return value.is_error() ? Failed(value.ErrorText()) : Constant(value);
    }
    if ((name == "matches" || name == "find" || name == "findAll") && args.size() >= 2 &&
        args[1]->constant() != nullptr && args[1]->constant()->is(Kind::kString))
      return MakeRegex(name, target, args, expr->args[expr->target != nullptr ? 0 : 1]->regex);
    auto* call = cel::Make<CallNode>(target, args);
    return AllConstant(args) && IsMaker(name) ? MakeOnce(*call) : call;
  }

  static Node* MakeOnce(const CallNode& call) {
    Evaluation run(nullptr, UINT64_MAX, nullptr);
    Value value = call.Run(run);
    return cel::Make<MadeNode>(value, run.cost());
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
  Node* MakeMembership(std::span<const Node*> args) {
    const List& list = args[1]->constant()->as_list();
    if (list.size() == 0) return Constant(Value::Bool(false));
    auto* set = cel::Make<LiteralMap>();
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
    return cel::Make<MembershipNode>(args[0], set);
  }

  // `known`: the pattern, when it was compiled before.
  Node* MakeRegex(std::string_view name, const Target& target, Nodes args, const Regex* known) {
    const Regex* regex =
        known != nullptr ? known : cel::Make<Regex>(args[1]->constant()->as_string());
    if (!regex->ok()) return Failed("error parsing regexp: " + regex->error());
    RegexNode::Use use = name == "matches" ? RegexNode::Use::kMatches
                         : name == "find"  ? RegexNode::Use::kFind
                                           : RegexNode::Use::kFindAll;
    return cel::Make<RegexNode>(use, *regex, target.cost, args);
  }

  static bool AllConstant(Nodes nodes) {
    return std::all_of(nodes.begin(), nodes.end(),
                       [](const Node* node) { return node->constant() != nullptr; });
  }

  Node* MakeList(const Expr* expr) {
    Nodes elements = MakeAll(expr->args);
    auto* node = cel::Make<ListNode>(elements, OptionalOnes(expr->args, 1));
    if (AllConstant(elements)) return Constant(node->Build(folding_));
    return node;
  }

  Node* MakeMap(const Expr* expr) {
    Nodes entries = MakeAll(expr->args);
    auto* node = cel::Make<MapNode>(entries, OptionalOnes(expr->args, 2));
    if (AllConstant(entries)) return Constant(node->Build(folding_));
    return node;
  }

  // Which of the elements, or of the entries of two nodes each, are optional; nothing when none is.
  std::span<const bool> OptionalOnes(std::span<Expr* const> exprs, size_t step) {
    if (std::none_of(exprs.begin(), exprs.end(), [](const Expr* e) { return e->optional; }))
      return {};
    PoolVector<bool> ones;
    for (size_t i = step - 1; i < exprs.size(); i += step) ones.push_back(exprs[i]->optional);
    return ones;
  }

  Node* MakeLoop(const Expr* expr) {
    const Loop& loop = *expr->loop;
    size_t slot = loops_++;
    Node* init = Make(loop.init);
    if (loop.IsBind()) {
      variables_.push_back({loop.accumulator, Root::kAccumulator, slot});
      Node* result = Make(loop.result);
      variables_.pop_back();
      return cel::Make<BindNode>(slot, init, result);
    }
    Node* range = Make(loop.range);
    // The accumulator hides an item of the same name.
    bool two = !loop.item2.empty();
    variables_.push_back({loop.item, Root::kItem, slot});
    if (two) variables_.push_back({loop.item2, Root::kItem2, slot});
    variables_.push_back({loop.accumulator, Root::kAccumulator, slot});
    Node* made = IsQuantifier(loop)
                     ? cel::Make<QuantifierNode>(slot, two, loop.step->name == op::kOr, range,
                                                 Make(loop.step->args[1]))
                     : MakeOtherLoop(loop, slot, two, range, init);
    variables_.resize(variables_.size() - (two ? 3 : 2));
    return made;
  }

  // all() or exists(): accumulators of macros cannot be named by anybody else.
  static bool IsQuantifier(const Loop& loop) {
    return loop.accumulator == kAccumulator && loop.condition->kind == Expr::Kind::kCall &&
           loop.condition->name == op::kNotStrictlyFalse;
  }

  Node* MakeOtherLoop(const Loop& loop, size_t slot, bool two, const Node* range,
                      const Node* init) {
    Node* condition = Make(loop.condition);
    Node* step = MakeStep(loop.step, slot);
    // The result sees the accumulator, but no item.
    std::vector<Variable> hidden(variables_.end() - (two ? 3 : 2), variables_.end());
    variables_.resize(variables_.size() - hidden.size());
    variables_.push_back(hidden.back());
    Node* result = Make(loop.result);
    variables_.pop_back();
    variables_.insert(variables_.end(), hidden.begin(), hidden.end());
    return cel::Make<LoopNode>(slot, two, range, init, condition, step, result);
  }

  // acc + [element] gets a node of its own.
  Node* MakeStep(const Expr* step, size_t slot) {
    if (step->kind == Expr::Kind::kCall && step->name == op::kAdd &&
        step->args[0]->kind == Expr::Kind::kIdentifier && step->args[0]->name == kAccumulator &&
        step->args[1]->kind == Expr::Kind::kList && step->args[1]->args.size() == 1 &&
        !step->args[1]->args[0]->optional) {
      Node* element = Make(step->args[1]->args[0]);
      if (element->constant() == nullptr)
        return cel::Make<AppendNode>(slot, element, MakeTarget(step, 2));
    }
    return Make(step);
  }

  // What an evaluation remembers, and more paths than most expressions have.
  static constexpr uint16_t kPaths = 64;

  Plan& plan_;
  Evaluation folding_;
  size_t loops_ = 0;
  std::vector<Variable> variables_;  // innermost last
  std::vector<std::pair<std::string_view, bool>> paths_;
  std::string error_;
};

}  // namespace

std::string MakePlan(const Expr* root, const Environment& environment, Plan& plan) {
  return Planner(environment, plan).Run(root);
}

}  // namespace dray::cel
