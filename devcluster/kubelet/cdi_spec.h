#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

// Container Device Interface, specification 1.1.0, as a container runtime reads it. Pure.
namespace dray::devcluster {

struct CdiDeviceNode {
  std::string path, host_path;  // in the container; on the machine ("" : the same)
  std::string type;             // "" | b | c | u | p
  std::optional<int64_t> major, minor;
  std::optional<uint32_t> file_mode, uid, gid;
  std::string permissions;  // "" (rwm) | a subset of rwm | none
};
struct CdiMount {
  std::string host_path, container_path, type;
  std::vector<std::string> options;  // "ro", "bind", ...

  bool read_only() const;
};
struct CdiHook {
  std::string name, path;
  std::vector<std::string> args, env;
};
struct ContainerEdits {
  std::vector<std::string> env;  // NAME=value
  std::vector<CdiDeviceNode> device_nodes;
  std::vector<CdiMount> mounts;
  std::vector<CdiHook> hooks;
  std::vector<uint32_t> additional_gids;
  // Parts of edits that a local process cannot be given: "intelRdt", "netDevices".
  std::vector<std::string> unsupported;

  bool empty() const;
  // What `later` names again (device path, mount destination, variable) replaces what is here.
  void Append(const ContainerEdits& later);
};

struct CdiDevice {
  std::string name;
  ContainerEdits edits;
};
struct CdiSpec {
  std::string version, kind, vendor, device_class;
  ContainerEdits edits;  // once per container that gets any of the devices
  std::vector<CdiDevice> devices;
};

// Strict, as the reference loader: an unknown field, a wrong type, a malformed name or a cdiVersion
// below what the content needs refuses the whole file (kInvalid, one sentence with the field's
// path).
Result<CdiSpec> ParseCdiSpec(const Json& document);

// "vendor.com/class=device" in its parts.
struct CdiName {
  std::string vendor, device_class, device;
};
Result<CdiName> ParseCdiName(std::string_view qualified);

}  // namespace dray::devcluster
