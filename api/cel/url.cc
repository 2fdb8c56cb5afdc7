#include "api/cel/url.h"

#include <algorithm>
#include <memory>

#include "api/cel/network.h"
#include "api/cel/object_pool.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

enum class Part { kPath, kUser, kHost, kZone, kQuery, kFragment };

bool IsLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool NeedsEscape(char c, Part part) {
  if (IsLetterOrDigit(c)) return false;
  if ((part == Part::kHost || part == Part::kZone) &&
      std::string_view("!$&'()*+,;=:[]<>\"").find(c) != std::string_view::npos)
    return false;
  switch (c) {
    case '-':
    case '_':
    case '.':
    case '~':
      return false;
    case '$':
    case '&':
    case '+':
    case ',':
    case '/':
    case ':':
    case ';':
    case '=':
    case '?':
    case '@':
      if (part == Part::kPath) return c == '?';
      if (part == Part::kUser) return c == '@' || c == '/' || c == '?' || c == ':';
      return part != Part::kFragment;
    default:
      return !(part == Part::kFragment &&
               std::string_view("!()*").find(c) != std::string_view::npos);
  }
}

int Hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
  return -1;
}

std::optional<std::string> Unescape(std::string_view text, Part part) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || Hex(text[i + 1]) < 0 || Hex(text[i + 2]) < 0) return std::nullopt;
      bool percent = text[i + 1] == '2' && text[i + 2] == '5';
      char value = static_cast<char>(Hex(text[i + 1]) << 4 | Hex(text[i + 2]));
      // In a host only bytes beyond ASCII, and the percent sign of a zone, may be escaped.
      if (part == Part::kHost && Hex(text[i + 1]) < 8 && !percent) return std::nullopt;
      if (part == Part::kZone && !percent && value != ' ' && NeedsEscape(value, Part::kHost))
        return std::nullopt;
      out += value;
      i += 2;
    } else if (c == '+' && part == Part::kQuery) {
      out += ' ';
    } else {
      if ((part == Part::kHost || part == Part::kZone) && static_cast<unsigned char>(c) < 0x80 &&
          NeedsEscape(c, part))
        return std::nullopt;
      out += c;
    }
  }
  return out;
}

std::string Escape(std::string_view text, Part part) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    if (NeedsEscape(c, part)) {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 0xF];
    } else {
      out += c;
    }
  }
  return out;
}

