#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What the mock vendor tools know of the container they run in. They are programs of their own,
// linked statically, and share nothing with the driver but the format of these files: one JSON file
// per device, mounted by the CDI edits of its claim.
namespace dray::mockdev::tools {

struct DeviceFile {
  std::string claim_uid, device, request;
  int64_t ordinal = 0, slot = 0;
  bool partial = false;
  std::vector<std::string> tools;
  std::map<std::string, std::string> values;       // uuid, model, bus, index...
  std::map<std::string, int64_t> total, consumed;  // capacities, in their units (bytes for memory)

  std::string Value(const std::string& name, const std::string& otherwise = "") const;
  int64_t TotalMiB(const std::string& capacity) const;
  int64_t ConsumedMiB(const std::string& capacity) const;
};

// The devices of this container that `tool` shows (the profile that made them names it), in the
// order in which the vendor's library shows them: by claim, then by ordinal. The folder is
// /run/dray/devices, or $DRAY_DEVICE_DIR. A file that cannot be read is left out, with a sentence
// on stderr.
std::vector<DeviceFile> ReadDeviceFiles(const std::string& tool);

// The environment variable, if it is set and not empty.
std::optional<std::string> Env(const std::string& name);

}  // namespace dray::mockdev::tools
