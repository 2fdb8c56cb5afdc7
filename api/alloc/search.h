#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/alloc/constraints.h"
#include "api/alloc/counters.h"
#include "api/alloc/pools.h"
#include "api/alloc/requests.h"
#include "api/alloc/shortcuts.h"

namespace dray::alloc {

// A device taken for one request.
struct Chosen {
  const Candidate* candidate = nullptr;
  size_t claim = 0;
  const Alternative* alternative = nullptr;
  std::vector<api::Quantity> consumed;  // of a shared device: by its capacities
};

// Depth first over claims, requests and devices, the first complete solution wins (facts: DRA,
// "Search"). One object serves one cycle: Run() once per node.
class Search {
 public:
  enum class End {
    kFound,
    kNone,
    kTooMany,  // a claim would get more results than the API admits; other alternatives may need
               // fewer
    kError,
  };

  Search(const Snapshot::State& state, const std::vector<PreparedClaim>& claims,
         const Options& options);

  // kFound, kNone or kError.
  End Run(const NodeView& view);

  // After kFound.
  const std::vector<Chosen>& chosen() const { return chosen_; }
  const Alternative& Selected(size_t claim, size_t request) const;
  // After kError.
  const std::string& error() const { return error_; }

 private:
  struct Position {
    size_t claim = 0, request = 0, alternative = 0;
    int64_t device = 0;
  };
  // A device that may serve an alternative as far as existing allocations go.
  struct Listed {
    const Candidate* candidate = nullptr;
    bool unreadable = false;  // a selector failed on it: an error if the search gets here
  };
  // What an alternative means on this node.
  struct OnNode {
    int64_t devices = 0;
    std::vector<const Candidate*> all;  // of mode All
    std::vector<Listed> listed;         // of ExactCount, found as far as needed
    size_t examined = 0;                // candidates looked at for `listed`
    bool unreadable = false;            // in `listed`
  };
  struct Shares {  // of one device in this attempt
    const DeviceInfo* device = nullptr;
    std::vector<Nanos> taken;
  };

  bool Start();
  bool ListAll(const PreparedClaim& claim, const Alternative& alternative, OnNode& here);
  bool CannotFit();
  bool Extend(const Alternative& alternative, OnNode& here);
  bool TooFew(const OnNode& here, size_t start, int64_t wanted) const;

  // After so many steps the search looks for shortcuts: most searches end sooner, and would only
  // lose time.
  static constexpr int64_t kLong = 32;
  void LookForShortcuts();
  bool MayTry(const Position& at, const Candidate& candidate,
              const std::vector<uint32_t>& failed) const;
  bool Untouched(const DeviceInfo& device) const;

  End One(Position at, bool inside, size_t start);
  End OneOfAlternatives(Position at);
  End OneOfAll(Position at, bool inside);
  End OneOfListed(Position at, bool inside, size_t start);

  enum class Taken { kYes, kNo, kError };
  Taken Take(const Position& at, const Candidate& candidate, bool must);
  void Undo();
  bool CountIn(const Candidate& candidate);
  bool InUse(const DeviceInfo& device, bool admin, size_t claim) const;
  const std::vector<Nanos>* SharesOf(const DeviceInfo& device) const;
  End Fail(std::string error);

  const Alternative& At(const Position& at) const {
    return claims_[at.claim].requests[at.request].alternatives[at.alternative];
  }
  OnNode& Here(const Position& at) { return here_[first_[at.claim][at.request] + at.alternative]; }

  const Snapshot::State& state_;
  const std::vector<PreparedClaim>& claims_;
  const Options& options_;
  std::vector<std::vector<size_t>> first_;  // by claim and request: of its alternatives in here_
  std::vector<Ledger> ledgers_;             // by PoolInfo::ledger; kept from node to node

  const NodeView* view_ = nullptr;
  std::vector<OnNode> here_;
  std::vector<std::vector<std::unique_ptr<Constraint>>> constraints_;  // by claim
  std::vector<CounterTally> tallies_;                                  // by ledger
  std::vector<Shares> shares_;
  std::vector<Chosen> chosen_;
  std::vector<int64_t> results_;               // by claim
  std::vector<std::vector<size_t>> selected_;  // by claim and request: the alternative
  int64_t steps_ = 0;
  bool shortcuts_apply_ = false, looked_for_shortcuts_ = false;
  std::optional<Shortcuts> shortcuts_;
  std::string error_;
};

}  // namespace dray::alloc
