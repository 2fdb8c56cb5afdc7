#include "api/cel/value.h"

#include "api/cel/network.h"
#include "api/cel/text.h"
#include "api/cel/url.h"

namespace dray::cel {
namespace {

struct OwnedText final : Object {
  explicit OwnedText(std::string t) : text(std::move(t)) {}
  std::string text;
};
struct Box final : Object {
  explicit Box(Value v) : value(std::move(v)) {}
  mutable Value value;
};
struct HeldQuantity final : Object {
  explicit HeldQuantity(const api::Quantity& q) : quantity(q) {}
  api::Quantity quantity;
};

}  // namespace

Value Value::Owned(Kind kind, std::string text) {
  auto* object = new OwnedText(std::move(text));
  Value v = View(kind, object->text);
  v.owner_ = object;
  object->references = 1;
  return v;
}

Value Value::Timestamp(int64_t seconds, uint32_t nanoseconds, int16_t offset_minutes) {
  Value v(Kind::kTimestamp);
  v.data_.i = seconds;
  v.head_.size = nanoseconds;
  v.head_.aux = offset_minutes;
  return v;
}

Value Value::Substring(const Value& whole, std::string_view part) {
  Value v = whole;
  v.data_.text = part.data();
  v.head_.size = static_cast<uint32_t>(part.size());
  return v;
}

Value Value::Of(const List* list) {
  return Pointing(Kind::kList, list, list);
}
Value Value::Of(const Map* map) {
  return Pointing(Kind::kMap, map, map);
}
Value Value::Of(const Semver* version) {
  return Pointing(Kind::kSemver, version, version);
}
Value Value::Borrowed(const Semver* version) {
  return Pointing(Kind::kSemver, version, nullptr);
}
Value Value::Of(const Url* url) {
  return Pointing(Kind::kUrl, url, url);
}
Value Value::Of(const IpAddress* ip) {
  return Pointing(Kind::kIp, ip, ip);
}
Value Value::Of(const Cidr* cidr) {
  return Pointing(Kind::kCidr, cidr, cidr);
}
Value Value::Format(const NamedFormat* format) {
  return Pointing(Kind::kFormat, format, nullptr);
}
Value Value::ListOf(std::vector<Value> items) {
  return Of(new List(std::move(items)));
}

Value Value::OptionalOf(Value value) {
  auto* box = new Box(std::move(value));
  return Pointing(Kind::kOptional, &box->value, box);
}
Value Value::OptionalNone() {
  return Pointing(Kind::kOptional, nullptr, nullptr);
}

Value Value::BorrowedQuantity(const api::Quantity* quantity) {
  return Pointing(Kind::kQuantity, quantity, nullptr);
}
Value Value::OwnedQuantity(const api::Quantity& quantity, bool summed) {
  auto* held = new HeldQuantity(quantity);
  Value v = Pointing(Kind::kQuantity, &held->quantity, held);
  v.head_.flag = summed;
  return v;
}

Value Value::Error(std::string_view what, std::string_view detail) {
  if (detail.empty()) return View(Kind::kError, what);
  return OwnedError(std::string(what) + ": " + std::string(detail));
}
Value Value::OwnedError(std::string message) {
  return Owned(Kind::kError, std::move(message));
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

void Value::PinTo(std::vector<Value>& pins) {
  if (owner_ == nullptr) return;
  if (is(Kind::kList)) {
    for (size_t i = 0; i < as_list().size(); ++i) const_cast<Value&>(as_list().at(i)).PinTo(pins);
  } else if (is(Kind::kMap)) {
    const_cast<Map&>(as_map()).PinTo(pins);
  } else if (is(Kind::kOptional) && has_value()) {
    const_cast<Value&>(optional_value()).PinTo(pins);
  }
  pins.push_back(*this);
  *this = Borrowed();
}

List::List(Value front, Value back)
    : front_(std::move(front)),
      back_(std::move(back)),
      joined_(front_.as_list().size() + back_.as_list().size()) {}

void List::Append(const List& other) const {
  size_t count = other.size();  // `other` may be this list
  items_.reserve(items_.size() + count);
  for (size_t i = 0; i < count; ++i) items_.push_back(other.at(i));
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
  }
  return "";
}

}  // namespace dray::cel
