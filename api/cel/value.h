#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dray/api/quantity.h"

// What an expression computes with.
namespace dray::cel {

enum class Kind : uint8_t {
  kError,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kDuration,
  kTimestamp,
  kList,
  kMap,
  kType,
  kOptional,
  kQuantity,
  kSemver,
  kUrl,
  kIp,
  kCidr,
  kFormat,
};

// Heap part of a value, counted without atomics: an object belongs to one evaluation, or it is
// pinned by a Plan or a DeviceView, whose values are copied as borrowed (Value::Borrowed), so that
// threads never share a counter.
struct Object {
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
  mutable uint32_t references = 0;
};

class List;
class Map;
struct Semver;
struct Url;
struct IpAddress;
struct Cidr;
struct NamedFormat;

// A CEL value of 24 bytes. Strings and bytes are views: of the program's text, of the device, or of
// an Object they own.
class Value {
 public:
  Value() = default;
  Value(const Value& other) : head_(other.head_), data_(other.data_), owner_(other.owner_) {
    if (owner_ != nullptr) ++owner_->references;
  }
  Value(Value&& other) noexcept
      : head_(other.head_), data_(other.data_), owner_(std::exchange(other.owner_, nullptr)) {}
  Value& operator=(Value other) noexcept {
    std::swap(head_, other.head_);
    std::swap(data_, other.data_);
    std::swap(owner_, other.owner_);
    return *this;
  }
  ~Value() {
    if (owner_ != nullptr && --owner_->references == 0) delete owner_;
  }

  static Value Null() { return Value(); }
  static Value Bool(bool b) {
    Value v(Kind::kBool);
    v.data_.b = b;
    return v;
  }
  static Value Int(int64_t i) {
    Value v(Kind::kInt);
    v.data_.i = i;
    return v;
  }
  static Value Uint(uint64_t u) {
    Value v(Kind::kUint);
    v.data_.u = u;
    return v;
  }
  static Value Double(double d) {
    Value v(Kind::kDouble);
    v.data_.d = d;
    return v;
  }
  static Value Duration(int64_t nanoseconds) {
    Value v(Kind::kDuration);
    v.data_.i = nanoseconds;
    return v;
  }
  // Nanoseconds in [0, 1e9); the offset from UTC only shows when printed.
  static Value Timestamp(int64_t seconds, uint32_t nanoseconds, int16_t offset_minutes);
  // The text must outlive the value.
  static Value BorrowedString(std::string_view text) { return View(Kind::kString, text); }
  static Value BorrowedBytes(std::string_view bytes) { return View(Kind::kBytes, bytes); }
  static Value String(std::string text) { return Owned(Kind::kString, std::move(text)); }
  static Value Bytes(std::string bytes) { return Owned(Kind::kBytes, std::move(bytes)); }
  // The part of `whole` (a string) that `part` views, kept alive by whole's owner.
  static Value Substring(const Value& whole, std::string_view part);
  static Value Type(std::string_view static_name) { return View(Kind::kType, static_name); }
  // Takes shared ownership of the object.
  static Value Of(const List* list);
  static Value Of(const Map* map);
  // A map that outlives the value and is never counted.
  static Value Borrowed(const Map* map) { return Pointing(Kind::kMap, map, nullptr); }
  static Value Of(const Semver* version);
  static Value Borrowed(const Semver* version);
  static Value Of(const Url* url);
  static Value Of(const IpAddress* ip);
  static Value Of(const Cidr* cidr);
  static Value Format(const NamedFormat* static_format);
  static Value ListOf(std::vector<Value> items);
  static Value OptionalOf(Value value);
  static Value OptionalNone();
  // A quantity that outlives the value.
  static Value BorrowedQuantity(const api::Quantity* quantity);
  // `summed` marks what add() and sub() give: Kubernetes cannot compare such a value from the right
  // side of ==.
  static Value OwnedQuantity(const api::Quantity& quantity, bool summed = false);

  // Errors travel as values. The text is "what" or "what: detail"; a lone `what` is not copied and
  // must outlive the value.
  static Value Error(std::string_view what, std::string_view detail = {});
  static Value OwnedError(std::string message);
  static Value NoSuchOverload() { return Error("no such overload"); }
  static Value NoSuchKey(const Value& key);

  Kind kind() const { return head_.kind; }
  bool is(Kind kind) const { return head_.kind == kind; }
  bool is_error() const { return is(Kind::kError); }

