#include "api/alloc/search.h"

#include <algorithm>
#include <limits>

#include "api/alloc/taints.h"

namespace dray::alloc {

using End = Search::End;

Search::Search(const Snapshot::State& state, const std::vector<PreparedClaim>& claims,
               const Options& options)
    : state_(state), claims_(claims), options_(options) {
  size_t count = 0;
  for (const PreparedClaim& claim : claims_) {
    std::vector<size_t>& first = first_.emplace_back();
    for (const PreparedRequest& request : claim.requests) {
      first.push_back(count);
      count += request.alternatives.size();
    }
    selected_.emplace_back(claim.requests.size());
  }
  here_.resize(count);
  shortcuts_apply_ = Shortcuts::Apply(claims_, state_.features);
}

const Alternative& Search::Selected(size_t claim, size_t request) const {
  return claims_[claim].requests[request].alternatives[selected_[claim][request]];
}

End Search::Fail(std::string error) {
  error_ = std::move(error);
  return End::kError;
}

End Search::Run(const NodeView& view) {
  view_ = &view;
  for (OnNode& here : here_) {
    here.devices = 0;
    here.all.clear();
    here.listed.clear();
    here.examined = 0;
    here.unreadable = false;
  }
  constraints_.clear();
  tallies_.clear();
  if (view.counters) {
    ledgers_.resize(state_.ledgers);
    tallies_.resize(ledgers_.size());
  }
  shares_.clear();
  chosen_.clear();
  results_.assign(claims_.size(), 0);
  steps_ = 0;
  looked_for_shortcuts_ = false;
  shortcuts_.reset();
  if (!view.unreadable.ok()) return Fail("gather pools: " + view.unreadable.message());
  if (!Start()) return End::kError;
  if (CannotFit()) return End::kNone;
  End end = One({}, false, 0);
  return end == End::kTooMany
             ? Fail("every alternative exceeds the limit of " +
                    std::to_string(api::kMaxAllocationResults) + " devices per claim")
             : end;
}

// What can be said before any device is taken: how many devices each request needs on this node.
bool Search::Start() {
  for (size_t c = 0; c < claims_.size(); ++c) {
    const PreparedClaim& claim = claims_[c];
    int64_t least = 0;
    for (size_t r = 0; r < claim.requests.size(); ++r) {
      int64_t least_of_request = std::numeric_limits<int64_t>::max();
      for (size_t a = 0; a < claim.requests[r].alternatives.size(); ++a) {
        const Alternative& alternative = claim.requests[r].alternatives[a];
        OnNode& here = Here({c, r, a});
        here.devices = alternative.count;
        if (alternative.all && !ListAll(claim, alternative, here)) return false;
        least_of_request = std::min(least_of_request, here.devices);
      }
      // A sum of 32 counts near the largest integer would overflow; beyond the limit it no longer
      // matters.
      least = std::min<int64_t>(least + std::min<int64_t>(least_of_request, 1 << 20), 1 << 30);
    }
    if (least > api::kMaxAllocationResults) {
      Fail(Describe(*claim.claim) + ": number of requested devices " + std::to_string(least) +
           " exceeds the claim limit of " + std::to_string(api::kMaxAllocationResults));
      return false;
    }
    auto constraints =
        MakeConstraints(claim.claim->spec.devices, state_.features.list_type_attributes);
    if (!constraints.ok()) {
      Fail(Describe(*claim.claim) + ", " + constraints.status().message());
      return false;
    }
    constraints_.push_back(std::move(constraints).value());
  }
  return true;
}

// All means all that match, in use or not: with a pool in doubt nobody knows how many that are.
bool Search::ListAll(const PreparedClaim& claim, const Alternative& alternative, OnNode& here) {
  const std::string who = Describe(*claim.claim) + ", request " + alternative.own_name();
  for (const PoolView& pool : view_->pools) {
    if (pool.incomplete || !pool.invalid.empty()) {
      Fail(who + ": asks for all devices, but resource pool " + pool.pool->driver + "/" +
           pool.pool->name +
           (pool.incomplete ? " is currently being updated" : " is currently invalid"));
      return false;
    }
    for (size_t i = pool.first; i < pool.end; ++i) {
      const Candidate& candidate = view_->candidates[i];
      const DeviceInfo& device = *candidate.device;
      Selector::Answer answer = Select(alternative, device);
      if (answer == Selector::Answer::kError) {
        Fail(SelectError(*claim.claim, alternative, device));
        return false;
      }
      if (answer == Selector::Answer::kNo || candidate.fit == Candidate::Fit::kNo) continue;
      if (candidate.fit == Candidate::Fit::kUnreadable) {
        Fail("device " + device.device->name + ": unreadable node selector");
        return false;
      }
      if (HasRoom(device, alternative.capacities, state_.UsageOf(device), {}))
        here.all.push_back(&candidate);
    }
  }
  here.devices = static_cast<int64_t>(here.all.size());
  return true;
}

// Finds the next device for `listed`; false when there is none left. A device that existing
// allocations or the request itself rule out is never listed: no step of the search can change
// that. Taints are left to Take() where counters are involved.
bool Search::Extend(const Alternative& alternative, OnNode& here) {
  while (here.examined < view_->candidates.size()) {
    const Candidate& candidate = view_->candidates[here.examined++];
    const DeviceInfo& device = *candidate.device;
    const Usage& used = state_.UsageOf(device);
    if (used.exclusive > 0 && !alternative.admin) continue;
    Selector::Answer answer = Select(alternative, device);
    if (answer == Selector::Answer::kNo) continue;
    const bool unreadable =
        answer == Selector::Answer::kError || candidate.fit == Candidate::Fit::kUnreadable;
    if (!unreadable) {
      if (candidate.fit == Candidate::Fit::kNo) continue;
      if (!HasRoom(device, alternative.capacities, used, {})) continue;
      if (!view_->counters && BlockingTaint(*device.device, *alternative.tolerations) != nullptr)
        continue;
    }
    here.unreadable |= unreadable;
    here.listed.push_back({&candidate, unreadable});
    return true;
  }
  return false;
}

// True when the devices from `start` on are known to be too few, and going through them could have
// no other effect: no selector fails on them, and no counter is touched.
bool Search::TooFew(const OnNode& here, size_t start, int64_t wanted) const {
  if (view_->counters || here.unreadable || here.examined < view_->candidates.size()) return false;
  return static_cast<int64_t>(here.listed.size() - std::min(start, here.listed.size())) < wanted;
}

// Rejects a node by count where the search would try every combination in vain.
bool Search::CannotFit() {
  if (view_->counters || here_.size() < 2) return false;
  std::vector<uint32_t> exclusive;
  int64_t wanted = 0;
  bool countable = true;
  for (const PreparedClaim& claim : claims_) {
    for (const PreparedRequest& request : claim.requests) {
      if (request.prioritized || request.alternatives[0].all) return false;
    }
  }
  size_t index = 0;
  bool short_of = false;
  for (const PreparedClaim& claim : claims_) {
    for (const PreparedRequest& request : claim.requests) {
      const Alternative& alternative = request.alternatives[0];
      OnNode& here = here_[index++];
      while (Extend(alternative, here)) {
      }
      if (here.unreadable) return false;
      short_of |= TooFew(here, 0, here.devices);
      wanted += here.devices;
      countable &= !alternative.admin;
      for (const Listed& listed : here.listed) {
        countable &= !listed.candidate->device->shared;
        exclusive.push_back(listed.candidate->device->key);
      }
    }
  }
  if (short_of || !countable) return short_of;
  std::sort(exclusive.begin(), exclusive.end());
  return std::unique(exclusive.begin(), exclusive.end()) - exclusive.begin() < wanted;
}

// The next device of the position's request. `inside`: an alternative has been chosen already.
// `start`: where in the list of devices to begin, so that one request sees combinations and no
// permutations.
End Search::One(Position at, bool inside, size_t start) {
  if (at.claim == claims_.size()) return End::kFound;
  const PreparedClaim& claim = claims_[at.claim];
  if (at.request == claim.requests.size()) {
    End end = One({at.claim + 1}, false, 0);
    return end == End::kTooMany ? End::kNone : end;
  }
  if (claim.requests[at.request].prioritized && !inside) return OneOfAlternatives(at);
  const OnNode& here = Here(at);
  if (At(at).all && here.all.empty()) return End::kNone;
  if (at.device >= here.devices) return One({at.claim, at.request + 1}, false, 0);
  if (results_[at.claim] + here.devices - at.device > api::kMaxAllocationResults)
    return End::kTooMany;
  return At(at).all ? OneOfAll(at, inside) : OneOfListed(at, inside, start);
}

End Search::OneOfAlternatives(Position at) {
  bool always_too_many = true;
  for (at.alternative = 0;
       at.alternative < claims_[at.claim].requests[at.request].alternatives.size();
       ++at.alternative) {
    End end = One(at, true, 0);
    if (end == End::kTooMany) continue;
    always_too_many = false;
    if (end == End::kFound) selected_[at.claim][at.request] = at.alternative;
    if (end != End::kNone) return end;
  }
  return always_too_many ? End::kTooMany : End::kNone;
}

End Search::OneOfAll(Position at, bool inside) {
  switch (Take(at, *Here(at).all[at.device], true)) {
    case Taken::kError:
      return End::kError;
    case Taken::kNo:
      return End::kNone;  // one is missing: no other order helps
    case Taken::kYes:
      break;
  }
  ++at.device;
  End end = One(at, inside, 0);
  if (end != End::kFound) Undo();
  return end;
}

End Search::OneOfListed(Position at, bool inside, size_t start) {
  const Alternative& alternative = At(at);
  OnNode& here = Here(at);
  const int64_t wanted = here.devices - at.device;
  if (wanted > 1 && at.device == 0) {
    while (Extend(alternative, here)) {
    }
  }
  std::vector<uint32_t> failed;  // kinds of devices
  for (size_t i = start; i < here.listed.size() || Extend(alternative, here); ++i) {
    if (TooFew(here, i, wanted)) break;
    if (steps_ >= kLong && !looked_for_shortcuts_) LookForShortcuts();
    if (++steps_ > options_.max_steps)
      return Fail("search limit of " + std::to_string(options_.max_steps) + " steps");
    if (steps_ % 1024 == 0 && options_.stop.stop_requested()) return Fail("stopped");
    const Listed listed = here.listed[i];
    const DeviceInfo& device = *listed.candidate->device;
    if (InUse(device, alternative.admin, at.claim)) continue;
    if (shortcuts_ && !MayTry(at, *listed.candidate, failed)) continue;
    if (listed.unreadable) {
      std::string error = SelectError(*claims_[at.claim].claim, alternative, device);
      return Fail(error.empty() ? "device " + device.device->name + ": unreadable node selector"
                                : error);
    }
    const std::vector<Nanos>* taken = SharesOf(device);
    if (taken != nullptr &&
        !HasRoom(device, alternative.capacities, state_.UsageOf(device), *taken))
      continue;
    Taken took = Take(at, *listed.candidate, false);
    if (took == Taken::kError) return End::kError;
    if (took == Taken::kYes) {
      Position next = at;
      ++next.device;
      End end = One(next, inside, i + 1);
      if (end == End::kFound) return end;
      Undo();
      if (end != End::kNone) return end;
    }
    if (shortcuts_ && Untouched(device)) {
      failed.push_back(
          shortcuts_->KindOf(static_cast<size_t>(listed.candidate - view_->candidates.data())));
    }
  }
  return End::kNone;
}

void Search::LookForShortcuts() {
  looked_for_shortcuts_ = true;
  if (!shortcuts_apply_ || view_->counters) return;
  Shortcuts::Lists lists;
  size_t index = 0;
  for (const PreparedClaim& claim : claims_) {
    for (const PreparedRequest& request : claim.requests) {
      for (const Alternative& alternative : request.alternatives) {
        OnNode& here = here_[index++];
        while (Extend(alternative, here)) {
        }
        if (here.unreadable) return;
        std::vector<size_t>& list = lists.emplace_back();
        for (const Listed& listed : here.listed) {
          list.push_back(static_cast<size_t>(listed.candidate - view_->candidates.data()));
        }
      }
    }
  }
  shortcuts_.emplace(*view_, claims_, lists);
}

// False when trying the device is known to end as it ended with those that failed at the same
// place.
bool Search::MayTry(const Position& at, const Candidate& candidate,
                    const std::vector<uint32_t>& failed) const {
  const size_t index = static_cast<size_t>(&candidate - view_->candidates.data());
  if (shortcuts_->hopeless() || shortcuts_->IsDead(at.claim, at.request, index)) return false;
  const uint32_t kind = shortcuts_->KindOf(index);
  return std::find(failed.begin(), failed.end(), kind) == failed.end() ||
         !Untouched(*candidate.device);
}

bool Search::Untouched(const DeviceInfo& device) const {
  return std::none_of(chosen_.begin(), chosen_.end(), [&](const Chosen& chosen) {
    return chosen.candidate->device->key == device.key;
  });
}

bool Search::InUse(const DeviceInfo& device, bool admin, size_t claim) const {
  if (!admin && state_.UsageOf(device).exclusive > 0) return true;
  return std::any_of(chosen_.begin(), chosen_.end(), [&](const Chosen& chosen) {
    const DeviceInfo& other = *chosen.candidate->device;
    return other.key == device.key && !other.shared && (!admin || chosen.claim == claim);
  });
}

const std::vector<Nanos>* Search::SharesOf(const DeviceInfo& device) const {
  for (const Shares& shares : shares_) {
    if (shares.device == &device) return &shares.taken;
  }
  return nullptr;
}

bool Search::CountIn(const Candidate& candidate) {
  const DeviceInfo& device = *candidate.device;
  if (device.device->consumes_counters.empty()) return true;
  if (device.shared && (state_.UsageOf(device).measured > 0 || SharesOf(device) != nullptr))
    return true;
  const uint32_t ledger = candidate.pool->pool->ledger;
  if (!ledgers_[ledger].opened) ledgers_[ledger].Open(state_, *candidate.pool);
  return tallies_[ledger].Take(ledgers_[ledger], device);
}

// Takes a device if nothing speaks against it. Two things are not given back when a later check
// refuses, as in Kubernetes, because first-fit answers depend on it: counters after a taint or a
// constraint, and constraints after a lack of room (which only mode All can meet here).
Search::Taken Search::Take(const Position& at, const Candidate& candidate, bool must) {
  const DeviceInfo& device = *candidate.device;
  const Alternative& alternative = At(at);
  if (InUse(device, alternative.admin, at.claim) || !CountIn(candidate)) return Taken::kNo;
  if (BlockingTaint(*device.device, *alternative.tolerations) != nullptr) return Taken::kNo;

  static const std::string kNone;
  const std::string& sub = alternative.alternative != nullptr ? *alternative.alternative : kNone;
  std::vector<std::unique_ptr<Constraint>>& constraints = constraints_[at.claim];
  for (size_t i = 0; i < constraints.size(); ++i) {
    if (constraints[i]->Add(*alternative.request, sub, device)) continue;
    if (must) {
      Fail(Describe(*claims_[at.claim].claim) + ", request " + alternative.own_name() +
           ": cannot add device " + candidate.pool->pool->driver + "/" +
           candidate.pool->pool->name + "/" + device.device->name +
           " because a claim constraint would not be satisfied");
      return Taken::kError;
    }
    while (i-- > 0) constraints[i]->Remove(*alternative.request, sub);
    return Taken::kNo;
  }
  Chosen chosen{&candidate, at.claim, &alternative, {}};
  if (device.shared) {
    const std::vector<Nanos>* taken = SharesOf(device);
    if (!HasRoom(device, alternative.capacities, state_.UsageOf(device),
                 taken != nullptr ? std::span(*taken) : std::span<const Nanos>())) {
      return Taken::kNo;
    }
    chosen.consumed = ConsumptionOf(device, alternative.capacities);
    auto shares =
        std::find_if(shares_.begin(), shares_.end(), [&](auto& s) { return s.device == &device; });
    if (shares == shares_.end()) {
      shares = shares_.insert(shares, {&device, std::vector<Nanos>(device.capacities.size())});
    }
    for (size_t i = 0; i < chosen.consumed.size(); ++i)
      shares->taken[i] += chosen.consumed[i].nanos();
  }
  chosen_.push_back(std::move(chosen));
  ++results_[at.claim];
  return Taken::kYes;
}

void Search::Undo() {
  const Chosen chosen = std::move(chosen_.back());
  chosen_.pop_back();
  --results_[chosen.claim];
  const DeviceInfo& device = *chosen.candidate->device;
  static const std::string kNone;
  const std::string* sub = chosen.alternative->alternative;
  for (std::unique_ptr<Constraint>& constraint : constraints_[chosen.claim]) {
    constraint->Remove(*chosen.alternative->request, sub != nullptr ? *sub : kNone);
  }
  if (!device.shared) {
    if (!device.device->consumes_counters.empty()) {
      tallies_[chosen.candidate->pool->pool->ledger].GiveBack(device);
    }
    return;
  }
  // The counters of a shared device stay taken for the rest of the attempt, as in Kubernetes.
  auto shares =
      std::find_if(shares_.begin(), shares_.end(), [&](auto& s) { return s.device == &device; });
  // Nor is a device without capacities forgotten again.
  if (shares == shares_.end() || chosen.consumed.empty()) return;
  bool empty = true;
  for (size_t i = 0; i < chosen.consumed.size(); ++i) {
    shares->taken[i] -= chosen.consumed[i].nanos();
    empty = empty && shares->taken[i] == 0;
  }
  if (empty) shares_.erase(shares);
}

}  // namespace dray::alloc
