#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mockdev/cdi/container_edits.h"
#include "mockdev/ledger/claim_record.h"
#include "mockdev/profiles/profile.h"

namespace dray::mockdev {

// Where one driver keeps its things on the node:
//
//   <state_dir>/            /var/lib/kubelet/plugins/<driver>
//     dra.sock              DRA service
//     ledger.json           the node's memory
//     lock                  held by the process that owns the directory
//     tools/<tool>          copies, so that a mount outlives the program's own folder
//     shared/<name>         mounted into every container
//     claims/<uid>/<name>   made with the claim, removed with it
//     claims/<uid>/devices/<ordinal>.json   what the mock tools show
struct NodePaths {
  std::string state_dir, cdi_dir;

  std::string ledger() const { return state_dir + "/ledger.json"; }
  std::string lock() const { return state_dir + "/lock"; }
  std::string tools() const { return state_dir + "/tools"; }
  std::string shared() const { return state_dir + "/shared"; }
  std::string claims() const { return state_dir + "/claims"; }
  std::string claim(std::string_view uid) const { return claims() + "/" + std::string(uid); }
};

// In every container that was given devices; each device is one file.
inline constexpr std::string_view kDeviceFolderInContainer = "/run/dray/devices";

// A file or directory that must exist on the host before a container starts.
struct HostFile {
  std::string path;
  bool directory = false;
  std::string content;
  bool writable = false;  // a directory that any user may write to
  bool operator==(const HostFile&) const = default;
};

struct ClaimEdits {
  cdi::ContainerEdits common;                // once per container and claim
  std::vector<cdi::ContainerEdits> devices;  // one per record.devices, in order
  std::vector<HostFile> files;               // the claim's, then the shared ones
};

// The pure half of stop 5: what a container with this claim gets, and what must lie on the host for
// it. `devices` are the node's. kNotFound names a device that is not among them.
Result<ClaimEdits> EditsForClaim(const DeviceProfile& profile,
                                 const std::vector<MockDevice>& devices, const NodePaths& paths,
                                 const ClaimRecord& record);

// The file that the mock tools read for one device of a record; the format is theirs
// (mockdev/tools/device_file.h).
std::string DescribeDevice(const DeviceProfile& profile, const MockDevice& device,
                           const ClaimRecord& record, size_t ordinal);

// The full amount of each capacity of a device, in the form of PreparedDevice::consumed.
std::map<std::string, api::Quantity> FullCapacity(const api::Device& device);

}  // namespace dray::mockdev
