#include "api/alloc/constraints.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace dray::alloc {
namespace {

using api::DeviceAttribute;

// Lists cannot be compared, unless DRAListTypeAttributes is on: see MatchLists and DistinctLists.
bool Comparable(const DeviceAttribute& value) {
  return std::holds_alternative<std::string>(value.value) ||
         std::holds_alternative<int64_t>(value.value) ||
         std::holds_alternative<bool>(value.value) ||
         std::holds_alternative<api::Version>(value.value);
}

// All devices have the value of the first. Versions are compared as text: semver allows one
// spelling only.
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

// No two devices have one value. Kubernetes remembers one value per request, the latest, so that of
// several devices of one request only the latest is compared with; the answers follow from that.
class DistinctAttribute : public Constraint {
 public:
  using Constraint::Constraint;

 protected:
  bool Fits(const DeviceAttribute& value) const override {
    if (devices() == 0) return true;
    return std::all_of(values_.begin(), values_.end(), [&](const auto& kept) {
      return Comparable(value) && value != *kept.second;
    });
  }
  void Keep(const std::string& request, const DeviceAttribute& value) override {
    values_[request] = &value;
  }
  void Drop(const std::string& request) override { values_.erase(request); }

 private:
  std::map<std::string, const DeviceAttribute*> values_;
};

// An attribute as a set: lists as what is in them, other values as one element. Sets of different
// kinds have nothing in common.
struct ValueSet {
  size_t kind = 0;  // 0: no set, for an attribute without a value or an empty list
  std::vector<std::string> elements;  // sorted

  static ValueSet Of(const DeviceAttribute& attribute) {
    ValueSet set;
    auto fill = [&](size_t kind, const auto& list, auto spell) {
      for (const auto& item : list) set.elements.push_back(spell(item));
      if (!set.elements.empty()) set.kind = kind;
    };
    auto number = [](int64_t value) { return std::to_string(value); };
    auto text = [](const std::string& value) { return value; };
    auto version = [](const api::Version& value) { return value.text; };
    const auto& value = attribute.value;
    if (auto* i = std::get_if<int64_t>(&value)) fill(1, std::array{*i}, number);
    if (auto* is = std::get_if<std::vector<int64_t>>(&value)) fill(1, *is, number);
    if (auto* b = std::get_if<bool>(&value)) fill(2, std::array{*b}, number);
    if (auto* bs = std::get_if<std::vector<bool>>(&value)) fill(2, *bs, number);
    if (auto* s = std::get_if<std::string>(&value)) fill(3, std::array{*s}, text);
    if (auto* ss = std::get_if<std::vector<std::string>>(&value)) fill(3, *ss, text);
    if (auto* v = std::get_if<api::Version>(&value)) fill(4, std::array{*v}, version);
    if (auto* vs = std::get_if<std::vector<api::Version>>(&value)) fill(4, *vs, version);
    std::sort(set.elements.begin(), set.elements.end());
    return set;
  }
  ValueSet Common(const ValueSet& other) const {
    ValueSet common{kind, {}};
    if (kind != other.kind) return common;
    std::set_intersection(elements.begin(), elements.end(), other.elements.begin(),
                          other.elements.end(), std::back_inserter(common.elements));
    return common;
  }
};

// DRAListTypeAttributes (Kubernetes' "experimental" allocator): some value is common to all
// devices. What is common to those that were tried does not grow again when one of them is given
// back, as long as another one stays; answers depend on it.
class MatchLists : public Constraint {
 public:
  using Constraint::Constraint;

 protected:
  bool Fits(const DeviceAttribute& value) const override {
    const ValueSet set = ValueSet::Of(value);
    return set.kind != 0 && (devices() == 0 || !common_.Common(set).elements.empty());
  }
  void Keep(const std::string&, const DeviceAttribute& value) override {
    const ValueSet set = ValueSet::Of(value);
    common_ = devices() == 0 ? set : common_.Common(set);
  }
  void Drop(const std::string&) override {}

 private:
  ValueSet common_;
};

// The same gate: no value is common to two devices, each with the latest of every request as above.
class DistinctLists : public Constraint {
 public:
  using Constraint::Constraint;

 protected:
  bool Fits(const DeviceAttribute& value) const override {
    if (devices() == 0) return true;
    const ValueSet set = ValueSet::Of(value);
    return set.kind != 0 && std::all_of(values_.begin(), values_.end(), [&](const auto& kept) {
             return set.Common(kept.second).elements.empty();
           });
  }
  void Keep(const std::string& request, const DeviceAttribute& value) override {
    values_[request] = ValueSet::Of(value);
  }
  void Drop(const std::string& request) override { values_.erase(request); }

 private:
  std::map<std::string, ValueSet> values_;
};

template <class Scalars, class Lists>
std::unique_ptr<Constraint> Make(const api::DeviceConstraint& constraint,
                                 const std::string& attribute, bool lists) {
  if (lists) return std::make_unique<Lists>(constraint.requests, attribute);
  return std::make_unique<Scalars>(constraint.requests, attribute);
}

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
  if (slash == std::string::npos || attribute.compare(0, slash, device.slice->spec().driver) != 0)
    return nullptr;
  auto found = attributes.find(attribute.substr(slash + 1));
  return found == attributes.end() ? nullptr : &found->second;
}

bool Constraint::Add(const std::string& request, const std::string& alternative,
                     const DeviceInfo& device) {
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

Result<std::vector<std::unique_ptr<Constraint>>> MakeConstraints(const api::DeviceClaim& claim,
                                                                 bool lists) {
  std::vector<std::unique_ptr<Constraint>> constraints;
  for (const api::DeviceConstraint& constraint : claim.constraints) {
    if (constraint.match_attribute) {
      constraints.push_back(
          Make<MatchAttribute, MatchLists>(constraint, *constraint.match_attribute, lists));
    } else if (constraint.distinct_attribute) {
      constraints.push_back(Make<DistinctAttribute, DistinctLists>(
          constraint, *constraint.distinct_attribute, lists));
    } else {
      return Status(Reason::kInvalid, "constraint #" + std::to_string(constraints.size()) +
                                          ": neither matchAttribute nor distinctAttribute");
    }
  }
  return constraints;
}

}  // namespace dray::alloc
