#include "runtime/yaml_scalar.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace dray::runtime {
namespace {

bool OneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// The digits of an integer and their base; go-yaml takes the prefixes of Go: 0x, 0o, 0b, and 0 for
// octal.
struct Digits {
  std::string_view text;
  int base;
};
Digits SplitBase(std::string_view digits) {
  if (digits.size() > 2 && digits[0] == '0') {
    if (digits[1] == 'x' || digits[1] == 'X') return {digits.substr(2), 16};
    if (digits[1] == 'o' || digits[1] == 'O') return {digits.substr(2), 8};
    if (digits[1] == 'b' || digits[1] == 'B') return {digits.substr(2), 2};
  }
  if (digits.size() > 1 && digits[0] == '0') return {digits.substr(1), 8};
  return {digits, 10};
}

std::optional<Json> ReadInteger(std::string_view text) {
  bool negative = text[0] == '-';
  Digits digits = SplitBase(text.substr(text[0] == '-' || text[0] == '+' ? 1 : 0));
  uint64_t magnitude = 0;
  const char* last = digits.text.data() + digits.text.size();
  auto [end, error] = std::from_chars(digits.text.data(), last, magnitude, digits.base);
  if (error != std::errc() || end != last || digits.text.empty()) return std::nullopt;
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (!negative)
    return magnitude <= kMost ? Json(static_cast<int64_t>(magnitude)) : Json(magnitude);
  if (magnitude > kMost + 1) return std::nullopt;
  return Json(static_cast<int64_t>(0 - magnitude));
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool LooksLikeFloat(std::string_view text) {
  size_t at = text[0] == '-' || text[0] == '+' ? 1 : 0;
  auto digits = [&] {
    size_t from = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
    return at - from;
  };
  size_t whole = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

}  // namespace

Result<Json> ReadPlainScalar(std::string_view text) {
  if (text.empty() || OneOf(text, {"~", "null", "Null", "NULL"})) return Json();
  if (OneOf(text, {"true", "True", "TRUE"})) return Json(true);
  if (OneOf(text, {"false", "False", "FALSE"})) return Json(false);
  char first = text[0];
  if (!std::isdigit(static_cast<unsigned char>(first)) && first != '-' && first != '+' &&
      first != '.')
    return Json(text);
  std::string_view sign_less = text.substr(first == '-' || first == '+' ? 1 : 0);
  if (OneOf(sign_less, {".inf", ".Inf", ".INF"}) || OneOf(text, {".nan", ".NaN", ".NAN"}))
    return Status(Reason::kInvalid,
                  "\"" + std::string(text) +
                      "\" is a number that JSON does not have; quote it if it is text");
  std::string plain;  // go-yaml allows "_" between digits
  for (char c : text)
    if (c != '_') plain.push_back(c);
  if (plain.empty()) return Json(text);
  if (auto integer = ReadInteger(plain)) return *integer;
  if (!LooksLikeFloat(plain)) return Json(text);
  double number = 0;
  const char* start = plain.data() + (plain[0] == '+' ? 1 : 0);
  auto [end, error] = std::from_chars(start, plain.data() + plain.size(), number);
  if (error != std::errc() || end != plain.data() + plain.size()) return Json(text);
  // Go writes a whole float64 into JSON without a point, and integer fields take it.
  constexpr double kExact = 9007199254740992.0;
  if (number == std::floor(number) && std::abs(number) < kExact)
    return Json(static_cast<int64_t>(number));
  return Json(number);
}

bool IsSafePlain(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`=<~";
  if (kIndicators.find(text.front()) != std::string_view::npos) {
    // "-x", "?x" and ":x" are plain; kept only where a value is likely to begin so.
    bool argument =
        text.front() == '-' && text.size() > 1 && std::isalpha(static_cast<unsigned char>(text[1]));
    if (!argument) return false;
  }
  for (unsigned char c : text)
    if (c < 0x20 || c == 0x7f) return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos)
    return false;
  std::string lower;
  for (unsigned char c : text) lower.push_back(static_cast<char>(std::tolower(c)));
  if (OneOf(lower, {"y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan"}))
    return false;
  if (text.starts_with("---") || text.starts_with("...")) return false;
  // Dates and sexagesimal numbers are YAML 1.1 scalars of their own.
  bool number_like = text.find_first_not_of("0123456789-+.:_eETZ ") == std::string_view::npos &&
                     text.find_first_of("0123456789") != std::string_view::npos;
  if (number_like) return false;
  Result<Json> read = ReadPlainScalar(text);
  return read.ok() && read->is_string();
}

}  // namespace dray::runtime
