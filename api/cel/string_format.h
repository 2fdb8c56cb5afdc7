#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/cel/value.h"

namespace dray::cel {

// One clause of a format string: %s, %d, %.3f, %e, %b, %x, %X, %o.
struct FormatClause {
  char verb = 0;
  std::optional<int> precision;
};

// Walks a format string: `format` is called for each clause with the index of its argument and
// gives the text, or sets `error`. Returns the error, empty on success; `used` counts the clauses.
std::string WalkFormat(std::string_view format, size_t arguments, size_t& used, std::string& out,
                       const std::function<std::string(const FormatClause&, size_t index,
                                                       std::string& error)>& clause);

// What is wrong with giving a value of this type to the verb: "decimal clause can only be used on
// integers, was given string".
std::string FormatMismatch(char verb, std::string_view type_name);

// The text of a value under a clause.
std::string FormatValue(const FormatClause& clause, const Value& value, std::string& error);

}  // namespace dray::cel
