#include "devcluster/kubelet/cdi_spec.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace dray::devcluster {
namespace {

// Versions of the specification, oldest first: the position is what is compared.
constexpr std::array<std::string_view, 10> kVersions = {
    "0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"};

int VersionRank(std::string_view version) {
  if (!version.empty() && version.front() == 'v') version.remove_prefix(1);
  auto at = std::find(kVersions.begin(), kVersions.end(), version);
  return at == kVersions.end() ? -1 : static_cast<int>(at - kVersions.begin());
}

bool Alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool Digit(char c) {
  return c >= '0' && c <= '9';
}
bool Alnum(char c) {
  return Alpha(c) || Digit(c);
}

bool ValidName(std::string_view name, std::string_view inside, bool digit_first) {
  if (name.empty() || !(digit_first ? Alnum(name.front()) : Alpha(name.front()))) return false;
  if (!Alnum(name.back())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return Alnum(c) || inside.find(c) != std::string_view::npos; });
}

// Reads one document and remembers the first thing that is wrong with it and the highest version
// that a field asked for.
class Reader {
 public:
  Status status;
  std::string needs_field;

  void Fail(const std::string& path, const std::string& what) {
    if (status.ok()) status = Status(Reason::kInvalid, path + ": " + what);
  }
  void Needs(std::string_view version, const std::string& path) {
    if (VersionRank(version) > needed_) {
      needed_ = VersionRank(version);
      needs_field = path;
    }
  }
  int needed() const { return needed_; }

  // False (and a failure) unless `json` is an object with no other keys than these.
  bool Object(const Json& json, const std::string& path, const std::set<std::string_view>& keys) {
    if (!json.is_object()) {
      Fail(path, "want an object");
      return false;
    }
    for (const auto& [key, value] : json.items()) {
      if (!keys.count(key)) Fail(path.empty() ? key : path + "." + key, "unknown field");
    }
    return status.ok();
  }
  std::string Text(const Json& json, const char* key, const std::string& path,
                   bool required = false) {
    auto at = json.find(key);
    if (at == json.end() || at->is_null()) {
      if (required) Fail(path + "." + key, "required");
      return "";
    }
    if (!at->is_string()) {
      Fail(path + "." + key, "want a string");
      return "";
    }
    std::string text = at->get<std::string>();
    if (required && text.empty()) Fail(path + "." + key, "required");
    return text;
  }
  std::optional<int64_t> Integer(const Json& json, const char* key, const std::string& path) {
    auto at = json.find(key);
    if (at == json.end() || at->is_null()) return std::nullopt;
    if (!at->is_number_integer()) {
      Fail(path + "." + key, "want an integer");
      return std::nullopt;
    }
    return at->get<int64_t>();
  }
  std::optional<uint32_t> Unsigned(const Json& json, const char* key, const std::string& path) {
    std::optional<int64_t> value = Integer(json, key, path);
    if (!value) return std::nullopt;
    if (*value < 0 || *value > UINT32_MAX) {
      Fail(path + "." + key, "want a number from 0 to 4294967295");
      return std::nullopt;
    }
    return static_cast<uint32_t>(*value);
  }
  std::vector<std::string> Texts(const Json& json, const char* key, const std::string& path) {
    std::vector<std::string> texts;
    for (const auto& [item, at] : List(json, key, path)) {
      if (!item->is_string()) {
        Fail(at, "want a string");
        break;
      }
      texts.push_back(item->get<std::string>());
    }
    return texts;
  }
  std::vector<std::pair<const Json*, std::string>> List(const Json& json, const char* key,
                                                        const std::string& path) {
    std::vector<std::pair<const Json*, std::string>> items;
    auto at = json.find(key);
    if (at == json.end() || at->is_null()) return items;
    std::string field = path.empty() ? key : path + "." + key;
    if (!at->is_array()) {
      Fail(field, "want a list");
      return items;
    }
    for (size_t i = 0; i < at->size(); ++i) {
      items.emplace_back(&(*at)[i], field + "[" + std::to_string(i) + "]");
    }
    return items;
  }
  void Annotations(const Json& json, const std::string& path) {
    auto at = json.find("annotations");
    if (at == json.end() || at->is_null()) return;
    std::string field = path.empty() ? "annotations" : path + ".annotations";
    if (!at->is_object()) return Fail(field, "want an object");
    for (const auto& [key, value] : at->items()) {
      if (!value.is_string()) Fail(field + "." + key, "want a string");
    }
    if (!at->empty()) Needs("0.6.0", field);
  }

