#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devcluster/kubelet/health_cache.h"
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
  // Called on threads of the connection's.
  struct Hooks {
    std::function<void(bool connected)> on_change;
    // A message of DRAResourceHealth; none: the stream has ended, and with it what it said.
    std::function<void(std::optional<std::vector<HealthReport>>)> on_health;
  };
  // `service`: kDraV1 or kDraV1Beta1. The health of the devices is asked for whatever the plugin
  // offers, as the kubelet does: a stream that ends, or that the plugin does not have, is opened
  // again after 5 s.
  DraConnection(std::string endpoint, std::string service, Hooks hooks);
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
