#include "api/cel/device_data.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

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

constexpr size_t kUsualDomains = 4;
// Enough for the entries, the domains and what building them takes.
constexpr size_t kBytesPerItem = sizeof(DeviceEntry) + sizeof(Name) + sizeof(size_t);
constexpr size_t kBytesPerDevice = 2 * kUsualDomains * (sizeof(DomainMap) + sizeof(Name)) + 64;

constexpr std::array<std::string_view, 4> kFields = {"allowMultipleAllocations", "attributes", "capacity", "driver"};

}  // namespace

uint64_t NameKey(std::string_view name) {
  auto load = [&](size_t at, auto word) -> uint64_t {
    std::memcpy(&word, name.data() + at, sizeof(word));
    return word;
  };
  uint64_t begin, end;
  if (name.size() >= 8) {
    begin = load(0, uint64_t());
    end = load(name.size() - 8, uint64_t());
  } else if (name.size() >= 4) {
    begin = load(0, uint32_t());
    end = load(name.size() - 4, uint32_t());
  } else {
    begin = name.empty() ? 0 : load(0, uint8_t());
    end = name.empty() ? 0 : load(name.size() / 2, uint8_t()) << 8 | load(name.size() - 1, uint8_t());
  }
  return begin ^ std::rotl(end, 31) ^ name.size() << 56;
}

bool DomainMap::Find(const Value& key, Value& found) const {
  if (!key.is(Kind::kString)) return false;
  const Value* value = Look(NameKey(key.as_string()), key.as_string());
  if (value == nullptr) return false;
  found = value->Borrowed();
  return true;
}

template <class Items, class Convert>
void DomainsMap::Build(const Items& items, std::string_view driver, Convert convert) {
  if (items.empty()) return;
  // Which domain each item belongs to, and how many each has.
  struct Place {
    Name name;
    size_t domain;
  };
  struct Count {
    std::string_view domain;
    size_t items = 0;
  };
  std::pmr::memory_resource* memory = entries_.get_allocator().resource();
  std::pmr::vector<Place> places(memory);
  std::pmr::vector<Count> counts(memory);
  places.reserve(items.size());
  counts.reserve(kUsualDomains);
  for (const auto& item : items) {
    Name name = Split(item.first, driver);
    size_t domain = 0;
    while (domain < counts.size() && counts[domain].domain != name.domain) ++domain;
    if (domain == counts.size()) counts.push_back({name.domain});
    ++counts[domain].items;
    places.push_back({name, domain});
  }

  entries_.resize(items.size());
  auto* domain = static_cast<DomainMap*>(memory->allocate(counts.size() * sizeof(DomainMap), alignof(DomainMap)));
  domains_ = {domain, counts.size()};
  size_t begin = 0;
  for (Count& count : counts) {
    new (domain++) DomainMap(count.domain, &entries_[begin], count.items);
    begin += std::exchange(count.items, begin);  // from here on: where the next item goes
  }
  const Place* place = places.data();
  for (const auto& item : items) {
    DeviceEntry& entry = entries_[counts[place->domain].items++];
    entry.id = place->name.id;
    entry.key = NameKey(entry.id);
    entry.value = convert(item);
    ++place;
  }
}

bool DomainsMap::Find(const Value& key, Value& found) const {
  static const auto* const empty = new DomainMap;
  const DomainMap* domain = key.is(Kind::kString) ? Domain(key.as_string()) : nullptr;
  found = Value::Borrowed(domain == nullptr ? empty : domain);
  return true;
}

bool DomainsMap::Contains(const Value& key, Value&) const {
  return key.is(Kind::kString) && Domain(key.as_string()) != nullptr;
}

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
    : memory_((device.attributes.size() + device.capacity.size()) * kBytesPerItem + kBytesPerDevice),
      driver(driver_name),
      allow_multiple_allocations(device.allow_multiple_allocations.value_or(false)),
      attributes(&memory_),
      capacity(&memory_),
      root(*this) {
  attributes.Build(device.attributes, driver, [&](const auto& item) {
    const auto& [name, attribute] = item;
    std::string why;
    Value value = std::visit(ToValue{why}, attribute.value);
    if (!why.empty() && error.empty()) error = "attribute " + name + ": " + why;
    if (value.is(Kind::kList) && list_error.empty()) list_error = "attribute " + name + ": unsupported attribute value";
    value.PinTo(pins_);
    return value;
  });
  capacity.Build(device.capacity, driver, [](const auto& item) { return Value::BorrowedQuantity(&item.second.value); });
}

DeviceView::DeviceView(const api::Device& device, std::string_view driver)
    : data_(std::make_shared<const DeviceData>(device, driver)) {}

}  // namespace dray::cel
