#include "api/cel/suggest.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "api/cel/ast.h"

namespace dray::cel {
namespace {

constexpr size_t kLongestCompared = 64;
constexpr size_t kMostSignatures = 4;

// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other,
// whatever the case of letters.
size_t Distance(std::string_view a, std::string_view b) {
  auto same = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  };
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string DidYouMean(std::string_view name, std::span<const std::string_view> candidates) {
  if (name.size() > kLongestCompared) return "";
  std::string_view closest;
  size_t least = std::max<size_t>(1, name.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    size_t distance = Distance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    closest = candidate;
  }
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
