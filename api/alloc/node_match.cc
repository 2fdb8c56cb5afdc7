#include "api/alloc/node_match.h"

#include <algorithm>
#include <charconv>

namespace dray::alloc {
namespace {

std::optional<int64_t> Integer(std::string_view text) {
  int64_t value = 0;
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool Contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

Status Unreadable(const api::NodeSelectorRequirement& requirement, std::string_view why) {
  return Status(Reason::kInvalid, "node selector requirement on " + requirement.key +
                                      " with operator " + requirement.op + ": " + std::string(why));
}

Result<bool> MatchLabel(const api::NodeSelectorRequirement& requirement,
                        const api::Labels& labels) {
  auto label = labels.find(requirement.key);
  const bool present = label != labels.end();
  const size_t count = requirement.values.size();
  if (requirement.op == "In" || requirement.op == "NotIn") {
    if (count == 0) return Unreadable(requirement, "needs a value");
    const bool listed = present && Contains(requirement.values, label->second);
    return requirement.op == "In" ? listed : !listed;
  }
  if (requirement.op == "Exists" || requirement.op == "DoesNotExist") {
    if (count != 0) return Unreadable(requirement, "takes no value");
    return present == (requirement.op == "Exists");
  }
  if (requirement.op == "Gt" || requirement.op == "Lt") {
    std::optional<int64_t> limit = count == 1 ? Integer(requirement.values[0]) : std::nullopt;
    if (!limit) return Unreadable(requirement, "needs one integer");
    std::optional<int64_t> value = present ? Integer(label->second) : std::nullopt;
    if (!value) return false;
    return requirement.op == "Gt" ? *value > *limit : *value < *limit;
  }
  return Unreadable(requirement, "unknown operator");
}

Result<bool> MatchField(const api::NodeSelectorRequirement& requirement, const api::Node& node) {
  if (requirement.op != "In" && requirement.op != "NotIn")
    return Unreadable(requirement, "fields know In and NotIn");
  if (requirement.values.size() != 1) return Unreadable(requirement, "needs one value");
  const std::string& value =
      requirement.key == "metadata.name" ? node.metadata.name : std::string();
  return (value == requirement.values[0]) == (requirement.op == "In");
}

}  // namespace

Result<bool> MatchNode(const api::NodeSelector& selector, const api::Node& node) {
  bool any = false;
  // Every term is read even after a match: a selector with an unreadable part is wrong as a whole.
  for (const api::NodeSelectorTerm& term : selector.node_selector_terms) {
    if (term.match_expressions.empty() && term.match_fields.empty()) continue;
    bool all = true;
    for (const api::NodeSelectorRequirement& requirement : term.match_expressions) {
      DRAY_ASSIGN_OR_RETURN(bool match, MatchLabel(requirement, node.metadata.labels));
      all = all && match;
    }
    for (const api::NodeSelectorRequirement& requirement : term.match_fields) {
      DRAY_ASSIGN_OR_RETURN(bool match, MatchField(requirement, node));
      all = all && match;
    }
    any = any || all;
  }
  return any;
}

bool Matches(const api::NodeSelector& selector, const api::Node& node) {
  Result<bool> match = MatchNode(selector, node);
  return match.ok() && *match;
}

Result<bool> SelectsNode(const std::optional<std::string>& node_name,
                         const std::optional<bool>& all_nodes,
                         const std::optional<api::NodeSelector>& selector, const api::Node& node) {
  if (node_name && !node_name->empty()) return *node_name == node.metadata.name;
  if (all_nodes.value_or(false)) return true;
  if (selector) return MatchNode(*selector, node);
  return false;
}

}  // namespace dray::alloc
