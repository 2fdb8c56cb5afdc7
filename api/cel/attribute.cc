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
    if (object.as_map().Find(key, found)) return found;
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
      return Value::String(std::string(value.as_type()));
    case Kind::kOptional:
      return value.has_value() ? Unwrapped(value.optional_value()) : Value::Null();
    default:
      return value;
  }
}

bool IsPlain(const Qualifier& qualifier) {
  return qualifier.dynamic == nullptr && !qualifier.optional && !qualifier.test_only &&
         qualifier.constant.is(Kind::kString);
}

}  // namespace

Value Qualifier::Key(Evaluation& ev) const {
  if (dynamic == nullptr) return constant.Borrowed();
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

Attribute::Attribute() = default;
Attribute::~Attribute() = default;

void Attribute::Add(std::shared_ptr<const Qualifier> qualifier) {
  if (root == Root::kConditional) {
    yes->Add(qualifier);
    no->Add(std::move(qualifier));
  } else {
    if (qualifiers.empty()) qualifiers.reserve(3);
    qualifiers.push_back(std::move(qualifier));
  }
}

void Attribute::Prepare() {
  if (root == Root::kConditional) {
    yes->Prepare();
    no->Prepare();
    return;
  }
  if (root != Root::kDevice || qualifiers.empty() || !IsPlain(*qualifiers[0])) return;
  std::string_view field = qualifiers[0]->constant.as_string();
  if (field == "driver") direct_ = Direct::kDriver;
  if (field == "allowMultipleAllocations") direct_ = Direct::kAllowMultipleAllocations;
  bool attributes = field == "attributes";
  if ((!attributes && field != "capacity") || qualifiers.size() < 3 || !IsPlain(*qualifiers[1]))
    return;
  const Qualifier& name = *qualifiers[2];
  if (name.dynamic != nullptr || name.optional || !name.constant.is(Kind::kString)) return;
  std::string_view domain = qualifiers[1]->constant.as_string(), id = name.constant.as_string();
  if (domain.find('/') != std::string_view::npos)
    return;  // a domain ends at the first slash: there is none like it
  direct_ = attributes ? Direct::kAttribute : Direct::kCapacity;
  path_ = std::make_unique<DevicePath>(DevicePath{std::string(domain), std::string(id),
                                                  std::string(domain) + "/" + std::string(id),
                                                  id.find('/') == std::string_view::npos});
}

Value Attribute::ResolveDirect(Evaluation& ev, size_t& used) const {
  const DeviceData& device = ev.device();
  used = 1;
  switch (direct_) {
    case Direct::kNone:
      break;
    case Direct::kDriver:
      ev.Charge(1);
      return Value::BorrowedString(device.driver);
    case Direct::kAllowMultipleAllocations:
      ev.Charge(1);
      return Value::Bool(device.allow_multiple_allocations);
    case Direct::kAttribute:
    case Direct::kCapacity: {
      used = 3;
      ev.Charge(3);
      Value value;
      bool found = direct_ == Direct::kAttribute ? device.FindAttribute(*path_, value)
                                                 : device.FindCapacity(*path_, value);
      if (qualifiers[2]->test_only) return Value::Bool(found);
      return found ? value : Value::NoSuchKey(qualifiers[2]->constant);
    }
  }
  used = 0;
  return Value::Borrowed(&device.root);
}

Value Attribute::ResolveRoot(Evaluation& ev) const {
  LoopState* loop = root == Root::kOperand ? nullptr : &ev.loop(slot);
  switch (root) {
    case Root::kItem:
      return loop->item;
    case Root::kItem2:
      return loop->item2;
    case Root::kAccumulator:
      return loop->node->Accumulator(ev);
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
  size_t used = 0;
  Value object = root == Root::kDevice ? ResolveDirect(ev, used) : ResolveRoot(ev);
  if (object.is_error() || (used == qualifiers.size() && !object.is(Kind::kOptional)))
    return object;
  return ApplyAll(ev, std::move(object), used);
}

Value Attribute::ApplyAll(Evaluation& ev, Value object, size_t from) const {
  bool optional = object.is(Kind::kOptional);
  if (optional) {
    if (!object.has_value()) return object;
    object = Unwrapped(Value(object.optional_value()));
  }
  for (size_t i = from; i < qualifiers.size(); ++i) {
    const Qualifier& qualifier = *qualifiers[i];
    optional |= qualifier.optional;
    if (optional) {
      bool present = true;
      object = qualifier.ApplyIfPresent(ev, object, present);
      if (object.is_error()) return object;
      if (!present) return Value::OptionalNone();
    } else {
      object = qualifier.Apply(ev, object);
      if (object.is_error()) return object;
    }
  }
  return optional ? Value::OptionalOf(std::move(object)) : object;
}

}  // namespace dray::cel
