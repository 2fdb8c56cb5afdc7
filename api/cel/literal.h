#pragma once

#include <string>

#include "api/cel/lexer.h"
#include "api/cel/value.h"

namespace dray::cel {

bool IsLiteral(Token token);

// What a literal means; text without escapes stays in the source. `error` says why it means
// nothing: numbers out of range, escapes that name no code point, \u in bytes.
Value LiteralValue(const Lexeme& lexeme, bool negative, std::string& error);

}  // namespace dray::cel
