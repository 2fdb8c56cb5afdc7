#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "devcluster/kubelet/dra_connection.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// What a node knows of a claim that its Pods use.
struct ClaimInfo {
  std::string namespace_, name, uid;
  std::set<std::string> pod_uids;
  std::map<std::string, std::vector<PreparedDevice>> drivers;  // every driver of the allocation
  bool prepared = false;                                       // not in the checkpoint

  DraClaim AsDraClaim() const { return {namespace_, name, uid}; }
};

// The file <root>/dra_manager_state, in kubelet's layout: {"Data": "<inner JSON>", "Checksum":
// CRC-32 of Data}. Pure.
std::string EncodeClaimCheckpoint(const std::vector<ClaimInfo>& claims);
// kInvalid: no checkpoint of this layout, or the checksum is wrong. It must stop the start: a lost
// memory is not an empty one.
Result<std::vector<ClaimInfo>> DecodeClaimCheckpoint(std::string_view text);

// {"Data": data, "Checksum": ...} and back; shared by all of kubelet's checkpoint files.
std::string SealCheckpoint(const std::string& data);
Result<std::string> OpenCheckpoint(std::string_view text);

}  // namespace dray::devcluster
