#include "dray/runtime/elector.h"

namespace dray::runtime {
namespace {

std::string Shown(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) +
         "ms";
}

// client-go's tryCoordinatedRenew: who is not named, or not any more, waits for the coordinator,
// which acts by itself when a lease lapses or falls free. `move` has the record for a renewal.
Move CoordinatedMove(const LeaseView& view, SteadyTime now, const ElectionConfig& config,
                     Move move) {
  move.kind = Move::Kind::kWait;
  move.wake_at = SteadyTime::max();
  if (!view.lease) return move;
  const api::LeaseSpec& held = view.lease->spec;
  const bool lapsed =
      view.seen_at + std::chrono::seconds(held.lease_duration_seconds.value_or(0)) < now;
  const bool end_of_term =
      held.preferred_holder.value_or("") != "" && held.preferred_holder != config.identity;
  if (held.holder_identity != config.identity || lapsed || end_of_term) return move;
  move.kind = Move::Kind::kRenew;
  if (held.acquire_time) return move;
  // The coordinator names a holder without saying since when: the term begins.
  move.record.acquire_time = move.record.renew_time;
  move.record.lease_transitions = held.lease_transitions.value_or(0) + 1;
  return move;
}

}  // namespace

Status ElectionConfig::Validate() const {
  auto wrong = [](std::string sentence) { return Status(Reason::kInvalid, std::move(sentence)); };
  if (lease.namespace_.empty() || lease.name.empty())
    return wrong("leader election: the Lease needs a namespace and a name");
  if (identity.empty())
    return wrong("leader election: the identity is empty; want a unique name of this replica");
  if (retry_period <= Duration::zero())
    return wrong("leader election: retry period " + Shown(retry_period) + ": want more than 0");
  if (renew_deadline <= retry_period * 6 / 5)
    return wrong("leader election: renew deadline " + Shown(renew_deadline) +
                 ": want more than 1.2 times the retry period " + Shown(retry_period));
  if (lease_duration <= renew_deadline)
    return wrong("leader election: lease duration " + Shown(lease_duration) +
                 ": want more than the renew deadline " + Shown(renew_deadline));
  // The others read whole seconds, rounded down, and wait no longer.
  if (const Duration recorded = std::chrono::floor<std::chrono::seconds>(lease_duration);
      recorded <= renew_deadline)
    return wrong("leader election: lease duration " + Shown(lease_duration) +
                 ": a Lease counts in whole seconds, others would wait " + Shown(recorded) +
                 "; want that to be more than the renew deadline " + Shown(renew_deadline));
  return {};
}

// client-go's tryAcquireOrRenew without its calls.
Move NextMove(const LeaseView& view, SteadyTime now, WallTime wall, const ElectionConfig& config) {
  const api::MicroTime stamp = api::ToMicroTime(wall);
  Move move;
  if (view.lease) move.record = view.lease->spec;  // keeps strategy and preferredHolder
  move.record.holder_identity = config.identity;
  move.record.lease_duration_seconds = static_cast<int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(config.lease_duration).count());
  move.record.renew_time = stamp;
  if (config.coordinated) return CoordinatedMove(view, now, config, std::move(move));
  if (!view.lease) {
    move.kind = Move::Kind::kCreate;
    move.record.acquire_time = stamp;
    move.record.lease_transitions = 0;
    return move;
  }
  const api::LeaseSpec& held = view.lease->spec;
  const std::string holder = held.holder_identity.value_or("");
  if (holder == config.identity) {
    move.kind = Move::Kind::kRenew;
    return move;
  }
  const SteadyTime lapses =
      view.seen_at + std::chrono::seconds(held.lease_duration_seconds.value_or(0));
  if (!holder.empty() && lapses > now) {
    move.kind = Move::Kind::kWait;
    move.wake_at = lapses;
    return move;
  }
  move.kind = Move::Kind::kTake;
  move.record.acquire_time = stamp;
  move.record.lease_transitions = held.lease_transitions.value_or(0) + 1;
  return move;
}

}  // namespace dray::runtime
