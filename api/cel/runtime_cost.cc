#include "api/cel/runtime_cost.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "api/cel/compare.h"
#include "api/cel/named_format.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

struct Entry {
  std::string_view name;
  CostRule rule;
};

// By overload, before all else.
constexpr std::array<Entry, 9> kTracked = {{
    {"list_slice", CostRule::kListOutput},
    {"list_flatten", CostRule::kFlatten},
    {"list_flatten_int", CostRule::kFlatten},
    {"lists_range", CostRule::kListOutput},
    {"list_reverse", CostRule::kListOutput},
    {"list_distinct", CostRule::kSelfCompare},
    {"list_sets_contains_list", CostRule::kSets},
    {"list_sets_intersects_list", CostRule::kSets},
    {"list_sets_equivalent_list", CostRule::kSetsTwice},
}};

// By function, whatever the overload.
constexpr std::array<Entry, 30> kByFunction = {{
    {"check", CostRule::kAuthorizerCheck},
    {"fieldSelector", CostRule::kSelector},
    {"labelSelector", CostRule::kSelector},
    {"isSorted", CostRule::kTraversal},
    {"sum", CostRule::kTraversal},
    {"max", CostRule::kTraversal},
    {"min", CostRule::kTraversal},
    {"indexOf", CostRule::kTraversal},
    {"lastIndexOf", CostRule::kTraversal},
    {"url", CostRule::kText},
    {"lowerAscii", CostRule::kText},
    {"upperAscii", CostRule::kText},
    {"substring", CostRule::kText},
    {"trim", CostRule::kText},
    {"cidr", CostRule::kText},
    {"isIP", CostRule::kText},
    {"isCIDR", CostRule::kText},
    {"ip", CostRule::kText},
    {"quantity", CostRule::kText},
    {"isQuantity", CostRule::kText},
    {"semver", CostRule::kText},
    {"isSemver", CostRule::kText},
    {"replace", CostRule::kTextTwice},
    {"split", CostRule::kTextTwice},
    {"ip.isCanonical", CostRule::kTextTwice},
    {"join", CostRule::kJoin},
    {"find", CostRule::kFind},
    {"findAll", CostRule::kFind},
    {"validate", CostRule::kValidate},
    {"_==_", CostRule::kEqual},
}};

// By overload, after the functions.
constexpr std::array<Entry, 18> kByOverload = {{
    {"starts_with_string", CostRule::kText},
    {"ends_with_string", CostRule::kText},
    {"string_to_bytes", CostRule::kText},
    {"bytes_to_string", CostRule::kText},
    {"strings_quote", CostRule::kText},
    {"string_format", CostRule::kText},
    {"in_list", CostRule::kInList},
    {"less_string", CostRule::kSmaller},
    {"greater_string", CostRule::kSmaller},
    {"less_equals_string", CostRule::kSmaller},
    {"greater_equals_string", CostRule::kSmaller},
    {"less_bytes", CostRule::kSmaller},
    {"greater_bytes", CostRule::kSmaller},
    {"less_equals_bytes", CostRule::kSmaller},
    {"greater_equals_bytes", CostRule::kSmaller},
    {"add_string", CostRule::kConcatenate},
    {"add_bytes", CostRule::kConcatenate},
    {"contains_string", CostRule::kContains},
}};

template <size_t N>
const CostRule* Find(const std::array<Entry, N>& entries, std::string_view name) {
  for (const Entry& entry : entries)
    if (entry.name == name) return &entry.rule;
  return nullptr;
}

// An optional counts as what it holds.
uint64_t ActualSize(const Value& value) {
  return value.is(Kind::kOptional) && value.has_value() ? ActualSize(value.optional_value())
                                                        : SizeOf(value);
}

uint64_t Traversal(Evaluation& ev, const Value& value) {
  ev.Work(1);
  switch (value.kind()) {
    case Kind::kString:
    case Kind::kBytes:
      return static_cast<uint64_t>(static_cast<double>(value.as_string().size()) * kTextFactor);
    case Kind::kList: {
      uint64_t cost = 0;
      for (size_t i = 0; i < value.as_list().size(); ++i)
        cost += Traversal(ev, value.as_list().at(i));
      return cost;
    }
    case Kind::kMap: {
      uint64_t cost = 0;
      const Map& map = value.as_map();
      for (size_t i = 0; i < map.size(); ++i)
        cost += Traversal(ev, map.KeyAt(i)) + Traversal(ev, map.ValueAt(i));
      return cost;
    }
    default:
      return 1;
  }
}

uint64_t PatternCost(uint64_t text, uint64_t pattern) {
  return static_cast<uint64_t>(std::ceil((1.0 + static_cast<double>(text)) * kTextFactor)) *
         Scaled(pattern, kPatternFactor);
}

uint64_t AllocatingList(double factor, uint64_t size) {
  // flatten(-1) gives a negative factor, which wraps around as it does there.
  double product = static_cast<double>(size) * factor;
  uint64_t whole = product < 0 ? static_cast<uint64_t>(static_cast<int64_t>(product))
                               : static_cast<uint64_t>(product);
  return whole + 1 + kListBase;
}

