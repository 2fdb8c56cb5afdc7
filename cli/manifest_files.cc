#include "cli/manifest_files.h"

#include <algorithm>
#include <filesystem>

namespace dray::cli {
namespace {

namespace fs = std::filesystem;

template <class Iterator>
Status AddManifests(const std::string& folder, std::vector<std::string>& files) {
  std::error_code error;
  const size_t before = files.size();
  for (Iterator entry(folder, error); !error && entry != Iterator(); entry.increment(error)) {
    const std::string extension = entry->path().extension();
    if (extension != ".yaml" && extension != ".yml" && extension != ".json") continue;
    if (!entry->is_directory(error)) files.push_back(entry->path());
  }
  if (error) return Status(Reason::kBadRequest, "cannot read " + folder + ": " + error.message());
  if (files.size() == before)
    return Status(Reason::kBadRequest, folder + ": no .yaml, .yml or .json file in it");
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  return {};
}

}  // namespace

Result<std::vector<std::string>> ManifestFiles(const std::vector<std::string>& paths,
                                               bool recursive) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path.starts_with("http://") || path.starts_with("https://"))
      return Status(Reason::kBadRequest,
                    path + ": want a file: 'curl -sSL URL | dray ... -f -' reads from elsewhere");
    if (path == "-" || !fs::is_directory(path, error))
      files.push_back(path);
    else if (recursive)
      DRAY_RETURN_IF_ERROR(AddManifests<fs::recursive_directory_iterator>(path, files));
    else
      DRAY_RETURN_IF_ERROR(AddManifests<fs::directory_iterator>(path, files));
  }
  return files;
}

}  // namespace dray::cli
