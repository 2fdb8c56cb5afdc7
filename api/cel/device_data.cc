#include "api/cel/device_data.h"

#include <algorithm>
#include <array>

#include "api/cel/object_pool.h"
#include "api/cel/semver.h"
#include "dray/api/cel.h"

namespace dray::cel {
namespace {

using Item = DeviceData::Item;

constexpr std::array<std::string_view, 4> kFields = {"allowMultipleAllocations", "attributes",
                                                     "capacity", "driver"};

// The domain of a name: that of the driver unless it brings one. A domain ends at the first slash.
std::string_view DomainOf(std::string_view name, std::string_view driver) {
  const size_t slash = name.find('/');
  return slash == std::string_view::npos ? driver : name.substr(0, slash);
}

// device.attributes["dra.example.com"]: the items of one domain. Where a name stands with the
// driver's domain and without, the latter counts.
class DomainMap final : public Map {
 public:
  DomainMap(const DeviceData& data, bool attributes, std::string_view domain)
      : data_(data), attributes_(attributes), own_(domain == data.driver), domain_(domain) {}

  size_t size() const override {
    size_t count = 0;
    std::string_view id;
    for (const Item& item : Items()) count += Has(item, id);
    return count;
  }
  Value KeyAt(size_t index) const override {
    std::string_view id;
    At(index, id);
    return Value::BorrowedString(id);
  }
  Value ValueAt(size_t index) const override {
    std::string_view id;
    return ValueOf(At(index, id));
  }
  bool Find(const Value& key, Value& found) const override {
    return key.is(Kind::kString) && FindNamed(key.as_string(), found);
  }
  bool FindNamed(std::string_view name, Value& found) const override {
    const Item* best = nullptr;
    for (const Item& item : Items()) {
      if (own_ && SameName(item.name, name) && name.find('/') == std::string_view::npos) {
        best = &item;
        break;
      }
      if (item.name.size() == domain_.size() + 1 + name.size() && item.name.ends_with(name) &&
          item.name[domain_.size()] == '/' && item.name.starts_with(domain_))
        best = &item;
    }
    if (best == nullptr) return false;
    found = ValueOf(*best);
    return true;
  }

 private:
  std::span<const Item> Items() const {
    return attributes_ ? data_.attributes() : data_.capacity();
  }
  Value ValueOf(const Item& item) const {
    return attributes_ ? data_.AttributeValue(item) : DeviceData::CapacityValue(item);
  }
  bool Has(const Item& item, std::string_view& id) const {
    if (DomainOf(item.name, data_.driver) != domain_) return false;
    const size_t slash = item.name.find('/');
    id = slash == std::string_view::npos ? item.name : item.name.substr(slash + 1);
    if (!own_ || slash == std::string_view::npos || id.find('/') != std::string_view::npos)
      return true;
    return std::none_of(Items().begin(), Items().end(),
                        [&](const Item& other) { return other.name == id; });
  }
  const Item& At(size_t index, std::string_view& id) const {
    const Item* item = Items().data();
    for (;; ++item)
      if (Has(*item, id) && index-- == 0) return *item;
  }

  const DeviceData& data_;
  bool attributes_, own_;
  std::string_view domain_;
};

// device.attributes or device.capacity: indexing with an unknown domain gives an empty map, `in`
// tells the truth.
class DomainsMap final : public Map {
 public:
  DomainsMap(const DeviceData& data, bool attributes) : data_(data), attributes_(attributes) {}

  size_t size() const override { return Domains().size(); }
  Value KeyAt(size_t index) const override { return Value::BorrowedString(Domains()[index]); }
  Value ValueAt(size_t index) const override { return Domain(Domains()[index]); }
  bool Find(const Value& key, Value& found) const override {
    return FindNamed(key.is(Kind::kString) ? key.as_string() : "/", found);
  }
  bool FindNamed(std::string_view name, Value& found) const override {
    // No domain has a slash in it.
    found = name.find('/') != std::string_view::npos ? Value::Of(Make<NoItems>()) : Domain(name);
    return true;
  }
  bool Contains(const Value& key, Value&) const override {
    if (!key.is(Kind::kString)) return false;
    for (const Item& item : Items())
      if (DomainOf(item.name, data_.driver) == key.as_string()) return true;
    return false;
  }

 private:
  class NoItems final : public Map {
   public:
    size_t size() const override { return 0; }
    Value KeyAt(size_t) const override { return Value::Null(); }
    Value ValueAt(size_t) const override { return Value::Null(); }
    bool Find(const Value&, Value&) const override { return false; }
  };

  std::span<const Item> Items() const {
    return attributes_ ? data_.attributes() : data_.capacity();
  }
  Value Domain(std::string_view name) const {
    return Value::Of(Make<DomainMap>(data_, attributes_, name));
  }
  // In the order in which they occur.
  const std::vector<std::string_view>& Domains() const {
    if (domains_.empty()) {
      for (const Item& item : Items()) {
        std::string_view domain = DomainOf(item.name, data_.driver);
        if (std::find(domains_.begin(), domains_.end(), domain) == domains_.end())
          domains_.push_back(domain);
      }
    }
    return domains_;
  }

