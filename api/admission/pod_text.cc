#include <algorithm>
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

// Reads well-formed JSON without looking closely at what it passes over. False for anything that it
// is not sure about.
class PodReader {
 public:
  explicit PodReader(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool Read(Json& pod) {
    if (!Value(Place::kPod, 0, pod)) return false;
    Space();
    return at_ == end_;
  }

 private:
  static constexpr int kDeepest = 250;

  void Space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool Take(char wanted) {
    Space();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  // A string with its quotes; `plain`: what is between them is the value.
  bool Quoted(std::string_view& quoted, bool& plain) {
    Space();
    if (at_ == end_ || *at_ != '"') return false;
    const char* const start = at_;
    plain = true;
    for (++at_; at_ < end_ && *at_ != '"'; ++at_) {
      if (static_cast<unsigned char>(*at_) < 0x20 || static_cast<unsigned char>(*at_) >= 0x7f)
        plain = false;
      if (*at_ != '\\') continue;
      plain = false;
      if (++at_ == end_) return false;
    }
    if (at_ >= end_) return false;
    ++at_;
    quoted = {start, static_cast<size_t>(at_ - start)};
    return true;
  }

  bool Scalar(std::string_view text, Json& out) {
    out = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    return !out.is_discarded();
  }

  bool Value(Place place, int depth, Json& out) {
    Space();
    if (at_ == end_ || depth > kDeepest) return false;
    if (*at_ == '{') return Object(place, depth, out);
    if (*at_ == '[') return List(place, depth, out);
    if (*at_ == '"') {
      std::string_view quoted;
      bool plain;
      if (!Quoted(quoted, plain)) return false;
      if (!plain) return Scalar(quoted, out);
      out = std::string(quoted.substr(1, quoted.size() - 2));
      return true;
    }
    const char* const start = at_;
    while (at_ < end_ && *at_ != ',' && *at_ != '}' && *at_ != ']') ++at_;
    return Scalar({start, static_cast<size_t>(at_ - start)}, out);
  }

  bool Object(Place place, int depth, Json& out) {
    if (!Take('{')) return false;
    out = Json::object();
    if (Take('}')) return true;
    do {
      std::string_view key;
      bool plain;
      if (!Quoted(key, plain) || !plain || !Take(':')) return false;
      key = key.substr(1, key.size() - 2);
      const std::optional<Place> kept = KeptIn(place, key);
      if (kept ? !Value(*kept, depth + 1, out[std::string(key)]) : !Skip()) return false;
    } while (Take(','));
    return Take('}');
  }

  bool List(Place place, int depth, Json& out) {
    if (!Take('[')) return false;
    out = Json::array();
    if (Take(']')) return true;
    do {
      if (!Value(place == Place::kContainers ? Place::kContainer : Place::kWhole, depth + 1,
                 out.emplace_back()))
        return false;
    } while (Take(','));
    return Take(']');
  }

  // Any value, by its brackets and strings alone.
  bool Skip() {
    int depth = 0;
    while (at_ < end_) {
      const char c = *at_;
      if (c == '"') {
        std::string_view passed;
        bool plain;
        if (!Quoted(passed, plain)) return false;
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

Json ParsePodForAdmission(std::string_view pod) {
  Json read;
  if (PodReader(pod).Read(read)) return read;
  return Json::parse(pod, nullptr, /*allow_exceptions=*/false);
}

}  // namespace dray::admission
