#include "api/cel/lexer.h"

#include "api/cel/text.h"

namespace dray::cel {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
bool IsHex(char c) {
  return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// The length of the string literal whose quote is at text[0], 0 when it does not end or holds a
// malformed escape.
size_t QuotedLength(std::string_view text, bool raw) {
  char quote = text[0];
  auto ends = [&](size_t i, size_t quotes) {
    return text[i] == quote &&
           (quotes == 1 || (i + 2 < text.size() && text[i + 1] == quote && text[i + 2] == quote));
  };
  auto scan = [&](size_t from, size_t quotes) -> size_t {
    for (size_t i = from; i < text.size();) {
      if (text[i] == '\\' && !raw) {
        size_t escape = EscapeLength(text.substr(i));
        if (escape == 0) return 0;
        i += escape;
      } else if (ends(i, quotes)) {
        return i + quotes;
      } else if (quotes == 1 && (text[i] == '\n' || text[i] == '\r')) {
        return 0;
      } else {
        ++i;
      }
    }
    return 0;
  };
  if (ends(0, 3))
    if (size_t length = scan(3, 3); length > 0) return length;
  return scan(1, 1);
}

size_t DigitsLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && IsDigit(text[length])) ++length;
  return length;
}

size_t ExponentLength(std::string_view text) {
  if (text.empty() || (text[0] | 0x20) != 'e') return 0;
  size_t sign = text.size() > 1 && (text[1] == '+' || text[1] == '-') ? 1 : 0;
  size_t digits = DigitsLength(text.substr(1 + sign));
  return digits == 0 ? 0 : 1 + sign + digits;
}

// The longest number at the start of text; text starts with a digit, or with a dot and a digit.
size_t NumberLength(std::string_view text, Token& token) {
  auto with_suffix = [&](size_t length) {
    bool is_unsigned = length < text.size() && (text[length] | 0x20) == 'u';
    token = is_unsigned ? Token::kUint : Token::kInt;
    return length + (is_unsigned ? 1 : 0);
  };
  if (text.starts_with("0x") && text.size() > 2 && IsHex(text[2])) {
    size_t length = 2;
    while (length < text.size() && IsHex(text[length])) ++length;
    return with_suffix(length);
  }
  size_t length = DigitsLength(text);
  size_t fraction =
      length < text.size() && text[length] == '.' ? DigitsLength(text.substr(length + 1)) : 0;
  size_t mantissa = length + (fraction > 0 ? fraction + 1 : 0);
  size_t exponent = ExponentLength(text.substr(mantissa));
  if (fraction > 0 || exponent > 0) {
    token = Token::kDouble;
    return mantissa + exponent;
  }
  return with_suffix(length);
}

// The length of the operator or bracket that starts here, 0 when there is none.
size_t SymbolLength(std::string_view text, Token& token) {
  const bool equals = text.size() > 1 && text[1] == '=';
  auto one = [&](Token t) -> size_t { return token = t, 1; };
  auto with_equals = [&](Token with, Token without) -> size_t {
    token = equals ? with : without;
    return equals ? 2 : 1;
  };
  auto twice = [&](Token t) -> size_t {
    token = t;
    return text.size() > 1 && text[1] == text[0] ? 2 : 0;
  };
  switch (text[0]) {
    case '.':
      return one(Token::kDot);
    case '(':
      return one(Token::kLeftParen);
    case ')':
      return one(Token::kRightParen);
    case '[':
      return one(Token::kLeftBracket);
    case ']':
      return one(Token::kRightBracket);
    case '{':
      return one(Token::kLeftBrace);
    case '}':
      return one(Token::kRightBrace);
    case ',':
      return one(Token::kComma);
    case '=':
      token = Token::kEqual;
      return equals ? 2 : 0;
    case '!':
      return with_equals(Token::kNotEqual, Token::kExclamation);
    case '<':
      return with_equals(Token::kLessEqual, Token::kLess);
    case '>':
      return with_equals(Token::kGreaterEqual, Token::kGreater);
    case '&':
      return twice(Token::kAnd);
    case '|':
      return twice(Token::kOr);
    case '-':
      return one(Token::kMinus);
    case '?':
      return one(Token::kQuestion);
    case ':':
      return one(Token::kColon);
    case '+':
      return one(Token::kPlus);
    case '*':
      return one(Token::kStar);
    case '/':
      return one(Token::kSlash);
    case '%':
      return one(Token::kPercent);
    default:
      return 0;
  }
}

