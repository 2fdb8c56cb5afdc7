// A struct is its members that are not zero, each after its place in the table, and a 0. Lists and
// maps have a 1 before each element and a 0 at the end. Numbers take as few bytes as they need.
#include "api/types/packing.h"

#include <cstring>

#include "dray/base/log.h"

namespace dray::api {
namespace {

void PutNumber(uint64_t number, std::string& out) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
  out.push_back(static_cast<char>(number));
}
uint64_t TakeNumber(std::string_view& in) {
  uint64_t number = 0;
  for (int shift = 0;; shift += 7) {
    CHECK(!in.empty() && shift < 64) << "a packed object is cut short";
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
}

// Small negative numbers are small as well.
void PutSigned(int64_t number, std::string& out) {
  PutNumber(static_cast<uint64_t>(number) << 1 ^ static_cast<uint64_t>(number >> 63), out);
}
int64_t TakeSigned(std::string_view& in) {
  const uint64_t number = TakeNumber(in);
  return static_cast<int64_t>(number >> 1 ^ -(number & 1));
}

void PutText(std::string_view text, std::string& out) {
  PutNumber(text.size(), out);
  out += text;
}
std::string_view TakeText(std::string_view& in) {
  const uint64_t size = TakeNumber(in);
  CHECK_LE(size, in.size()) << "a packed object is cut short";
  const std::string_view text = in.substr(0, size);
  in.remove_prefix(size);
  return text;
}

bool SameForm(const Quantity& a, const Quantity& b) {
  return a == b && a.format() == b.format() && a.exponent() == b.exponent() &&
         a.is_decimal() == b.is_decimal();
}

// As text where that gives the same quantity again, else ("1000m") byte by byte.
void PutQuantity(const Quantity& quantity, std::string& out) {
  static_assert(std::is_trivially_copyable_v<Quantity>);
  const std::string text = quantity.ToString();
  if (Result<Quantity> again = Quantity::Parse(text); again.ok() && SameForm(*again, quantity))
    return PutText(text, out);
  PutText({}, out);
  out.append(reinterpret_cast<const char*>(&quantity), sizeof quantity);
}
Quantity TakeQuantity(std::string_view& in) {
  if (const std::string_view text = TakeText(in); !text.empty()) return *Quantity::Parse(text);
  Quantity quantity;
  CHECK_LE(sizeof quantity, in.size()) << "a packed object is cut short";
  std::memcpy(static_cast<void*>(&quantity), in.data(), sizeof quantity);
  in.remove_prefix(sizeof quantity);
  return quantity;
}

template <class T>
const T& As(const void* value) {
  return *static_cast<const T*>(value);
}
template <class T>
T& As(void* value) {
  return *static_cast<T*>(value);
}

bool IsZero(const TypeInfo& type, const void* value) {
  switch (type.shape) {
    case Shape::kBool:
      return !As<bool>(value);
    case Shape::kInt32:
      return As<int32_t>(value) == 0;
    case Shape::kInt64:
      return As<int64_t>(value) == 0;
    case Shape::kString:
    case Shape::kRaw:
    case Shape::kBytes:
      return As<std::string>(value).empty();
    case Shape::kQuantity:
      return SameForm(As<Quantity>(value), Quantity());
    case Shape::kTime:
      return As<Time>(value) == Time();
    case Shape::kMicroTime:
      return As<MicroTime>(value) == MicroTime();
    case Shape::kIntOrString:
      return As<IntOrString>(value) == IntOrString();
    case Shape::kBoolList:
      return As<std::vector<bool>>(value).empty();
    case Shape::kList:
    case Shape::kMap:
    case Shape::kOptional:
      return type.empty(value);
    case Shape::kStruct:
      return false;  // told by what it packs to
  }
  return false;
}

struct Elements {
  const TypeInfo& type;
  std::string& out;
};

void PackStruct(const TypeInfo& type, const void* value, std::string& out) {
  for (size_t i = 0; i < type.fields.size(); ++i) {
    const FieldInfo& field = type.fields[i];
    const void* member = field.read == nullptr ? nullptr : field.read(value);
    if (member == nullptr) continue;  // another name of a member that has one, or not the one set
    const bool always = field.emit == Emit::kPresent;
    if (!always && IsZero(*field.type, member)) continue;
    const size_t start = out.size();
    PutNumber(i + 1, out);
    const size_t empty = out.size() + 1;
    PackValue(*field.type, member, out);
    if (!always && field.type->shape == Shape::kStruct && out.size() == empty) out.resize(start);
  }
  out.push_back(0);
}

}  // namespace

void PackValue(const TypeInfo& type, const void* value, std::string& out) {
  switch (type.shape) {
    case Shape::kBool:
      return out.push_back(As<bool>(value) ? 1 : 0);
    case Shape::kInt32:
      return PutSigned(As<int32_t>(value), out);
    case Shape::kInt64:
      return PutSigned(As<int64_t>(value), out);
    case Shape::kString:
    case Shape::kRaw:
    case Shape::kBytes:
      return PutText(As<std::string>(value), out);
    case Shape::kQuantity:
      return PutQuantity(As<Quantity>(value), out);
    case Shape::kTime:
      return PutSigned(As<Time>(value).time_since_epoch().count(), out);
    case Shape::kMicroTime:
      return PutSigned(As<MicroTime>(value).time_since_epoch().count(), out);
    case Shape::kIntOrString: {
      const auto& either = As<IntOrString>(value).value;
      out.push_back(static_cast<char>(either.index()));
      return either.index() == 0 ? PutSigned(std::get<0>(either), out)
                                 : PutText(std::get<1>(either), out);
    }
    case Shape::kBoolList: {
      const auto& list = As<std::vector<bool>>(value);
      PutNumber(list.size(), out);
      for (const bool one : list) out.push_back(one ? 1 : 0);
      return;
    }
    case Shape::kList:
    case Shape::kMap: {
      Elements elements{type, out};
      type.each(value, &elements, [](void* context, std::string_view key, const void* element) {
        const auto& [of, to] = *static_cast<Elements*>(context);
        to.push_back(1);
        if (of.shape == Shape::kMap) PutText(key, to);
        PackValue(*of.element, element, to);
      });
      out.push_back(0);
      return;
    }
    case Shape::kOptional: {
      Elements elements{type, out};
      return type.each(value, &elements, [](void* context, std::string_view, const void* element) {
        const auto& [of, to] = *static_cast<Elements*>(context);
        PackValue(*of.element, element, to);
      });
    }
    case Shape::kStruct:
      return PackStruct(type, value, out);
  }
}

void UnpackValue(const TypeInfo& type, std::string_view& in, void* value) {
  switch (type.shape) {
    case Shape::kBool:
      As<bool>(value) = TakeNumber(in) != 0;
      return;
    case Shape::kInt32:
      As<int32_t>(value) = static_cast<int32_t>(TakeSigned(in));
      return;
    case Shape::kInt64:
      As<int64_t>(value) = TakeSigned(in);
      return;
    case Shape::kString:
    case Shape::kRaw:
    case Shape::kBytes:
      As<std::string>(value) = TakeText(in);
      return;
    case Shape::kQuantity:
      As<Quantity>(value) = TakeQuantity(in);
      return;
    case Shape::kTime:
      As<Time>(value) = Time(Time::duration(TakeSigned(in)));
      return;
    case Shape::kMicroTime:
      As<MicroTime>(value) = MicroTime(MicroTime::duration(TakeSigned(in)));
      return;
    case Shape::kIntOrString:
      if (TakeNumber(in) == 0)
        As<IntOrString>(value).value = TakeSigned(in);
      else
        As<IntOrString>(value).value = std::string(TakeText(in));
      return;
    case Shape::kBoolList:
      for (uint64_t left = TakeNumber(in); left > 0; --left)
        As<std::vector<bool>>(value).push_back(TakeNumber(in) != 0);
      return;
    case Shape::kList:
    case Shape::kMap:
      while (TakeNumber(in) != 0) {
        const std::string_view key = type.shape == Shape::kMap ? TakeText(in) : std::string_view();
        UnpackValue(*type.element, in, type.add(value, key));
      }
      return;
    case Shape::kOptional:
      return UnpackValue(*type.element, in, type.add(value, {}));
    case Shape::kStruct:
      while (const uint64_t place = TakeNumber(in)) {
        CHECK_LE(place, type.fields.size()) << "a packed object of another kind";
        const FieldInfo& field = type.fields[place - 1];
        UnpackValue(*field.type, in, field.write(value));
      }
      return;
  }
}

}  // namespace dray::api
