#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "devcluster/kubelet/cdi_spec.h"

namespace dray::devcluster {

// The devices that the CDI files of a node describe. A value; built anew before each container
// start, so that a file written a moment ago counts.
class CdiRegistry {
 public:
  // Adds a parsed file. `priority`: position of its directory; the higher one wins, twice the same
  // one is a conflict and makes the device unusable.
  void Add(std::shared_ptr<const CdiSpec> spec, int priority, const std::string& file);
  // Reads every *.json and *.yaml directly in the directories, lowest priority first (/etc/cdi,
  // /var/run/cdi). A directory that does not exist is empty; a bad file is left out and reported in
  // errors().
  static CdiRegistry Load(const std::vector<std::string>& directories);

  // The merged edits of these qualified names, in their order: the edits of a spec once, before its
  // first device. All or nothing: kInvalid lists every name that cannot be resolved, with the files
  // that were refused.
  Result<ContainerEdits> Resolve(const std::vector<std::string>& names) const;

  // "<file>: <sentence>" for each refused file and each conflict.
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  struct Entry {
    std::shared_ptr<const CdiSpec> spec;
    const CdiDevice* device = nullptr;  // null: conflict
    int priority = 0;
    std::string file;
  };
  std::map<std::string, Entry> devices_;  // by qualified name
  std::vector<std::string> errors_;
};

}  // namespace dray::devcluster
