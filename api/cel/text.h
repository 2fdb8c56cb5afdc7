#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/value.h"

// Text as Go treats it, because the results of Kubernetes' expressions are Go's: UTF-8 by code
// point, number syntax, the shortest form of doubles, quoting.
namespace dray::cel {

inline constexpr char32_t kReplacement = 0xFFFD;

// The code point at text[at] and how many bytes it takes; an invalid byte counts as U+FFFD of one
// byte.
struct Rune {
  char32_t value = 0;
  size_t length = 0;
};
Rune RuneAt(std::string_view text, size_t at);
size_t RuneCount(std::string_view text);
// The byte where code point `index` begins, text.size() for index == RuneCount(text).
size_t ByteOffset(std::string_view text, size_t index);
void AppendRune(std::string& out, char32_t rune);
bool ValidUtf8(std::string_view text);
// Every invalid byte replaced by U+FFFD, as a conversion to code points and back does.
std::string SanitizeUtf8(std::string_view text);

// strconv.ParseInt and ParseUint for the given base (10 or 16), without prefix or underscore.
std::optional<int64_t> ParseInt(std::string_view text, int base = 10);
std::optional<uint64_t> ParseUint(std::string_view text, int base = 10);
// strconv.ParseFloat: decimal or hexadecimal, inf and nan in any case; nothing when out of range.
std::optional<double> ParseDouble(std::string_view text);
std::optional<bool> ParseBool(std::string_view text);

// %g with the fewest digits that read back: "1e+20", "3.5", "NaN", "+Inf".
std::string FormatG(double value);
// 'f' with the fewest digits: "1000000.5".
std::string FormatF(double value);
// A Go string literal: "a\n\u00ad".
std::string Quote(std::string_view text);

// strings.Split, SplitN: an empty separator splits into code points; count 0 gives nothing, below 0
// everything.
std::vector<std::string_view> Split(std::string_view text, std::string_view separator,
                                    int64_t count = -1);
std::string Replace(std::string_view text, std::string_view from, std::string_view to,
                    int64_t count);
std::string_view TrimSpace(std::string_view text);

// RFC 3339 with an optional fraction; nothing when malformed or outside years 1 to 9999.
std::optional<Value> ParseTimestamp(std::string_view text);
std::string FormatTimestamp(const Value& timestamp);
// "1h15m30.918s", "-5ms": nanoseconds.
std::optional<int64_t> ParseDuration(std::string_view text);
// Seconds: "5400s", "0.001s".
std::string FormatDuration(int64_t nanoseconds);

// A value as error messages show it.
std::string Describe(const Value& value);

}  // namespace dray::cel
