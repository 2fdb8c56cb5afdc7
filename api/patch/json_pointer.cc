#include "api/patch/json_pointer.h"

#include <nlohmann/json.hpp>

namespace dray::api {

Result<std::vector<std::string>> ParsePointer(std::string_view text) {
  std::vector<std::string> tokens;
  if (text.empty()) return tokens;
  auto malformed = [&] {
    return Status(Reason::kBadRequest, "\"" + std::string(text) + "\" is not a JSON pointer");
  };
  if (text[0] != '/') return malformed();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      tokens.emplace_back();
    } else if (text[i] != '~') {
      tokens.back().push_back(text[i]);
    } else {
      char escaped = ++i < text.size() ? text[i] : '\0';
      if (escaped != '0' && escaped != '1') return malformed();
      tokens.back().push_back(escaped == '0' ? '~' : '/');
    }
  }
  return tokens;
}

std::string PointerToken(std::string_view token) {
  std::string text = "/";
  for (char c : token) {
    if (c == '~')
      text += "~0";
    else if (c == '/')
      text += "~1";
    else
      text.push_back(c);
  }
  return text;
}

std::optional<size_t> ParseIndex(std::string_view token, size_t limit) {
  if (token.empty() || token.size() > 9 || (token.size() > 1 && token[0] == '0'))
    return std::nullopt;
  size_t index = 0;
  for (char c : token) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<size_t>(c - '0');
  }
  if (index >= limit) return std::nullopt;
  return index;
}

Json* FindValue(Json& document, const std::vector<std::string>& tokens) {
  Json* at = &document;
  for (const std::string& token : tokens) {
    if (at->is_object()) {
      auto found = at->find(token);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      std::optional<size_t> index = ParseIndex(token, at->size());
      if (!index) return nullptr;
      at = &(*at)[*index];
    } else {
      return nullptr;
    }
  }
  return at;
}

}  // namespace dray::api
