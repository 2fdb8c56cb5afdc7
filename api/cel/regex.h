#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/cel/value.h"

namespace re2 {
class RE2;
}

namespace dray::cel {

// A regular expression in the syntax of Go's regexp package (RE2): linear in time whatever the
// pattern.
class Regex {
 public:
  explicit Regex(std::string_view pattern);
  ~Regex();
  Regex(Regex&&) noexcept;

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }

  // Each only when ok().
  bool Matches(std::string_view text) const;  // anywhere in the text
  Value Find(const Value& text) const;        // the leftmost match, "" for none
  Value FindAll(const Value& text,
                int64_t most) const;  // a list; all of them when `most` is below 0

 private:
  std::unique_ptr<re2::RE2> re_;
  std::string error_;
};

}  // namespace dray::cel
