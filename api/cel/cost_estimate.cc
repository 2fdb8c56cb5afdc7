#include "api/cel/cost_estimate.h"

#include <map>
#include <string>
#include <unordered_map>

#include "api/cel/registry.h"
#include "api/cel/runtime_cost.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

// Sizes of the keys and values of a list or map.
struct EntrySizes {
  bool list = false;
  Range key, value;
};

class Estimator {
 public:
  Range Cost(const Expr* e) {
    switch (e->kind) {
      case Expr::Kind::kLiteral: return {};
      case Expr::Kind::kIdentifier: return CostOfIdentifier(e);
      case Expr::Kind::kSelect: return CostOfSelect(e);
      case Expr::Kind::kCall: return CostOfCall(e);
      case Expr::Kind::kList: return CostOfList(e);
      case Expr::Kind::kMap: return CostOfMap(e);
      case Expr::Kind::kLoop: return e->loop->IsBind() ? CostOfBind(e) : CostOfLoop(e);
      case Expr::Kind::kMessage: return {};
    }
    return {};
  }

 private:
  struct Variable {
    Path path;
    std::optional<Range> size;
    std::optional<EntrySizes> entries;
  };

  const Variable* Find(std::string_view name) const {
    auto found = variables_.find(name);
    return found == variables_.end() || found->second.empty() ? nullptr : &found->second.back();
  }
  void Pop(const std::string& name) { variables_.find(name)->second.pop_back(); }

  Path PathOf(const Expr* e) const {
    if (e->kind == Expr::Kind::kIdentifier) {
      if (const Variable* variable = Find(e->name); variable != nullptr) return variable->path;
    }
    auto found = paths_.find(e);
    return found == paths_.end() ? Path() : found->second;
  }

  std::optional<Range> SizeOf(const Expr* e) {
    if (auto found = sizes_.find(e); found != sizes_.end()) return found->second;
    if (std::optional<Range> size = LiteralSize(e); size) return size;
    if (std::optional<Range> size = SizeAt(PathOf(e)); size) {
      sizes_[e] = *size;
      return size;
    }
    if (IsScalar(e->type)) return Range::Fixed(1);
    if (e->kind == Expr::Kind::kIdentifier) {
      if (const Variable* variable = Find(e->name); variable != nullptr) return variable->size;
    }
    return std::nullopt;
  }
  Range SizeOrUnknown(const Expr* e) { return SizeOf(e).value_or(Range::Unknown()); }
  static Range SizeOrUnknown(const CostNode& node) { return node.size.value_or(Range::Unknown()); }
  void SetSize(const Expr* e, const std::optional<Range>& size) {
    if (size) sizes_[e] = *size;
  }

  std::optional<EntrySizes> EntriesOf(const Expr* e) const {
    if (auto found = entries_.find(e); found != entries_.end()) return found->second;
    if (e->kind == Expr::Kind::kIdentifier) {
      if (const Variable* variable = Find(e->name); variable != nullptr) return variable->entries;
    }
    return std::nullopt;
  }
  void SetEntries(const Expr* e, const std::optional<EntrySizes>& entries) {
    if (entries) entries_[e] = *entries;
  }
  static std::optional<EntrySizes> Union(const std::optional<EntrySizes>& a, const std::optional<EntrySizes>& b) {
    if (!a || !b) return std::nullopt;
    return EntrySizes{a->list, a->key.Union(b->key), a->value.Union(b->value)};
  }

  static std::optional<Range> LiteralSize(const Expr* e) {
    switch (e->kind) {
      case Expr::Kind::kLiteral:
        if (e->literal.is(Kind::kString)) return Range::Fixed(RuneCount(e->literal.as_string()));
        if (e->literal.is(Kind::kBytes)) return Range::Fixed(e->literal.as_bytes().size());
        return Range::Fixed(1);
      case Expr::Kind::kList: return Range::Fixed(e->args.size());
      case Expr::Kind::kMap: return Range::Fixed(e->args.size() / 2);
      default: return std::nullopt;
    }
  }

  static bool IsScalar(const StaticType* type) {
    switch (type->kind) {
      case TypeKind::kBool: case TypeKind::kDouble: case TypeKind::kDuration: case TypeKind::kInt: case TypeKind::kTimestamp:
      case TypeKind::kUint: return true;
      case TypeKind::kOpaque: return type->IsOptional() && !type->params.empty() && IsScalar(type->params[0]);
      default: return false;
    }
  }

  Range CostOfIdentifier(const Expr* e) {
    const Variable* variable = Find(e->name);
    paths_[e] = variable != nullptr ? variable->path : Path(e->name);
    return Range::Fixed(1);
  }

  Range CostOfSelect(const Expr* e) {
    Range sum = Cost(e->target);
    if (e->test_only) return sum;
    if (e->target->type->kind == TypeKind::kMap || e->target->type->kind == TypeKind::kStruct) sum = sum + Range::Fixed(1);
    paths_[e] = PathOf(e->target).Then(e->name);
    return sum;
  }

