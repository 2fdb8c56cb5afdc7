#include "dray/api/types/meta.h"

#include <algorithm>

namespace dray::api {

const OwnerReference* ControllerOf(const ObjectMeta& meta) {
  for (const OwnerReference& owner : meta.owner_references)
    if (owner.controller == true) return &owner;
  return nullptr;
}

bool Matches(const LabelSelector& selector, const Labels& labels) {
  for (const auto& [key, value] : selector.match_labels) {
    auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return std::ranges::all_of(selector.match_expressions, [&](const LabelSelectorRequirement& want) {
    auto found = labels.find(want.key);
    bool exists = found != labels.end();
    bool listed = exists && std::ranges::find(want.values, found->second) != want.values.end();
    if (want.op == "In") return listed;
    if (want.op == "NotIn") return !listed;
    if (want.op == "Exists") return exists;
    if (want.op == "DoesNotExist") return !exists;
    return false;  // an operator that validation would have refused selects nothing
  });
}

}  // namespace dray::api