 private:
  int needed_ = 0;
};

CdiDeviceNode ReadDeviceNode(Reader& reader, const Json& json, const std::string& path) {
  CdiDeviceNode node;
  if (!reader.Object(json, path,
                     {"path", "hostPath", "type", "major", "minor", "fileMode", "permissions",
                      "uid", "gid"})) {
    return node;
  }
  node.path = reader.Text(json, "path", path, true);
  node.host_path = reader.Text(json, "hostPath", path);
  if (!node.host_path.empty()) reader.Needs("0.5.0", path + ".hostPath");
  node.type = reader.Text(json, "type", path);
  if (node.type.size() > 1 ||
      (!node.type.empty() && std::string("bcup").find(node.type) == std::string::npos)) {
    reader.Fail(path + ".type", "want b, c, u or p, not \"" + node.type + "\"");
  }
  node.major = reader.Integer(json, "major", path);
  node.minor = reader.Integer(json, "minor", path);
  node.file_mode = reader.Unsigned(json, "fileMode", path);
  node.uid = reader.Unsigned(json, "uid", path);
  node.gid = reader.Unsigned(json, "gid", path);
  node.permissions = reader.Text(json, "permissions", path);
  if (node.permissions != "none" &&
      node.permissions.find_first_not_of("rwm") != std::string::npos) {
    reader.Fail(path + ".permissions",
                "want a subset of \"rwm\" or \"none\", not \"" + node.permissions + "\"");
  }
  return node;
}

CdiMount ReadMount(Reader& reader, const Json& json, const std::string& path) {
  CdiMount mount;
  if (!reader.Object(json, path, {"hostPath", "containerPath", "options", "type"})) return mount;
  mount.host_path = reader.Text(json, "hostPath", path, true);
  mount.container_path = reader.Text(json, "containerPath", path, true);
  mount.options = reader.Texts(json, "options", path);
  mount.type = reader.Text(json, "type", path);
  if (!mount.type.empty()) reader.Needs("0.4.0", path + ".type");
  return mount;
}

