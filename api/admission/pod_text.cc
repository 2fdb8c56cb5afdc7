#include <algorithm>
#include <cstring>
#include <optional>

#include <nlohmann/json.hpp>

#include "api/admission/vendors.h"
#include "dray/api/admission.h"

// Shortcuts over the JSON text of a Pod.
namespace dray::admission {
namespace {

// What admission reads or changes, by where it stands in the Pod. The rest is passed over.
enum class Place { kPod, kMetadata, kSpec, kContainers, kContainer, kWhole };

struct KeptMember {
  std::string_view name;
  Place place;
};

std::optional<Place> KeptIn(Place place, std::string_view name) {
  static constexpr KeptMember kPod[] = {{"metadata", Place::kMetadata}, {"spec", Place::kSpec}};
  static constexpr KeptMember kMetadata[] = {{"annotations", Place::kWhole},
                                             {"labels", Place::kWhole}};
  static constexpr KeptMember kSpec[] = {
      {"containers", Place::kContainers},  {"initContainers", Place::kContainers},
      {"nodeName", Place::kWhole},         {"resourceClaims", Place::kWhole},
      {"runtimeClassName", Place::kWhole}, {"schedulerName", Place::kWhole}};
  static constexpr KeptMember kContainer[] = {{"env", Place::kWhole},
                                              {"name", Place::kWhole},
                                              {"resources", Place::kWhole},
                                              {"securityContext", Place::kWhole}};
  auto among = [&](const auto& kept) -> std::optional<Place> {
    for (const KeptMember& one : kept)
      if (one.name == name) return one.place;
    return std::nullopt;
  };
  switch (place) {
    case Place::kPod:
      return among(kPod);
    case Place::kMetadata:
      return among(kMetadata);
    case Place::kSpec:
      return among(kSpec);
    case Place::kContainer:
      return among(kContainer);
    case Place::kContainers:
    case Place::kWhole:
      break;
  }
  return Place::kWhole;
}

// Copies well-formed JSON without looking closely at what it passes over. False for anything that
// it is not sure about.
class PodReducer {
 public:
  PodReducer(std::string_view text, std::string& out)
      : at_(text.data()), end_(at_ + text.size()), out_(out) {}

  bool Reduce() {
    Space();
    if (at_ == end_ || *at_ != '{' || !Object(Place::kPod)) return false;
    Space();
    return at_ == end_;
  }

 private:
  void Space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool Take(char wanted) {
    Space();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  // A string with its quotes.
  bool Quoted(std::string_view& quoted) {
    Space();
    if (at_ == end_ || *at_ != '"') return false;
    const char* const start = at_;
    const char* close = start;
    do {
      close = static_cast<const char*>(
          std::memchr(close + 1, '"', static_cast<size_t>(end_ - close - 1)));
      if (close == nullptr) return false;
    } while (Escaped(start, close));
    at_ = close + 1;
    quoted = {start, static_cast<size_t>(at_ - start)};
    return true;
  }

  // An odd number of backslashes before it.
  static bool Escaped(const char* start, const char* quote) {
    const char* before = quote;
    while (before > start && before[-1] == '\\') --before;
    return (quote - before) % 2 != 0;
  }

  bool Value(Place place) {
    Space();
    if (at_ == end_) return false;
    if (*at_ == '{' && place != Place::kWhole) return Object(place);
    if (*at_ == '[' && place == Place::kContainers) return Containers();
    const char* const start = at_;
    if (!Skip()) return false;
    out_.append(start, at_);
    return true;
  }

  bool Object(Place place) {
    if (!Take('{')) return false;
    out_ += '{';
    if (Take('}')) {
      out_ += '}';
      return true;
    }
    do {
      std::string_view key;
      if (!Quoted(key)) return false;
      // An escaped name might be one that is looked for.
      if (key.find('\\') != std::string_view::npos || !Take(':')) return false;
      const std::optional<Place> kept = KeptIn(place, key.substr(1, key.size() - 2));
      if (!kept) {
        if (!Skip()) return false;
        continue;
      }
      if (out_.back() != '{') out_ += ',';
      out_.append(key);
      out_ += ':';
      if (!Value(*kept)) return false;
    } while (Take(','));
    out_ += '}';
    return Take('}');
  }

  bool Containers() {
    if (!Take('[')) return false;
    out_ += '[';
    if (!Take(']')) {
      do {
        if (out_.back() != '[') out_ += ',';
        if (!Value(Place::kContainer)) return false;
      } while (Take(','));
      if (!Take(']')) return false;
    }
    out_ += ']';
    return true;
  }

  // Any value, by its brackets and strings alone.
  bool Skip() {
    int depth = 0;
    while (at_ < end_) {
      const char c = *at_;
      if (c == '"') {
        std::string_view passed;
        if (!Quoted(passed)) return false;
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth < 0) return true;
      if (c == ',' && depth == 0) return true;
      ++at_;
    }
    return false;
  }

  const char* at_;
  const char* const end_;
  std::string& out_;
};

}  // namespace

std::vector<std::string> ResourceDomains(const DeviceConfig& config) {
  std::vector<std::string> domains;
  for (const VendorConfig& vendor : config.vendors())
    for (const auto* names : {&vendor.count, &vendor.memory, &vendor.memory_percentage,
                              &vendor.cores, &vendor.slices, &vendor.priority})
      for (const std::string& name : *names) domains.push_back(name.substr(0, name.find('/')));
  std::sort(domains.begin(), domains.end());
  domains.erase(std::unique(domains.begin(), domains.end()), domains.end());
  return domains;
}

bool MayConcern(std::string_view pod, const std::vector<std::string>& domains) {
  // An escape may stand for anything in a name; who writes Pods with them pays with a closer look.
  for (size_t at = pod.find('\\'); at != std::string_view::npos; at = pod.find('\\', at + 2))
    if (at + 1 < pod.size() && (pod[at + 1] == 'u' || pod[at + 1] == '/')) return true;
  for (size_t slash = pod.find('/'); slash != std::string_view::npos;
       slash = pod.find('/', slash + 1))
    for (const std::string& domain : domains)
      if (slash > domain.size() && pod[slash - domain.size() - 1] == '"' &&
          pod.compare(slash - domain.size(), domain.size(), domain) == 0)
        return true;
  // A resource without a domain, as a configuration may name it, cannot be told from other words.
  return std::any_of(domains.begin(), domains.end(),
                     [](const std::string& one) { return one.find('.') == std::string::npos; });
}

std::string PodForAdmission(std::string_view pod) {
  std::string reduced;
  reduced.reserve(pod.size());
  if (!PodReducer(pod, reduced).Reduce()) reduced = pod;
  return reduced;
}

Json ParsePodForAdmission(std::string_view pod) {
  return Json::parse(PodForAdmission(pod), nullptr, /*allow_exceptions=*/false);
}

}  // namespace dray::admission
