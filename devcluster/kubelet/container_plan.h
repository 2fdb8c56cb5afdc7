#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dray::devcluster {

using Environment = std::map<std::string, std::string>;

// A file or directory of the machine that the container sees at `target`.
struct MountRequest {
  std::string source, target;
  bool read_only = false;
};

// A device node that the container sees at `path`. A node of the machine with the same numbers is
// preferred; without one it is made with mknod, which needs root.
struct DeviceRequest {
  std::string path, host_path;  // host_path "" : same as path
  std::string type;             // "" (as on the machine) | b | c | u | p
  std::optional<int64_t> major, minor;
  uint32_t mode = 0666;
};

// All that is needed to run one container as a local process.
struct ContainerPlan {
  std::vector<std::string> argv;
  Environment env;
  std::string working_dir;           // "" : /
  std::vector<MountRequest> mounts;  // later ones replace earlier ones with the same target
  std::vector<DeviceRequest> devices;
  std::vector<std::string> notes;  // what a local process cannot be given, in words: Warning events
};

}  // namespace dray::devcluster
