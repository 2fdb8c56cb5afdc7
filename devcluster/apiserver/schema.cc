#include "devcluster/apiserver/schema.h"

#include <cstdlib>

#include "devcluster/apiserver/request.h"
#include "devcluster/apiserver/schema_tables.h"
#include "dray/base/log.h"

namespace dray::devcluster {
namespace {

// "ports[]:ContainerPort=6" in its parts.
struct Declaration {
  std::string_view name, type;
  uint32_t number = 0;
  ValueShape shape = ValueShape::kOne;
  bool keeps_zero = false;
};

Declaration Parse(std::string_view text) {
  Declaration declared;
  size_t equals = text.rfind('=');
  declared.number = static_cast<uint32_t>(
      std::strtoul(std::string(text.substr(equals + 1)).c_str(), nullptr, 10));
  text = text.substr(0, equals);
  if (size_t colon = text.find(':'); colon != std::string_view::npos) {
    declared.type = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  auto take = [&](std::string_view suffix) {
    if (!text.ends_with(suffix)) return false;
    text.remove_suffix(suffix.size());
    return true;
  };
  if (take("[]"))
    declared.shape = ValueShape::kList;
  else if (take("{}"))
    declared.shape = ValueShape::kMap;
  declared.keeps_zero = take("?");
  declared.name = text == "+" ? std::string_view() : text;
  return declared;
}

ValueType BuiltIn(std::string_view type) {
  static const std::map<std::string_view, ValueType> known = {
      {"", ValueType::kString},
      {"int", ValueType::kInt32},
      {"long", ValueType::kInt64},
      {"bool", ValueType::kBool},
      {"bytes", ValueType::kBytes},
      {"Time", ValueType::kTime},
      {"MicroTime", ValueType::kMicroTime},
      {"Quantity", ValueType::kQuantity},
      {"IntOrString", ValueType::kIntOrString},
      {"Raw", ValueType::kRaw}};
  auto found = known.find(type);
  return found == known.end() ? ValueType::kMessage : found->second;
}

void CollectMembers(const SchemaMessage& message,
                    std::map<std::string, const SchemaField*, std::less<>>& members) {
  for (const SchemaField& field : message.fields) {
    if (field.name.empty())
      CollectMembers(*field.message, members);
    else
      members.emplace(field.name, &field);
  }
}

}  // namespace

const Schema& Schema::Kubernetes() {
  static const Schema schema;
  return schema;
}

Schema::Schema() {
  for (const char* table :
       {kMetaTypes, kVolumeTypes, kPodTypes, kCoreTypes, kReviewTypes, kResourceTypes, kGroupTypes})
    Read(table);
  for (auto& [name, message] : by_name_) CollectMembers(*message, message->members);
}

void Schema::Read(std::string_view text) {
  // A type may be used before its line comes.
  auto message_named = [&](std::string_view name) {
    auto found = by_name_.find(name);
    if (found != by_name_.end()) return found->second;
    SchemaMessage& made = messages_.emplace_back();
    made.name = name;
    return by_name_.emplace(made.name, &made).first->second;
  };
  std::string_view package;
  SchemaMessage* message = nullptr;
  for (std::string_view line : Split(text, '\n')) {
    if (line.empty()) continue;
    if (line.front() == '@') {
      package = line.substr(1);
      continue;
    }
    for (std::string_view word : Split(line, ' ')) {
      if (word.empty()) continue;
      if (word.find('=') == std::string_view::npos) {
        message = message_named(word);
        CHECK(message->fields.empty()) << "type " << word << " stands twice in the tables";
        message->package = package;
        continue;
      }
      Declaration declared = Parse(word);
      SchemaField& field = message->fields.emplace_back();
      field.name = declared.name;
      field.number = declared.number;
      field.shape = declared.shape;
      field.keeps_zero = declared.keeps_zero;
      field.type = BuiltIn(declared.type);
      if (field.type == ValueType::kMessage) field.message = message_named(declared.type);
    }
  }
}

const SchemaMessage* Schema::Find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const SchemaMessage* Schema::ForKind(std::string_view group, std::string_view kind) const {
  std::string_view first = group.substr(0, group.find('.'));
  if (const SchemaMessage* own = Find(std::string(first) + "." + std::string(kind))) return own;
  return Find(kind);
}

}  // namespace dray::devcluster
