#pragma once

#include <memory>
#include <string>

#include "dray/base/context.h"
#include "dray/runtime/client.h"
#include "mockdev/ledger/claim_preparer.h"

namespace dray::mockdev {

// What the kubelet knows of a claim.
struct ClaimName {
  std::string namespace_, name, uid;
};

// One claim of a kubelet's call, before it becomes gRPC: fetches the claim, compares UIDs,
// prepares, counts. Any thread; calls are taken one at a time by ClaimPreparer.
class ClaimHandler {
 public:
  // `preparer` outlives the handler.
  ClaimHandler(runtime::Client client, ClaimPreparer& preparer, std::string driver);

  Result<ClaimRecord> Prepare(const Context& ctx, const ClaimName& claim);
  // The claim object may be gone; ok for a claim that was never prepared.
  Status Unprepare(const Context& ctx, const ClaimName& claim);
  // Unprepares what the ledger holds of claims that the API server no longer has (or has under
  // another UID, or without an allocation): nobody will ask for them any more. How many.
  Result<int> SweepGoneClaims(const Context& ctx);

 private:
  void Count(const std::string& operation, const Status& outcome, Duration took) const;

  const runtime::Client client_;
  ClaimPreparer& preparer_;
  const std::string driver_;
};

}  // namespace dray::mockdev
