#include "api/cel/cost_estimate.h"

#include <algorithm>
#include <vector>

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
  explicit Estimator(size_t nodes) : notes_(nodes, &memory_) {}

  Range Cost(const Expr* e) {
    switch (e->kind) {
      case Expr::Kind::kLiteral:
        return {};
      case Expr::Kind::kIdentifier:
        return CostOfIdentifier(e);
      case Expr::Kind::kSelect:
        return CostOfSelect(e);
      case Expr::Kind::kCall:
        return CostOfCall(e);
      case Expr::Kind::kList:
        return CostOfList(e);
      case Expr::Kind::kMap:
        return CostOfMap(e);
      case Expr::Kind::kLoop:
        return e->loop->IsBind() ? CostOfBind(e) : CostOfLoop(e);
      case Expr::Kind::kMessage:
        return CostOfMessage(e);
    }
    return {};
  }

 private:
  struct Variable {
    std::string_view name;
    Path path;
    std::optional<Range> size;
    std::optional<EntrySizes> entries;
  };

  // What was found out about a node.
  struct Note {
    Path path;
    std::optional<Range> size;
    std::optional<EntrySizes> entries;
  };
  Note& NoteOf(const Expr* e) { return notes_[e->index]; }

  const Variable* Find(std::string_view name) const {
    auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                              [&](const Variable& v) { return v.name == name; });
    return found == variables_.rend() ? nullptr : &*found;
  }

  Path PathOf(const Expr* e) {
    if (e->kind == Expr::Kind::kIdentifier) {
      if (const Variable* variable = Find(e->name); variable != nullptr) return variable->path;
    }
    const Path& path = NoteOf(e).path;
    return path.empty() ? Path(&memory_) : path;
  }

  std::optional<Range> SizeOf(const Expr* e) {
    if (const std::optional<Range>& size = NoteOf(e).size; size) return size;
    if (std::optional<Range> size = LiteralSize(e); size) return size;
    if (std::optional<Range> size = SizeAt(PathOf(e)); size) {
      NoteOf(e).size = size;
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
    if (size) NoteOf(e).size = size;
  }

  std::optional<EntrySizes> EntriesOf(const Expr* e) const {
    if (const std::optional<EntrySizes>& entries = notes_[e->index].entries; entries)
      return entries;
    if (e->kind == Expr::Kind::kIdentifier) {
      if (const Variable* variable = Find(e->name); variable != nullptr) return variable->entries;
    }
    return std::nullopt;
  }
  void SetEntries(const Expr* e, const std::optional<EntrySizes>& entries) {
    if (entries) NoteOf(e).entries = entries;
  }
  static std::optional<EntrySizes> Union(const std::optional<EntrySizes>& a,
                                         const std::optional<EntrySizes>& b) {
    if (!a || !b) return std::nullopt;
    return EntrySizes{a->list, a->key.Union(b->key), a->value.Union(b->value)};
  }

  static std::optional<Range> LiteralSize(const Expr* e) {
    switch (e->kind) {
      case Expr::Kind::kLiteral:
        if (e->literal.is(Kind::kString)) return Range::Fixed(RuneCount(e->literal.as_string()));
        if (e->literal.is(Kind::kBytes)) return Range::Fixed(e->literal.as_bytes().size());
        return Range::Fixed(1);
      case Expr::Kind::kList:
        return Range::Fixed(e->args.size());
      case Expr::Kind::kMap:
        return Range::Fixed(e->args.size() / 2);
      default:
        return std::nullopt;
    }
  }

  static bool IsScalar(const StaticType* type) {
    switch (type->kind) {
      case TypeKind::kBool:
      case TypeKind::kDouble:
      case TypeKind::kDuration:
      case TypeKind::kInt:
      case TypeKind::kTimestamp:
      case TypeKind::kUint:
        return true;
      case TypeKind::kOpaque:
        return type->IsOptional() && !type->params.empty() && IsScalar(type->params[0]);
      default:
        return false;
    }
  }

  Range CostOfIdentifier(const Expr* e) {
    const Variable* variable = Find(e->name);
    NoteOf(e).path = variable != nullptr ? variable->path : Path(e->name, &memory_);
    return Range::Fixed(1);
  }

  Range CostOfSelect(const Expr* e) {
    Range sum = Cost(e->target);
    if (e->test_only) return sum;
    if (e->target->type->kind == TypeKind::kMap || e->target->type->kind == TypeKind::kStruct)
      sum = sum + Range::Fixed(1);
    NoteOf(e).path = PathOf(e->target).Then(e->name);
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
    std::pmr::vector<CostNode> args(&memory_);
    std::pmr::vector<Range> arg_costs(&memory_);
    args.reserve(e->args.size());
    arg_costs.reserve(e->args.size());
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
      CallEstimate estimate =
          CostOfOverload(e, *overload, target ? &*target : nullptr, args, arg_costs);
      cost = cost.Union(estimate.cost);
      if (estimate.result_size)
        result_size =
            result_size ? result_size->Union(*estimate.result_size) : *estimate.result_size;
      if (overload->estimate == EstimateRule::kIndex) {
        std::optional<EntrySizes> entries = EntriesOf(e->args[0]);
        result_size = entries ? std::optional(entries->value) : std::nullopt;
        NoteOf(e).path =
            PathOf(e->args[0]).Then(overload->id == "index_list" ? "@items" : "@values");
      }
      if (!result_size) result_size = SizeOf(e);
    }
    SetSize(e, result_size);
    return sum + cost;
  }

  CallEstimate CostOfOverload(const Expr* e, const Overload& overload, const CostNode* target,
                              std::span<const CostNode> args, std::span<const Range> arg_costs) {
    const std::string_view id = overload.id;
    Range args_cost;
    for (Range cost : arg_costs) args_cost = args_cost + cost;
    auto text = [&](Range size) { return size.Scaled(kTextFactor) + args_cost; };
    switch (overload.estimate) {
      case EstimateRule::kOne:
      case EstimateRule::kIndex:
        return {Range::Fixed(1) + args_cost, {}};
      case EstimateRule::kLogical:
        return {{arg_costs[0].min, (arg_costs[0] + arg_costs[1]).max}, {}};
      case EstimateRule::kConditional:
        SetEntries(e, Union(EntriesOf(e->args[1]), EntriesOf(e->args[2])));
        return {arg_costs[0] + arg_costs[1].Union(arg_costs[2]),
                SizeOrUnknown(args[1]).Union(SizeOrUnknown(args[2]))};
      case EstimateRule::kEqual:
      case EstimateRule::kByName:
        if (std::optional<CallEstimate> library = EstimateLibraryCall(e->name, id, target, args);
            library)
          return {library->cost + args_cost, library->result_size};
        if (overload.estimate == EstimateRule::kByName) break;
        [[fallthrough]];
      case EstimateRule::kText: {
        Range left = SizeOrUnknown(args[0]), right = SizeOrUnknown(args[1]);
        uint64_t smaller = std::min(left.max, right.max);
        return {text({smaller > 0 ? uint64_t{1} : 0, smaller}), {}};
      }
    }
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
    if (id == "starts_with_string" || id == "ends_with_string")
      return {text(SizeOrUnknown(args[0])), {}};
    if (id == "in_list") return {SizeOrUnknown(args[1]).Scaled(1) + args_cost, {}};
    if (id == "matches_string" && target != nullptr) {
      Range text_cost = (SizeOrUnknown(*target) + Range::Fixed(1)).Scaled(kTextFactor);
      return {text_cost * SizeOrUnknown(args[0]).Scaled(kPatternFactor) + args_cost, {}};
    }
    if (id == "contains_string" && target != nullptr) {
      return {
          SizeOrUnknown(*target).Scaled(kTextFactor) * SizeOrUnknown(args[0]).Scaled(kTextFactor) +
              args_cost,
          {}};
    }
    if (id == "add_string" || id == "add_bytes" || id == "add_list") {
      Range size = SizeOrUnknown(args[0]) + SizeOrUnknown(args[1]);
      SetEntries(e, Union(EntriesOf(e->args[0]), EntriesOf(e->args[1])));
      return {id == "add_list" ? Range::Fixed(1) + args_cost : text(size), size};
    }
    return {Range::Fixed(1) + args_cost, {}};
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

  Range CostOfMessage(const Expr* e) {
    Range sum;
    for (size_t i = 1; i < e->args.size(); i += 2) sum = sum + Cost(e->args[i]);
    return sum + Range::Fixed(kMessageBase);
  }

  Range CostOfBind(const Expr* e) {
    const Loop& loop = *e->loop;
    Range sum = Cost(loop.range) + Cost(loop.init);
    PushLocal(loop.accumulator, loop.init);
    sum = sum + Cost(loop.result);
    variables_.pop_back();
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
    variables_.pop_back();
    if (!loop.item2.empty()) variables_.pop_back();
    sum = sum + Cost(loop.result);
    variables_.pop_back();
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

  void PushLocal(std::string_view name, const Expr* e) {
    Path path = PathOf(e);
    std::optional<EntrySizes> entries = EntriesOf(e);
    std::optional<Range> size = SizeOf(e);
    variables_.push_back({name, path, size, entries});
  }

  void PushItems(const Loop& loop) {
    std::optional<EntrySizes> entries = EntriesOf(loop.range);
    bool list = entries ? entries->list : loop.range->type->kind == TypeKind::kList;
    auto key = [&] { return entries ? std::optional(entries->key) : std::nullopt; };
    auto value = [&] { return entries ? std::optional(entries->value) : std::nullopt; };
    if (loop.item2.empty()) {
      variables_.push_back({loop.item,
                            PathOf(loop.range).Then(list ? "@items" : "@keys"),
                            list ? value() : key(),
                            {}});
      return;
    }
    variables_.push_back(
        {loop.item, PathOf(loop.range).Then(list ? "@indices" : "@keys"), key(), {}});
    variables_.push_back(
        {loop.item2, PathOf(loop.range).Then(list ? "@items" : "@values"), value(), {}});
  }

  std::byte first_[8192];
  std::pmr::monotonic_buffer_resource memory_{first_, sizeof(first_)};
  std::pmr::vector<Note> notes_;
  std::pmr::vector<Variable> variables_{&memory_};  // innermost last
};

}  // namespace

Path Path::Then(std::string_view step) const {
  Path path = *this;
  if (length_ == capacity_) {
    path.capacity_ = capacity_ == 0 ? 1 : capacity_ * 2;
    path.steps_ = static_cast<std::string_view*>(
        memory_->allocate(path.capacity_ * sizeof(std::string_view), alignof(std::string_view)));
    std::copy_n(steps_, length_, path.steps_);
  }
  path.steps_[path.length_++] = step;
  return path;
}

uint64_t EstimateMaxCost(const Ast& ast) {
  return Estimator(ast.size()).Cost(ast.root).max;
}

}  // namespace dray::cel
