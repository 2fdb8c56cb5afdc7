#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/cel/value.h"
#include "dray/api/types/resource.h"

namespace dray::cel {

struct DeviceData;

// The steps device.attributes["domain"].id as a program knows them, to be looked up in a device
// directly. The texts belong to the program.
struct DevicePath {
  std::string_view domain, id;
  std::string_view full;  // "domain/id"
  bool bare = false;      // a name without a domain may be meant
  uint16_t index = 0;     // among the paths of its program
};

// Names are short: a call of memcmp takes longer than the comparison.
inline bool SameName(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  auto word = [](const char* at) {
    uint64_t w;
    std::memcpy(&w, at, sizeof(w));
    return w;
  };
  const char *x = a.data(), *y = b.data();
  size_t size = a.size();
  if (size < 8) {
    if (size >= 4) {
      uint32_t v[4];
      std::memcpy(&v[0], x, 4), std::memcpy(&v[1], y, 4);
      std::memcpy(&v[2], x + size - 4, 4), std::memcpy(&v[3], y + size - 4, 4);
      return v[0] == v[1] && v[2] == v[3];
    }
    for (size_t i = 0; i < size; ++i)
      if (x[i] != y[i]) return false;
    return true;
  }
  for (; size > 8; size -= 8, x += 8, y += 8)
    if (word(x) != word(y)) return false;
  return word(x + size - 8) == word(y + size - 8);
}

// One device as programs see it. Maps over it are made when an expression asks for one as a whole:
// most ask for single attributes, which are found by their names.
struct DeviceData {
  // One attribute or capacity, under its name in the API.
  struct Item {
    std::string_view name;
    const void* what;  // DeviceAttribute or DeviceCapacity
  };

  DeviceData(const api::Device& device, std::string_view driver);
  DeviceData(const DeviceData&) = delete;
  DeviceData& operator=(const DeviceData&) = delete;

  std::string_view driver;
  bool allow_multiple_allocations = false;

  std::span<const Item> attributes() const { return {items_, attributes_}; }
  std::span<const Item> capacity() const { return {items_ + attributes_, capacity_}; }
  // What an item holds, borrowed from the device.
  Value AttributeValue(const Item& item) const;
  static Value CapacityValue(const Item& item) {
    return Value::Of(&static_cast<const api::DeviceCapacity*>(item.what)->value);
  }
  // The item at the path; null when there is none.
  const Item* Find(std::span<const Item> items, const DevicePath& path) const;

  // Why no evaluation against the device has an answer; empty when there is no such reason.
  std::string_view Error(bool lists_allowed) const {
    if (rare_ == nullptr) return {};
    return !rare_->error.empty() || lists_allowed ? rare_->error : rare_->list_error;
  }

 private:
  static constexpr size_t kUsualItems = 16;

  // What most devices do without. Complete after the constructor.
  struct Rare {
    std::string error, list_error;  // the latter counts where lists are not allowed
    std::vector<std::pair<const api::Version*, std::unique_ptr<Semver>>> versions;
    struct Items {
      explicit Items(std::vector<Value> v) : values(std::move(v)), list(values) {}
      std::vector<Value> values;
      List list;
    };
    std::vector<std::pair<const api::DeviceAttribute*, std::unique_ptr<Items>>> lists;
    std::vector<Item> items;
  };
  Rare& rare() {
    if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
    return *rare_;
  }

  // Reads what can be wrong with an attribute, or needs memory of its own.
  void Read(const std::string& name, const api::DeviceAttribute& attribute);
  Value ReadVersion(const std::string& name, const api::Version& version);
  static void Fail(std::string& field, const std::string& name, const std::string& why);
  const Semver* SemverOf(const api::Version& version) const;

  uint32_t attributes_, capacity_;
  Item* items_;  // attributes, then capacity, in the order of their names
  std::unique_ptr<Rare> rare_;
  const api::Version* first_version_ = nullptr;
  Semver version_;  // of the first attribute with one
  alignas(Item) std::byte few_items_[kUsualItems * sizeof(Item)];
};

// The variable `device` as a whole, in the current pool.
Value DeviceValue(const DeviceData& data);

}  // namespace dray::cel
