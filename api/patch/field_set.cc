#include "api/patch/field_set.h"

#include <nlohmann/json.hpp>

namespace dray::api {
namespace {

std::string Readable(const std::string& step) {
  std::string rest = step.substr(std::min<size_t>(2, step.size()));
  if (step.starts_with("f:")) return "." + rest;
  if (step.starts_with("v:")) return "[=" + rest + "]";
  if (!step.starts_with("k:")) return "[" + rest + "]";
  Json keys = Json::parse(rest, nullptr, false);
  if (!keys.is_object()) return "[" + rest + "]";
  std::string text;
  for (const auto& [key, value] : keys.items())
    text += (text.empty() ? "" : ",") + key + "=" + value.dump();
  return "[" + text + "]";
}

void Walk(const FieldSet& set, const std::string& path,
          const std::function<void(const std::string&)>& visit) {
  if (set.member) visit(path);
  for (const auto& [step, child] : set.children) Walk(child, path + Readable(step), visit);
}

}  // namespace

void FieldSet::Add(const FieldSet& other) {
  member |= other.member;
  for (const auto& [step, child] : other.children) children[step].Add(child);
}

void FieldSet::Subtract(const FieldSet& other) {
  if (other.member) member = false;
  for (const auto& [step, child] : other.children) {
    auto own = children.find(step);
    if (own == children.end()) continue;
    own->second.Subtract(child);
    if (own->second.empty()) children.erase(own);
  }
}

FieldSet FieldSet::Intersection(const FieldSet& other) const {
  FieldSet both{.member = member && other.member, .children = {}};
  for (const auto& [step, child] : children) {
    auto its = other.children.find(step);
    if (its == other.children.end()) continue;
    FieldSet common = child.Intersection(its->second);
    if (!common.empty()) both.children.emplace(step, std::move(common));
  }
  return both;
}

void FieldSet::ForEach(const std::function<void(const std::string& path)>& visit) const {
  Walk(*this, "", visit);
}

// A leaf is {}; a member with members below it says so with ".".
Json FieldSet::ToFieldsV1() const {
  Json json = Json::object();
  if (member && !children.empty()) json["."] = Json::object();
  for (const auto& [step, child] : children) json[step] = child.ToFieldsV1();
  return json;
}

FieldSet FieldSet::FromFieldsV1(const Json& json) {
  FieldSet set;
  if (!json.is_object()) return set;
  for (const auto& [step, child] : json.items()) {
    if (step == ".") {
      set.member = true;
      continue;
    }
    FieldSet& below = set.children[step];
    below = FromFieldsV1(child);
    if (below.empty()) below.member = true;
  }
  return set;
}

}  // namespace dray::api