  const DeviceData& data_;
  bool attributes_;
  mutable std::vector<std::string_view> domains_;  // found when they are asked for
};

class DeviceMap final : public Map {
 public:
  explicit DeviceMap(const DeviceData& data) : data_(data) {}
  size_t size() const override { return kFields.size(); }
  Value KeyAt(size_t index) const override { return Value::BorrowedString(kFields[index]); }
  Value ValueAt(size_t index) const override {
    switch (index) {
      case 0:
        return Value::Bool(data_.allow_multiple_allocations);
      case 1:
      case 2:
        return Value::Of(Make<DomainsMap>(data_, index == 1));
      default:
        return Value::BorrowedString(data_.driver);
    }
  }
  bool Find(const Value& key, Value& found) const override {
    return key.is(Kind::kString) && FindNamed(key.as_string(), found);
  }
  bool FindNamed(std::string_view name, Value& found) const override {
    for (size_t i = 0; i < kFields.size(); ++i) {
      if (kFields[i] != name) continue;
      found = ValueAt(i);
      return true;
    }
    return false;
  }

 private:
  const DeviceData& data_;
};

}  // namespace

Value DeviceValue(const DeviceData& data) {
  return Value::Of(Make<DeviceMap>(data));
}

DeviceData::DeviceData(const api::Device& device, std::string_view driver_name)
    : driver(driver_name),
      allow_multiple_allocations(device.allow_multiple_allocations.value_or(false)),
      attributes_(static_cast<uint32_t>(device.attributes.size())),
      capacity_(static_cast<uint32_t>(device.capacity.size())),
      items_(reinterpret_cast<Item*>(few_items_)) {
  const size_t count = device.attributes.size() + device.capacity.size();
  if (count > kUsualItems) {
    rare().items.resize(count);
    items_ = rare().items.data();
  }
  Item* next = items_;
  for (const auto& [name, attribute] : device.attributes) {
    new (next++) Item{name, &attribute};
    // Strings, integers and booleans are what they are.
    if (attribute.value.index() == 0 || attribute.value.index() > 3) Read(name, attribute);
  }
  for (const auto& [name, capacity] : device.capacity) new (next++) Item{name, &capacity};
}

const Item* DeviceData::Find(std::span<const Item> items, const DevicePath& path) const {
  auto named = [&](std::string_view name) -> const Item* {
    for (const Item& item : items)
      if (SameName(item.name, name)) return &item;
    return nullptr;
  };
  if (path.bare && SameName(path.domain, driver)) {
    if (const Item* found = named(path.id); found != nullptr) return found;
  }
  return named(path.full);
}

Value DeviceData::AttributeValue(const Item& item) const {
  const auto& attribute = *static_cast<const api::DeviceAttribute*>(item.what);
  // The usual ones first.
  if (auto* text = std::get_if<std::string>(&attribute.value)) return Value::BorrowedString(*text);
  if (auto* i = std::get_if<int64_t>(&attribute.value)) return Value::Int(*i);
  if (auto* b = std::get_if<bool>(&attribute.value)) return Value::Bool(*b);
  if (auto* version = std::get_if<api::Version>(&attribute.value))
    return Value::Of(SemverOf(*version));
  if (rare_ == nullptr) return Value::Null();
  for (const auto& [list, items] : rare_->lists) {
    if (list == &attribute) return Value::Of(&items->list);
  }
  return Value::Null();
}

const Semver* DeviceData::SemverOf(const api::Version& version) const {
  if (&version == first_version_) return &version_;
  for (const auto& [known, semver] : rare_->versions) {
    if (known == &version) return semver.get();
  }
  return &version_;  // not reached: the constructor has read every version
}

void DeviceData::Read(const std::string& name, const api::DeviceAttribute& attribute) {
  if (auto* version = std::get_if<api::Version>(&attribute.value)) {
    ReadVersion(name, *version);
    return;
  }
  std::vector<Value> items;
  auto fill = [&](const auto& list, auto convert) {
    for (const auto& item : list) items.push_back(convert(item));
  };
  if (auto* ints = std::get_if<std::vector<int64_t>>(&attribute.value)) {
    fill(*ints, Value::Int);
  } else if (auto* bools = std::get_if<std::vector<bool>>(&attribute.value)) {
    fill(*bools, Value::Bool);
  } else if (auto* texts = std::get_if<std::vector<std::string>>(&attribute.value)) {
    fill(*texts, Value::BorrowedString);
  } else if (auto* versions = std::get_if<std::vector<api::Version>>(&attribute.value)) {
    fill(*versions, [&](const api::Version& version) { return ReadVersion(name, version); });
  } else {
    return Fail(rare().error, name, "unsupported attribute value");
  }
  Fail(rare().list_error, name, "unsupported attribute value");
  rare().lists.emplace_back(&attribute, std::make_unique<Rare::Items>(std::move(items)));
}

Value DeviceData::ReadVersion(const std::string& name, const api::Version& version) {
  Semver* semver = &version_;
  if (first_version_ == nullptr) {
    first_version_ = &version;
  } else {
    semver = rare().versions.emplace_back(&version, std::make_unique<Semver>()).second.get();
  }
  std::string why = ParseSemver(version.text, *semver);
  if (!why.empty()) Fail(rare().error, name, "parse semantic version: " + why);
  return Value::Of(semver);
}

void DeviceData::Fail(std::string& field, const std::string& name, const std::string& why) {
  if (field.empty()) field = "attribute " + name + ": " + why;
}

DeviceView::DeviceView(const api::Device& device, std::string_view driver)
    : data_(std::make_shared<const DeviceData>(device, driver)) {}

}  // namespace dray::cel
