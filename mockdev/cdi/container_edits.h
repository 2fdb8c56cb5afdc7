#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the Container Device Interface calls container edits (CDI spec 0.6.0): the part of it that a
// mock driver writes.
namespace dray::mockdev::cdi {

struct DeviceNode {
  std::string path;       // in the container
  std::string host_path;  // empty: same as path
  std::string type;       // "c", "b", "p"; empty: taken from the host node
  std::optional<int64_t> major, minor;
  std::string permissions;  // subset of "rwm"; empty: rwm
  bool operator==(const DeviceNode&) const = default;
};

struct Mount {
  std::string host_path, container_path;
  std::vector<std::string> options;  // "ro", "bind"...
  bool operator==(const Mount&) const = default;
};

struct ContainerEdits {
  std::vector<std::string> env;  // "NAME=value"
  std::vector<DeviceNode> device_nodes;
  std::vector<Mount> mounts;
  bool operator==(const ContainerEdits&) const = default;
  bool empty() const { return env.empty() && device_nodes.empty() && mounts.empty(); }
};

struct NamedDevice {
  std::string name;
  ContainerEdits edits;
  bool operator==(const NamedDevice&) const = default;
};

// One CDI file.
struct Spec {
  std::string version = "0.6.0";
  std::string kind;  // "vendor/class"
  std::vector<NamedDevice> devices;
  ContainerEdits edits;  // applied once when any device of the file is injected
  bool operator==(const Spec&) const = default;
};

}  // namespace dray::mockdev::cdi
