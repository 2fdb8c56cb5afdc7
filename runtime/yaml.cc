#include "dray/runtime/yaml.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/yaml_scalar.h"

namespace dray::runtime {
namespace {

constexpr int kDeepest = 200;
constexpr size_t kMostValues =
    300'000;  // aliases multiply: a small text must not become a huge document

class Converter {
 public:
  explicit Converter(std::string_view file) : file_(file) {}

  Result<Json> Convert(const YAML::Node& node, int depth = 0) {
    if (depth > kDeepest)
      return At(node, "nested deeper than " + std::to_string(kDeepest) + " levels");
    if (++values_ > kMostValues)
      return At(node, "the document is too large once its aliases are expanded");
    switch (node.Type()) {
      case YAML::NodeType::Sequence:
        return List(node, depth);
      case YAML::NodeType::Map:
        return Map(node, depth);
      case YAML::NodeType::Scalar:
        return Scalar(node);
      default:
        return Json();
    }
  }

  Status At(const YAML::Node& node, const std::string& what) const { return At(node.Mark(), what); }
  Status At(const YAML::Mark& mark, const std::string& what) const {
    std::string place(file_);
    if (!mark.is_null())
      place += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
    return Status(Reason::kInvalid, place + ": " + what);
  }

 private:
  Result<Json> List(const YAML::Node& node, int depth) {
    Json list = Json::array();
    for (const YAML::Node& item : node) {
      DRAY_ASSIGN_OR_RETURN(Json value, Convert(item, depth + 1));
      list.push_back(std::move(value));
    }
    return list;
  }

  Result<Json> Map(const YAML::Node& node, int depth) {
    Json map = Json::object();
    std::vector<YAML::Node> merged;
    for (const auto& entry : node) {
      if (entry.first.IsScalar() && entry.first.Tag() == "?" && entry.first.Scalar() == "<<") {
        merged.push_back(entry.second);
        continue;
      }
      DRAY_ASSIGN_OR_RETURN(std::string key, Key(entry.first));
      DRAY_ASSIGN_OR_RETURN(Json value, Convert(entry.second, depth + 1));
      if (!map.emplace(key, std::move(value)).second)
        return At(entry.first, "the key \"" + key + "\" stands here twice");
    }
    // Keys of the map itself win over merged ones, earlier merged maps over later ones.
    for (const YAML::Node& source : merged) {
      DRAY_ASSIGN_OR_RETURN(Json value, Convert(source, depth + 1));
      if (value.is_object()) value = Json::array({std::move(value)});
      for (Json& one : value) {
        if (!one.is_object()) return At(source, "\"<<\" merges maps only");
        map.insert(one.begin(), one.end());
      }
    }
    return map;
  }

  Result<std::string> Key(const YAML::Node& node) {
    if (node.IsNull()) return std::string("null");
    if (!node.IsScalar()) return At(node, "a key must be a scalar");
    DRAY_ASSIGN_OR_RETURN(Json key, Scalar(node));
    return key.is_string() ? key.get<std::string>() : key.dump();
  }

  Result<Json> Scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    std::string tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return Json(text);
    Result<Json> value = ReadPlainScalar(text);
    if (!value.ok()) return At(node, value.status().message());
    if (tag.empty() || tag == "?") return value;
    auto wants = [&](std::string_view name) {
      return tag == "tag:yaml.org,2002:" + std::string(name);
    };
    bool fits = (wants("int") && value->is_number_integer()) ||
                (wants("float") && value->is_number()) || (wants("bool") && value->is_boolean()) ||
                (wants("null") && value->is_null());
    if (fits) return value;
    return At(node, "\"" + text + "\" cannot be read as " + tag);
  }

  std::string_view file_;
  size_t values_ = 0;
};

// What follows `key` in `field` when it leads there: its next character ends the key.
std::optional<std::string_view> After(std::string_view field, std::string_view key) {
  if (key.empty() || !field.starts_with(key)) return std::nullopt;
  std::string_view rest = field.substr(key.size());
  if (rest.empty() || rest[0] == '[') return rest;
  if (rest[0] == '.') return rest.substr(1);
  return std::nullopt;
}

int LineOf(const YAML::Node& node, std::string_view field, int line) {
  if (field.empty()) return line;
  if (node.IsSequence() && field[0] == '[') {
    size_t index = 0;
    auto [end, error] = std::from_chars(field.data() + 1, field.data() + field.size(), index);
    std::string_view rest = field.substr(static_cast<size_t>(end - field.data()));
    if (error != std::errc() || !rest.starts_with(']') || index >= node.size()) return line;
    rest.remove_prefix(rest.starts_with("].") ? 2 : 1);
    return LineOf(node[index], rest, node[index].Mark().line + 1);
  }
  if (!node.IsMap()) return line;
  int deepest = line;
  size_t longest = 0;  // of two keys that fit, "a" and "a.b", the longer one is meant
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || entry.first.Scalar().size() <= longest) continue;
    std::optional<std::string_view> rest = After(field, entry.first.Scalar());
    if (!rest) continue;
    longest = entry.first.Scalar().size();
    deepest = LineOf(entry.second, *rest, entry.first.Mark().line + 1);
  }
  return deepest;
}

Status Unreadable(std::string_view file, const YAML::Exception& error) {
  Converter converter(file);
  return converter.At(error.mark, error.msg);
}

}  // namespace

Result<std::vector<Json>> ParseYamlDocuments(std::string_view text, std::string_view file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    // JSON is what programs write, and ten times faster to read as such.
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_discarded()) return std::vector<Json>{std::move(json)};
  }
  std::vector<Json> documents;
  try {
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      if (!node.IsDefined() || node.IsNull()) continue;  // "---" with nothing after it
      Converter converter(file);
      DRAY_ASSIGN_OR_RETURN(Json document, converter.Convert(node));
      documents.push_back(std::move(document));
    }
  } catch (const YAML::Exception& error) {
    return Unreadable(file, error);
  }
  return documents;
}

Result<Json> ParseYaml(std::string_view text, std::string_view file) {
  DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents, ParseYamlDocuments(text, file));
  if (documents.empty())
    return Status(Reason::kInvalid, std::string(file) + ": there is nothing in it");
  if (documents.size() > 1)
    return Status(Reason::kInvalid, std::string(file) + ": holds " +
                                        std::to_string(documents.size()) +
                                        " YAML documents where one is expected");
  return std::move(documents.front());
}

int YamlLineOf(std::string_view text, std::string_view field) {
  try {
    YAML::Node node = YAML::Load(std::string(text));
    return LineOf(node, field, node.Mark().is_null() ? 1 : node.Mark().line + 1);
  } catch (const YAML::Exception&) {
    return 0;
  }
}

}  // namespace dray::runtime