CdiHook ReadHook(Reader& reader, const Json& json, const std::string& path) {
  static const std::set<std::string_view> kNames = {
      "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};
  CdiHook hook;
  if (!reader.Object(json, path, {"hookName", "path", "args", "env", "timeout"})) return hook;
  hook.name = reader.Text(json, "hookName", path, true);
  if (reader.status.ok() && !kNames.count(hook.name)) {
    reader.Fail(path + ".hookName", "unknown hook \"" + hook.name + "\"");
  }
  hook.path = reader.Text(json, "path", path, true);
  hook.args = reader.Texts(json, "args", path);
  hook.env = reader.Texts(json, "env", path);
  reader.Integer(json, "timeout", path);
  return hook;
}

void ReadRareEdits(Reader& reader, const Json& json, const std::string& path,
                   ContainerEdits& edits) {
  if (auto rdt = json.find("intelRdt"); rdt != json.end() && !rdt->is_null()) {
    std::string at = path + ".intelRdt";
    if (reader.Object(*rdt, at,
                      {"closID", "l3CacheSchema", "memBwSchema", "schemata", "enableMonitoring"})) {
      reader.Needs("0.7.0", at);
      if (rdt->contains("schemata")) reader.Needs("1.1.0", at + ".schemata");
      if (rdt->contains("enableMonitoring")) reader.Needs("1.1.0", at + ".enableMonitoring");
      edits.unsupported.push_back("intelRdt");
    }
  }
  for (const auto& [gid, at] : reader.List(json, "additionalGids", path)) {
    if (!gid->is_number_unsigned()) {
      reader.Fail(at, "want a group id");
      break;
    }
    reader.Needs("0.7.0", path + ".additionalGids");
    if (uint32_t value = gid->get<uint32_t>(); value != 0) edits.additional_gids.push_back(value);
  }
  std::set<std::string> hosts, names;
  for (const auto& [device, at] : reader.List(json, "netDevices", path)) {
    if (!reader.Object(*device, at, {"hostInterfaceName", "name"})) break;
    reader.Needs("1.1.0", path + ".netDevices");
    if (!hosts.insert(reader.Text(*device, "hostInterfaceName", at, true)).second) {
      reader.Fail(at + ".hostInterfaceName", "named twice");
    }
    if (!names.insert(reader.Text(*device, "name", at, true)).second)
      reader.Fail(at + ".name", "named twice");
    edits.unsupported.push_back("netDevices");
  }
}

ContainerEdits ReadEdits(Reader& reader, const Json& json, const std::string& path) {
  ContainerEdits edits;
  if (!reader.Object(
          json, path,
          {"env", "deviceNodes", "mounts", "hooks", "intelRdt", "additionalGids", "netDevices"})) {
    return edits;
  }
  edits.env = reader.Texts(json, "env", path);
  for (size_t i = 0; i < edits.env.size(); ++i) {
    size_t equals = edits.env[i].find('=');
    if (equals == std::string::npos || equals == 0) {
      reader.Fail(path + ".env[" + std::to_string(i) + "]",
                  "want NAME=value, not \"" + edits.env[i] + "\"");
    }
  }
  for (const auto& [node, at] : reader.List(json, "deviceNodes", path)) {
    edits.device_nodes.push_back(ReadDeviceNode(reader, *node, at));
  }
  for (const auto& [mount, at] : reader.List(json, "mounts", path)) {
    edits.mounts.push_back(ReadMount(reader, *mount, at));
  }
  for (const auto& [hook, at] : reader.List(json, "hooks", path))
    edits.hooks.push_back(ReadHook(reader, *hook, at));
  ReadRareEdits(reader, json, path, edits);
  return edits;
}

CdiDevice ReadDevice(Reader& reader, const Json& json, const std::string& path) {
  CdiDevice device;
  if (!reader.Object(json, path, {"name", "annotations", "containerEdits"})) return device;
  device.name = reader.Text(json, "name", path, true);
  if (reader.status.ok() && !ValidName(device.name, "_-.:", true)) {
    reader.Fail(path + ".name",
                "\"" + device.name +
                    "\" is no device name (letters, digits, _ - . : with alphanumeric ends)");
  }
  if (!device.name.empty() && Digit(device.name.front())) reader.Needs("0.5.0", path + ".name");
  reader.Annotations(json, path);
  auto edits = json.find("containerEdits");
  if (edits == json.end() || edits->is_null()) {
    reader.Fail(path + ".containerEdits", "required");
    return device;
  }
  device.edits = ReadEdits(reader, *edits, path + ".containerEdits");
  if (device.edits.empty()) reader.Fail(path + ".containerEdits", "empty");
  return device;
}

std::string VariableOf(const std::string& assignment) {
  return assignment.substr(0, assignment.find('='));
}

template <class T, class Key>
void Replace(std::vector<T>& into, const std::vector<T>& later, Key key) {
  for (const T& item : later) {
    auto same =
        std::find_if(into.begin(), into.end(), [&](const T& old) { return key(old) == key(item); });
    if (same != into.end()) {
      *same = item;
    } else {
      into.push_back(item);
    }
  }
}

}  // namespace

