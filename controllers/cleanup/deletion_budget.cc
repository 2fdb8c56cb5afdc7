#include <algorithm>
#include <cmath>

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "dray/base/log.h"

namespace dray::controllers {
namespace {

using Minutes = std::chrono::duration<double, std::ratio<60>>;

constexpr Duration kTurnsAreKept = std::chrono::minutes(1), kSayEvery = std::chrono::minutes(1);

}  // namespace

DeletionBudget::DeletionBudget(int per_minute)
    : per_minute_(per_minute), state_(State{static_cast<double>(per_minute), {}, {}, {}, {}}) {}

Duration DeletionBudget::Take(const std::string& who, SteadyTime now) {
  size_t say = 0;
  const Duration wait = state_.With([&](State& state) -> Duration {
    if (state.as_of)
      state.left =
          std::min(per_minute_, state.left + per_minute_ * Minutes(now - *state.as_of).count());
    state.as_of = now;
    if (auto turn = state.turns.find(who); turn != state.turns.end()) {
      if (now < turn->second) return turn->second - now;
      state.turns.erase(turn);  // paid for when it was given
      return Duration::zero();
    }
    if (!state.swept_at || now - *state.swept_at >= kTurnsAreKept) {
      std::erase_if(state.turns,
                    [&](const auto& turn) { return now - turn.second >= kTurnsAreKept; });
      state.swept_at = now;
    }
    state.left -= 1;
    if (state.left >= 0) return Duration::zero();
    const Duration until = std::chrono::ceil<Duration>(Minutes(-state.left / per_minute_));
    state.turns.emplace(who, now + until);
    if (!state.said_at || now - *state.said_at >= kSayEvery) {
      state.said_at = now;
      say = state.turns.size();
    }
    return until;
  });
  if (say > 0)
    LOG(WARNING) << "cleanup: " << per_minute_ << " in a minute are used up, " << say
                 << (say == 1 ? " waits" : " wait") << "; first: " << who;
  return wait;
}

void DeletionBudget::GiveBack() {
  state_.With([&](State& state) { state.left = std::min(per_minute_, state.left + 1); });
}

}  // namespace dray::controllers
