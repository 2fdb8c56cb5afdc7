#include "api/cel/named_format.h"

#include <algorithm>

#include "api/cel/text.h"
#include "api/cel/url.h"

namespace dray::cel {
namespace {

using Messages = std::vector<std::string>;

bool IsDecimalDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsLowerOrDigit(char c) {
  return IsLower(c) || IsDecimalDigit(c);
}
bool IsAlphanumeric(char c) {
  return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z');
}
bool IsHexDigit(char c) {
  return IsDecimalDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

bool IsLabel(std::string_view text) {
  return !text.empty() && IsLowerOrDigit(text.front()) && IsLowerOrDigit(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}
bool IsSubdomain(std::string_view text) {
  std::vector<std::string_view> labels = Split(text, ".");
  return std::all_of(labels.begin(), labels.end(), IsLabel);
}
// Letters, digits, '-', '_' and '.', the first and last a letter or digit.
bool IsName(std::string_view text) {
  return !text.empty() && IsAlphanumeric(text.front()) && IsAlphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

// The wording of k8s.io/apimachinery, which users know from the API server.
std::string TooLong(int bytes) {
  return "must be no more than " + std::to_string(bytes) + " bytes";
}
std::string Mismatch(std::string_view message, std::string_view pattern,
                     std::initializer_list<std::string_view> examples) {
  std::string out = std::string(message) + " (e.g. ";
  for (const std::string_view* example = examples.begin(); example != examples.end(); ++example) {
    if (example != examples.begin()) out += " or ";
    out += '\'' + std::string(*example) + "', ";
  }
  return out + "regex used for validation is '" + std::string(pattern) + "')";
}

constexpr std::string_view kLabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr std::string_view kNamePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

Messages CheckLabel(std::string_view text) {
  Messages messages;
  if (text.size() > 63) messages.push_back(TooLong(63));
  if (!IsLabel(text)) {
    if (IsSubdomain(text)) {
      messages.push_back("must not contain dots");
    } else {
      messages.push_back(
          Mismatch("a lowercase RFC 1123 label must consist of lower case alphanumeric characters "
                   "or '-', and must "
                   "start and end with an alphanumeric character",
                   kLabelPattern, {"my-name", "123-abc"}));
    }
  }
  return messages;
}

Messages CheckSubdomain(std::string_view text) {
  Messages messages;
  if (text.size() > 253) messages.push_back(TooLong(253));
  if (!IsSubdomain(text)) {
    std::string pattern = std::string(kLabelPattern) + "(\\." + std::string(kLabelPattern) + ")*";
    messages.push_back(
        Mismatch("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                 "characters, '-' or '.', "
                 "and must start and end with an alphanumeric character",
                 pattern, {"example.com"}));
  }
  return messages;
}

Messages Check1035Label(std::string_view text) {
  Messages messages;
  if (text.size() > 63) messages.push_back(TooLong(63));
  if (!IsLabel(text) || !IsLower(text.front())) {
    messages.push_back(Mismatch(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return messages;
}

// A prefix that a random suffix will follow may end in a dash.
std::string MaskTrailingDash(std::string_view text) {
  if (text.size() > 1 && text.back() == '-')
    return std::string(text.substr(0, text.size() - 2)) + 'a';
  return std::string(text);
}
Messages CheckLabelPrefix(std::string_view text) {
  return CheckLabel(MaskTrailingDash(text));
}
Messages CheckSubdomainPrefix(std::string_view text) {
  return CheckSubdomain(MaskTrailingDash(text));
}
Messages Check1035LabelPrefix(std::string_view text) {
  return Check1035Label(MaskTrailingDash(text));
}

Messages CheckQualifiedName(std::string_view text) {
  constexpr std::string_view kRule =
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
      "alphanumeric character";
  std::vector<std::string_view> parts = Split(text, "/");
  if (parts.size() > 2) {
    return {"a qualified name " + Mismatch(kRule, kNamePattern, {"MyName", "my.name", "123-abc"}) +
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
  }
  Messages messages;
  if (parts.size() == 2) {
    if (parts[0].empty()) {
      messages.push_back("prefix part must be non-empty");
    } else {
      for (const std::string& message : CheckSubdomain(parts[0]))
        messages.push_back("prefix part " + message);
    }
  }
  std::string_view name = parts.back();
  if (name.empty()) {
    messages.push_back("name part must be non-empty");
  } else if (name.size() > 63) {
    messages.push_back("name part " + TooLong(63));
  }
  if (!IsName(name))
    messages.push_back("name part " +
                       Mismatch(kRule, kNamePattern, {"MyName", "my.name", "123-abc"}));
  return messages;
}

Messages CheckLabelValue(std::string_view text) {
  Messages messages;
  if (text.size() > 63) messages.push_back(TooLong(63));
  if (!text.empty() && !IsName(text)) {
    messages.push_back(
        Mismatch("a valid label must be an empty string or consist of alphanumeric characters, "
                 "'-', '_' or '.', and "
                 "must start and end with an alphanumeric character",
                 "(" + std::string(kNamePattern) + ")?", {"MyValue", "my_value", "12345"}));
  }
  return messages;
}

Messages CheckUri(std::string_view text) {
  std::string error = RequestUriError(text);
  if (error.empty()) return {};
  return {"parse " + Quote(text) + ": " + error};
}

Messages CheckUuid(std::string_view text) {
  constexpr int kGroups[] = {8, 4, 4, 4, 12};
  bool ok = true;
  for (int i = 0; i < 5 && ok; ++i) {
    if (i > 0 && text.starts_with('-')) text.remove_prefix(1);
    ok = text.size() >= static_cast<size_t>(kGroups[i]) &&
         std::all_of(text.begin(), text.begin() + kGroups[i], IsHexDigit);
    if (ok) text.remove_prefix(kGroups[i]);
  }
  return ok && text.empty() ? Messages{} : Messages{"does not match the UUID format"};
}

Messages CheckBase64(std::string_view text) {
  bool ok = !text.empty() && text.size() % 4 == 0;
  if (ok) {
    if (text.ends_with("=="))
      text.remove_suffix(2);
    else if (text.ends_with('='))
      text.remove_suffix(1);
    ok = std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '+' || c == '/'; });
  }
  return ok ? Messages{} : Messages{"invalid base64"};
}

bool IsDate(std::string_view text) {
  return text.size() == 10 && ParseTimestamp(std::string(text) + "T00:00:00Z").has_value();
}
Messages CheckDate(std::string_view text) {
  return IsDate(text) ? Messages{} : Messages{"invalid date"};
}

// hh:mm:ss, any character and digits as a fraction, then z or an offset.
bool IsTimeOfDay(std::string_view text) {
  auto digits = [](std::string_view t) { return std::all_of(t.begin(), t.end(), IsDecimalDigit); };
  if (text.size() < 9 || text[2] != ':' || text[5] != ':' || !digits(text.substr(0, 2)) ||
      !digits(text.substr(3, 2)) || !digits(text.substr(6, 2)))
    return false;
  if (text.substr(0, 2) > "23" || text.substr(3, 2) > "59" || text.substr(6, 2) > "59")
    return false;
  std::string_view rest = text.substr(8);
  auto is_zone = [&](std::string_view zone) {
    return zone == "z" ||
           (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':' &&
            digits(zone.substr(1, 2)) && digits(zone.substr(4, 2)));
  };
  if (is_zone(rest)) return true;
  size_t end = 1;
  while (end < rest.size() && IsDecimalDigit(rest[end])) ++end;
  // The digits of an offset without its colon could be taken for the fraction: try every split.
  for (size_t i = 2; i <= end; ++i)
    if (is_zone(rest.substr(i))) return true;
  return false;
}
Messages CheckDateTime(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  std::vector<std::string_view> parts = Split(lower, "t");
  bool ok = text.size() >= 4 && parts.size() >= 2 && IsDate(parts[0]) && IsTimeOfDay(parts[1]);
  return ok ? Messages{} : Messages{"invalid datetime"};
}

}  // namespace

const std::vector<NamedFormat>& AllFormats() {
  // The sizes are those of the patterns behind the formats, or what Kubernetes puts in their place.
  static const auto* const formats = new std::vector<NamedFormat>{
      {"dns1123Label", 30, CheckLabel},
      {"dns1123Subdomain", 60, CheckSubdomain},
      {"dns1035Label", 30, Check1035Label},
      {"qualifiedName", 60, CheckQualifiedName},
      {"dns1123LabelPrefix", 30, CheckLabelPrefix},
      {"dns1123SubdomainPrefix", 60, CheckSubdomainPrefix},
      {"dns1035LabelPrefix", 30, Check1035LabelPrefix},
      {"labelValue", 40, CheckLabelValue},
      {"uri", 1103, CheckUri},
      {"uuid", 70, CheckUuid},
      {"byte", 84, CheckBase64},
      {"date", 71, CheckDate},
      {"datetime", 71, CheckDateTime},
  };
  return *formats;
}

const NamedFormat* FindFormat(std::string_view name) {
  for (const NamedFormat& format : AllFormats())
    if (format.name == name) return &format;
  return nullptr;
}

}  // namespace dray::cel
