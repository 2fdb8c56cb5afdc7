#pragma once

#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/source.h"

namespace dray::cel {

enum class Token : uint8_t {
  kEnd,
  kIdentifier,
  kEscapedIdentifier,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTrue,
  kFalse,
  kNull,
  kIn,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kLeftParen,
  kRightParen,
  kDot,
  kComma,
  kMinus,
  kExclamation,
  kQuestion,
  kColon,
  kPlus,
  kStar,
  kSlash,
  kPercent,
};

struct Lexeme {
  Token token = Token::kEnd;
  size_t offset = 0;
  std::string_view text;
};

// Cuts an expression into lexemes, the last of which is kEnd. False with a mistake at the first
// character that begins none: unknown characters, strings without an end, malformed escapes.
bool Lex(std::string_view source, std::pmr::vector<Lexeme>& lexemes, Mistake& mistake);

// The length of the escape that starts with the backslash at text[0], 0 when it is malformed.
size_t EscapeLength(std::string_view text);

}  // namespace dray::cel