  // Each only for its kind.
  bool as_bool() const { return data_.b; }
  int64_t as_int() const { return data_.i; }
  uint64_t as_uint() const { return data_.u; }
  double as_double() const { return data_.d; }
  std::string_view as_string() const { return {data_.text, head_.size}; }
  std::string_view as_bytes() const { return {data_.text, head_.size}; }
  std::string_view as_type() const { return {data_.text, head_.size}; }
  int64_t as_duration() const { return data_.i; }
  int64_t seconds() const { return data_.i; }
  uint32_t nanoseconds() const { return head_.size; }
  int16_t offset_minutes() const { return head_.aux; }
  const List& as_list() const;
  const Map& as_map() const;
  const api::Quantity& as_quantity() const {
    return *static_cast<const api::Quantity*>(data_.pointer);
  }
  bool summed() const { return head_.flag; }
  const Semver& as_semver() const;
  const Url& as_url() const;
  const IpAddress& as_ip() const;
  const Cidr& as_cidr() const;
  const NamedFormat& as_format() const { return *static_cast<const NamedFormat*>(data_.pointer); }
  bool has_value() const { return data_.pointer != nullptr; }  // kOptional
  const Value& optional_value() const;                         // kOptional that has one
  std::string ErrorText() const;

  // Same bits: the same object, not an equal one.
  const void* identity() const { return data_.pointer; }

  // This value without its share in the owner: for values whose owner is pinned elsewhere.
  Value Borrowed() const {
    Value v(head_.kind);
    v.head_ = head_;
    v.data_ = data_;
    return v;
  }
  // Moves the owner of this value, and of every value inside it, into `pins`; what remains is
  // borrowed throughout.
  void PinTo(std::vector<Value>& pins);

 private:
  struct Head {
    Kind kind = Kind::kNull;
    bool flag = false;
    int16_t aux = 0;
    uint32_t size = 0;
  };
  union Data {
    bool b;
    int64_t i;
    uint64_t u;
    double d;
    const char* text;
    const void* pointer;
  };

  explicit Value(Kind kind) : head_{.kind = kind} {}
  static Value View(Kind kind, std::string_view text) {
    Value v(kind);
    v.data_.text = text.data();
    v.head_.size = static_cast<uint32_t>(text.size());
    return v;
  }
  static Value Owned(Kind kind, std::string text);
  static Value Pointing(Kind kind, const void* pointer, const Object* owner) {
    Value v(kind);
    v.data_.pointer = pointer;
    v.owner_ = owner;
    if (owner != nullptr) ++owner->references;
    return v;
  }

  Head head_;
  Data data_ = {.u = 0};
  const Object* owner_ = nullptr;
};

// A list: its own items, or two lists one after the other, so that + copies nothing.
class List final : public Object {
 public:
  explicit List(std::vector<Value> items) : items_(std::move(items)) {}
  List(Value front, Value back);

  size_t size() const { return joined_ == 0 ? items_.size() : joined_; }
  const Value& at(size_t index) const;
  bool joined() const { return joined_ != 0; }

  // The accumulator of map() and filter() grows in place; it starts empty and is frozen when the
  // loop ends.
  bool growing() const { return growing_; }
  void StartGrowing() { growing_ = true; }
  void StopGrowing() const { growing_ = false; }
  void Append(const List& other) const;
  std::vector<Value>& items() const { return items_; }

 private:
  mutable std::vector<Value> items_;
  Value front_, back_;
  size_t joined_ = 0;
  mutable bool growing_ = false;
};

// A map, iterated in a fixed order.
class Map : public Object {
 public:
  virtual size_t size() const = 0;
  virtual Value KeyAt(size_t index) const = 0;
  virtual Value ValueAt(size_t index) const = 0;
  // What indexing finds; false when there is nothing. A key that Kubernetes cannot look up gives an
  // error and true.
  virtual bool Find(const Value& key, Value& found) const = 0;
  // What `in` finds: may differ from Find where unknown keys index to a default.
  virtual bool Contains(const Value& key, Value& error) const {
    Value found;
    if (!Find(key, found)) return false;
    if (found.is_error()) error = std::move(found);
    return true;
  }
  virtual void PinTo(std::vector<Value>&) {}
};

// Semantic version 2.0.0, as github.com/blang/semver reads it.
struct Semver final : Object {
  struct Identifier {
    std::string text;
    uint64_t number = 0;
    bool numeric = false;
  };
  uint64_t major = 0, minor = 0, patch = 0;
  std::vector<Identifier> pre;
};
// -1, 0 or 1; build metadata does not count.
int Compare(const Semver& a, const Semver& b);

// "int", "google.protobuf.Duration", "kubernetes.Quantity"...: the name type() gives and overloads
// are chosen by.
std::string_view TypeName(const Value& value);

inline const List& Value::as_list() const {
  return *static_cast<const List*>(data_.pointer);
}
inline const Map& Value::as_map() const {
  return *static_cast<const Map*>(data_.pointer);
}

inline const Value& List::at(size_t index) const {
  const List* list = this;
  while (list->joined_ != 0) {
    const List& front = list->front_.as_list();
    if (index < front.size()) {
      list = &front;
    } else {
      index -= front.size();
      list = &list->back_.as_list();
    }
  }
  return list->items_[index];
}

}  // namespace dray::cel
