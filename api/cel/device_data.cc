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
Name SplitName(std::string_view name, std::string_view driver) {
  size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {driver, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

constexpr size_t kUsualDomains = 4;
// Enough for the usual device; more is fetched when it is needed.
constexpr size_t kBytesPerDevice = kUsualDomains * sizeof(DomainMap) + 2 * sizeof(Semver) + 64;

constexpr std::array<std::string_view, 4> kFields = {"allowMultipleAllocations", "attributes",
                                                     "capacity", "driver"};

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
    end =
        name.empty() ? 0 : load(name.size() / 2, uint8_t()) << 8 | load(name.size() - 1, uint8_t());
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
void DomainsMap::Build(const Items& items, std::string_view driver,
                       std::pmr::memory_resource* memory, Convert convert) {
  if (items.empty()) return;
  // Where each item belongs, and how many each domain has.
  struct Place {
    const typename Items::value_type* item;
    std::string_view id;
    size_t domain;
  };
  struct Count {
    std::string_view domain;
    size_t items;
  };
  std::byte buffer[2048];
  std::pmr::monotonic_buffer_resource scratch(buffer, sizeof(buffer));
  std::pmr::vector<Place> places(&scratch);
  std::pmr::vector<Count> counts(&scratch);
  places.reserve(items.size());
  counts.reserve(kUsualDomains);
  for (const auto& item : items) {
    Name name = SplitName(item.first, driver);
    size_t domain = 0;
    while (domain < counts.size() && counts[domain].domain != name.domain) ++domain;
    if (domain == counts.size()) counts.push_back({name.domain, 0});
    ++counts[domain].items;
    places.push_back({&item, name.id, domain});
  }

  auto* entries = static_cast<DeviceEntry*>(
      memory->allocate(items.size() * sizeof(DeviceEntry), alignof(DeviceEntry)));
  auto* domain = static_cast<DomainMap*>(
      memory->allocate(counts.size() * sizeof(DomainMap), alignof(DomainMap)));
  domains_ = {domain, counts.size()};
  size_t begin = 0;
  for (Count& count : counts) {
    new (domain++) DomainMap(count.domain, entries + begin, count.items);
    begin += std::exchange(count.items, begin);  // from here on: where the next item goes
  }
  for (const Place& place : places)
    new (entries + counts[place.domain].items++)
        DeviceEntry{NameKey(place.id), place.id, convert(*place.item)};
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

Value DeviceMap::KeyAt(size_t index) const {
  return Value::BorrowedString(kFields[index]);
}

Value DeviceMap::ValueAt(size_t index) const {
  switch (index) {
    case 0:
      return Value::Bool(data_.allow_multiple_allocations);
    case 1:
      return Value::Borrowed(&data_.attributes);
    case 2:
      return Value::Borrowed(&data_.capacity);
    default:
      return Value::BorrowedString(data_.driver);
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
    : memory_((device.attributes.size() + device.capacity.size()) * sizeof(DeviceEntry) +
              kBytesPerDevice),
      driver(driver_name),
      allow_multiple_allocations(device.allow_multiple_allocations.value_or(false)),
      root(*this) {
  attributes.Build(device.attributes, driver, &memory_,
                   [&](const auto& item) { return ToValue(item.first, item.second); });
  capacity.Build(device.capacity, driver, &memory_,
                 [](const auto& item) { return Value::BorrowedQuantity(&item.second.value); });
}

Value DeviceData::ToValue(const std::string& name, const api::DeviceAttribute& attribute) {
  // The usual ones first.
  if (auto* text = std::get_if<std::string>(&attribute.value)) return Value::BorrowedString(*text);
  if (auto* i = std::get_if<int64_t>(&attribute.value)) return Value::Int(*i);
  if (auto* b = std::get_if<bool>(&attribute.value)) return Value::Bool(*b);
  if (auto* version = std::get_if<api::Version>(&attribute.value)) return ToValue(name, *version);

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
    fill(*versions, [&](const api::Version& version) { return ToValue(name, version); });
  } else {
    Fail(error, name, "unsupported attribute value");
    return Value::Null();
  }
  Fail(list_error, name, "unsupported attribute value");
  Value list = Value::ListOf(std::move(items));
  list.PinTo(pins_);
  return list;
}

Value DeviceData::ToValue(const std::string& name, const api::Version& version) {
  auto* semver = new (memory_.allocate(sizeof(Semver), alignof(Semver))) Semver;
  std::string why = ParseSemver(version.text, *semver);
  if (!why.empty()) Fail(error, name, "parse semantic version: " + why);
  // Only pre-releases hold memory of their own.
  if (!semver->pre.empty()) versions_.emplace_back(semver);
  return Value::Borrowed(semver);
}

void DeviceData::Fail(std::string& field, const std::string& name, const std::string& why) {
  if (field.empty()) field = "attribute " + name + ": " + why;
}

DeviceView::DeviceView(const api::Device& device, std::string_view driver)
    : data_(std::make_shared<const DeviceData>(device, driver)) {}

}  // namespace dray::cel
