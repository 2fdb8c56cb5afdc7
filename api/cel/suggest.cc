#include "api/cel/suggest.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "api/cel/ast.h"
#include "dray/base/nearest.h"

namespace dray::cel {
namespace {

constexpr size_t kMostSignatures = 4;

}  // namespace

std::string DidYouMean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::string_view closest = Nearest(name, candidates);
  return closest.empty() ? "" : " (did you mean '" + std::string(closest) + "'?)";
}

std::string DidYouMeanFunction(std::string_view name, bool member) {
  std::vector<std::string_view> names;
  for (const Function& function : Registry::Get().functions()) {
    if (!std::isalpha(static_cast<unsigned char>(function.name[0]))) continue;
    if (function.name.find('@') != std::string::npos) continue;
    if (std::any_of(function.overloads.begin(), function.overloads.end(),
                    [&](const Overload& o) { return o.member == member; }))
      names.push_back(function.name);
  }
  if (member) {
    for (std::string_view macro : {"all", "exists", "exists_one", "map", "filter", "sortBy",
                                   "transformList", "transformMap"})
      names.push_back(macro);
  } else {
    names.push_back("has");
  }
  return DidYouMean(name, names);
}

std::string WhatFits(const Function& function, bool member,
                     std::span<const StaticType* const> args) {
  if (!std::isalpha(static_cast<unsigned char>(function.name[0]))) {
    bool quantity = std::find(args.begin(), args.end(), &types::kQuantity) != args.end();
    bool semver = std::find(args.begin(), args.end(), &types::kSemver) != args.end();
    if (quantity && (function.name == op::kAdd || function.name == op::kSubtract))
      return " (use add() and sub())";
    if (quantity)
      return " (compare with quantity(\"1Gi\"), using isGreaterThan(), isLessThan() or "
             "compareTo())";
    if (semver)
      return " (compare with semver(\"1.0.0\"), using isGreaterThan(), isLessThan() or "
             "compareTo())";
    return "";
  }
  std::string signatures;
  size_t count = 0;
  bool other_form = false;
  for (const Overload& overload : function.overloads) {
    other_form |= overload.member != member;
    if (overload.member != member || ++count > kMostSignatures) continue;
    if (count > 1) signatures += " or ";
    signatures += '(';
    for (size_t i = 0; i < overload.args.size(); ++i) {
      if (i > 0) signatures += i == 1 && member ? ").(" : ", ";
      signatures += FormatType(overload.args[i]);
    }
    if (member && overload.args.size() == 1) signatures += ").(";
    signatures += ')';
  }
  if (count == 0 && other_form)
    return member ? " (it is called as " + function.name + "(...))"
                  : " (it is called on a value, as x." + function.name + "(...))";
  if (count > kMostSignatures) signatures += " and others";
  return signatures.empty() ? "" : " (it takes " + signatures + ")";
}

}  // namespace dray::cel
