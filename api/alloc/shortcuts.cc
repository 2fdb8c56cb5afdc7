#include "api/alloc/shortcuts.h"

#include <algorithm>
#include <unordered_map>

#include "api/alloc/constraints.h"

namespace dray::alloc {
namespace {

// A value of an attribute as text that no other value has; "" for none.
std::string Spelled(const api::DeviceAttribute* attribute) {
  if (attribute == nullptr) return "";
  const auto& value = attribute->value;
  if (auto* text = std::get_if<std::string>(&value)) return "s" + *text;
  if (auto* number = std::get_if<int64_t>(&value)) return "i" + std::to_string(*number);
  if (auto* flag = std::get_if<bool>(&value)) return *flag ? "b1" : "b0";
  if (auto* version = std::get_if<api::Version>(&value)) return "v" + version->text;
  return "?";
}

const std::string& AttributeOf(const api::DeviceConstraint& constraint) {
  return constraint.match_attribute ? *constraint.match_attribute : *constraint.distinct_attribute;
}

// Of shared devices, all that decides how much more they can take.
void SpellRoom(const DeviceInfo& device, const Usage& used, std::string& text) {
  for (const CapacityInfo& capacity : device.capacities) {
    const Nanos parts[] = {capacity.value, used.ConsumedOf(capacity.name)};
    text.append(reinterpret_cast<const char*>(&capacity.name), sizeof(capacity.name));
    text.append(reinterpret_cast<const char*>(parts), sizeof(parts));
    // Devices with policies are alike only when they say so on the same line of the same slice.
    if (capacity.capacity->request_policy)
      text += "p" + std::to_string(reinterpret_cast<uintptr_t>(capacity.capacity));
  }
}

bool IsAbout(const api::DeviceConstraint& constraint, const Alternative& alternative) {
  if (constraint.requests.empty()) return true;
  const std::string full = alternative.FullName();
  return std::any_of(
      constraint.requests.begin(), constraint.requests.end(),
      [&](const std::string& name) { return name == *alternative.request || name == full; });
}

int64_t Least(const PreparedRequest& request) {
  int64_t least = INT64_MAX;
  for (const Alternative& alternative : request.alternatives)
    least = std::min(least, alternative.count);
  return least;
}

}  // namespace

bool Shortcuts::Apply(const std::vector<PreparedClaim>& claims, const Features& features) {
  for (const PreparedClaim& claim : claims) {
    const auto& constraints = claim.claim->spec.devices.constraints;
    if (features.list_type_attributes && !constraints.empty()) return false;
    const bool distinct =
        std::any_of(constraints.begin(), constraints.end(),
                    [](const api::DeviceConstraint& c) { return !c.match_attribute; });
    int64_t most_of_claim = 0;
    for (const PreparedRequest& request : claim.requests) {
      int64_t most = 0;
      for (const Alternative& alternative : request.alternatives) {
        if (alternative.all || (distinct && alternative.count > 1)) return false;
        most = std::max(most, std::min<int64_t>(alternative.count, 1 << 20));
      }
      most_of_claim += most;
    }
    if (most_of_claim > api::kMaxAllocationResults) return false;
  }
  return true;
}

Shortcuts::Shortcuts(const NodeView& view, const std::vector<PreparedClaim>& claims,
                     const Lists& lists) {
  FindKinds(view, claims, lists);
  FindDead(view, claims, lists);
}

void Shortcuts::FindKinds(const NodeView& view, const std::vector<PreparedClaim>& claims,
                          const Lists& lists) {
  std::vector<std::string> texts(view.candidates.size());
  for (size_t list = 0; list < lists.size(); ++list) {
    for (size_t candidate : lists[list]) {
      texts[candidate].append(reinterpret_cast<const char*>(&list), sizeof(list));
    }
  }
  std::unordered_map<std::string, uint32_t> known;
  kinds_.resize(texts.size());
  for (size_t c = 0; c < texts.size(); ++c) {
    const DeviceInfo& device = *view.candidates[c].device;
    std::string& text = texts[c];
    text += device.shared ? "+" : "-";
    for (const PreparedClaim& claim : claims) {
      for (const api::DeviceConstraint& constraint : claim.claim->spec.devices.constraints) {
        const std::string value = Spelled(Constraint::Look(AttributeOf(constraint), device));
        text += std::to_string(value.size()) + ":" + value;
      }
    }
    if (device.shared) SpellRoom(device, view.state->UsageOf(device), text);
    kinds_[c] =
        known.try_emplace(std::move(text), static_cast<uint32_t>(known.size())).first->second;
  }
}

// A value is dead for the requests of a matchAttribute when fewer devices have it than these
// requests need together.
void Shortcuts::FindDead(const NodeView& view, const std::vector<PreparedClaim>& claims,
                         const Lists& lists) {
  struct Value {
    std::vector<bool> devices;
    int64_t count = 0;
    bool unlimited = false;  // a shared device may be taken several times
  };
  dead_.resize(claims.size());
  size_t first_list = 0;
  for (size_t c = 0; c < claims.size(); ++c) {
    const PreparedClaim& claim = claims[c];
    dead_[c].assign(claim.requests.size(), std::vector<bool>(view.candidates.size()));
    for (const api::DeviceConstraint& constraint : claim.claim->spec.devices.constraints) {
      if (!constraint.match_attribute) continue;
      std::unordered_map<std::string, Value> values;
      std::vector<size_t> bound;  // requests
      int64_t needed = 0;
      size_t list = first_list;
      for (size_t r = 0; r < claim.requests.size(); ++r) {
        const PreparedRequest& request = claim.requests[r];
        bool all = true;
        for (const Alternative& alternative : request.alternatives)
          all = all && IsAbout(constraint, alternative);
        for (size_t a = 0; a < request.alternatives.size(); ++a, ++list) {
          if (!all) continue;  // another alternative is not bound by it
          for (size_t candidate : lists[list]) {
            const DeviceInfo& device = *view.candidates[candidate].device;
            const std::string spelled =
                Spelled(Constraint::Look(*constraint.match_attribute, device));
            if (spelled.empty()) continue;
            Value& value = values[spelled];
            value.devices.resize(view.candidates.size());
            value.unlimited |= device.shared;
            if (!value.devices[candidate]) ++value.count;
            value.devices[candidate] = true;
          }
        }
        if (!all || Least(request) < 1) continue;
        bound.push_back(r);
        needed += Least(request);
      }
      if (bound.empty()) continue;
      bool alive = false;
      for (auto& [spelled, value] : values) {
        if (value.unlimited || value.count >= needed) {
          alive = true;
          continue;
        }
        for (size_t candidate = 0; candidate < value.devices.size(); ++candidate) {
          if (!value.devices[candidate]) continue;
          for (size_t r : bound) dead_[c][r][candidate] = true;
        }
      }
      hopeless_ = hopeless_ || !alive;
    }
    for (const PreparedRequest& request : claim.requests) first_list += request.alternatives.size();
  }
}

}  // namespace dray::alloc
