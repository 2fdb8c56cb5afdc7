#include "api/cel/string_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "api/cel/text.h"

namespace dray::cel {
namespace {

constexpr int kDefaultPrecision = 6;
constexpr int kMostDigits = 2000;

// Digits and decimal exponent of a positive finite number: 0.d1d2d3... x 10^exponent, the fewest
// digits that read back.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal Shortest(double value) {
  char buffer[64];
  auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string_view text(buffer, end - buffer);
  size_t e = text.find('e');
  Decimal decimal;
  for (char c : text.substr(0, e))
    if (c != '.') decimal.digits += c;
  std::string_view exponent = text.substr(e + 1);
  std::from_chars(exponent.data() + (exponent[0] == '+' ? 1 : 0), exponent.data() + exponent.size(),
                  decimal.exponent);
  ++decimal.exponent;
  if (value == 0) decimal = {"0", 1};
  return decimal;
}

// Rounds half to even so that `keep` digits remain (may be below 1).
void Round(Decimal& decimal, int keep) {
  if (keep >= static_cast<int>(decimal.digits.size())) return;
  if (keep < 0) {
    decimal = {"0", 1};
    return;
  }
  std::string rest = decimal.digits.substr(keep);
  decimal.digits.resize(keep);
  bool odd = keep > 0 && (decimal.digits.back() - '0') % 2 == 1;
  bool half = rest[0] == '5' && rest.find_first_not_of('0', 1) == std::string::npos;
  bool up = half ? odd : rest[0] >= '5';
  if (up) {
    int i = keep - 1;
    while (i >= 0 && decimal.digits[i] == '9') decimal.digits[i--] = '0';
    if (i >= 0) {
      ++decimal.digits[i];
    } else {
      decimal.digits.insert(decimal.digits.begin(), '1');
      ++decimal.exponent;
    }
  }
  if (decimal.digits.empty()) decimal = {"0", 1};
}

std::string NotFinite(double value) {
  return std::isnan(value) ? "NaN" : value < 0 ? "-∞" : "∞";
}

// As the en-US locale writes it: thousands in groups.
std::string Fixed(double value, int precision) {
  if (!std::isfinite(value)) return NotFinite(value);
  Decimal decimal = Shortest(std::fabs(value));
  Round(decimal, decimal.exponent + precision);
  auto digit =
      [&](int position) {  // position 0 is the first digit after the point, -1 the one before it
        int index = decimal.exponent + position;
        return index >= 0 && index < static_cast<int>(decimal.digits.size()) ? decimal.digits[index]
                                                                             : '0';
      };
  std::string out = std::signbit(value) ? "-" : "";
  int whole = std::max(decimal.exponent, 1);
  for (int i = whole; i > 0; --i) {
    out += digit(-i);
    if (i > 1 && i % 3 == 1) out += ',';
  }
  if (precision > 0) out += '.';
  for (int i = 0; i < precision; ++i) out += digit(i);
  return out;
}

// 1052.0329 with 3 digits: "1.052 × 10⁰³", narrow spaces around the sign.
std::string Scientific(double value, int precision) {
  if (!std::isfinite(value)) return NotFinite(value);
  Decimal decimal = Shortest(std::fabs(value));
  Round(decimal, precision + 1);
  std::string out = std::signbit(value) ? "-" : "";
  out += decimal.digits[0];
  if (precision > 0) out += '.';
  for (int i = 1; i <= precision; ++i)
    out += i < static_cast<int>(decimal.digits.size()) ? decimal.digits[i] : '0';
  out += "\u202F\u00D7\u202F10";
  int exponent = value == 0 ? 0 : decimal.exponent - 1;
  if (exponent < 0) out += "\u207B";
  std::string digits = std::to_string(std::abs(exponent));
  if (digits.size() < 2) digits.insert(0, "0");
  constexpr std::string_view kRaised[] = {"\u2070", "\u00B9", "\u00B2", "\u00B3", "\u2074",
                                          "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  for (char d : digits) out += kRaised[d - '0'];
  return out;
}

std::string InBase(uint64_t magnitude, bool negative, int base, bool upper = false) {
  char buffer[72];
  std::string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr);
  if (upper)
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return negative ? '-' + out : out;
}

uint64_t Magnitude(int64_t value) {
  return value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

std::string Hex(std::string_view bytes, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  for (unsigned char c : bytes) {
    out += digits[c >> 4];
    out += digits[c & 0xF];
  }
  return out;
}

// Quoted where it stands inside a list or map.
std::string Nested(const Value& value, std::string& error);

std::string Text(const Value& value, std::string& error) {
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
      return std::string(value.as_string());
    case Kind::kBytes:
      if (!ValidUtf8(value.as_bytes()))
        error = "could not convert argument to string: invalid UTF-8 in bytes";
      return std::string(value.as_bytes());
    case Kind::kTimestamp:
      return FormatTimestamp(value);
    case Kind::kDuration:
      return FormatDuration(value.as_duration());
    case Kind::kList: {
      std::string out = "[";
      for (size_t i = 0; i < value.as_list().size() && error.empty(); ++i)
        out += (i > 0 ? ", " : "") + Nested(value.as_list().at(i), error);
      return out + ']';
    }
    case Kind::kMap: {
      std::vector<std::pair<std::string, std::string>> entries;
      const Map& map = value.as_map();
      for (size_t i = 0; i < map.size() && error.empty(); ++i) {
        Value key = map.KeyAt(i);
        if (!key.is(Kind::kString) && !key.is(Kind::kBool) && !key.is(Kind::kInt) &&
            !key.is(Kind::kUint))
          error = "no formatting function for map key of type " + std::string(TypeName(key));
        entries.emplace_back(Nested(key, error), Nested(map.ValueAt(i), error));
      }
      std::stable_sort(entries.begin(), entries.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      std::string out = "{";
      for (size_t i = 0; i < entries.size(); ++i)
        out += (i > 0 ? ", " : "") + entries[i].first + ':' + entries[i].second;
      return out + '}';
    }
    default:
      error = FormatMismatch('s', TypeName(value));
      return "";
  }
}

std::string Nested(const Value& value, std::string& error) {
  switch (value.kind()) {
    case Kind::kString:
      return Quote(value.as_string());
    case Kind::kBytes:
      return 'b' + Quote(Text(value, error));
    case Kind::kTimestamp:
      return "timestamp(" + Quote(Text(value, error)) + ')';
    case Kind::kDuration:
      return "duration(" + Quote(Text(value, error)) + ')';
    case Kind::kDouble: {
      if (!std::isfinite(value.as_double())) return Quote(FormatG(value.as_double()));
      char buffer[400];
      auto end = std::to_chars(buffer, buffer + sizeof buffer, value.as_double(),
                               std::chars_format::fixed, kDefaultPrecision)
                     .ptr;
      return std::string(buffer, end);
    }
    case Kind::kOptional:
    case Kind::kQuantity:
    case Kind::kSemver:
    case Kind::kUrl:
    case Kind::kIp:
    case Kind::kCidr:
    case Kind::kFormat:
    case Kind::kMessage:
    case Kind::kError:
      error = "no formatting function for " + std::string(TypeName(value));
      return "";
    default:
      return Text(value, error);
  }
}

}  // namespace

std::string FormatMismatch(char verb, std::string_view type_name) {
  std::string_view rule =
      verb == 's'
          ? "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, "
            "types, durations, and timestamps"
      : verb == 'd' ? "decimal clause can only be used on integers"
      : verb == 'f' ? "fixed-point clause can only be used on doubles"
      : verb == 'e' ? "scientific clause can only be used on doubles"
      : verb == 'b' ? "only integers and bools can be formatted as binary"
      : verb == 'o' ? "octal clause can only be used on integers"
                    : "only integers, byte buffers, and strings can be formatted as hex";
  return std::string(rule) + ", was given " + std::string(type_name);
}

std::string FormatValue(const FormatClause& clause, const Value& value, std::string& error) {
  bool is_int = value.is(Kind::kInt), is_uint = value.is(Kind::kUint);
  uint64_t magnitude = is_int ? Magnitude(value.as_int()) : is_uint ? value.as_uint() : 0;
  bool negative = is_int && value.as_int() < 0;
  int precision = clause.precision.value_or(kDefaultPrecision);
  switch (clause.verb) {
    case 's':
      return Text(value, error);
    case 'd':
      if (is_int || is_uint) return InBase(magnitude, negative, 10);
      break;
    case 'f':
    case 'e': {
      double number;
      if (value.is(Kind::kDouble)) {
        number = value.as_double();
      } else if (value.is(Kind::kString) &&
                 (value.as_string() == "NaN" || value.as_string() == "Infinity" ||
                  value.as_string() == "-Infinity")) {
        number = *ParseDouble(value.as_string());
      } else {
        break;
      }
      if (precision > kMostDigits) {
        error = "precision " + std::to_string(precision) + " is too large";
        return "";
      }
      return clause.verb == 'f' ? Fixed(number, precision) : Scientific(number, precision);
    }
    case 'b':
      if (value.is(Kind::kBool)) return value.as_bool() ? "1" : "0";
      if (is_int || is_uint) return InBase(magnitude, negative, 2);
      break;
    case 'o':
      if (is_int || is_uint) return InBase(magnitude, negative, 8);
      break;
    default:
      if (value.is(Kind::kString) || value.is(Kind::kBytes))
        return Hex(value.as_string(), clause.verb == 'X');
      if (is_int || is_uint) return InBase(magnitude, negative, 16, clause.verb == 'X');
  }
  error = FormatMismatch(clause.verb, TypeName(value));
  return "";
}

std::string WalkFormat(
    std::string_view format, size_t arguments, size_t& used, std::string& out,
    const std::function<std::string(const FormatClause&, size_t, std::string&)>& clause) {
  used = 0;
  for (size_t i = 0; i < format.size();) {
    if (format[i] != '%') {
      out += format[i++];
      continue;
    }
    if (format.substr(i, 2) == "%%") {
      out += '%';
      i += 2;
      continue;
    }
    if (used >= arguments) return "index " + std::to_string(used) + " out of range";
    if (++i >= format.size()) return "unexpected end of string";
    FormatClause parsed;
    if (format[i] == '.') {
      size_t end = i + 1;
      while (end < format.size() && format[end] >= '0' && format[end] <= '9') ++end;
      if (end >= format.size())
        return "could not parse formatting clause: could not find end of precision specifier";
      std::optional<int64_t> precision = ParseInt(format.substr(i + 1, end - i - 1));
      if (!precision)
        return "could not parse formatting clause: error while converting precision to integer";
      parsed.precision = static_cast<int>(std::min<int64_t>(*precision, kMostDigits + 1));
      i = end;
    }
    parsed.verb = format[i++];
    if (std::string_view("sdfebxXo").find(parsed.verb) == std::string_view::npos)
      return std::string("could not parse formatting clause: unrecognized formatting clause \"") +
             parsed.verb + '"';
    std::string error;
    out += clause(parsed, used, error);
    if (!error.empty()) return "error during formatting: " + error;
    ++used;
  }
  return "";
}

}  // namespace dray::cel
