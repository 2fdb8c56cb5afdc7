#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::devcluster {

struct DraClaim {
  std::string namespace_, name, uid;
  bool operator==(const DraClaim&) const = default;
};

// A device that a driver prepared for a claim.
struct PreparedDevice {
  std::vector<std::string> request_names;  // empty: every request of the claim
  std::string pool, device;
  std::vector<std::string> cdi_ids;
  std::optional<std::string> share_id;
  bool operator==(const PreparedDevice&) const = default;
};

// Of one claim in an answer; `error` not empty: it failed.
struct PrepareAnswer {
  std::vector<PreparedDevice> devices;
  std::string error;
};

inline constexpr char kDraV1[] = "v1.DRAPlugin";
inline constexpr char kDraV1Beta1[] = "v1beta1.DRAPlugin";

// The connection to one instance of a DRA driver. Connects at once and again whenever it breaks.
// Any thread.
class DraConnection {
 public:
  // `service`: kDraV1 or kDraV1Beta1. `on_change(connected)` is called on a thread of the
  // connection's.
  DraConnection(std::string endpoint, std::string service, std::function<void(bool)> on_change);
  ~DraConnection();

  const std::string& endpoint() const;
  bool connected() const;

  // What the plugin answered, by claim UID; 45 s at most.
  Result<std::map<std::string, PrepareAnswer>> Prepare(const Context& ctx,
                                                       const std::vector<DraClaim>& claims);
  // Error text ("" : done) by claim UID.
  Result<std::map<std::string, std::string>> Unprepare(const Context& ctx,
                                                       const std::vector<DraClaim>& claims);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
