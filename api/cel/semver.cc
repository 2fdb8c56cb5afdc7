#include "api/cel/semver.h"

#include <algorithm>
#include <array>

#include "api/cel/text.h"

namespace dray::cel {
namespace {

bool IsNumber(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool IsIdentifier(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}
bool HasLeadingZero(std::string_view text) {
  return text.size() > 1 && text[0] == '0';
}

std::string ParseNumber(std::string_view text, std::string_view name, uint64_t& value) {
  std::string quoted = Quote(text);
  if (!IsNumber(text)) {
    std::string lower(name);
    lower[0] = static_cast<char>(lower[0] | 0x20);
    return "Invalid character(s) found in " + lower + " number " + quoted;
  }
  if (HasLeadingZero(text))
    return std::string(name) + " number must not contain leading zeroes " + quoted;
  std::optional<uint64_t> number = ParseUint(text);
  if (!number)
    return "strconv.ParseUint: parsing " + quoted + ": invalid syntax or value out of range";
  value = *number;
  return "";
}

// "550.54.15" and the like, which most versions are.
bool ParsePlain(std::string_view text, Semver& version) {
  const char *at = text.data(), *end = at + text.size();
  for (uint64_t* part : {&version.major, &version.minor, &version.patch}) {
    if (part != &version.major && (at == end || *at++ != '.')) return false;
    const char* begin = at;
    uint64_t number = 0;
    while (at != end && *at >= '0' && *at <= '9')
      number = number * 10 + static_cast<uint64_t>(*at++ - '0');
    if (at == begin || at - begin > 18 || (*begin == '0' && at - begin > 1)) return false;
    *part = number;
  }
  return at == end;
}

}  // namespace

std::string ParseSemver(std::string_view text, Semver& version) {
  if (ParsePlain(text, version)) return "";
  if (text.empty()) return "Version string empty";
  std::vector<std::string_view> parts = Split(text, ".", 3);
  if (parts.size() != 3) return "No Major.Minor.Patch elements found";
  std::string error = ParseNumber(parts[0], "Major", version.major);
  if (error.empty()) error = ParseNumber(parts[1], "Minor", version.minor);
  if (!error.empty()) return error;
  std::string_view patch = parts[2];
  std::vector<std::string_view> build, pre;
  if (size_t plus = patch.find('+'); plus != std::string_view::npos) {
    build = Split(patch.substr(plus + 1), ".");
    patch = patch.substr(0, plus);
  }
  if (size_t dash = patch.find('-'); dash != std::string_view::npos) {
    pre = Split(patch.substr(dash + 1), ".");
    patch = patch.substr(0, dash);
  }
  if (error = ParseNumber(patch, "Patch", version.patch); !error.empty()) return error;
  for (std::string_view part : pre) {
    if (part.empty()) return "Prerelease is empty";
    Semver::Identifier identifier{std::string(part), 0, IsNumber(part)};
    if (identifier.numeric) {
      if (HasLeadingZero(part))
        return "Numeric PreRelease version must not contain leading zeroes " + Quote(part);
      std::optional<uint64_t> number = ParseUint(part);
      if (!number) return "strconv.ParseUint: parsing " + Quote(part) + ": value out of range";
      identifier.number = *number;
    } else if (!IsIdentifier(part)) {
      return "Invalid character(s) found in prerelease " + Quote(part);
    }
    version.pre.push_back(std::move(identifier));
  }
  for (std::string_view part : build) {
    if (part.empty()) return "Build meta data is empty";
    if (!IsIdentifier(part)) return "Invalid character(s) found in build meta data " + Quote(part);
  }
  return "";
}

std::string NormalizeSemver(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  std::vector<std::string> parts;
  for (std::string_view part : Split(text, ".", 3)) {
    std::string kept(part);
    if (part.size() > 1) {
      kept.erase(0, kept.find_first_not_of('0'));  // all zeros: everything goes
      if (kept.empty() || kept[0] < '0' || kept[0] > '9') kept.insert(0, "0");
    }
    parts.push_back(std::move(kept));
  }
  if (parts.size() < 3) {
    if (parts.back().find_first_of("+-") != std::string::npos) return "";
    parts.resize(3, "0");
  }
  return parts[0] + '.' + parts[1] + '.' + parts[2];
}

}  // namespace dray::cel
