#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/source.h"

namespace dray::cel {

enum class Token : uint8_t {
  kEnd, kIdentifier, kEscapedIdentifier, kInt, kUint, kDouble, kString, kBytes, kTrue, kFalse, kNull, kIn,
  kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kAnd, kOr,
  kLeftBracket, kRightBracket, kLeftBrace, kRightBrace, kLeftParen, kRightParen,
  kDot, kComma, kMinus, kExclamation, kQuestion, kColon, kPlus, kStar, kSlash, kPercent,
};

struct Lexeme {
  Token token = Token::kEnd;
  size_t offset = 0;
  std::string_view text;
};

// Cuts an expression into lexemes, the last of which is kEnd. False with a mistake at the first character that begins none:
// unknown characters, strings without an end, malformed escapes.
bool Lex(std::string_view source, std::vector<Lexeme>& lexemes, Mistake& mistake);

// The contents of a kString or kBytes lexeme where they stand; nothing when they need Unquote.
std::optional<std::string_view> PlainContents(std::string_view lexeme, bool bytes);
// The contents of any. False with why: escapes that name no code point, \u in bytes.
bool Unquote(std::string_view lexeme, bool bytes, std::string& out, std::string& error);

}  // namespace dray::cel
