#pragma once

#include <cstdint>
#include <string_view>

#include "api/cel/evaluation.h"

namespace dray::cel {

// How a call is charged at run time. Rules and constants: k8s.io/apiserver/pkg/cel/library/cost.go,
// cel-go's interpreter/runtimecost.go and ext/lists.go, ext/sets.go.
enum class CostRule : uint8_t {
  kOne,
  kTraversal,  // of all that the first argument holds
  kText,       // a tenth per character of the first argument
  kTextTwice,  // two tenths
  kJoin,       // two tenths per character of the result
  kFind,       // characters times pattern
  kMatches,    // the same
  kContains,   // characters times characters
  kContainsIp,
  kContainsIpText,
  kContainsCidr,
  kContainsCidrText,
  kValidate,
  kEqual,        // one for the types of Kubernetes, else like kSmaller
  kSmaller,      // a tenth per character of the shorter argument
  kInList,       // elements of the second argument
  kConcatenate,  // a tenth per character of both
  kListOutput,   // elements of the result
  kFlatten,
  kSelfCompare,
  kCompareKeys,
  kSets,
  kSetsTwice,
  kAuthorizerCheck,
  kSelector,
};

// `overload` is empty when it is only known at run time.
CostRule RuleOf(std::string_view function, std::string_view overload);

// Whether the rule looks at the result; all others can be charged before the call.
inline bool NeedsResult(CostRule rule) {
  return rule == CostRule::kJoin || rule == CostRule::kListOutput;
}

uint64_t CallCost(CostRule rule, Evaluation& evaluation, Args args, const Value& result);

// ceil(size * factor), for what fits into memory.
inline uint64_t Scaled(uint64_t size, double factor) {
  double product = static_cast<double>(size) * factor;
  uint64_t whole = static_cast<uint64_t>(product);
  return static_cast<double>(whole) < product ? whole + 1 : whole;
}

inline constexpr double kTextFactor = 0.1;

// What comparing two texts costs: a tenth per code point of the shorter one.
uint64_t SmallerTextCost(std::string_view a, std::string_view b);

inline constexpr double kPatternFactor = 0.25;
inline constexpr uint64_t kListBase = 10;
inline constexpr uint64_t kMapBase = 30;
inline constexpr uint64_t kMessageBase = 40;

}  // namespace dray::cel
