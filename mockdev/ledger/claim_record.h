#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dray/api/quantity.h"

namespace dray::mockdev {

// The most units of one device that can be handed out one by one: two masks of 64 bits.
inline constexpr int kMaxUnits = 128;

// One device of a claim, as the ledger remembers it.
struct PreparedDevice {
  std::string request;  // as allocated: "main" or "main/sub"
  std::string pool, device;
  std::optional<std::string> share_id;  // present: other claims may hold shares of the same device
  bool admin_access = false;            // looks on; holds nothing
  std::map<std::string, api::Quantity>
      consumed;            // by capacity name without the driver's domain; full for a whole device
  int64_t slot = 0;        // lowest number that no other prepared device of the node had
  std::vector<int> units;  // of DeviceProfile::assign_units; ascending
  std::string cdi_id;      // "vendor/class=name"
  bool operator==(const PreparedDevice&) const = default;
};

struct ClaimRecord {
  enum class State { kStarted, kCompleted } state = State::kStarted;
  std::string uid, namespace_, name;
  std::vector<PreparedDevice>
      devices;  // in the order of the allocation's results; the position is the ordinal
  bool operator==(const ClaimRecord&) const = default;
};

// "main" of "main/sub".
inline std::string ParentRequest(const std::string& request) {
  return request.substr(0, request.find('/'));
}

}  // namespace dray::mockdev
