#include "mockdev/profiles/field_reader.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "dray/runtime/yaml.h"

namespace dray::mockdev {

void FirstError::Report(const std::string& field, const std::string& sentence) {
  if (!status_.ok()) return;
  std::string place(file_);
  if (int line = runtime::YamlLineOf(text_, field); line > 0) place += ":" + std::to_string(line);
  status_ = Status(Reason::kInvalid, place + ": " + (field.empty() ? "" : field + ": ") + sentence);
}

std::string Shown(const Json& value) {
  std::string text = value.is_string() ? "\"" + value.get<std::string>() + "\"" : value.dump();
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

FieldReader::FieldReader(const Json& object, std::string path, FirstError& errors)
    : object_(object), path_(std::move(path)), errors_(errors) {
  if (!object_.is_object()) errors_.Report(path_, Shown(object_) + " is not a mapping");
}

std::string FieldReader::path(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void FieldReader::Fail(std::string_view key, const std::string& sentence) {
  errors_.Report(path(key), sentence);
}

const Json* FieldReader::Find(std::string_view key, bool required, std::string_view wanted) {
  asked_.emplace(key);
  if (!object_.is_object()) return nullptr;
  auto found = object_.find(key);
  if (found != object_.end() && !found->is_null()) return &*found;
  if (required) Fail(key, "is missing; want " + std::string(wanted));
  return nullptr;
}

bool FieldReader::Has(std::string_view key) {
  return Find(key, false, "") != nullptr;
}

std::string FieldReader::Text(std::string_view key) {
  const Json* value = Find(key, true, "a text");
  if (value == nullptr) return {};
  if (!value->is_string() || value->get_ref<const std::string&>().empty()) {
    Fail(key, Shown(*value) + " is not a text; put it in quotes");
    return {};
  }
  return value->get<std::string>();
}

std::string FieldReader::TextOr(std::string_view key, std::string_view otherwise) {
  const Json* value = Find(key, false, "");
  if (value == nullptr) return std::string(otherwise);
  if (!value->is_string()) {
    Fail(key, Shown(*value) + " is not a text; put it in quotes");
    return std::string(otherwise);
  }
  return value->get<std::string>();
}

int64_t FieldReader::Integer(std::string_view key, int64_t lowest, int64_t highest) {
  std::string wanted =
      "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest);
  const Json* value = Find(key, true, wanted);
  if (value == nullptr) return lowest;
  if (!value->is_number_integer() || value->get<int64_t>() < lowest ||
      value->get<int64_t>() > highest) {
    Fail(key, Shown(*value) + " is not " + wanted);
    return lowest;
  }
  return value->get<int64_t>();
}

bool FieldReader::BoolOr(std::string_view key, bool otherwise) {
  const Json* value = Find(key, false, "");
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) {
    Fail(key, Shown(*value) + " is not true or false");
    return otherwise;
  }
  return value->get<bool>();
}

std::string FieldReader::OneOf(std::string_view key, std::initializer_list<std::string_view> words,
                               std::string_view otherwise) {
  std::string wanted;
  for (std::string_view word : words) wanted += (wanted.empty() ? "" : ", ") + std::string(word);
  const Json* value = Find(key, otherwise.empty(), "one of " + wanted);
  if (value == nullptr) return std::string(otherwise);
  for (std::string_view word : words) {
    if (value->is_string() && value->get_ref<const std::string&>() == word)
      return std::string(word);
  }
  Fail(key, Shown(*value) + " is none of " + wanted);
  return std::string(otherwise);
}

std::optional<api::Quantity> FieldReader::QuantityOf(std::string_view key, bool required) {
  const Json* value = Find(key, required, "a quantity such as 80Gi");
  if (value == nullptr) return std::nullopt;
  std::string text = value->is_string()   ? value->get<std::string>()
                     : value->is_number() ? value->dump()
                                          : "";
  Result<api::Quantity> quantity = api::Quantity::Parse(text);
  if (quantity.ok()) return *quantity;
  Fail(key, Shown(*value) + " is not a quantity such as 80Gi");
  return std::nullopt;
}

std::optional<Duration> FieldReader::DurationOf(std::string_view key) {
  std::string text = Text(key);
  if (text.empty()) return std::nullopt;
  Duration total{};
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    int64_t number = 0;
    auto [rest, error] = std::from_chars(at, end, number);
    std::string_view unit(rest, end - rest);
    unit = unit.substr(0, unit.find_first_of("0123456789"));
    Duration one = unit == "ms"  ? Duration(std::chrono::milliseconds(1))
                   : unit == "s" ? Duration(std::chrono::seconds(1))
                   : unit == "m" ? Duration(std::chrono::minutes(1))
                   : unit == "h" ? Duration(std::chrono::hours(1))
                                 : Duration(0);
    if (error != std::errc() || number < 0 || number > 1'000'000 || one == Duration(0)) {
      Fail(key, "\"" + text + "\" is not a duration such as 90s, 1m30s or 500ms");
      return std::nullopt;
    }
    total += number * one;
    at = rest + unit.size();
  }
  return total;
}

std::vector<std::string> FieldReader::Texts(std::string_view key) {
  std::vector<std::string> texts;
  const Json* list = List(key);
  if (list == nullptr) return texts;
  for (const Json& item : *list) {
    if (item.is_string()) {
      texts.push_back(item.get<std::string>());
    } else {
      Fail(key, Shown(item) + " is not a text; put it in quotes");
    }
  }
  return texts;
}

const Json* FieldReader::Mapping(std::string_view key, bool required) {
  const Json* value = Find(key, required, "a mapping");
  if (value == nullptr || value->is_object()) return value;
  Fail(key, Shown(*value) + " is not a mapping");
  return nullptr;
}

const Json* FieldReader::List(std::string_view key) {
  const Json* value = Find(key, false, "");
  if (value == nullptr || value->is_array()) return value;
  Fail(key, Shown(*value) + " is not a list");
  return nullptr;
}

void FieldReader::Done() {
  if (!object_.is_object()) return;
  for (const auto& [key, value] : object_.items()) {
    if (asked_.contains(key)) continue;
    std::string known;
    for (const std::string& name : asked_) known += (known.empty() ? "" : ", ") + name;
    Fail(key, "unknown field; known here are " + known);
    return;
  }
}

}  // namespace dray::mockdev