Token Keyword(std::string_view word) {
  if (word.size() > 5) return Token::kIdentifier;
  if (word == "true") return Token::kTrue;
  if (word == "false") return Token::kFalse;
  if (word == "null") return Token::kNull;
  if (word == "in") return Token::kIn;
  return Token::kIdentifier;
}

size_t WordLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && (IsLetter(text[length]) || IsDigit(text[length]))) ++length;
  return length;
}

// The length of a string literal with its prefix (r, b, br), 0 when there is none here.
size_t LiteralLength(std::string_view text, Token& token, bool& broken) {
  const char first = static_cast<char>(text[0] | 0x20);
  if (text[0] != '"' && text[0] != '\'' && first != 'b' && first != 'r') return 0;
  size_t prefix = 0;
  token = Token::kString;
  if ((text[prefix] | 0x20) == 'b') token = Token::kBytes, ++prefix;
  bool raw = prefix < text.size() && (text[prefix] | 0x20) == 'r';
  if (raw) ++prefix;
  if (prefix >= text.size() || (text[prefix] != '"' && text[prefix] != '\'')) return 0;
  size_t length = QuotedLength(text.substr(prefix), raw);
  broken = length == 0;
  return prefix + length;
}

size_t EscapedIdentifierLength(std::string_view text) {
  size_t length = 1;
  while (length < text.size() &&
         (IsLetter(text[length]) || IsDigit(text[length]) ||
          std::string_view(".-/ ").find(text[length]) != std::string_view::npos))
    ++length;
  return length > 1 && length < text.size() && text[length] == '`' ? length + 1 : 0;
}

}  // namespace

size_t EscapeLength(std::string_view text) {
  if (text.size() < 2) return 0;
  char c = text[1];
  if (std::string_view("abfnrtv\"'\\?`").find(c) != std::string_view::npos) return 2;
  size_t digits = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits > 0) {
    for (size_t i = 0; i < digits; ++i)
      if (2 + i >= text.size() || !IsHex(text[2 + i])) return 0;
    return 2 + digits;
  }
  bool octal = c >= '0' && c <= '3' && text.size() >= 4 && text[2] >= '0' && text[2] <= '7' &&
               text[3] >= '0' && text[3] <= '7';
  return octal ? 4 : 0;
}

bool Lex(std::string_view source, std::pmr::vector<Lexeme>& lexemes, Mistake& mistake) {
  lexemes.reserve(source.size() / 3 + 8);
  for (size_t at = 0; at < source.size();) {
    std::string_view rest = source.substr(at);
    char c = rest[0];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
      ++at;
      continue;
    }
    if (rest.starts_with("//")) {
      at = std::min(source.find('\n', at), source.size());
      continue;
    }
    Token token = Token::kEnd;
    size_t length = 0;
    bool broken = false;
    if (size_t literal = LiteralLength(rest, token, broken); literal > 0) {
      length = literal;
    } else if (IsLetter(c)) {
      length = WordLength(rest);
      token = Keyword(rest.substr(0, length));
    } else if (IsDigit(c) || (c == '.' && rest.size() > 1 && IsDigit(rest[1]))) {
      length = NumberLength(rest, token);
    } else if (c == '`') {
      token = Token::kEscapedIdentifier;
      length = EscapedIdentifierLength(rest);
    } else {
      length = SymbolLength(rest, token);
    }
    if (broken || length == 0) {
      mistake = {at, "Syntax error: token recognition error at: '" +
                         std::string(rest.substr(0, RuneAt(rest, 0).length)) + "'"};
      if (broken)
        mistake.message =
            "Syntax error: the string that starts here does not end, or holds a malformed escape";
      return false;
    }
    lexemes.push_back({token, at, rest.substr(0, length)});
    at += length;
  }
  lexemes.push_back({Token::kEnd, source.size(), {}});
  return true;
}

}  // namespace dray::cel