bool CdiMount::read_only() const {
  return std::find(options.begin(), options.end(), "ro") != options.end();
}

bool ContainerEdits::empty() const {
  return env.empty() && device_nodes.empty() && mounts.empty() && hooks.empty() &&
         additional_gids.empty() && unsupported.empty();
}

void ContainerEdits::Append(const ContainerEdits& later) {
  Replace(env, later.env, VariableOf);
  Replace(device_nodes, later.device_nodes, [](const CdiDeviceNode& node) { return node.path; });
  Replace(mounts, later.mounts, [](const CdiMount& mount) { return mount.container_path; });
  hooks.insert(hooks.end(), later.hooks.begin(), later.hooks.end());
  for (uint32_t gid : later.additional_gids) {
    if (std::find(additional_gids.begin(), additional_gids.end(), gid) == additional_gids.end()) {
      additional_gids.push_back(gid);
    }
  }
  Replace(unsupported, later.unsupported, [](const std::string& name) { return name; });
}

Result<CdiSpec> ParseCdiSpec(const Json& document) {
  Reader reader;
  CdiSpec spec;
  if (!reader.Object(document, "",
                     {"cdiVersion", "kind", "annotations", "devices", "containerEdits"})) {
    return reader.status;
  }
  spec.version = reader.Text(document, "cdiVersion", "", true);
  spec.kind = reader.Text(document, "kind", "", true);
  if (!reader.status.ok()) return reader.status;
  if (VersionRank(spec.version) < 0) {
    return Status(Reason::kInvalid, "cdiVersion: unknown version \"" + spec.version + "\"");
  }
  size_t slash = spec.kind.find('/');
  if (slash != std::string::npos) {
    spec.vendor = spec.kind.substr(0, slash);
    spec.device_class = spec.kind.substr(slash + 1);
  }
  if (!ValidName(spec.vendor, "_-.", false) || !ValidName(spec.device_class, "_-.", false)) {
    return Status(Reason::kInvalid, "kind: want vendor/class, not \"" + spec.kind + "\"");
  }
  if (spec.device_class.find('.') != std::string::npos)
    reader.Needs("0.6.0", "kind (a dot in the class)");
  reader.Annotations(document, "");
  if (auto edits = document.find("containerEdits"); edits != document.end() && !edits->is_null()) {
    spec.edits = ReadEdits(reader, *edits, "containerEdits");
  }
  std::set<std::string> names;
  for (const auto& [device, at] : reader.List(document, "devices", "")) {
    spec.devices.push_back(ReadDevice(reader, *device, at));
    if (!names.insert(spec.devices.back().name).second) {
      reader.Fail(at + ".name", "device \"" + spec.devices.back().name + "\" stands twice");
    }
  }
  if (spec.devices.empty()) reader.Fail("devices", "at least one is required");
  if (!reader.status.ok()) return reader.status;
  if (reader.needed() > VersionRank(spec.version)) {
    return Status(Reason::kInvalid, "cdiVersion " + spec.version +
                                        " is too low: " + reader.needs_field + " needs " +
                                        std::string(kVersions[reader.needed()]));
  }
  return spec;
}

Result<CdiName> ParseCdiName(std::string_view qualified) {
  size_t slash = qualified.find('/');
  size_t equals = qualified.find('=');
  CdiName name;
  if (slash != std::string_view::npos && equals != std::string_view::npos && slash < equals) {
    name = {std::string(qualified.substr(0, slash)),
            std::string(qualified.substr(slash + 1, equals - slash - 1)),
            std::string(qualified.substr(equals + 1))};
  }
  if (!ValidName(name.vendor, "_-.", false) || !ValidName(name.device_class, "_-.", false) ||
      !ValidName(name.device, "_-.:", true)) {
    return Status(Reason::kInvalid,
                  "\"" + std::string(qualified) + "\" is no CDI device name (vendor/class=device)");
  }
  return name;
}

}  // namespace dray::devcluster
