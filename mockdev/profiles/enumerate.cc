#include <charconv>

#include "dray/base/embedded.h"
#include "dray/runtime/files.h"
#include "dray/runtime/pki.h"
#include "mockdev/profiles/profile.h"

namespace dray::mockdev {
namespace {

constexpr std::string_view kProfileFolder = "config/profiles/";

// A UUID that is the same after every restart: hash of who and which.
std::string UuidOf(const DeviceProfile& profile, std::string_view node, int64_t index) {
  std::string hash =
      runtime::Sha256Hex(std::string(node) + "\n" + profile.driver + "\n" + std::to_string(index));
  hash[12] = '8';  // RFC 9562 version 8: made by a rule of our own
  hash[16] = "89ab"[hash[16] % 4];
  return hash.substr(0, 8) + "-" + hash.substr(8, 4) + "-" + hash.substr(12, 4) + "-" +
         hash.substr(16, 4) + "-" + hash.substr(20, 12);
}

// Strict semantic versioning without the leading v: three numbers, perhaps a pre-release and a
// build.
bool IsVersion(std::string_view text) {
  std::string_view core = text.substr(0, text.find_first_of("-+"));
  int parts = 0;
  while (true) {
    size_t dot = core.find('.');
    std::string_view part = core.substr(0, dot);
    if (part.empty() || part.find_first_not_of("0123456789") != std::string_view::npos)
      return false;
    if (part.size() > 1 && part[0] == '0') return false;
    ++parts;
    if (dot == std::string_view::npos) break;
    core.remove_prefix(dot + 1);
  }
  return parts == 3 && text.back() != '-' && text.back() != '+' && text.back() != '.';
}

Result<api::DeviceAttribute> AttributeOf(const std::string& name,
                                         const AttributeTemplate& attribute,
                                         const Variables& variables) {
  DRAY_ASSIGN_OR_RETURN(std::string text, Expand(attribute.text, variables));
  Status wrong(Reason::kInvalid, "attributes." + name + ": \"" + text + "\" is not ");
  switch (attribute.kind) {
    case AttributeTemplate::Kind::kString:
      if (text.size() > 64)
        return Status(Reason::kInvalid, wrong.message() + "at most 64 characters long");
      return api::DeviceAttribute{text};
    case AttributeTemplate::Kind::kInt: {
      int64_t value = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) {
        return Status(Reason::kInvalid, wrong.message() + "a whole number");
      }
      return api::DeviceAttribute{value};
    }
    case AttributeTemplate::Kind::kBool:
      if (text != "true" && text != "false")
        return Status(Reason::kInvalid, wrong.message() + "true or false");
      return api::DeviceAttribute{text == "true"};
    case AttributeTemplate::Kind::kVersion:
      if (text.empty() || text.size() > 64 || !IsVersion(text)) {
        return Status(Reason::kInvalid, wrong.message() + "a semantic version such as 8.0.0");
      }
      return api::DeviceAttribute{api::Version{text}};
  }
  return Status(Reason::kInternal, "unreachable");
}

}  // namespace

Result<std::vector<MockDevice>> EnumerateDevices(const DeviceProfile& profile,
                                                 std::string_view node) {
  std::vector<MockDevice> devices;
  devices.reserve(profile.count);
  for (int64_t index = 0; index < profile.count; ++index) {
    MockDevice device;
    device.index = index;
    device.variables = {{"node", std::string(node)},
                        {"index", std::to_string(index)},
                        {"hash", UuidOf(profile, node, index)}};
    for (const auto& [name, values] : profile.value_lists) device.variables[name] = values[index];
    Variables base = device.variables;
    for (const auto& [name, text] : profile.values) {
      DRAY_ASSIGN_OR_RETURN(device.variables[name], Expand(text, base));
    }
    device.uuid = device.variables["uuid"];
    DRAY_ASSIGN_OR_RETURN(device.device.name, Expand(profile.device_name, device.variables));
    for (const auto& [name, attribute] : profile.attributes) {
      DRAY_ASSIGN_OR_RETURN(device.device.attributes[name],
                            AttributeOf(name, attribute, device.variables));
    }
    device.device.capacity = profile.capacity;
    if (profile.allow_multiple_allocations) device.device.allow_multiple_allocations = true;
    devices.push_back(std::move(device));
  }
  return devices;
}

const MockDevice* FindDevice(const std::vector<MockDevice>& devices, std::string_view name) {
  for (const MockDevice& device : devices) {
    if (device.device.name == name) return &device;
  }
  return nullptr;
}

std::vector<std::string> BuiltInProfiles() {
  std::vector<std::string> names;
  for (std::string_view path : EmbeddedFiles(kProfileFolder)) {
    path.remove_prefix(kProfileFolder.size());
    names.emplace_back(path.substr(0, path.rfind(".yaml")));
  }
  return names;
}

Result<DeviceProfile> LoadProfile(const std::string& name_or_path) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".yaml") ||
      name_or_path.ends_with(".yml")) {
    Result<std::string> text = runtime::ReadFile(name_or_path);
    // Wrong use, whatever the file system said: the user named the file.
    if (!text.ok())
      return Status(Reason::kInvalid, "profile " + name_or_path + ": " + text.status().message());
    return ParseProfile(*text, name_or_path);
  }
  std::string path = std::string(kProfileFolder) + name_or_path + ".yaml";
  if (std::optional<std::string_view> text = EmbeddedFile(path)) return ParseProfile(*text, path);
  std::string known;
  for (const std::string& name : BuiltInProfiles()) known += (known.empty() ? "" : ", ") + name;
  return Status(Reason::kInvalid, "profile \"" + name_or_path + "\" is neither built in (" + known +
                                      ") nor the path of a .yaml file");
}

}  // namespace dray::mockdev
