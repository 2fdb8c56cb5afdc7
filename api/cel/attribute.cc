#include "api/cel/attribute.h"

#include <cmath>

#include "api/cel/device_data.h"
#include "api/cel/nodes.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

// The position that a key means in a list.
bool ListIndex(const Value& key, int64_t& index) {
  switch (key.kind()) {
    case Kind::kInt:
      index = key.as_int();
      return true;
    case Kind::kUint:
      index = static_cast<int64_t>(key.as_uint());
      return key.as_uint() <= INT64_MAX;
    case Kind::kDouble: {
      double d = key.as_double();
      if (!(d > -0x1p63 && d < 0x1p63) || d != std::trunc(d)) return false;
      index = static_cast<int64_t>(d);
      return true;
    }
    default:
      return false;
  }
}

// The part of an object under a key. With `testing`, a part that is not there is no error.
Value PartOf(const Value& object, const Value& key, bool testing, bool& present) {
  present = true;
  if (object.is_error()) return object;
  if (object.is(Kind::kMap)) {
    Value found;
    if (key.is(Kind::kString) ? object.as_map().FindNamed(key.as_string(), found)
                              : object.as_map().Find(key, found))
      return found;
  } else if (object.is(Kind::kList)) {
    int64_t index;
    if (!ListIndex(key, index))
      return Value::OwnedError("unsupported index type '" + std::string(TypeName(key)) +
                               "' in list");
    if (index >= 0 && index < static_cast<int64_t>(object.as_list().size()))
      return object.as_list().at(index);
    if (!testing) return Value::OwnedError("index out of bounds: " + Describe(key));
  }
  present = false;
  return testing ? Value::Null() : Value::NoSuchKey(key);
}

// A value as Go sees it once it was unwrapped from an optional: types of Kubernetes do not survive
// that.
Value Unwrapped(const Value& value) {
  switch (value.kind()) {
    case Kind::kQuantity:
    case Kind::kSemver:
    case Kind::kUrl:
    case Kind::kIp:
    case Kind::kCidr:
      return Value::OwnedError("unsupported conversion to ref.Val: " +
                               std::string(TypeName(value)));
    case Kind::kType:
      return Value::BorrowedString(value.as_type());
    case Kind::kOptional:
      return value.has_value() ? Unwrapped(value.optional_value()) : Value::Null();
    default:
      return value;
  }
}

}  // namespace

Value Qualifier::Key(Evaluation& ev) const {
  if (dynamic == nullptr) return constant;
  Value key = dynamic->Resolve(ev);
  switch (key.kind()) {
    case Kind::kError:
    case Kind::kString:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kBool:
    case Kind::kDouble:
      return key;
    default:
      return Value::OwnedError("invalid qualifier type: " + std::string(TypeName(key)));
  }
}

Value Qualifier::Apply(Evaluation& ev, const Value& object) const {
  Value key = Key(ev);
  bool present = true;
  Value part = key.is_error() ? key : PartOf(object, key, test_only, present);
  ev.Charge(1);
  if (test_only && !part.is_error()) return Value::Bool(present);
  return part;
}

Value Qualifier::ApplyIfPresent(Evaluation& ev, const Value& object, bool& present) const {
  Value key = Key(ev);
  if (key.is_error()) return key;
  Value part = PartOf(object, key, true, present);
  if (part.is_error()) return part;
  if (present) ev.Charge(1);
  return part;
}

void Attribute::Add(const Qualifier* qualifier) {
  if (root == Root::kConditional) {
    yes->Add(qualifier);
    no->Add(qualifier);
  } else {
    qualifiers.push_back(qualifier);
  }
}

bool Attribute::IsDevicePath(DevicePath& path, bool& attribute) const {
  if (root != Root::kDevice || qualifiers.size() != 3 || !qualifiers[0]->IsPlain() ||
      !qualifiers[1]->IsPlain())
    return false;
  std::string_view field = qualifiers[0]->constant.as_string();
  attribute = field == "attributes";
  if (!attribute && field != "capacity") return false;
  const Qualifier& name = *qualifiers[2];
  if (name.dynamic != nullptr || name.optional || !name.constant.is(Kind::kString)) return false;
  std::string_view domain = qualifiers[1]->constant.as_string(), id = name.constant.as_string();
  if (domain.find('/') != std::string_view::npos)
    return false;  // a domain ends at the first slash: there is none like it
  auto* full = static_cast<char*>(ObjectPool::Current().Allocate(domain.size() + 1 + id.size()));
  domain.copy(full, domain.size());
  full[domain.size()] = '/';
  id.copy(full + domain.size() + 1, id.size());
  path.full = {full, domain.size() + 1 + id.size()};
  path.domain = path.full.substr(0, domain.size());
  path.id = path.full.substr(domain.size() + 1);
  path.bare = id.find('/') == std::string_view::npos;
  return true;
}

Value Attribute::ResolveRoot(Evaluation& ev) const {
  switch (root) {
    case Root::kDevice:
      return DeviceValue(ev.device());
    case Root::kItem:
      return ev.loop(slot).item;
    case Root::kItem2:
      return ev.loop(slot).item2;
    case Root::kAccumulator:
      return Accumulator(ev, ev.loop(slot));
    default:
      return operand->Run(ev);
  }
}

Value Attribute::Resolve(Evaluation& ev) const {
  if (root == Root::kConditional) {
    Value condition = operand->Run(ev);
    if (condition.is(Kind::kBool)) return (condition.as_bool() ? yes : no)->Resolve(ev);
    return condition.is_error() ? condition : Value::NoSuchOverload();
  }
  Value object = ResolveRoot(ev);
  return object.is_error() ? object : ApplyAll(ev, object);
}

Value ReadOptional(const Value& optional) {
  return optional.has_value() ? Value::OptionalOf(Unwrapped(optional.optional_value())) : optional;
}

Value Attribute::ApplyAll(Evaluation& ev, Value object) const {
  bool optional = object.is(Kind::kOptional);
  if (optional) {
    if (!object.has_value()) return object;
    object = Unwrapped(object.optional_value());
  }
  for (const Qualifier* qualifier : qualifiers) {
    optional |= qualifier->optional;
    if (optional) {
      bool present = true;
      object = qualifier->ApplyIfPresent(ev, object, present);
      if (object.is_error()) return object;
      if (!present) return Value::OptionalNone();
    } else {
      object = qualifier->Apply(ev, object);
      if (object.is_error()) return object;
    }
  }
  return optional ? Value::OptionalOf(object) : object;
}

}  // namespace dray::cel