bool IsPort(std::string_view colon_port) {
  if (colon_port.empty()) return true;
  return colon_port[0] == ':' && std::all_of(colon_port.begin() + 1, colon_port.end(),
                                             [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::string> ParseHost(std::string_view host) {
  if (size_t open = host.rfind('['); open != std::string_view::npos) {
    size_t close = host.rfind(']');
    if (open != 0 || close == std::string_view::npos || !IsPort(host.substr(close + 1)))
      return std::nullopt;
    std::string_view literal = host.substr(open + 1, close - open - 1);
    std::string_view zone;
    if (size_t at = literal.find("%25"); at != std::string_view::npos) {
      zone = literal.substr(at);
      literal = literal.substr(0, at);
    }
    std::optional<std::string> address = Unescape(literal, Part::kHost);
    std::optional<std::string> suffix = Unescape(zone, Part::kZone);
    if (!address || !suffix) return std::nullopt;
    std::optional<ParsedIp> ip = ParseAddress(*address);
    if (!ip || ip->v4) return std::nullopt;
    return '[' + *address + *suffix + ']' + std::string(host.substr(close + 1));
  }
  if (size_t colon = host.find(':'); colon != std::string_view::npos && !IsPort(host.substr(colon)))
    return std::nullopt;
  return Unescape(host, Part::kHost);
}

// url.parse; an empty text means success.
std::string Parse(std::string_view text, bool for_request, Url& url) {
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
    return "net/url: invalid control character in URL";
  if (text.empty()) return for_request ? "empty url" : "";
  if (text == "*") {
    url.path = url.raw_path = "*";
    return "";
  }
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    if (letter || (i > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) continue;
    if (c == ':') {
      if (i == 0) return "missing protocol scheme";
      url.scheme = std::string(text.substr(0, i));
      for (char& s : url.scheme)
        if (s >= 'A' && s <= 'Z') s = static_cast<char>(s | 0x20);
      text.remove_prefix(i + 1);
    }
    break;
  }
  if (size_t mark = text.find('?'); mark != std::string_view::npos) {
    url.query = std::string(text.substr(mark + 1));
    url.forced_query = url.query.empty();
    text = text.substr(0, mark);
  }
  if (!text.starts_with('/')) {
    if (!url.scheme.empty()) {
      url.opaque = std::string(text);
      return "";
    }
    if (for_request) return "invalid URI for request";
    if (text.substr(0, text.find('/')).find(':') != std::string_view::npos)
      return "first path segment in URL cannot contain colon";
  }
  if ((!url.scheme.empty() || (!for_request && !text.starts_with("///"))) &&
      text.starts_with("//")) {
    std::string_view authority = text.substr(2);
    size_t slash = authority.find('/');
    text = slash == std::string_view::npos ? std::string_view() : authority.substr(slash);
    authority = authority.substr(0, slash);
    size_t at = authority.rfind('@');
    std::optional<std::string> host =
        ParseHost(at == std::string_view::npos ? authority : authority.substr(at + 1));
    if (!host) return "invalid host";
    url.host = *host;
    if (at != std::string_view::npos) {
      url.userinfo = std::string(authority.substr(0, at + 1));
      std::string_view user = authority.substr(0, at);
      if (!std::all_of(user.begin(), user.end(),
                       [](char c) {
                         return IsLetterOrDigit(c) ||
                                std::string_view("-._:~!$&'()*+,;=%@").find(c) !=
                                    std::string_view::npos;
                       }) ||
          !Unescape(user, Part::kUser))
        return "net/url: invalid userinfo";
    }
  }
  std::optional<std::string> path = Unescape(text, Part::kPath);
  if (!path) return "invalid URL escape";
  url.path = *path;
  url.raw_path = std::string(text);
  return "";
}

}  // namespace

std::string RequestUriError(std::string_view text) {
  Url url;
  return Parse(text, true, url);
}

Value ParseUrl(std::string_view text) {
  std::string error = RequestUriError(text);
  auto* url = Make<Url>();
  size_t hash = text.find('#');
  if (error.empty()) error = Parse(text.substr(0, hash), false, *url);
  if (error.empty() && hash != std::string_view::npos) {
    std::optional<std::string> fragment = Unescape(text.substr(hash + 1), Part::kFragment);
    if (fragment)
      url->fragment = *fragment;
    else
      error = "invalid URL escape";
  }
  if (error.empty()) return Value::Of(url);
  return Value::OwnedError("URL parse error during conversion from string: parse " + Quote(text) +
                           ": " + error);
}

std::string Url::Hostname() const {
  std::string_view name = host;
  if (size_t colon = name.rfind(':'); colon != std::string_view::npos && IsPort(name.substr(colon)))
    name = name.substr(0, colon);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return std::string(name);
}

std::string Url::Port() const {
  size_t colon = host.rfind(':');
  if (colon == std::string::npos || !IsPort(std::string_view(host).substr(colon))) return "";
  return host.substr(colon + 1);
}

std::string Url::EscapedPath() const {
  bool valid = std::all_of(raw_path.begin(), raw_path.end(), [](char c) {
    return std::string_view("!$&'()*+,;=:@[]%").find(c) != std::string_view::npos ||
           !NeedsEscape(c, Part::kPath);
  });
  return valid ? raw_path : Escape(path, Part::kPath);
}

std::vector<std::pair<std::string, std::vector<std::string>>> Url::Query() const {
  std::vector<std::pair<std::string, std::vector<std::string>>> values;
  std::string_view rest = query;
  while (!rest.empty()) {
    size_t end = rest.find('&');
    std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    size_t equals = pair.find('=');
    std::optional<std::string> name = Unescape(pair.substr(0, equals), Part::kQuery);
    std::optional<std::string> value =
        Unescape(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1),
                 Part::kQuery);
    if (!name || !value) continue;
    auto known = std::find_if(values.begin(), values.end(),
                              [&](const auto& entry) { return entry.first == *name; });
    if (known == values.end()) known = values.insert(values.end(), {*name, {}});
    known->second.push_back(*value);
  }
  return values;
}

std::string Url::ToString() const {
  std::string out = scheme.empty() ? "" : scheme + ':';
  if (!opaque.empty()) {
    out += opaque;
  } else {
    if ((!scheme.empty() || !host.empty() || !userinfo.empty()) &&
        (!host.empty() || !path.empty() || !userinfo.empty()))
      out += "//" + userinfo + Escape(host, Part::kHost);
    out += EscapedPath();
  }
  if (forced_query || !query.empty()) out += '?' + query;
  if (!fragment.empty()) out += '#' + Escape(fragment, Part::kFragment);
  return out;
}

}  // namespace dray::cel
