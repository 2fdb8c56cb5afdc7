#include <nlohmann/json.hpp>

#include "dray/runtime/yaml.h"
#include "runtime/yaml_scalar.h"

namespace dray::runtime {
namespace {

constexpr std::string_view kFirst[] = {"apiVersion", "kind", "metadata", "spec", "status"};

// Text with line ends reads best as a literal block; one that such a block cannot hold exactly is
// quoted.
bool FitsLiteral(std::string_view text) {
  if (text.find('\n') == std::string_view::npos) return false;
  if (text.front() == ' ' || text.front() == '\n' || text.front() == '\t') return false;
  for (unsigned char c : text)
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return false;
  return text.find(" \n") == std::string_view::npos;
}

class Writer {
 public:
  std::string Write(const Json& document) {
    if (document.is_object() && !document.empty()) {
      Map(document, 0, true);
    } else if (document.is_array() && !document.empty()) {
      List(document, 0);
    } else {
      out_ += Flat(document) + "\n";
    }
    return std::move(out_);
  }

 private:
  void Map(const Json& map, int indent, bool top) {
    bool first = true;
    auto entry = [&](const std::string& key, const Json& value) {
      // The first key of a map in a list stands behind the dash.
      if (!first || top) Indent(indent);
      first = false;
      out_ += Text(key) + ":";
      Value(value, indent);
    };
    if (top)
      for (std::string_view key : kFirst)
        if (auto found = map.find(key); found != map.end()) entry(std::string(key), *found);
    for (const auto& [key, value] : map.items()) {
      bool done = top && std::find(std::begin(kFirst), std::end(kFirst), key) != std::end(kFirst);
      if (!done) entry(key, value);
    }
  }

  void Value(const Json& value, int indent) {
    if (value.is_object() && !value.empty()) {
      out_ += "\n";
      Indent(indent + 2);
      Map(value, indent + 2, false);
    } else if (value.is_array() && !value.empty()) {
      out_ += "\n";
      List(value, indent);  // kubectl does not indent lists below their key
    } else if (value.is_string() && FitsLiteral(value.get_ref<const std::string&>())) {
      out_ += " ";
      Literal(value.get_ref<const std::string&>(), indent + 2);
    } else {
      out_ += " " + Flat(value) + "\n";
    }
  }

  void List(const Json& list, int indent) {
    for (const Json& item : list) {
      Indent(indent);
      out_ += "-";
      if (item.is_object() && !item.empty()) {
        out_ += " ";
        Map(item, indent + 2, false);
      } else if (item.is_array() && !item.empty()) {
        out_ += "\n";
        List(item, indent + 2);
      } else if (item.is_string() && FitsLiteral(item.get_ref<const std::string&>())) {
        out_ += " ";
        Literal(item.get_ref<const std::string&>(), indent + 2);
      } else {
        out_ += " " + Flat(item) + "\n";
      }
    }
  }

  // "|" ends with one line end, "|-" with none, "|+" with all there are.
  void Literal(const std::string& text, int indent) {
    size_t end = text.find_last_not_of('\n') + 1;
    size_t line_ends = text.size() - end;
    out_ += line_ends == 0 ? "|-" : line_ends == 1 ? "|" : "|+";
    out_ += "\n";
    size_t from = 0;
    while (from < text.size()) {
      size_t to = std::min(text.find('\n', from), text.size());
      if (to > from) Indent(indent);
      out_.append(text, from, to - from);
      out_ += "\n";
      from = to + 1;
    }
  }

  static std::string Flat(const Json& value) {
    if (value.is_string()) return Text(value.get_ref<const std::string&>());
    return value.dump();  // null, bool, number, {} and []
  }
  // A JSON string is a YAML double-quoted one.
  static std::string Text(const std::string& text) {
    if (IsSafePlain(text)) return text;
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  void Indent(int by) { out_.append(by, ' '); }

  std::string out_;
};

}  // namespace

std::string ToYaml(const Json& document) {
  return Writer().Write(document);
}

}  // namespace dray::runtime