  CostNode Node(const Expr* e) {
    Path path = PathOf(e);
    if (!path.empty() && (path[0] == kAccumulator || path[0] == kOldAccumulator)) path = Path();
    return {path, e->type, e, SizeOf(e)};
  }

  Range CostOfCall(const Expr* e) {
    if (e->name == "dyn") {
      Range cost = Range::Fixed(1) + Cost(e->args[0]);
      SetSize(e, SizeOf(e->args[0]));
      SetEntries(e, EntriesOf(e->args[0]));
      return cost;
    }
    std::vector<CostNode> args;
    std::vector<Range> arg_costs;
    for (const Expr* arg : e->args) {
      arg_costs.push_back(Cost(arg));
      args.push_back(Node(arg));
    }
    if (e->overloads.empty()) return {};
    Range sum;
    std::optional<CostNode> target;
    if (e->target != nullptr) {
      sum = Cost(e->target);
      target = Node(e->target);
    }
    Range cost = {Range::kUnlimited, 0};
    std::optional<Range> result_size;
    for (const Overload* overload : e->overloads) {
      CallEstimate estimate = CostOfOverload(e, overload->id, target ? &*target : nullptr, args, arg_costs);
      cost = cost.Union(estimate.cost);
      if (estimate.result_size)
        result_size = result_size ? result_size->Union(*estimate.result_size) : *estimate.result_size;
      if (overload->id == "index_list" || overload->id == "index_map") {
        std::optional<EntrySizes> entries = EntriesOf(e->args[0]);
        result_size = entries ? std::optional(entries->value) : std::nullopt;
        paths_[e] = PathOf(e->args[0]).Then(overload->id == "index_list" ? "@items" : "@values");
      }
      if (!result_size) result_size = SizeOf(e);
    }
    SetSize(e, result_size);
    return sum + cost;
  }

  CallEstimate CostOfOverload(const Expr* e, std::string_view id, const CostNode* target, const std::vector<CostNode>& args,
                              const std::vector<Range>& arg_costs) {
    Range args_cost;
    for (Range cost : arg_costs) args_cost = args_cost + cost;
    if (std::optional<CallEstimate> library = EstimateLibraryCall(e->name, id, target, args); library)
      return {library->cost + args_cost, library->result_size};
    auto text = [&](Range size) { return size.Scaled(kTextFactor) + args_cost; };
    if (id == "string_format" && target != nullptr) return {text(SizeOrUnknown(*target)), {}};
    if (id == "string_to_bytes") {
      Range size = SizeOrUnknown(args[0]);
      return {text(size), Range{size.min, size.max * 4}};
    }
    if (id == "bytes_to_string") {
      Range size = SizeOrUnknown(args[0]);
      return {text(size), Range{size.min / 4, size.max}};
    }
    if (id == "strings_quote") {
      Range size = SizeOrUnknown(args[0]);
      return {text(size), Range{size.min + 2, size.max * 2 + 2}};
    }
    if (id == "starts_with_string" || id == "ends_with_string") return {text(SizeOrUnknown(args[0])), {}};
    if (id == "in_list") return {SizeOrUnknown(args[1]).Scaled(1) + args_cost, {}};
    if (id == "matches_string" && target != nullptr) {
      Range text_cost = (SizeOrUnknown(*target) + Range::Fixed(1)).Scaled(kTextFactor);
      return {text_cost * SizeOrUnknown(args[0]).Scaled(kPatternFactor) + args_cost, {}};
    }
    if (id == "contains_string" && target != nullptr) {
      return {SizeOrUnknown(*target).Scaled(kTextFactor) * SizeOrUnknown(args[0]).Scaled(kTextFactor) + args_cost, {}};
    }
    if (id == "logical_and" || id == "logical_or") return {{arg_costs[0].min, (arg_costs[0] + arg_costs[1]).max}, {}};
    if (id == "conditional") {
      SetEntries(e, Union(EntriesOf(e->args[1]), EntriesOf(e->args[2])));
      return {arg_costs[0] + arg_costs[1].Union(arg_costs[2]), SizeOrUnknown(args[1]).Union(SizeOrUnknown(args[2]))};
    }
    if (id == "add_string" || id == "add_bytes" || id == "add_list") {
      Range size = SizeOrUnknown(args[0]) + SizeOrUnknown(args[1]);
      SetEntries(e, Union(EntriesOf(e->args[0]), EntriesOf(e->args[1])));
      return {id == "add_list" ? Range::Fixed(1) + args_cost : text(size), size};
    }
    if (ComparesText(id)) {
      Range left = SizeOrUnknown(args[0]), right = SizeOrUnknown(args[1]);
      uint64_t smaller = std::min(left.max, right.max);
      return {text({smaller > 0 ? uint64_t{1} : 0, smaller}), {}};
    }
    return {Range::Fixed(1) + args_cost, {}};
  }

