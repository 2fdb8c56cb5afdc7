#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "dray/api/types/resource.h"
#include "dray/base/context.h"
#include "mockdev/cdi/spec_files.h"
#include "mockdev/faults/device_inventory.h"
#include "mockdev/ledger/claim_ledger.h"
#include "mockdev/profiles/edits.h"

namespace dray::mockdev {

struct PreparerOptions {
  DeviceProfile profile;
  NodePaths paths;
  std::string tools_dir;     // where the mock tools lie; copied into paths.tools()
  EffectHook before_effect;  // tests only
};

// Stops 5 and 6 of a claim's life on one node, and their undoing. One call at a time; safe to kill
// at any line: whatever was begun is finished by the same call again, or undone by Unprepare.
class ClaimPreparer {
 public:
  // Takes the lock of the state directory (waits up to 10 s for an earlier process to end), reads
  // the ledger, copies the tools and removes what no ledger entry explains. `inventory` outlives
  // the preparer.
  static Result<std::unique_ptr<ClaimPreparer>> Open(const Context& ctx, PreparerOptions options,
                                                     const DeviceInventory& inventory);
  ~ClaimPreparer();

  // `claim` is what the API server says now. A completed claim gets the answer it got before; its
  // files are put back where they are missing.
  Result<ClaimRecord> Prepare(const api::ResourceClaim& claim);
  // Leaves nothing: CDI file, directory, ledger entry. ok for a claim that nobody knows.
  Status Unprepare(const std::string& uid);

  // For who asks the API server whether a claim still stands: between its answer and the undoing
  // the claim may have been allocated anew and prepared. False, and nothing is undone, when Prepare
  // has been called for it since Moment() said `since`.
  uint64_t Moment() const;
  Result<bool> UnprepareUnlessPreparedSince(const std::string& uid, uint64_t since);

  std::vector<ClaimRecord> Claims() const;
  // How many devices the claims hold, shares counted one by one.
  size_t PreparedDevices() const;

 private:
  ClaimPreparer(PreparerOptions options, const DeviceInventory& inventory);
  Status Start(const Context& ctx);
  Status CopyTools();
  Status RemoveUntracked();
  Status Step(std::string_view name) const;
  Status WriteFiles(const ClaimEdits& edits);
  bool FilesAreThere(const ClaimRecord& record, const ClaimEdits& edits,
                     const cdi::Spec& spec) const;
  Status UnprepareLocked(const std::string& uid);

  // Constant after construction.
  const PreparerOptions options_;
  const DeviceInventory& inventory_;
  const cdi::SpecFiles specs_;
  int lock_ = -1;
  // Protected by mutex_.
  mutable std::mutex mutex_;
  std::unique_ptr<ClaimLedger> ledger_;
  uint64_t prepares_ = 0;                        // calls of Prepare so far
  std::map<std::string, uint64_t> prepared_at_;  // by UID: the last of them, in this process
};

}  // namespace dray::mockdev
