#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/cel/value.h"

namespace dray::cel {

// A URL as Go's net/url reads it (Go 1.26: strict colons, IPv6 in brackets).
struct Url final {
  std::string scheme;
  std::string opaque;    // of mailto:x and the like
  std::string userinfo;  // as written, with its '@'
  std::string host;      // with the port
  std::string path;      // unescaped
  std::string raw_path;  // as written
  std::string query;
  std::string fragment;
  bool forced_query = false;  // ends in a lone '?'

  std::string Hostname() const;
  std::string Port() const;
  std::string EscapedPath() const;
  // Names in order of first appearance, each with its values in order.
  std::vector<std::pair<std::string, std::vector<std::string>>> Query() const;
  std::string ToString() const;
};

// url.ParseRequestURI: an absolute URI or path. Empty when it holds, otherwise what is wrong.
std::string RequestUriError(std::string_view text);
// The URL, or an error value when the text is no request URI or url.Parse refuses it.
Value ParseUrl(std::string_view text);

}  // namespace dray::cel
