#include "api/alloc/constraints.h"

#include <algorithm>

namespace dray::alloc {
namespace {

using api::DeviceAttribute;

// Lists cannot be compared (DRAListTypeAttributes brings that with another allocator of Kubernetes).
bool Comparable(const DeviceAttribute& value) {
  return std::holds_alternative<std::string>(value.value) || std::holds_alternative<int64_t>(value.value) ||
         std::holds_alternative<bool>(value.value) || std::holds_alternative<api::Version>(value.value);
}

// All devices have the value of the first. Versions are compared as text: semver allows one spelling only.
class MatchAttribute : public Constraint {
 public:
  using Constraint::Constraint;

 protected:
  bool Fits(const DeviceAttribute& value) const override {
    return devices() == 0 || (Comparable(value) && value == *first_);
  }
  void Keep(const std::string&, const DeviceAttribute& value) override {
    if (devices() == 0) first_ = &value;
  }
  void Drop(const std::string&) override {}

 private:
  const DeviceAttribute* first_ = nullptr;
};

// No two devices have one value. Kubernetes remembers one value per request, the latest, so that of several devices of one
// request only the latest is compared with; the answers follow from that.
class DistinctAttribute : public Constraint {
 public:
  using Constraint::Constraint;

 protected:
  bool Fits(const DeviceAttribute& value) const override {
    if (devices() == 0) return true;
    return std::all_of(values_.begin(), values_.end(),
                       [&](const auto& kept) { return Comparable(value) && value != *kept.second; });
  }
  void Keep(const std::string& request, const DeviceAttribute& value) override { values_[request] = &value; }
  void Drop(const std::string& request) override { values_.erase(request); }

 private:
  std::map<std::string, const DeviceAttribute*> values_;
};

}  // namespace

Constraint::Constraint(const std::vector<std::string>& requests, const std::string& attribute)
    : requests_(requests), attribute_(attribute) {}

bool Constraint::IsAbout(const std::string& request, const std::string& alternative) const {
  if (requests_.empty()) return true;
  return std::any_of(requests_.begin(), requests_.end(), [&](const std::string& name) {
    return name == request || (!alternative.empty() && name == request + "/" + alternative);
  });
}

const DeviceAttribute* Constraint::Look(const std::string& attribute, const DeviceInfo& device) {
  const auto& attributes = device.device->attributes;
  if (auto found = attributes.find(attribute); found != attributes.end()) return &found->second;
  const size_t slash = attribute.find('/');
  if (slash == std::string::npos || attribute.compare(0, slash, device.slice->spec().driver) != 0) return nullptr;
  auto found = attributes.find(attribute.substr(slash + 1));
  return found == attributes.end() ? nullptr : &found->second;
}

bool Constraint::Add(const std::string& request, const std::string& alternative, const DeviceInfo& device) {
  if (!IsAbout(request, alternative)) return true;
  const DeviceAttribute* value = Look(attribute_, device);
  if (value == nullptr || !Fits(*value)) return false;
  Keep(request, *value);
  ++devices_;
  return true;
}

void Constraint::Remove(const std::string& request, const std::string& alternative) {
  if (!IsAbout(request, alternative)) return;
  Drop(request);
  --devices_;
}

Result<std::vector<std::unique_ptr<Constraint>>> MakeConstraints(const api::DeviceClaim& claim) {
  std::vector<std::unique_ptr<Constraint>> constraints;
  for (const api::DeviceConstraint& constraint : claim.constraints) {
    if (constraint.match_attribute) {
      constraints.push_back(std::make_unique<MatchAttribute>(constraint.requests, *constraint.match_attribute));
    } else if (constraint.distinct_attribute) {
      constraints.push_back(std::make_unique<DistinctAttribute>(constraint.requests, *constraint.distinct_attribute));
    } else {
      return Status(Reason::kInvalid, "constraint #" + std::to_string(constraints.size()) +
                                          ": neither matchAttribute nor distinctAttribute");
    }
  }
  return constraints;
}

}  // namespace dray::alloc
