#include "api/cel/value.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "api/cel/network.h"
#include "api/cel/object_pool.h"
#include "api/cel/text.h"
#include "api/cel/url.h"

namespace dray::cel {
namespace {

std::string_view Kept(std::string_view text) {
  if (text.empty()) return {};
  auto* copy = static_cast<char*>(ObjectPool::Current().Allocate(text.size()));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

}  // namespace

Value Value::String(std::string_view text) {
  return View(Kind::kString, Kept(text));
}
Value Value::Bytes(std::string_view bytes) {
  return View(Kind::kBytes, Kept(bytes));
}

Value Value::Timestamp(int64_t seconds, uint32_t nanoseconds, int16_t offset_minutes) {
  Value v(Kind::kTimestamp);
  v.data_.i = seconds;
  v.head_.size = nanoseconds;
  v.head_.aux = offset_minutes;
  return v;
}

Value Value::ListOf(std::span<const Value> items) {
  auto* copy = static_cast<Value*>(ObjectPool::Current().Allocate(items.size_bytes()));
  std::uninitialized_copy(items.begin(), items.end(), copy);
  return Of(Make<List>(std::span<const Value>(copy, items.size())));
}

Value Value::OptionalOf(Value value) {
  return Pointing(Kind::kOptional, Make<Value>(value));
}
Value Value::OptionalNone() {
  return Pointing(Kind::kOptional, nullptr);
}

Value Value::Quantity(const api::Quantity& quantity, bool summed) {
  Value v = Of(Make<api::Quantity>(quantity));
  v.head_.flag = summed;
  return v;
}

Value Value::Error(std::string_view what, std::string_view detail) {
  if (detail.empty()) return View(Kind::kError, what);
  return OwnedError(std::string(what) + ": " + std::string(detail));
}
Value Value::OwnedError(std::string message) {
  return View(Kind::kError, Kept(message));
}
Value Value::NoSuchKey(const Value& key) {
  return OwnedError("no such key: " + Describe(key));
}

std::string Value::ErrorText() const {
  return std::string(as_string());
}

const Semver& Value::as_semver() const {
  return *static_cast<const Semver*>(data_.pointer);
}
const Url& Value::as_url() const {
  return *static_cast<const Url*>(data_.pointer);
}
const IpAddress& Value::as_ip() const {
  return *static_cast<const IpAddress*>(data_.pointer);
}
const Cidr& Value::as_cidr() const {
  return *static_cast<const Cidr*>(data_.pointer);
}
const Value& Value::optional_value() const {
  return *static_cast<const Value*>(data_.pointer);
}

void List::Grow(size_t least) const {
  capacity_ = std::max({least, 2 * capacity_, size_t{8}});
  auto* items = static_cast<Value*>(ObjectPool::Current().Allocate(capacity_ * sizeof(Value)));
  std::uninitialized_copy(items_, items_ + size_, items);
  items_ = items;
}

void List::Append(const List& other) const {
  const size_t count = other.size();  // `other` may be this list
  if (size_ + count > capacity_) Grow(size_ + count);
  for (size_t i = 0; i < count; ++i) Append(other.at(i));
}

int Compare(const Semver& a, const Semver& b) {
  auto order = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (int c = order(a.major, b.major); c != 0) return c;
  if (int c = order(a.minor, b.minor); c != 0) return c;
  if (int c = order(a.patch, b.patch); c != 0) return c;
  if (a.pre.empty() || b.pre.empty())
    return order(a.pre.empty(), b.pre.empty());  // a release is above its pre-releases
  for (size_t i = 0; i < a.pre.size() && i < b.pre.size(); ++i) {
    const Semver::Identifier &x = a.pre[i], &y = b.pre[i];
    if (x.numeric != y.numeric) return x.numeric ? -1 : 1;
    if (int c = x.numeric ? order(x.number, y.number) : order(x.text, y.text); c != 0) return c;
  }
  return order(a.pre.size(), b.pre.size());
}

std::string_view TypeName(const Value& value) {
  switch (value.kind()) {
    case Kind::kError:
      return "error";
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kType:
      return "type";
    case Kind::kOptional:
      return "optional_type";
    case Kind::kQuantity:
      return "kubernetes.Quantity";
    case Kind::kSemver:
      return "kubernetes.Semver";
    case Kind::kUrl:
      return "kubernetes.URL";
    case Kind::kIp:
      return "net.IP";
    case Kind::kCidr:
      return "net.CIDR";
    case Kind::kFormat:
      return "kubernetes.NamedFormat";
    case Kind::kMessage:
      return value.as_type();
  }
  return "";
}

}  // namespace dray::cel
