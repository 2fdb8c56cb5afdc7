#include "devcluster/apiserver/request.h"

#include <algorithm>
#include <charconv>

namespace dray::devcluster {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      decoded.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else if (text[i] == '+' && plus_is_space) {
      decoded.push_back(' ');
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text = text.substr(end + 1);
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<ResourcePath> ParseResourcePath(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string_view part : Split(path, '/'))
    if (!part.empty()) parts.push_back(PercentDecode(part, false));
  size_t at = 0;
  ResourcePath result;
  if (parts.size() >= 3 && parts[0] == "api") {
    result.version = parts[1];
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    result.group = parts[1];
    result.version = parts[2];
    at = 3;
  } else {
    return std::nullopt;
  }
  size_t rest = parts.size() - at;
  // namespaces/N and namespaces/N/status|finalize are the Namespace itself; anything longer lies
  // inside it.
  bool inside = parts[at] == "namespaces" && rest >= 3 &&
                !(result.group.empty() && rest == 3 &&
                  (parts[at + 2] == "status" || parts[at + 2] == "finalize"));
  if (inside) {
    result.namespace_ = parts[at + 1];
    at += 2;
    rest -= 2;
  }
  if (rest > 3) return std::nullopt;
  result.resource = parts[at];
  if (rest > 1) result.name = parts[at + 1];
  if (rest > 2) result.subresource = parts[at + 2];
  return result;
}

Query::Query(std::string_view target) {
  size_t mark = target.find('?');
  if (mark == std::string_view::npos) return;
  for (std::string_view pair : Split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    size_t equals = pair.find('=');
    std::string value;
    if (equals != std::string_view::npos) value = PercentDecode(pair.substr(equals + 1), true);
    values_.emplace(PercentDecode(pair.substr(0, equals), true), std::move(value));
  }
}

std::string Query::Get(const std::string& name) const {
  auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second;
}

bool Query::Flag(const std::string& name) const {
  auto found = values_.find(name);
  return found != values_.end() && found->second != "false" && found->second != "0";
}

Result<std::optional<int64_t>> Query::Int(const std::string& name) const {
  auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::optional<int64_t>();
  int64_t value = 0;
  const char* end = found->second.data() + found->second.size();
  auto [stopped, error] = std::from_chars(found->second.data(), end, value);
  if (error != std::errc() || stopped != end)
    return Status(Reason::kBadRequest,
                  "parameter " + name + ": \"" + found->second + "\" is no integer");
  return std::optional<int64_t>(value);
}

Result<Form> FormFromAccept(std::string_view accept) {
  if (Trim(accept).empty()) return Form::kPlain;
  for (std::string_view range : Split(accept, ',')) {
    std::vector<std::string_view> parts = Split(range, ';');
    std::string type = Lower(Trim(parts[0]));
    if (type != "application/json" && type != "*/*" && type != "application/*") continue;
    std::string as, version, group;
    for (size_t i = 1; i < parts.size(); ++i) {
      std::string_view parameter = Trim(parts[i]);
      size_t equals = parameter.find('=');
      if (equals == std::string_view::npos) continue;
      std::string_view value = parameter.substr(equals + 1);
      if (parameter.substr(0, equals) == "as") as = value;
      if (parameter.substr(0, equals) == "v") version = value;
      if (parameter.substr(0, equals) == "g") group = value;
    }
    if (as.empty()) return Form::kPlain;
    if (group != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) continue;
    if (as == "Table") return Form::kTable;
    if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList")
      return Form::kPartialMetadata;
  }
  return Status(Reason::kNotAcceptable,
                "only the following media types are accepted: application/json");
}

std::string MediaType(std::string_view content_type) {
  return Lower(Trim(content_type.substr(0, content_type.find(';'))));
}

}  // namespace dray::devcluster
