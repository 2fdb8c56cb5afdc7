#pragma once

#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/value.h"
#include "dray/api/types/resource.h"

namespace dray::cel {

struct DeviceData;

// One attribute or capacity of a device.
struct DeviceEntry {
  uint64_t key = 0;  // NameKey(id)
  std::string_view id;
  Value value;
};

// Differs for most names that differ, and takes a few instructions.
uint64_t NameKey(std::string_view name);

// device.attributes["dra.example.com"]: the entries of one domain.
class DomainMap final : public Map {
 public:
  DomainMap() = default;
  DomainMap(std::string_view domain, const DeviceEntry* begin, size_t size)
      : domain_(domain), begin_(begin), size_(size) {}
  std::string_view domain() const { return domain_; }
  // nullptr when there is no such entry.
  const Value* Look(uint64_t key, std::string_view id) const {
    for (const DeviceEntry* entry = begin_; entry != begin_ + size_; ++entry)
      if (entry->key == key && entry->id == id) return &entry->value;
    return nullptr;
  }

  size_t size() const override { return size_; }
  Value KeyAt(size_t index) const override { return Value::BorrowedString(begin_[index].id); }
  Value ValueAt(size_t index) const override { return begin_[index].value.Borrowed(); }
  bool Find(const Value& key, Value& found) const override;

 private:
  std::string_view domain_;
  const DeviceEntry* begin_ = nullptr;
  size_t size_ = 0;
};

// device.attributes or device.capacity: indexing with an unknown domain gives an empty map, `in`
// tells the truth.
class DomainsMap final : public Map {
 public:
  // Files the items under their domains, in their order. convert(item) gives the value of one,
  // which owns nothing.
  template <class Items, class Convert>
  void Build(const Items& items, std::string_view driver, std::pmr::memory_resource* memory,
             Convert convert);

  const DomainMap* Domain(std::string_view name) const {
    for (const DomainMap& domain : domains_)
      if (domain.domain() == name) return &domain;
    return nullptr;
  }

  size_t size() const override { return domains_.size(); }
  Value KeyAt(size_t index) const override {
    return Value::BorrowedString(domains_[index].domain());
  }
  Value ValueAt(size_t index) const override { return Value::Borrowed(&domains_[index]); }
  bool Find(const Value& key, Value& found) const override;
  bool Contains(const Value& key, Value& error) const override;

 private:
  std::span<DomainMap>
      domains_;  // in the memory that Build got; nothing in them needs to be released
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

 private:
  std::pmr::monotonic_buffer_resource memory_;  // one block for all below, as a rule

 public:
  std::string_view driver;
  bool allow_multiple_allocations = false;
  DomainsMap attributes, capacity;
  DeviceMap root;
  std::string error;       // of an attribute that no evaluation can stand
  std::string list_error;  // the same where lists are not allowed

 private:
  // What an attribute holds, as a value that owns nothing.
  Value ToValue(const std::string& name, const api::DeviceAttribute& attribute);
  Value ToValue(const std::string& name, const api::Version& version);
  static void Fail(std::string& field, const std::string& name, const std::string& why);

  struct Destroy {
    void operator()(Semver* version) const { std::destroy_at(version); }
  };
  std::vector<std::unique_ptr<Semver, Destroy>> versions_;  // in memory_
  std::vector<Value> pins_;
};

}  // namespace dray::cel
