#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/status.h"
#include "mockdev/ledger/claim_record.h"

namespace dray::mockdev {

// Called before each effect with its name; an error stops there as if the process had been killed.
// For tests of what a kill leaves; ok in programs.
using EffectHook = std::function<Status(std::string_view step)>;

// The node's memory of the claims one driver has prepared: a file, written whole (temporary file,
// sync, rename) at each change, before the caller acts on it. What is in memory is what was
// written.
//
//   {"checksum": sha256 of the canonical text of data,
//    "data": {"version": 1, "driver": "...", "claims": {"<uid>": {"state": "started|completed",
//    "namespace", "name",
//             "devices": [{"request", "pool", "device", "shareID", "adminAccess", "consumed",
//             "slot", "units", "cdiID"}]}}}}
//
// Not thread-safe: one caller at a time (ClaimPreparer).
class ClaimLedger {
 public:
  // Absent file: an empty ledger. A file that cannot be read, whose checksum is wrong or which is
  // of another driver or a newer version is kInvalid with a sentence: what was prepared is then
  // unknown, and that is never "nothing".
  static Result<std::unique_ptr<ClaimLedger>> Open(std::string path, std::string driver,
                                                   EffectHook before = nullptr);

  const std::map<std::string, ClaimRecord>& claims() const { return claims_; }
  const ClaimRecord* Find(const std::string& uid) const;

  // Adds or replaces.
  Status Put(const ClaimRecord& record);
  // ok when absent.
  Status Remove(const std::string& uid);

 private:
  ClaimLedger(std::string path, std::string driver, EffectHook before);
  Status Write(const std::map<std::string, ClaimRecord>& claims, std::string_view step);

  const std::string path_, driver_;
  const EffectHook before_;
  std::map<std::string, ClaimRecord> claims_;
};

}  // namespace dray::mockdev
