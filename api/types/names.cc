#include <algorithm>

#include "dray/api/validation.h"

namespace dray::api {
namespace {

constexpr size_t kLabelMost = 63;
constexpr size_t kSubdomainMost = 253;

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsAlphanumeric(char c) {
  return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z');
}

bool IsLabelText(std::string_view text) {
  auto edge = [](char c) { return IsLower(c) || IsDigit(c); };
  return !text.empty() && edge(text.front()) && edge(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return edge(c) || c == '-'; });
}

// The name part of a qualified name, and a label value that is not empty.
bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kLabelMost && IsAlphanumeric(text.front()) &&
         IsAlphanumeric(text.back()) && std::ranges::all_of(text, [](char c) {
           return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

bool IsDnsLabel(std::string_view text) {
  return text.size() <= kLabelMost && IsLabelText(text);
}

bool IsDnsSubdomain(std::string_view text) {
  if (text.size() > kSubdomainMost) return false;
  for (size_t at = 0;;) {
    size_t dot = text.find('.', at);
    if (!IsLabelText(text.substr(at, dot == std::string_view::npos ? dot : dot - at))) return false;
    if (dot == std::string_view::npos) return true;
    at = dot + 1;
  }
}

bool IsQualifiedName(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return IsName(text);
  return IsDnsSubdomain(text.substr(0, slash)) && IsName(text.substr(slash + 1));
}

bool IsLabelValue(std::string_view text) {
  return text.empty() || IsName(text);
}

}  // namespace dray::api
