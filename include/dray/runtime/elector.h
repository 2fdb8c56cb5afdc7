#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dray/api/types/coordination.h"
#include "dray/runtime/client.h"

namespace dray::runtime {

// Leader election by Lease, record and rules of client-go (tools/leaderelection), so that both can
// compete for one Lease.
struct ElectionConfig {
  api::ObjectKey lease{"dray-system", "dray-controller-manager"};
  std::string identity;  // "<hostname>_<uuid>"
  Duration lease_duration =
      std::chrono::seconds(15);  // others wait this long after the last renewal they saw
  Duration renew_deadline =
      std::chrono::seconds(10);  // a leader that cannot renew gives up after this
  Duration retry_period = std::chrono::seconds(2);
  bool release_on_stop = true;
  // Coordinated leader election (client-go's Coordinated; KEP 4355): the API server's coordinator
  // says who holds the Lease, and we only ever renew. Needs a LeaseCandidate of our identity
  // (lease_candidate.h). Where the coordinator prefers somebody else, the leader gives up.
  bool coordinated = false;

  // lease_duration in whole seconds (the rest is cut off: so it stands in the record)
  // > renew_deadline > 1.2 x retry_period, all positive.
  Status Validate() const;
};

// The Lease as last read and the *local* time when this very record was first seen. Absent: there
// is no Lease.
struct LeaseView {
  std::optional<api::Lease> lease;
  SteadyTime seen_at{};
};

// What an elector does next. Pure; clocks of other machines are never compared with ours.
struct Move {
  enum class Kind { kCreate, kTake, kRenew, kWait } kind = Kind::kWait;
  SteadyTime wake_at{};   // kWait: when the holder's lease will have lapsed
  api::LeaseSpec record;  // what to write for the other kinds
};
Move NextMove(const LeaseView& view, SteadyTime now, WallTime wall, const ElectionConfig& config);

// Competes for the Lease until ctx is stopped or leadership is lost. Beyond client-go: a follower
// watches the Lease, so that a released one is taken at once; the leader's work is cancelled before
// the lease can lapse.
class Elector {
 public:
  struct Callbacks {
    // Runs on a thread of the elector with a context that is stopped when leadership ends. Returns
    // when its work has stopped.
    std::function<void(const Context&)> on_started_leading;
    std::function<void(std::string_view identity)> on_new_leader;
  };
  Elector(Client client, ElectionConfig config, Callbacks callbacks);
  ~Elector();

  // ok: ctx was stopped (and the lease released). kUnavailable: leadership was lost; the process
  // must end.
  Status Run(const Context& ctx);

  // Until when we may write as the leader, on our clock: the renew deadline after the last renewal,
  // well before the lease lapses for the others. In the past when we do not lead. A process that
  // was stopped for a while (SIGSTOP, a migrated machine) sees this before any timer has fired.
  SteadyTime LeadsUntil() const;
  // leaseTransitions of the record as last seen: grows with every change of hands.
  int32_t term() const;
  // Not ok when we lead and have not renewed for lease_duration + 20 s (check "leaderElection" of
  // /healthz).
  Status Healthy(const Clock& clock) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "<hostname>_<uuid>"
std::string NewIdentity();

// `inner`, through which writes go only before `until()` (Elector::LeadsUntil), and with it as
// their deadline; later ones are kCancelled without reaching the server. Reads and watches are not
// touched. For all that only the leader may do.
std::shared_ptr<Transport> FenceWrites(std::shared_ptr<Transport> inner,
                                       std::function<SteadyTime()> until);

}  // namespace dray::runtime
