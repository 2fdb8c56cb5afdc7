// Life of a claim, stop 6 of 8: describe, the effect. One file per claim UID.
#include "mockdev/cdi/spec_files.h"

#include <algorithm>

#include "dray/runtime/files.h"
#include "mockdev/cdi/spec.h"
#include "mockdev/ledger/file_names.h"

namespace dray::mockdev::cdi {
namespace {

// Every device of ours mounts its description from below the node's state directory.
bool OfAnotherNode(const std::string& path, const std::string& own_dir) {
  Result<std::string> text = runtime::ReadFile(path);
  if (!text.ok()) return false;
  Result<Spec> spec = DecodeSpec(*text);
  if (!spec.ok()) return false;
  for (const NamedDevice& device : spec->devices) {
    if (std::any_of(device.edits.mounts.begin(), device.edits.mounts.end(),
                    [&](const Mount& mount) { return mount.host_path.starts_with(own_dir + "/"); }))
      return false;
  }
  return true;
}

}  // namespace

SpecFiles::SpecFiles(std::string directory, std::string_view driver)
    : directory_(std::move(directory)), prefix_("k8s." + std::string(driver) + "-claim_") {}

std::string SpecFiles::PathOf(std::string_view uid) const {
  return directory_ + "/" + prefix_ + std::string(uid) + ".json";
}

Status SpecFiles::Write(std::string_view uid, const Spec& spec) const {
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(directory_));
  std::string path = PathOf(uid);
  DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(path, EncodeSpec(spec)));
  DRAY_ASSIGN_OR_RETURN(std::string text, runtime::ReadFile(path));
  Result<Spec> stored = DecodeSpec(text);
  if (!stored.ok()) return stored.status().Wrapped(path);
  if (*stored != spec)
    return Status(Reason::kInternal, path + " does not hold what was written to it");
  return {};
}

bool SpecFiles::Holds(std::string_view uid, const Spec& spec) const {
  Result<std::string> text = runtime::ReadFile(PathOf(uid));
  if (!text.ok()) return false;
  Result<Spec> stored = DecodeSpec(*text);
  return stored.ok() && *stored == spec;
}

Status SpecFiles::Remove(std::string_view uid) const {
  return runtime::RemoveFile(PathOf(uid));
}

Result<int> SpecFiles::RemoveOthers(const std::set<std::string>& keep,
                                    const std::string& own_dir) const {
  int removed = 0;
  DRAY_ASSIGN_OR_RETURN(std::vector<std::string> names, FileNames(directory_));
  for (const std::string& name : names) {
    if (!name.starts_with(prefix_)) continue;
    std::string uid = name.substr(prefix_.size());
    if (uid.ends_with(".json") && keep.contains(uid.substr(0, uid.size() - 5))) continue;
    std::string path = directory_ + "/" + name;
    if (OfAnotherNode(path, own_dir)) continue;
    DRAY_RETURN_IF_ERROR(runtime::RemoveFile(path));
    ++removed;
  }
  return removed;
}

}  // namespace dray::mockdev::cdi
