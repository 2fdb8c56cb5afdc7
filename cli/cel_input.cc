#include "cli/cel_input.h"

#include <nlohmann/json.hpp>

#include "dray/base/json.h"

namespace dray::cli {
namespace {

// What is wrong with a line; does not leave ParseCelInput.
struct Mistake {
  std::string text;
};

[[noreturn]] void Want(const std::string& at, const char* what) {
  throw Mistake{at + ": want " + what};
}

std::string TextAt(const Json& json, const std::string& at) {
  if (!json.is_string()) Want(at, "a string");
  return json.get<std::string>();
}
int64_t IntAt(const Json& json, const std::string& at) {
  if (!json.is_number_integer() || (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX))
    Want(at, "an integer of 64 bits");
  return json.get<int64_t>();
}
bool BoolAt(const Json& json, const std::string& at) {
  if (!json.is_boolean()) Want(at, "true or false");
  return json.get<bool>();
}
api::Version VersionAt(const Json& json, const std::string& at) {
  return {TextAt(json, at)};
}

template <class Read>
auto ListAt(const Json& json, const std::string& at, Read read) {
  if (!json.is_array()) Want(at, "a list");
  std::vector<decltype(read(json, at))> items;
  for (const Json& item : json)
    items.push_back(read(item, at + "[" + std::to_string(items.size()) + "]"));
  return items;
}

// A member; null when it is absent.
const Json& Member(const Json& json, const char* name) {
  static const Json kNull;
  auto found = json.find(name);
  return found == json.end() ? kNull : *found;
}

// A member that is an object; an empty one when it is absent or null.
const Json& Part(const Json& json, const char* name, const std::string& at) {
  static const Json kEmpty = Json::object();
  const Json& part = Member(json, name);
  if (part.is_null()) return kEmpty;
  if (!part.is_object()) Want(at, "an object");
  return part;
}

// Of several values Kubernetes takes the first of int, bool, string, version, and a list before all
// of them where lists count.
api::DeviceAttribute ToAttribute(const Json& json, const std::string& at, bool lists) {
  if (!json.is_object()) Want(at, "an object, such as {\"string\": \"x\"}");
  api::DeviceAttribute attribute;
  auto take = [&](const char* kind, auto read) {
    if (const Json& value = Member(json, kind); !value.is_null())
      attribute.value = read(value, at + "." + kind);
  };
  auto take_lists = [&] {
    take("versions",
         [](const Json& v, const std::string& where) { return ListAt(v, where, VersionAt); });
    take("strings",
         [](const Json& v, const std::string& where) { return ListAt(v, where, TextAt); });
    take("bools", [](const Json& v, const std::string& where) { return ListAt(v, where, BoolAt); });
    take("ints", [](const Json& v, const std::string& where) { return ListAt(v, where, IntAt); });
  };
  if (!lists) take_lists();
  take("version", VersionAt);
  take("string", TextAt);
  take("bool", BoolAt);
  take("int", IntAt);
  if (lists) take_lists();
  return attribute;
}

api::Quantity ToQuantity(const Json& json, const std::string& at) {
  const Json& value = json.is_object() ? Member(json, "value") : json;
  Result<api::Quantity> amount =
      api::Quantity::Parse(value.is_number() ? value.dump() : TextAt(value, at));
  if (!amount.ok()) throw Mistake{at + ": " + amount.status().message()};
  return *amount;
}

CelInput Read(const Json& json, bool lists) {
  if (!json.is_object()) throw Mistake{"not a JSON object"};
  CelInput input;
  if (const Json& id = Member(json, "id"); !id.is_null()) input.id = id.dump();
  if (!json.contains("expression")) throw Mistake{"no \"expression\""};
  input.expression = TextAt(json["expression"], "expression");
  const Json& features = Part(json, "features", "features");
  auto gate = [&](const char* name, bool otherwise) {
    const Json& value = Member(features, name);
    return value.is_null() ? otherwise : BoolAt(value, std::string("features.") + name);
  };
  input.list_attributes = gate("listTypeAttributes", false) || lists;
  input.consumable_capacity = gate("consumableCapacity", true);
  const Json& device = Part(json, "device", "device");
  if (const Json& driver = Member(device, "driver"); !driver.is_null())
    input.driver = TextAt(driver, "device.driver");
  for (const auto& [name, attribute] : Part(device, "attributes", "device.attributes").items()) {
    input.device.attributes[name] =
        ToAttribute(attribute, "device.attributes[" + name + "]", input.list_attributes);
  }
  for (const auto& [name, capacity] : Part(device, "capacity", "device.capacity").items()) {
    input.device.capacity[name].value = ToQuantity(capacity, "device.capacity[" + name + "]");
  }
  if (const Json& allow = Member(device, "allowMultipleAllocations"); !allow.is_null()) {
    input.device.allow_multiple_allocations = BoolAt(allow, "device.allowMultipleAllocations");
  }
  return input;
}

}  // namespace

Result<CelInput> ParseCelInput(std::string_view line, bool lists) {
  try {
    return Read(Json::parse(line), lists);
  } catch (const Mistake& mistake) {
    return Status(Reason::kInvalid, mistake.text);
  } catch (const Json::parse_error& e) {
    return Status(Reason::kInvalid, "not valid JSON at character " + std::to_string(e.byte));
  } catch (const Json::exception& e) {
    return Status(Reason::kInvalid, e.what());
  }
}

}  // namespace dray::cli
