// Life of a claim, stop 6 of 8: describe, the effect. One file per claim UID.
#include "mockdev/cdi/spec_files.h"

#include <filesystem>

#include "dray/runtime/files.h"
#include "mockdev/cdi/spec.h"

namespace dray::mockdev::cdi {

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

Result<int> SpecFiles::RemoveOthers(const std::set<std::string>& keep) const {
  int removed = 0;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory_, error);
  if (error == std::errc::no_such_file_or_directory) return 0;
  if (error) return Status(Reason::kInternal, "cannot list " + directory_ + ": " + error.message());
  for (const auto& entry : entries) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix_)) continue;
    std::string uid = name.substr(prefix_.size());
    if (uid.ends_with(".json") && keep.contains(uid.substr(0, uid.size() - 5))) continue;
    DRAY_RETURN_IF_ERROR(runtime::RemoveFile(entry.path().string()));
    ++removed;
  }
  return removed;
}

}  // namespace dray::mockdev::cdi
