#include "api/cel/text.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace dray::cel {
namespace {

bool IsContinuation(unsigned char c) {
  return (c & 0xC0) == 0x80;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if ((a[i] | 0x20) != lower[i]) return false;
  return true;
}

// unicode.IsSpace.
bool IsSpace(char32_t r) {
  return (r >= '\t' && r <= '\r') || r == ' ' || r == 0x85 || r == 0xA0 || r == 0x1680 ||
         (r >= 0x2000 && r <= 0x200A) || r == 0x2028 || r == 0x2029 || r == 0x202F || r == 0x205F ||
         r == 0x3000;
}

// An approximation of unicode.IsPrint that is exact for ASCII, Latin-1 and the separators and
// format characters.
bool IsPrint(char32_t r) {
  if (r < 0x20 || (r >= 0x7F && r <= 0xA0) || r == 0xAD) return false;
  if (r != ' ' && IsSpace(r)) return false;
  if ((r >= 0x200B && r <= 0x200F) || (r >= 0x202A && r <= 0x202E) || (r >= 0x2060 && r <= 0x206F))
    return false;
  if (r == 0xFEFF || (r >= 0xFFF0 && r <= 0xFFFB) || (r >= 0xE000 && r <= 0xF8FF)) return false;
  return (r & 0xFFFE) != 0xFFFE && r < 0xE0000;
}

}  // namespace

Rune RuneAt(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  unsigned char c = byte(0);
  if (c < 0x80) return {c, 1};
  size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
  if (c < 0xC2 || c > 0xF4 || at + length > text.size()) return {kReplacement, 1};
  char32_t value = c & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(byte(i))) return {kReplacement, 1};
    value = value << 6 | (byte(i) & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    return {kReplacement, 1};
  return {value, length};
}

size_t RuneCount(std::string_view text) {
  // Eight at a time while all is ASCII.
  size_t ascii = 0;
  for (uint64_t word; ascii + sizeof(word) <= text.size(); ascii += sizeof(word)) {
    std::memcpy(&word, text.data() + ascii, sizeof(word));
    if ((word & 0x8080808080808080u) != 0) break;
  }
  size_t count = ascii;
  for (size_t i = ascii; i < text.size(); ++count)
    i += static_cast<unsigned char>(text[i]) < 0x80 ? 1 : RuneAt(text, i).length;
  return count;
}

size_t ByteOffset(std::string_view text, size_t index) {
  size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += RuneAt(text, at).length;
  return at;
}

void AppendRune(std::string& out, char32_t r) {
  if (r > 0x10FFFF || (r >= 0xD800 && r <= 0xDFFF)) r = kReplacement;
  if (r < 0x80) {
    out += static_cast<char>(r);
    return;
  }
  int extra = r < 0x800 ? 1 : r < 0x10000 ? 2 : 3;
  constexpr unsigned char kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[extra] | (r >> (6 * extra)));
  for (int i = extra - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((r >> (6 * i)) & 0x3F));
}

bool ValidUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    Rune rune = RuneAt(text, i);
    if (rune.value == kReplacement && rune.length == 1) return false;
    i += rune.length;
  }
  return true;
}

std::string SanitizeUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    Rune rune = RuneAt(text, i);
    AppendRune(out, rune.value);
    i += rune.length;
  }
  return out;
}

std::optional<int64_t> ParseInt(std::string_view text, int base) {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return std::nullopt;
  }
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseUint(std::string_view text, int base) {
  if (text.empty() || text[0] == '-' || text[0] == '+') return std::nullopt;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  double value = 0;
  if (EqualsIgnoringCase(text, "inf") || EqualsIgnoringCase(text, "infinity")) {
    value = HUGE_VAL;
  } else if (EqualsIgnoringCase(text, "nan")) {
    return std::nan("");
  } else {
    auto format = std::chars_format::general;
    bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
    if (hexadecimal) {
      if (text.find_first_of("pP") == std::string_view::npos) return std::nullopt;
      text.remove_prefix(2);
      format = std::chars_format::hex;
    }
    // from_chars would read "inf" and a second sign here.
    bool starts =
        text[0] == '.' || (hexadecimal ? std::isxdigit(static_cast<unsigned char>(text[0]))
                                       : std::isdigit(static_cast<unsigned char>(text[0])));
    if (!starts) return std::nullopt;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
    if (end != text.data() + text.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) {
      // Too small reads as zero, too large is an error.
      double wide = std::strtod(std::string(text).c_str(), nullptr);
      if (std::isinf(wide)) return std::nullopt;
      value = wide;
    } else if (error != std::errc()) {
      return std::nullopt;
    }
  }
  return negative ? -value : value;
}

