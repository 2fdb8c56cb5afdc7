#pragma once

#include <set>
#include <string>
#include <string_view>

#include "dray/base/status.h"
#include "mockdev/cdi/container_edits.h"

namespace dray::mockdev::cdi {

// The CDI files of one driver in a directory that others use too. Any thread; callers do not work
// on one claim twice at once.
class SpecFiles {
 public:
  SpecFiles(std::string directory, std::string_view driver);

  // "<directory>/k8s.<driver>-claim_<uid>.json"
  std::string PathOf(std::string_view uid) const;
  // Temporary file, sync, rename; read back and compared.
  Status Write(std::string_view uid, const Spec& spec) const;
  // True when the file is there and says exactly this.
  bool Holds(std::string_view uid, const Spec& spec) const;
  // ok when already gone.
  Status Remove(std::string_view uid) const;
  // Removes this driver's files of claims that are not in `keep`, and what a killed write left. How
  // many went. Only what mounts something from below `own_dir`, or is no CDI file: the directory
  // may hold files of another node of this machine with the same driver.
  Result<int> RemoveOthers(const std::set<std::string>& keep, const std::string& own_dir) const;

 private:
  std::string directory_, prefix_;
};

}  // namespace dray::mockdev::cdi
