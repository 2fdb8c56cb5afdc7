#include "api/cel/regex.h"

#include <re2/re2.h>

#include "api/cel/text.h"

namespace dray::cel {
namespace {

// Go writes named groups (?<name>...) as well as (?P<name>...), which this RE2 knows alone, and has
// no \C.
bool ToRe2(std::string_view pattern, std::string& out) {
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      if (pattern[i + 1] == 'C') return false;
      if (pattern[i + 1] == 'Q') {  // literal up to \E
        size_t end = std::min(pattern.find("\\E", i + 2), pattern.size());
        out.append(pattern.substr(i, end - i));
        i = end - 1;
        continue;
      }
      out += c;
      out += pattern[++i];
      continue;
    }
    if (c == '[' && !in_class) {
      in_class = true;
      out += c;
      if (pattern.substr(i + 1, 1) == "^") out += pattern[++i];
      if (pattern.substr(i + 1, 1) == "]") out += pattern[++i];
      continue;
    }
    if (c == ']') in_class = false;
    if (!in_class && pattern.substr(i, 3) == "(?<" && i + 3 < pattern.size() &&
        pattern[i + 3] != '=' && pattern[i + 3] != '!') {
      out += "(?P<";
      i += 2;
      continue;
    }
    out += c;
  }
  return true;
}

}  // namespace

Regex::Regex(std::string_view pattern) {
  std::string translated;
  if (!ToRe2(pattern, translated)) {
    error_ = "invalid escape sequence: `\\C`";
    return;
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  re_ = std::make_unique<re2::RE2>(translated, options);
  if (!re_->ok()) error_ = re_->error().empty() ? "invalid pattern" : re_->error();
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;

bool Regex::Matches(std::string_view text) const {
  return re_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                    re2::RE2::UNANCHORED, nullptr, 0);
}

Value Regex::Find(const Value& text) const {
  std::string_view s = text.as_string();
  re2::StringPiece found;
  if (!re_->Match(re2::StringPiece(s.data(), s.size()), 0, s.size(), re2::RE2::UNANCHORED, &found,
                  1))
    return Value::BorrowedString("");
  return Value::Substring(text, {found.data(), found.size()});
}

Value Regex::FindAll(const Value& text, int64_t most) const {
  std::string_view s = text.as_string();
  std::vector<Value> matches;
  size_t at = 0, last_end = std::string_view::npos;
  while (at <= s.size() && (most < 0 || static_cast<int64_t>(matches.size()) < most)) {
    re2::StringPiece found;
    if (!re_->Match(re2::StringPiece(s.data(), s.size()), at, s.size(), re2::RE2::UNANCHORED,
                    &found, 1))
      break;
    size_t begin = found.data() - s.data(), end = begin + found.size();
    // An empty match right after the match before does not count.
    if (!(found.empty() && begin == last_end))
      matches.push_back(Value::Substring(text, {found.data(), found.size()}));
    last_end = end;
    at = end > at ? end : at + (at < s.size() ? RuneAt(s, at).length : 1);
  }
  return Value::ListOf(std::move(matches));
}

}  // namespace dray::cel