std::optional<bool> ParseBool(std::string_view text) {
  for (std::string_view t : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == t) return true;
  for (std::string_view f : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == f) return false;
  return std::nullopt;
}

std::string FormatG(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  char buffer[64];
  auto scientific =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string_view text(buffer, scientific.ptr - buffer);
  int exponent = 0;
  std::string_view digits = text.substr(text.find('e') + 1);
  std::from_chars(digits.data() + (digits[0] == '+' ? 1 : 0), digits.data() + digits.size(),
                  exponent);
  if (exponent < -4 || exponent >= 6)
    return std::string(text);  // as if six digits had been asked for
  auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return std::string(buffer, fixed.ptr);
}

std::string FormatF(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  char buffer[512];
  auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return std::string(buffer, fixed.ptr);
}

std::string Quote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    Rune rune = RuneAt(text, i);
    char32_t r = rune.value;
    if (r == kReplacement && rune.length == 1) {
      out += "\\x";
      out += kHex[static_cast<unsigned char>(text[i]) >> 4];
      out += kHex[text[i] & 0xF];
    } else if (r == '"' || r == '\\') {
      out += '\\';
      out += static_cast<char>(r);
    } else if (IsPrint(r)) {
      AppendRune(out, r);
    } else if (r >= 7 && r <= 13) {
      out += '\\';
      out += "abtnvfr"[r - 7];
    } else {
      int digits = r < ' ' || r == 0x7F ? 2 : r < 0x10000 ? 4 : 8;
      out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
      for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kHex[(r >> shift) & 0xF];
    }
    i += rune.length;
  }
  return out + '"';
}

std::vector<std::string_view> Split(std::string_view text, std::string_view separator,
                                    int64_t count) {
  std::vector<std::string_view> parts;
  if (count == 0) return parts;
  auto full = [&] { return count > 0 && static_cast<int64_t>(parts.size()) + 1 >= count; };
  if (separator.empty()) {
    while (!text.empty()) {
      size_t length = full() ? text.size() : RuneAt(text, 0).length;
      parts.push_back(text.substr(0, length));
      text.remove_prefix(length);
    }
    return parts;
  }
  for (size_t at; !full() && (at = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

std::string Replace(std::string_view text, std::string_view from, std::string_view to,
                    int64_t count) {
  std::string out;
  size_t at = 0;
  for (bool first = true; count != 0; first = false, --count) {
    size_t found;
    if (from.empty()) {  // before every code point and at the end
      found = first ? 0 : at < text.size() ? at + RuneAt(text, at).length : std::string_view::npos;
    } else {
      found = text.find(from, at);
    }
    if (found == std::string_view::npos) break;
    out.append(text.substr(at, found - at));
    out.append(to);
    at = found + from.size();
  }
  return out.append(text.substr(at));
}

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty()) {
    Rune rune = RuneAt(text, 0);
    if (!IsSpace(rune.value)) break;
    text.remove_prefix(rune.length);
  }
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 &&
           IsContinuation(static_cast<unsigned char>(text[start])))
      --start;
    Rune rune = RuneAt(text, start);
    if (start + rune.length != text.size() || !IsSpace(rune.value)) break;
    text.remove_suffix(rune.length);
  }
  return text;
}

std::string Describe(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return value.as_bool() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(value.as_int());
    case Kind::kUint:
      return std::to_string(value.as_uint());
    case Kind::kDouble:
      return FormatG(value.as_double());
    case Kind::kString:
    case Kind::kType:
    case Kind::kError:
      return std::string(value.as_string());
    case Kind::kTimestamp:
      return FormatTimestamp(value);
    case Kind::kQuantity:
      return value.as_quantity().ToString();
    default:
      return "<" + std::string(TypeName(value)) + ">";
  }
}

}  // namespace dray::cel
