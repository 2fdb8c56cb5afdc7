#include "api/cel/literal.h"

#include <optional>

#include "api/cel/text.h"

namespace dray::cel {
namespace {

bool IsDigitOfNumber(char c) {
  return c >= '0' && c <= '9';
}
unsigned HexValue(char c) {
  return IsDigitOfNumber(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

// The contents of a string or bytes literal where they stand; nothing when they need Unquote.
std::optional<std::string_view> PlainContents(std::string_view text, bool bytes) {
  if (bytes) text.remove_prefix(1);
  if (text[0] != '"' && text[0] != '\'') return std::nullopt;
  if (text.size() >= 6 && text[1] == text[0] && text[2] == text[0]) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (text.find_first_of("\\\r") != std::string_view::npos) return std::nullopt;
  return text;
}

// The contents of any; false with why.
bool Unquote(std::string_view text, bool bytes, std::string& out, std::string& error) {
  if (bytes) text.remove_prefix(1);
  bool raw = (text[0] | 0x20) == 'r';
  if (raw) text.remove_prefix(1);
  size_t quotes = text.size() >= 6 && text.substr(0, 3) == std::string(3, text[0]) ? 3 : 1;
  text = text.substr(quotes, text.size() - 2 * quotes);
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '\r') {  // line ends become \n
      out += '\n';
      i += text.substr(i, 2) == "\r\n" ? 2 : 1;
      continue;
    }
    if (text[i] != '\\' || raw) {
      out += text[i++];
      continue;
    }
    size_t length = EscapeLength(text.substr(i));
    std::string_view escape = text.substr(i + 1, length - 1);
    i += length;
    constexpr std::string_view kNames = "abfnrtv", kMeanings = "\a\b\f\n\r\t\v";
    if (size_t name = kNames.find(escape[0]); name != std::string_view::npos) {
      out += kMeanings[name];
      continue;
    }
    bool hexadecimal = (escape[0] | 0x20) == 'x' || (escape[0] | 0x20) == 'u';
    if (!hexadecimal && !IsDigitOfNumber(escape[0])) {
      out += escape[0];
      continue;
    }
    if (bytes && (escape[0] | 0x20) == 'u') {
      error = "unable to unescape string";
      return false;
    }
    char32_t value = 0;
    for (char digit : hexadecimal ? escape.substr(1) : escape)
      value = value * (hexadecimal ? 16 : 8) + HexValue(digit);
    if (bytes) {
      out += static_cast<char>(value);
    } else if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      error = "invalid unicode code point";
      return false;
    } else {
      AppendRune(out, value);
    }
  }
  return true;
}

template <class T, class Make>
Value Number(std::optional<T> number, Make make, std::string_view name, std::string& error) {
  if (!number) error = "invalid " + std::string(name) + " literal";
  return make(number.value_or(0));
}

}  // namespace

bool IsLiteral(Token token) {
  switch (token) {
    case Token::kTrue:
    case Token::kFalse:
    case Token::kNull:
    case Token::kInt:
    case Token::kUint:
    case Token::kDouble:
    case Token::kString:
    case Token::kBytes:
      return true;
    default:
      return false;
  }
}

Value LiteralValue(const Lexeme& lexeme, bool negative, std::string& error) {
  auto digits = [&] { return (negative ? "-" : "") + std::string(lexeme.text); };
  auto base_and_digits = [&](std::string_view text) {
    bool hexadecimal = text.starts_with("0x");
    return std::pair(hexadecimal ? 16 : 10,
                     (negative ? "-" : "") + std::string(text.substr(hexadecimal ? 2 : 0)));
  };
  switch (lexeme.token) {
    case Token::kTrue:
      return Value::Bool(true);
    case Token::kFalse:
      return Value::Bool(false);
    case Token::kInt: {
      auto [base, text] = base_and_digits(lexeme.text);
      return Number(ParseInt(text, base), Value::Int, "int", error);
    }
    case Token::kUint: {
      auto [base, text] = base_and_digits(lexeme.text.substr(0, lexeme.text.size() - 1));
      return Number(ParseUint(text, base), Value::Uint, "uint", error);
    }
    case Token::kDouble:
      return Number(ParseDouble(digits()), Value::Double, "double", error);
    case Token::kString:
    case Token::kBytes: {
      bool bytes = lexeme.token == Token::kBytes;
      if (std::optional<std::string_view> plain = PlainContents(lexeme.text, bytes); plain)
        return bytes ? Value::BorrowedBytes(*plain) : Value::BorrowedString(*plain);
      std::string contents;
      Unquote(lexeme.text, bytes, contents, error);
      return bytes ? Value::Bytes(std::move(contents)) : Value::String(std::move(contents));
    }
    default:
      return Value::Null();
  }
}

}  // namespace dray::cel