uint64_t SelfCompare(const Value& list) {
  uint64_t size = SizeOf(list);
  double factor = 2;
  if (list.is(Kind::kList) && size > 0 &&
      (list.as_list().at(0).is(Kind::kString) || list.as_list().at(0).is(Kind::kBytes)))
    factor += kTextFactor;
  return AllocatingList(factor, size * size);
}

bool IsKubernetesType(const Value& value) {
  switch (value.kind()) {
    case Kind::kQuantity:
    case Kind::kIp:
    case Kind::kCidr:
    case Kind::kFormat:
    case Kind::kUrl:
    case Kind::kSemver:
      return true;
    default:
      return false;
  }
}

}  // namespace

CostRule RuleOf(std::string_view function, std::string_view overload) {
  if (overload.ends_with("_sort") && function == "sort") return CostRule::kSelfCompare;
  if (overload.ends_with("_sortByAssociatedKeys")) return CostRule::kCompareKeys;
  if (const CostRule* rule = Find(kTracked, overload); rule != nullptr) return *rule;
  if (function == "ip" && overload == "cidr_ip") return CostRule::kOne;
  if (function == "containsIP")
    return overload == "cidr_contains_ip_string" ? CostRule::kContainsIpText
                                                 : CostRule::kContainsIp;
  if (function == "containsCIDR")
    return overload == "cidr_contains_cidr_string" ? CostRule::kContainsCidrText
                                                   : CostRule::kContainsCidr;
  if (const CostRule* rule = Find(kByFunction, function); rule != nullptr) return *rule;
  if (function == "_!=_") return CostRule::kSmaller;
  if (overload == "matches_string") return CostRule::kMatches;
  if (const CostRule* rule = Find(kByOverload, overload); rule != nullptr) return *rule;
  return CostRule::kOne;
}

uint64_t SmallerTextCost(std::string_view a, std::string_view b) {
  const size_t bytes = std::min(a.size(), b.size());
  // Up to ten bytes are up to ten code points, which cost one.
  if (bytes <= 10) return bytes == 0 ? 0 : 1;
  return Scaled(std::min(RuneCount(a), RuneCount(b)), kTextFactor);
}

uint64_t CallCost(CostRule rule, Evaluation& ev, Args args, const Value& result) {
  auto size = [&](size_t i) { return SizeOf(args[i]); };
  switch (rule) {
    case CostRule::kOne:
      return 1;
    case CostRule::kTraversal:
      return Traversal(ev, args[0]);
    case CostRule::kText:
      return Scaled(ActualSize(args[0]), kTextFactor);
    case CostRule::kTextTwice:
      return Scaled(size(0), 2 * kTextFactor);
    case CostRule::kJoin:
      return Scaled(SizeOf(result), 2 * kTextFactor);
    case CostRule::kFind:
    case CostRule::kMatches:
      return PatternCost(size(0), size(1));
    case CostRule::kContains:
      return Scaled(ActualSize(args[0]), kTextFactor) * Scaled(ActualSize(args[1]), kTextFactor);
    case CostRule::kContainsIp:
      return Scaled(size(0) + size(0), kTextFactor);
    case CostRule::kContainsIpText:
      return Scaled(size(0) + size(0), kTextFactor) + Scaled(size(1), kTextFactor);
    case CostRule::kContainsCidr:
      return Scaled(size(0) + size(0), kTextFactor) + Scaled(size(0), kTextFactor) + 1;
    case CostRule::kContainsCidrText:
      return Scaled(size(0) + size(0), kTextFactor) + Scaled(size(0), kTextFactor) + 1 +
             Scaled(size(1), kTextFactor);
    case CostRule::kValidate:
      return args[0].is(Kind::kFormat) ? PatternCost(size(1), args[0].as_format().regex_size) : 1;
    case CostRule::kEqual:
      if (IsKubernetesType(args[0])) return 1;
      [[fallthrough]];
    case CostRule::kSmaller:
      return Scaled(std::min(ActualSize(args[0]), ActualSize(args[1])), kTextFactor);
    case CostRule::kInList:
      return ActualSize(args[1]);
    case CostRule::kConcatenate:
      return Scaled(ActualSize(args[0]) + ActualSize(args[1]), kTextFactor);
    case CostRule::kListOutput:
      return AllocatingList(1, SizeOf(result));
    case CostRule::kFlatten:
      return AllocatingList(
          args.size() == 2 && args[1].is(Kind::kInt) ? static_cast<double>(args[1].as_int()) : 1.0,
          size(0));
    case CostRule::kSelfCompare:
      return SelfCompare(args[0]);
    case CostRule::kCompareKeys:
      return SelfCompare(args[1]);
    case CostRule::kSets:
      return 1 + size(0) * size(1);
    case CostRule::kSetsTwice:
      return 1 + size(0) * size(1) * 2;
    case CostRule::kAuthorizerCheck:
      return 350'000;
    case CostRule::kSelector:
      return kListBase + Scaled(size(1), kTextFactor) + Scaled(size(1), 0.5) * 50;
  }
  return 1;
}

}  // namespace dray::cel
