#include "api/cel/device_data.h"

#include <array>
#include <bit>
#include <cstring>
#include <mutex>
#include <utility>

#include "api/cel/semver.h"
#include "dray/api/cel.h"

namespace dray::cel {
namespace {

struct Name {
  std::string_view domain, id;
};
Name SplitName(std::string_view name, std::string_view driver) {
  // Names are short: a call of memchr takes longer.
  size_t slash = 0;
  while (slash < name.size() && name[slash] != '/') ++slash;
  if (slash == name.size()) return {driver, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

// As many items are filed without asking for memory.
constexpr size_t kUsualItems = 40;

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
      return Value::Borrowed(&data_.attributes());
    case 2:
      return Value::Borrowed(&data_.capacity());
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
    : driver(driver_name),
      allow_multiple_allocations(device.allow_multiple_allocations.value_or(false)),
      root(*this),
      device_(device) {
  for (const auto& [name, attribute] : device.attributes) {
    // Strings, integers and booleans are what they are.
    if (attribute.value.index() == 0 || attribute.value.index() > 3) Read(name, attribute);
  }
}

void DeviceData::FileAll() const {
  static std::mutex mutex;  // for all devices: taken once for each
  std::lock_guard lock(mutex);
  if (filed_.load(std::memory_order_relaxed) != 0) return;
  const size_t count = device_.attributes.size() + device_.capacity.size();
  auto* entries = reinterpret_cast<DeviceEntry*>(few_entries_);
  if (count > kUsualEntries) entries = More<DeviceEntry>(count);
  File(device_.attributes, entries, attributes_,
       [&](const auto& item) { return ValueOf(item.second); });
  File(device_.capacity, entries + device_.attributes.size(), capacity_,
       [](const auto& item) { return Value::BorrowedQuantity(&item.second.value); });
  filed_.store(kAttributes | kCapacity, std::memory_order_release);
}

namespace {

// The item of a device under a path, by its bare name where the domain is the driver's.
template <class Items>
const typename Items::mapped_type* FindItem(const Items& items, const DevicePath& path,
                                            std::string_view driver) {
  if (path.bare && path.domain == driver) {
    if (auto found = items.find(path.id); found != items.end()) return &found->second;
  }
  auto found = items.find(path.full);
  return found == items.end() ? nullptr : &found->second;
}

}  // namespace

bool DeviceData::FindAttribute(const DevicePath& path, Value& found) const {
  const api::DeviceAttribute* attribute = FindItem(device_.attributes, path, driver);
  if (attribute != nullptr) found = ValueOf(*attribute);
  return attribute != nullptr;
}

bool DeviceData::FindCapacity(const DevicePath& path, Value& found) const {
  const api::DeviceCapacity* capacity = FindItem(device_.capacity, path, driver);
  if (capacity != nullptr) found = Value::BorrowedQuantity(&capacity->value);
  return capacity != nullptr;
}

template <class T>
T* DeviceData::More(size_t count) const {
  return reinterpret_cast<T*>(blocks_.emplace_back(new std::byte[count * sizeof(T)]).get());
}

template <class Items, class Convert>
void DeviceData::File(const Items& items, DeviceEntry* entry, DomainsMap& map,
                      Convert convert) const {
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
  // Not initialised: most of it is not used.
  alignas(Place) std::byte few_places[kUsualItems * sizeof(Place)];
  alignas(Count) std::byte few_counts[kUsualItems * sizeof(Count)];
  std::vector<Place> many_places;
  std::vector<Count> many_counts;
  auto* places = reinterpret_cast<Place*>(few_places);
  auto* counts = reinterpret_cast<Count*>(few_counts);
  if (items.size() > kUsualItems) {
    many_places.resize(items.size());
    many_counts.resize(items.size());
    places = many_places.data();
    counts = many_counts.data();
  }
  constexpr size_t kNone = SIZE_MAX;
  size_t count = 0, domains = 0, own = kNone;  // own: where names without a domain go
  for (const auto& item : items) {
    Name name = SplitName(item.first, driver);
    const bool bare = name.domain.data() == driver.data();
    size_t domain = bare && own != kNone ? own : 0;
    if (!bare || own == kNone) {
      while (domain < domains && counts[domain].domain != name.domain) ++domain;
      if (domain == domains) new (counts + domains++) Count{name.domain, 0};
      if (bare) own = domain;
    }
    ++counts[domain].items;
    new (places + count++) Place{&item, name.id, domain};
  }

  DomainMap* maps;
  if (domains_ + domains <= kUsualDomains) {
    maps = reinterpret_cast<DomainMap*>(few_domains_) + domains_;
    domains_ = static_cast<uint8_t>(domains_ + domains);
  } else {
    maps = More<DomainMap>(domains);
  }
  map.Set({maps, domains});
  size_t begin = 0;
  for (size_t i = 0; i < domains; ++i) {
    new (maps + i) DomainMap(counts[i].domain, entry + begin, counts[i].items);
    begin += std::exchange(counts[i].items, begin);  // from here on: where the next item goes
  }
  for (size_t i = 0; i < count; ++i)
    new (entry + counts[places[i].domain].items++)
        DeviceEntry{NameKey(places[i].id), places[i].id, convert(*places[i].item)};
}

Value DeviceData::ValueOf(const api::DeviceAttribute& attribute) const {
  // The usual ones first.
  if (auto* text = std::get_if<std::string>(&attribute.value)) return Value::BorrowedString(*text);
  if (auto* i = std::get_if<int64_t>(&attribute.value)) return Value::Int(*i);
  if (auto* b = std::get_if<bool>(&attribute.value)) return Value::Bool(*b);
  if (auto* version = std::get_if<api::Version>(&attribute.value))
    return Value::Borrowed(SemverOf(*version));
  if (rare_ == nullptr) return Value::Null();
  for (const auto& [list, value] : rare_->lists) {
    if (list == &attribute) return value.Borrowed();
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
  Value list = Value::ListOf(std::move(items));
  list.PinTo(rare().pins);
  rare().lists.emplace_back(&attribute, std::move(list));
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
  return Value::Borrowed(semver);
}

void DeviceData::Fail(std::string& field, const std::string& name, const std::string& why) {
  if (field.empty()) field = "attribute " + name + ": " + why;
}

DeviceView::DeviceView(const api::Device& device, std::string_view driver)
    : data_(std::make_shared<const DeviceData>(device, driver)) {}

}  // namespace dray::cel
