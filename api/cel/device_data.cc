#include "api/cel/device_data.h"

#include <algorithm>
#include <array>
#include <functional>

#include "api/cel/semver.h"
#include "dray/api/cel.h"

namespace dray::cel {
namespace {

struct Name {
  std::string_view domain, id;
};
Name Split(std::string_view name, std::string_view driver) {
  size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {driver, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

// Turns what an attribute holds into a value.
struct ToValue {
  std::string& error;

  Value Version(const std::string& text) const {
    auto version = std::make_unique<Semver>();
    std::string why = ParseSemver(text, *version);
    if (!why.empty()) error = "parse semantic version: " + why;
    return Value::Of(version.release());
  }
  template <class T, class Convert>
  Value Listed(const std::vector<T>& items, Convert convert) const {
    std::vector<Value> values;
    for (const T& item : items) values.push_back(convert(item));
    return Value::ListOf(std::move(values));
  }

  Value operator()(std::monostate) const {
    error = "unsupported attribute value";
    return Value::Null();
  }
  Value operator()(int64_t i) const { return Value::Int(i); }
  Value operator()(bool b) const { return Value::Bool(b); }
  Value operator()(const std::string& s) const { return Value::BorrowedString(s); }
  Value operator()(const api::Version& v) const { return Version(v.text); }
  Value operator()(const std::vector<int64_t>& list) const { return Listed(list, Value::Int); }
  Value operator()(const std::vector<bool>& list) const {
    std::vector<Value> values;
    for (bool b : list) values.push_back(Value::Bool(b));
    return Value::ListOf(std::move(values));
  }
  Value operator()(const std::vector<std::string>& list) const {
    return Listed(list, [](const std::string& s) { return Value::BorrowedString(s); });
  }
  Value operator()(const std::vector<api::Version>& list) const {
    return Listed(list, [&](const api::Version& v) { return Version(v.text); });
  }
};

constexpr std::array<std::string_view, 4> kFields = {"allowMultipleAllocations", "attributes", "capacity", "driver"};

}  // namespace

uint64_t HashName(std::string_view domain, std::string_view id) {
  std::hash<std::string_view> hash;
  return hash(domain) * 31 + hash(id);
}

bool DomainMap::Find(const Value& key, Value& found) const {
  if (!key.is(Kind::kString)) return false;
  for (size_t i = 0; i < size_; ++i) {
    if (begin_[i].id != key.as_string()) continue;
    found = begin_[i].value.Borrowed();
    return true;
  }
  return false;
}

void DomainsMap::Build(std::vector<DeviceEntry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const DeviceEntry& a, const DeviceEntry& b) {
    return a.domain != b.domain ? a.domain < b.domain : a.id < b.id;
  });
  entries_ = &entries;
  for (size_t i = 0; i < entries.size();) {
    size_t end = i;
    while (end < entries.size() && entries[end].domain == entries[i].domain) ++end;
    domains_.push_back(std::make_unique<DomainMap>(entries[i].domain, &entries[i], end - i));
    i = end;
  }
  for (const DeviceEntry& entry : entries) hashes_.push_back(entry.hash);
}

const Value* DomainsMap::Look(uint64_t hash, std::string_view domain, std::string_view id) const {
  for (size_t i = 0; i < hashes_.size(); ++i) {
    if (hashes_[i] != hash) continue;
    const DeviceEntry& entry = (*entries_)[i];
    if (entry.id == id && entry.domain == domain) return &entry.value;
  }
  return nullptr;
}

const DomainMap* DomainsMap::Domain(const Value& key) const {
  if (!key.is(Kind::kString)) return nullptr;
  for (const auto& domain : domains_)
    if (domain->domain() == key.as_string()) return domain.get();
  return nullptr;
}

bool DomainsMap::Find(const Value& key, Value& found) const {
  static const auto* const empty = new DomainMap;
  const DomainMap* domain = Domain(key);
  found = Value::Borrowed(domain == nullptr ? empty : domain);
  return true;
}

bool DomainsMap::Contains(const Value& key, Value&) const { return Domain(key) != nullptr; }

Value DeviceMap::KeyAt(size_t index) const { return Value::BorrowedString(kFields[index]); }

Value DeviceMap::ValueAt(size_t index) const {
  switch (index) {
    case 0: return Value::Bool(data_.allow_multiple_allocations);
    case 1: return Value::Borrowed(&data_.attributes);
    case 2: return Value::Borrowed(&data_.capacity);
    default: return Value::BorrowedString(data_.driver);
  }
}

bool DeviceMap::Find(const Value& key, Value& found) const {
  if (!key.is(Kind::kString)) return false;
  for (size_t i = 0; i < kFields.size(); ++i) {
    if (kFields[i] != key.as_string()) continue;
    found = ValueAt(i);
    return true;
  }
  return false;
}

DeviceData::DeviceData(const api::Device& device, std::string_view driver_name)
    : driver(driver_name), allow_multiple_allocations(device.allow_multiple_allocations.value_or(false)), root(*this) {
  for (const auto& [name, attribute] : device.attributes) {
    std::string why;
    Value value = std::visit(ToValue{why}, attribute.value);
    if (!why.empty() && error.empty()) error = "attribute " + name + ": " + why;
    if (value.is(Kind::kList) && list_error.empty()) list_error = "attribute " + name + ": unsupported attribute value";
    value.PinTo(pins_);
    Name n = Split(name, driver);
    attribute_entries_.push_back({HashName(n.domain, n.id), n.domain, n.id, std::move(value)});
  }
  for (const auto& [name, capacity_entry] : device.capacity) {
    Name n = Split(name, driver);
    capacity_entries_.push_back({HashName(n.domain, n.id), n.domain, n.id, Value::BorrowedQuantity(&capacity_entry.value)});
  }
  attributes.Build(attribute_entries_);
  capacity.Build(capacity_entries_);
}

DeviceView::DeviceView(const api::Device& device, std::string_view driver)
    : data_(std::make_shared<const DeviceData>(device, driver)) {}

}  // namespace dray::cel
