#include "api/patch/typed_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace dray::api {
namespace {

const Json kNothing;

const Json& Member(const Json& object, const std::string& key) {
  auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

FieldRule ElementRule(const FieldRule& list) {
  return {.type = list.type, .atomic = list.atomic};
}

// The step of an element, or nothing when the list cannot be taken apart after all.
std::optional<std::string> StepOf(const Json& element, const FieldRule& list) {
  if (list.apply == ListRule::kSet) {
    if (element.is_structured()) return std::nullopt;
    return "v:" + element.dump();
  }
  if (!element.is_object()) return std::nullopt;
  Json keys = Json::object();
  for (std::string_view key : SplitKeys(list.apply_keys)) {
    auto found = element.find(key);
    if (found != element.end() && !found->is_null())
      keys[std::string(key)] = *found;
    else if (key == "protocol")
      keys[std::string(key)] = "TCP";  // the default of both kinds of port
  }
  if (keys.empty()) return std::nullopt;
  return "k:" + keys.dump();
}

// The steps of all elements in order; nothing when the list is to be taken as a whole.
std::optional<std::vector<std::string>> StepsOf(const Json& list, const FieldRule& rule) {
  if (rule.apply == ListRule::kAtomic) return std::nullopt;
  std::vector<std::string> steps;
  std::set<std::string> seen;
  for (const Json& element : list) {
    std::optional<std::string> step = StepOf(element, rule);
    if (!step || !seen.insert(*step).second) return std::nullopt;
    steps.push_back(std::move(*step));
  }
  return steps;
}

std::optional<size_t> IndexOf(const std::vector<std::string>& steps, const std::string& step) {
  auto found = std::ranges::find(steps, step);
  if (found == steps.end()) return std::nullopt;
  return static_cast<size_t>(found - steps.begin());
}

void CollectElement(const Json& element, const FieldRule& list, FieldSet& fields) {
  fields.member = true;
  if (list.apply == ListRule::kKeyed && !list.atomic)
    CollectFields(element, ElementRule(list), fields);
}

}  // namespace

void CollectFields(const Json& value, const FieldRule& rule, FieldSet& fields) {
  if (value.is_null()) return;
  if (value.is_object() && !rule.atomic && !value.empty()) {
    for (const auto& [key, child] : value.items()) {
      if (child.is_null()) continue;
      FieldSet below;
      CollectFields(child, RuleOf(rule.type, key), below);
      if (!below.empty()) fields.children["f:" + key].Add(below);
    }
    return;
  }
  if (value.is_array() && !value.empty()) {
    if (auto steps = StepsOf(value, rule)) {
      for (size_t i = 0; i < steps->size(); ++i)
        CollectElement(value[i], rule, fields.children[(*steps)[i]]);
      return;
    }
  }
  fields.member = true;
}

void CompareFields(const Json& before, const Json& after, const FieldRule& rule, FieldSet& changed,
                   FieldSet& removed) {
  if (before == after) return;
  if (before.is_null()) return CollectFields(after, rule, changed);
  if (after.is_null()) return CollectFields(before, rule, removed);
  // Sub-sets are made on the side, so that the trees do not grow empty branches.
  auto descend = [&](const std::string& step, const Json& a, const Json& b,
                     const FieldRule& child_rule) {
    FieldSet child_changed, child_removed;
    CompareFields(a, b, child_rule, child_changed, child_removed);
    if (!child_changed.empty()) changed.children[step].Add(child_changed);
    if (!child_removed.empty()) removed.children[step].Add(child_removed);
  };
  if (before.is_object() && after.is_object() && !rule.atomic) {
    for (const auto& [key, value] : before.items())
      descend("f:" + key, value, Member(after, key), RuleOf(rule.type, key));
    for (const auto& [key, value] : after.items())
      if (!before.contains(key)) descend("f:" + key, kNothing, value, RuleOf(rule.type, key));
    return;
  }
  if (before.is_array() && after.is_array()) {
    auto old_steps = StepsOf(before, rule), new_steps = StepsOf(after, rule);
    if (old_steps && new_steps) {
      for (size_t i = 0; i < old_steps->size(); ++i) {
        const std::string& step = (*old_steps)[i];
        if (std::optional<size_t> k = IndexOf(*new_steps, step))
          descend(step, before[i], after[*k], ElementRule(rule));
        else
          CollectElement(before[i], rule, removed.children[step]);
      }
      for (size_t k = 0; k < new_steps->size(); ++k)
        if (!IndexOf(*old_steps, (*new_steps)[k]))
          CollectElement(after[k], rule, changed.children[(*new_steps)[k]]);
      return;
    }
  }
  changed.member = true;
}

Json MergeFields(const Json& live, const Json& applied, const FieldRule& rule) {
  if (applied.is_null()) return live;
  if (live.is_object() && applied.is_object() && !rule.atomic) {
    Json merged = live;
    for (const auto& [key, value] : applied.items())
      if (!value.is_null())
        merged[key] = MergeFields(Member(live, key), value, RuleOf(rule.type, key));
    return merged;
  }
  if (live.is_array() && applied.is_array()) {
    auto live_steps = StepsOf(live, rule), applied_steps = StepsOf(applied, rule);
    if (live_steps && applied_steps) {
      // The applied order counts; what only the live list has stays in front of what followed it.
      Json merged = Json::array();
      size_t i = 0;
      auto take_live_only = [&] {
        for (; i < live.size() && !IndexOf(*applied_steps, (*live_steps)[i]); ++i)
          merged.push_back(live[i]);
      };
      for (size_t k = 0; k < applied.size(); ++k) {
        take_live_only();
        std::optional<size_t> partner = IndexOf(*live_steps, (*applied_steps)[k]);
        merged.push_back(partner ? MergeFields(live[*partner], applied[k], ElementRule(rule))
                                 : applied[k]);
        if (i < live.size() && partner) ++i;
      }
      for (; i < live.size(); ++i)
        if (!IndexOf(*applied_steps, (*live_steps)[i])) merged.push_back(live[i]);
      return merged;
    }
  }
  return applied;
}

namespace {

bool IsElement(const Json& element, const std::string& step) {
  Json want = Json::parse(step.substr(2), nullptr, false);
  if (step.starts_with("v:")) return element == want;
  if (!element.is_object() || !want.is_object()) return false;
  return std::ranges::all_of(want.items(), [&](const auto& key) {
    auto found = element.find(key.key());
    if (found == element.end()) return key.key() == "protocol" && key.value() == "TCP";
    return *found == key.value();
  });
}

// The position of the element that `step` names.
std::optional<size_t> FindElement(const Json& list, const std::string& step) {
  for (size_t i = 0; i < list.size(); ++i)
    if (IsElement(list[i], step)) return i;
  return std::nullopt;
}

}  // namespace

void PruneFields(Json& value, const FieldSet& remove, const FieldSet* keep) {
  for (const auto& [step, child] : remove.children) {
    const FieldSet* kept = nullptr;
    if (keep != nullptr)
      if (auto found = keep->children.find(step); found != keep->children.end())
        kept = &found->second;
    if (value.is_object() && step.starts_with("f:")) {
      auto found = value.find(step.substr(2));
      if (found == value.end()) continue;
      bool gone = child.member && kept == nullptr;
      if (!gone) {
        PruneFields(*found, child, kept);
        gone = kept == nullptr && found->is_structured() && found->empty();
      }
      if (gone) value.erase(found);
    } else if (value.is_array()) {
      std::optional<size_t> at = FindElement(value, step);
      if (!at) continue;
      if (child.member && kept == nullptr)
        value.erase(*at);
      else
        PruneFields(value[*at], child, kept);
    }
  }
}

}  // namespace dray::api
