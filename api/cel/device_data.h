#pragma once

#include <atomic>
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
  // `domains` outlive the map.
  void Set(std::span<const DomainMap> domains) { domains_ = domains; }

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
  std::span<const DomainMap> domains_;
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

// The steps device.attributes["domain"].id as a program knows them, to be looked up in a device
// directly.
struct DevicePath {
  std::string domain, id;
  std::string full;   // "domain/id"
  bool bare = false;  // a name without a domain may be meant
};

// One block of memory for the usual device. Its maps are made when an expression asks for one as a
// whole: most ask for single attributes, which are found in the device itself. Any number of
// threads.
struct DeviceData {
  DeviceData(const api::Device& device, std::string_view driver);
  DeviceData(const DeviceData&) = delete;
  DeviceData& operator=(const DeviceData&) = delete;

  std::string_view driver;
  bool allow_multiple_allocations = false;
  DeviceMap root;

  const DomainsMap& attributes() const {
    if ((filed_.load(std::memory_order_acquire) & kAttributes) == 0) FileAll();
    return attributes_;
  }
  const DomainsMap& capacity() const {
    if ((filed_.load(std::memory_order_acquire) & kCapacity) == 0) FileAll();
    return capacity_;
  }
  // The attribute or capacity at the path; false when there is none. What is found is borrowed.
  bool FindAttribute(const DevicePath& path, Value& found) const;
  bool FindCapacity(const DevicePath& path, Value& found) const;

  // Why no evaluation against the device has an answer; empty when there is no such reason.
  std::string_view Error(bool lists_allowed) const {
    if (rare_ == nullptr) return {};
    return !rare_->error.empty() || lists_allowed ? rare_->error : rare_->list_error;
  }

 private:
  static constexpr uint8_t kAttributes = 1, kCapacity = 2;
  static constexpr size_t kUsualEntries = 12, kUsualDomains = 4;

  // What most devices do without. Complete after the constructor.
  struct Rare {
    std::string error, list_error;  // the latter counts where lists are not allowed
    std::vector<std::pair<const api::Version*, std::unique_ptr<Semver>>> versions;
    std::vector<std::pair<const api::DeviceAttribute*, Value>> lists;
    std::vector<Value> pins;
  };
  Rare& rare() {
    if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
    return *rare_;
  }

  // Reads what can be wrong with an attribute, or needs memory of its own.
  void Read(const std::string& name, const api::DeviceAttribute& attribute);
  Value ReadVersion(const std::string& name, const api::Version& version);
  static void Fail(std::string& field, const std::string& name, const std::string& why);
  // What an attribute holds, as a value that owns nothing.
  Value ValueOf(const api::DeviceAttribute& attribute) const;
  const Semver* SemverOf(const api::Version& version) const;

  void FileAll() const;
  // Files the items under their domains, in their order, into entries from `entry` on.
  // convert(item) gives the value of one, which owns nothing.
  template <class Items, class Convert>
  void File(const Items& items, DeviceEntry* entry, DomainsMap& map, Convert convert) const;
  // Memory for objects that need no destructor.
  template <class T>
  T* More(size_t count) const;

  const api::Device& device_;
  std::unique_ptr<Rare> rare_;
  Semver version_;  // of the first attribute with one
  const api::Version* first_version_ = nullptr;

  // The maps, made once.
  mutable std::atomic<uint8_t> filed_ = 0;
  mutable uint8_t domains_ = 0;  // of few_domains_, those in use
  mutable DomainsMap attributes_, capacity_;
  mutable std::vector<std::unique_ptr<std::byte[]>> blocks_;
  alignas(DomainMap) mutable std::byte few_domains_[kUsualDomains * sizeof(DomainMap)];
  alignas(DeviceEntry) mutable std::byte few_entries_[kUsualEntries * sizeof(DeviceEntry)];
};

}  // namespace dray::cel
