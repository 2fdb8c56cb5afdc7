#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/patch/schema.h"
#include "dray/api/patch.h"

// Strategic merge patch, with the semantics of apimachinery's pkg/util/strategicpatch.
namespace dray::api {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kSetOrder = "$setElementOrder/";
constexpr std::string_view kDeleteFrom = "$deleteFromPrimitiveList/";

Status Malformed(const std::string& why) {
  return Status(Reason::kBadRequest, "strategic merge patch: " + why);
}
Status Failed(const std::string& why) {
  return Status(Reason::kInvalid, "strategic merge patch: " + why);
}

bool Contains(const Json& list, const Json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The text of "$patch" in an object, "" when there is none.
std::string DirectiveOf(const Json& patch) {
  auto found = patch.is_object() ? patch.find(kDirective) : patch.end();
  if (found == patch.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

// A patch value that meets nothing to be merged with: without directives and nulls.
Json Plain(const Json& patch) {
  if (patch.is_object()) {
    Json plain = Json::object();
    if (DirectiveOf(patch) == "delete") return plain;
    for (const auto& [key, value] : patch.items())
      if (!value.is_null() && !key.starts_with("$")) plain[key] = Plain(value);
    return plain;
  }
  if (patch.is_array()) {
    Json plain = Json::array();
    for (const Json& element : patch) {
      std::string directive = DirectiveOf(element);
      if (directive == "delete" || (directive == "replace" && element.size() == 1)) continue;
      plain.push_back(Plain(element));
    }
    return plain;
  }
  return patch;
}

class Merger {
 public:
  Result<Json> Object(Json original, const Json& patch, std::string_view type) {
    std::string directive = DirectiveOf(patch);
    if (directive == "replace") {
      Json replacement = patch;
      replacement.erase(kDirective);
      return Plain(replacement);
    }
    if (directive == "delete") return Json::object();
    if (!directive.empty() && directive != "merge")
      return Malformed("unknown directive $patch: " + directive);
    DRAY_RETURN_IF_ERROR(RetainKeys(original, patch));
    Json before = Json::object();  // the lists that are to be ordered afterwards
    for (const auto& [key, value] : patch.items())
      if (key.starts_with(kSetOrder)) {
        std::string field = key.substr(kSetOrder.size());
        before[field] = original.value(field, Json::array());
      }

    for (const auto& [key, value] : patch.items()) {
      if (key == kDirective || key == kRetainKeys || key.starts_with(kSetOrder)) continue;
      if (key.starts_with(kDeleteFrom)) {
        DRAY_RETURN_IF_ERROR(DeleteFrom(original, key.substr(kDeleteFrom.size()), value));
        continue;
      }
      if (value.is_null()) {
        original.erase(key);
        continue;
      }
      auto old = original.find(key);
      const FieldRule& rule = RuleOf(type, key);
      if (old != original.end() && old->is_object() && value.is_object()) {
        DRAY_ASSIGN_OR_RETURN(*old, Object(std::move(*old), value, rule.type));
      } else if (old != original.end() && old->is_array() && value.is_array()) {
        DRAY_ASSIGN_OR_RETURN(*old, List(std::move(*old), value, rule));
      } else {
        original[key] = Plain(value);
      }
    }
    for (const auto& [key, value] : patch.items())
      if (key.starts_with(kSetOrder))
        DRAY_RETURN_IF_ERROR(
            SetOrder(original, key.substr(kSetOrder.size()), value, patch, type, before));
    return original;
  }

 private:
  static Status RetainKeys(Json& original, const Json& patch) {
    auto retained = patch.find(kRetainKeys);
    if (retained == patch.end()) return Ok();
    if (!retained->is_array()) return Malformed("$retainKeys: want a list");
    for (const auto& [key, value] : patch.items())
      if (!key.starts_with("$") && !value.is_null() && !Contains(*retained, key))
        return Malformed("$retainKeys lacks \"" + key + "\", which the patch sets");
    for (auto entry = original.begin(); entry != original.end();)
      entry = Contains(*retained, entry.key()) ? std::next(entry) : original.erase(entry);
    return Ok();
  }

  static Status DeleteFrom(Json& original, const std::string& field, const Json& values) {
    if (!values.is_array()) return Malformed(std::string(kDeleteFrom) + field + ": want a list");
    auto list = original.find(field);
    if (list == original.end() || !list->is_array()) return Ok();
    std::erase_if(list->get_ref<Json::array_t&>(),
                  [&](const Json& element) { return Contains(values, element); });
    return Ok();
  }

  Result<Json> List(Json original, const Json& patch, const FieldRule& rule) {
    switch (rule.merge) {
      case ListRule::kAtomic:
        return Plain(patch);
      case ListRule::kSet:
        for (const Json& value : patch)
          if (!Contains(original, value)) original.push_back(value);
        return original;
      case ListRule::kKeyed:
        return KeyedList(std::move(original), patch, rule);
    }
    return original;
  }

  static Json* FindByKey(Json& list, const std::string& key, const Json& value) {
    for (Json& element : list)
      if (element.is_object() && element.contains(key) && element[key] == value) return &element;
    return nullptr;
  }

  Result<Json> KeyedList(Json original, const Json& patch, const FieldRule& rule) {
    std::string key(rule.merge_key), list(rule.field);
    bool replace = false;
    for (const Json& element : patch) {
      if (!element.is_object()) return Failed(list + ": want a list of objects");
      std::string directive = DirectiveOf(element);
      if (directive == "replace")
        replace = true;
      else if (directive == "merge")
        return Failed(list + ": $patch: merge is for objects, not for elements of a list");
      else if (!directive.empty() && directive != "delete")
        return Malformed("unknown directive $patch: " + directive);
    }
    if (replace) {
      Json rest = Json::array();
      for (Json element : patch) {
        if (DirectiveOf(element) == "delete") continue;
        element.erase(kDirective);
        if (!element.empty()) rest.push_back(Plain(element));
      }
      return rest;
    }
    for (const Json& element : patch) {
      auto id = element.find(key);
      if (id == element.end())
        return Failed(list + ": an element lacks the merge key \"" + key + "\"");
      if (DirectiveOf(element) == "delete") {
        const Json value = *id;
        std::erase_if(original.get_ref<Json::array_t&>(), [&](const Json& old) {
          return old.is_object() && old.contains(key) && old[key] == value;
        });
      } else if (Json* old = FindByKey(original, key, *id)) {
        DRAY_ASSIGN_OR_RETURN(*old, Object(std::move(*old), element, rule.type));
      } else {
        original.push_back(Plain(element));
      }
    }
    return original;
  }

  // Elements in `order` take that order; others, which only the server has, keep their place before
  // what followed them.
  static Status SetOrder(Json& original, const std::string& field, const Json& order,
                         const Json& patch, std::string_view type, const Json& before) {
    if (!order.is_array()) return Malformed(std::string(kSetOrder) + field + ": want a list");
    const FieldRule& rule = RuleOf(type, field);
    std::string key(rule.merge_key);
    auto id = [&](const Json& element) -> Json {
      if (rule.merge != ListRule::kKeyed) return element;
      return element.is_object() ? element.value(key, Json()) : Json();
    };
    Json ids = Json::array();
    for (const Json& element : order) ids.push_back(element.is_object() ? id(element) : element);
    if (auto changes = patch.find(field); changes != patch.end() && changes->is_array())
      for (const Json& element : *changes)
        if (DirectiveOf(element).empty() && !Contains(ids, id(element)))
          return Malformed(std::string(kSetOrder) + field +
                           " lacks an element that the patch sets");
    auto list = original.find(field);
    if (list == original.end() || !list->is_array()) return Ok();

    // Both parts in their own order, then merged by the order that the list had. What is new has no
    // place there.
    auto place = [&](size_t i) -> std::optional<size_t> {
      const Json& old = before[field];
      for (size_t k = 0; k < old.size(); ++k)
        if (id(old[k]) == id((*list)[i])) return k;
      return std::nullopt;
    };
    std::vector<size_t> own, ordered;
    for (size_t i = 0; i < list->size(); ++i)
      (Contains(ids, id((*list)[i])) ? ordered : own).push_back(i);
    std::vector<size_t> wanted;
    for (const Json& wanted_id : ids)
      for (size_t i : ordered)
        if (id((*list)[i]) == wanted_id && std::ranges::find(wanted, i) == wanted.end())
          wanted.push_back(i);
    Json sorted = Json::array();
    for (size_t o = 0, w = 0; o < own.size() || w < wanted.size();) {
      bool take_own = w == wanted.size();
      if (!take_own && o < own.size()) {
        std::optional<size_t> own_place = place(own[o]), wanted_place = place(wanted[w]);
        take_own = own_place && wanted_place && *own_place < *wanted_place;
      }
      sorted.push_back((*list)[take_own ? own[o++] : wanted[w++]]);
    }
    *list = std::move(sorted);
    return Ok();
  }
};

}  // namespace

Result<Json> ApplyStrategicMergePatch(std::string_view group, std::string_view kind, Json document,
                                      const Json& patch) {
  std::string_view root = RootType(group, kind);
  if (root.empty())
    return Status(Reason::kUnsupportedMediaType,
                  "strategic merge patch is for built-in kinds, not for " + std::string(kind) +
                      "." + std::string(group));
  if (!patch.is_object()) return Malformed("want an object");
  if (!document.is_object()) document = Json::object();
  return Merger().Object(std::move(document), patch, root);
}

}  // namespace dray::api
