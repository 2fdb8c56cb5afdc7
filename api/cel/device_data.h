#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/value.h"
#include "dray/api/types/resource.h"

namespace dray::cel {

struct DeviceData;

// One attribute or capacity of a device.
struct DeviceEntry {
  uint64_t hash = 0;  // HashName(domain, id)
  std::string_view domain, id;
  Value value;
};

uint64_t HashName(std::string_view domain, std::string_view id);

// device.attributes["dra.example.com"]: the entries of one domain.
class DomainMap final : public Map {
 public:
  DomainMap() = default;
  DomainMap(std::string_view domain, const DeviceEntry* begin, size_t size) : domain_(domain), begin_(begin), size_(size) {}
  std::string_view domain() const { return domain_; }

  size_t size() const override { return size_; }
  Value KeyAt(size_t index) const override { return Value::BorrowedString(begin_[index].id); }
  Value ValueAt(size_t index) const override { return begin_[index].value.Borrowed(); }
  bool Find(const Value& key, Value& found) const override;

 private:
  std::string_view domain_;
  const DeviceEntry* begin_ = nullptr;
  size_t size_ = 0;
};

// device.attributes or device.capacity: indexing with an unknown domain gives an empty map, `in` tells the truth.
class DomainsMap final : public Map {
 public:
  // Sorts the entries, which must not move any more.
  void Build(std::vector<DeviceEntry>& entries);
  // nullptr when the device has no such entry. `hash` is HashName(domain, id).
  const Value* Look(uint64_t hash, std::string_view domain, std::string_view id) const;

  size_t size() const override { return domains_.size(); }
  Value KeyAt(size_t index) const override { return Value::BorrowedString(domains_[index]->domain()); }
  Value ValueAt(size_t index) const override { return Value::Borrowed(domains_[index].get()); }
  bool Find(const Value& key, Value& found) const override;
  bool Contains(const Value& key, Value& error) const override;

 private:
  const DomainMap* Domain(const Value& key) const;

  std::vector<std::unique_ptr<DomainMap>> domains_;
  std::vector<uint64_t> hashes_;
  const std::vector<DeviceEntry>* entries_ = nullptr;
};

// The variable `device` as a whole.
class DeviceMap final : public Map {
 public:
  explicit DeviceMap(const DeviceData& data) : data_(data) {}
  size_t size() const override { return 4; }
  Value KeyAt(size_t index) const override;
  Value ValueAt(size_t index) const override;
  bool Find(const Value& key, Value& found) const override;

 private:
  const DeviceData& data_;
};

struct DeviceData {
  DeviceData(const api::Device& device, std::string_view driver);

  std::string driver;
  bool allow_multiple_allocations = false;
  DomainsMap attributes, capacity;
  DeviceMap root;
  std::string error;       // of an attribute that no evaluation can stand
  std::string list_error;  // the same where lists are not allowed

 private:
  std::vector<DeviceEntry> attribute_entries_, capacity_entries_;
  std::vector<Value> pins_;
};

}  // namespace dray::cel
