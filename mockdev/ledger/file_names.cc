#include "mockdev/ledger/file_names.h"

#include <filesystem>

namespace dray::mockdev {

Result<std::vector<std::string>> FileNames(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (!error || error == std::errc::no_such_file_or_directory) return names;
  return Status(Reason::kInternal, "cannot list " + directory + ": " + error.message());
}

}  // namespace dray::mockdev