  static bool ComparesText(std::string_view id) {
    if (id == "equals" || id == "not_equals") return true;
    for (std::string_view prefix : {"less_equals_", "greater_equals_", "less_", "greater_"}) {
      if (!id.starts_with(prefix)) continue;
      std::string_view type = id.substr(prefix.size());
      if (type == "string" || type == "bytes") return true;
    }
    return false;
  }

  Range CostOfList(const Expr* e) {
    Range sum, element = {e->args.empty() ? 0 : Range::kUnlimited, 0};
    for (const Expr* arg : e->args) {
      sum = sum + Cost(arg);
      element = element.Union(SizeOrUnknown(arg));
    }
    SetEntries(e, EntrySizes{true, Range::Fixed(1), element});
    return sum + Range::Fixed(kListBase);
  }

  Range CostOfMap(const Expr* e) {
    uint64_t least = e->args.empty() ? 0 : Range::kUnlimited;
    Range sum, key = {least, 0}, value = {least, 0};
    for (size_t i = 0; i < e->args.size(); i += 2) {
      sum = sum + Cost(e->args[i]) + Cost(e->args[i + 1]);
      key = key.Union(SizeOrUnknown(e->args[i]));
      value = value.Union(SizeOrUnknown(e->args[i + 1]));
    }
    SetEntries(e, EntrySizes{false, key, value});
    return sum + Range::Fixed(kMapBase);
  }

  Range CostOfBind(const Expr* e) {
    const Loop& loop = *e->loop;
    Range sum = Cost(loop.range) + Cost(loop.init);
    PushLocal(loop.accumulator, loop.init);
    sum = sum + Cost(loop.result);
    Pop(loop.accumulator);
    SetSize(e, SizeOf(loop.result));
    SetEntries(e, EntriesOf(loop.result));
    return sum;
  }

  Range CostOfLoop(const Expr* e) {
    const Loop& loop = *e->loop;
    Range sum = Cost(loop.range) + Cost(loop.init);
    PushLocal(loop.accumulator, loop.init);
    PushItems(loop);
    Range condition = Cost(loop.condition);
    Range step = Cost(loop.step);
    Pop(loop.item);
    if (!loop.item2.empty()) Pop(loop.item2);
    sum = sum + Cost(loop.result);
    Pop(loop.accumulator);
    Range count = SizeOrUnknown(loop.range);
    sum = sum + count * (step + condition);
    if (loop.init->kind == Expr::Kind::kLiteral) {
      SetSize(e, SizeOf(loop.init));
    } else if (loop.init->kind == Expr::Kind::kList || loop.init->kind == Expr::Kind::kMap) {
      SetSize(e, count);
      SetEntries(e, EntriesOf(loop.step));
    }
    return sum;
  }

  void PushLocal(const std::string& name, const Expr* e) {
    Path path = PathOf(e);
    std::optional<EntrySizes> entries = EntriesOf(e);
    std::optional<Range> size = SizeOf(e);
    variables_[name].push_back({path, size, entries});
  }

  void PushItems(const Loop& loop) {
    std::optional<EntrySizes> entries = EntriesOf(loop.range);
    bool list = entries ? entries->list : loop.range->type->kind == TypeKind::kList;
    auto key = [&] { return entries ? std::optional(entries->key) : std::nullopt; };
    auto value = [&] { return entries ? std::optional(entries->value) : std::nullopt; };
    if (loop.item2.empty()) {
      variables_[loop.item].push_back({PathOf(loop.range).Then(list ? "@items" : "@keys"), list ? value() : key(), {}});
      return;
    }
    variables_[loop.item].push_back({PathOf(loop.range).Then(list ? "@indices" : "@keys"), key(), {}});
    variables_[loop.item2].push_back({PathOf(loop.range).Then(list ? "@items" : "@values"), value(), {}});
  }

  std::map<std::string, std::vector<Variable>, std::less<>> variables_;
  std::unordered_map<const Expr*, Path> paths_;
  std::unordered_map<const Expr*, Range> sizes_;
  std::unordered_map<const Expr*, EntrySizes> entries_;
};

}  // namespace

Path Path::Then(std::string_view step) const {
  Path path;
  path.length_ = length_ + 1;
  if (array_ != nullptr && length_ < array_->size()) {
    path.array_ = array_;
  } else {
    path.array_ = std::make_shared<std::vector<std::string_view>>(array_ == nullptr ? 1 : array_->size() * 2);
    for (size_t i = 0; i < length_; ++i) (*path.array_)[i] = (*array_)[i];
  }
  (*path.array_)[length_] = step;
  return path;
}

uint64_t EstimateMaxCost(const Expr* root) { return Estimator().Cost(root).max; }

}  // namespace dray::cel
