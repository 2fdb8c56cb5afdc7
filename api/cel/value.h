#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
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
  kMessage,  // google.protobuf.Empty: all others are the values that they stand for
};

class List;
class Map;
struct Semver;
struct Url;
struct IpAddress;
struct Cidr;
struct NamedFormat;

// A CEL value: two words, copied freely, destroyed never. Strings, bytes and all that has parts are
// views: of the program's text, of the device, or of what the current ObjectPool holds, which lives
// as long as the evaluation or the program that made it.
class Value {
 public:
  Value() = default;

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
  // A copy in the current pool.
  static Value String(std::string_view text);
  static Value Bytes(std::string_view bytes);
  // The part of `whole` (a string) that `part` views.
  static Value Substring(const Value& whole, std::string_view part) {
    Value v = whole;
    v.data_.text = part.data();
    v.head_.size = static_cast<uint32_t>(part.size());
    return v;
  }
  static Value Type(std::string_view static_name) { return View(Kind::kType, static_name); }
  static Value Message(std::string_view static_name) { return View(Kind::kMessage, static_name); }
  // What these point to must outlive the value: it belongs to the current pool, to a device or to
  // the whole program.
  static Value Of(const List* list) { return Pointing(Kind::kList, list); }
  static Value Of(const Map* map) { return Pointing(Kind::kMap, map); }
  static Value Of(const Semver* version) { return Pointing(Kind::kSemver, version); }
  static Value Of(const Url* url) { return Pointing(Kind::kUrl, url); }
  static Value Of(const IpAddress* ip) { return Pointing(Kind::kIp, ip); }
  static Value Of(const Cidr* cidr) { return Pointing(Kind::kCidr, cidr); }
  static Value Of(const NamedFormat* format) { return Pointing(Kind::kFormat, format); }
  static Value Of(const api::Quantity* quantity) { return Pointing(Kind::kQuantity, quantity); }
  static Value ListOf(std::span<const Value> items);
  static Value OptionalOf(Value value);
  static Value OptionalNone();
  // `summed` marks what add() and sub() give: Kubernetes cannot compare such a value from the right
  // side of ==.
  static Value Quantity(const api::Quantity& quantity, bool summed = false);

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
  std::string_view as_type() const { return {data_.text, head_.size}; }  // also of a message
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
  static Value Pointing(Kind kind, const void* pointer) {
    Value v(kind);
    v.data_.pointer = pointer;
    return v;
  }

  Head head_;
  Data data_ = {.u = 0};
};
static_assert(sizeof(Value) == 16 && std::is_trivially_copyable_v<Value> &&
              std::is_trivially_destructible_v<Value>);

// A list: its own items, or two lists one after the other, so that + copies nothing.
class List final {
 public:
  // `items` outlive the list.
  explicit List(std::span<const Value> items = {}) : items_(items.data()), size_(items.size()) {}
  List(const List& front, const List& back)
      : front_(&front), back_(&back), size_(front.size() + back.size()) {}

  size_t size() const { return size_; }
  const Value& at(size_t index) const {
    const List* list = this;
    while (list->front_ != nullptr) {
      const bool in_front = index < list->front_->size_;
      if (!in_front) index -= list->front_->size_;
      list = in_front ? list->front_ : list->back_;
    }
    return list->items_[index];
  }
  bool joined() const { return front_ != nullptr; }

  // The accumulator of map() and filter() grows in place; it starts empty and is frozen when the
  // loop ends.
  bool growing() const { return growing_; }
  void StartGrowing() { growing_ = true; }
  void StopGrowing() const {
    if (growing_) growing_ = false;  // constants are shared between threads
  }
  void Append(const Value& item) const {
    if (size_ == capacity_) Grow(size_ + 1);
    const_cast<Value*>(items_)[size_++] = item;
  }
  void Append(const List& other) const;

 private:
  void Grow(size_t least) const;

  const List *front_ = nullptr, *back_ = nullptr;
  mutable const Value* items_ = nullptr;
  mutable size_t size_ = 0, capacity_ = 0;
  mutable bool growing_ = false;
};

// A map, iterated in a fixed order.
class Map {
 public:
  virtual ~Map() = default;
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
  // Ends the growth of a map that a loop builds.
  virtual void StopGrowing() const {}
  // Find for a key that is a string.
  virtual bool FindNamed(std::string_view name, Value& found) const {
    return Find(Value::BorrowedString(name), found);
  }
};

// Semantic version 2.0.0, as github.com/blang/semver reads it.
struct Semver final {
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

}  // namespace dray::cel
