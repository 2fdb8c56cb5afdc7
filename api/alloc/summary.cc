#include <algorithm>
#include <map>

#include "dray/api/alloc.h"

namespace dray::alloc {
namespace {

constexpr size_t kClauses = 4;

// "had no device with 16Gi memory free (largest: 10Gi)" in its parts, so that nodes that differ
// only in the largest amount are counted together. So are those that differ only in who uses the
// devices, which is said of one node alone.
struct Parts {
  std::string head, tail;
  std::vector<api::Quantity> largest;  // of each capacity that is named
};

Parts Take(const std::string& clause) {
  static constexpr std::string_view kMark = "(largest: ";
  if (size_t held = clause.find(" (in use by "); held != std::string::npos) {
    return {clause.substr(0, held), clause.substr(held), {}};
  }
  const size_t at = clause.find(kMark);
  if (at == std::string::npos) return {clause, "", {}};
  const size_t from = at + kMark.size(), end = clause.find(')', from);
  Parts parts = {clause.substr(0, from), clause.substr(end), {}};
  for (size_t begin = from; begin < end;) {
    const size_t comma = std::min(clause.find(", ", begin), end);
    Result<api::Quantity> largest = api::Quantity::Parse(clause.substr(begin, comma - begin));
    if (!largest.ok()) return {clause, "", {}};
    parts.largest.push_back(*largest);
    begin = comma + 2;
  }
  return parts;
}

}  // namespace

std::string Summarize(std::span<const NodeAnswer> answers) {
  struct Group {
    int nodes = 0;
    Parts parts;
  };
  std::map<std::string, Group> groups;
  for (const NodeAnswer& answer : answers) {
    if (answer.outcome == Outcome::kAllocated) continue;
    const std::string text = answer.outcome == Outcome::kError ? "failed: " + answer.error
                             : answer.reason.empty()           ? "cannot allocate all claims"
                                                               : answer.reason;
    Parts parts = Take(text);
    Group& group = groups[parts.head];
    ++group.nodes;
    if (group.nodes == 1) {
      group.parts = std::move(parts);
    } else {
      for (size_t i = 0; i < parts.largest.size() && i < group.parts.largest.size(); ++i)
        group.parts.largest[i] = std::max(group.parts.largest[i], parts.largest[i]);
    }
  }
  std::vector<const Group*> order;
  for (const auto& [head, group] : groups) order.push_back(&group);
  std::stable_sort(order.begin(), order.end(),
                   [](auto* a, auto* b) { return a->nodes > b->nodes; });
  std::string summary;
  int others = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const Group& group = *order[i];
    if (i >= kClauses) {
      others += group.nodes;
      continue;
    }
    if (!summary.empty()) summary += ", ";
    summary += std::to_string(group.nodes) + " " + group.parts.head;
    for (size_t j = 0; j < group.parts.largest.size(); ++j)
      summary += (j > 0 ? ", " : "") + group.parts.largest[j].ToString();
    if (!group.parts.largest.empty() || group.nodes == 1) summary += group.parts.tail;
  }
  if (others > 0) summary += ", " + std::to_string(others) + " for other reasons";
  return summary;
}

}  // namespace dray::alloc
