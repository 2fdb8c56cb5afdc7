#include "cli/manifest_files.h"

#include <algorithm>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "dray/runtime/yaml.h"

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

// Where the text stops being UTF-8; npos when it does not. Surrogates and overlong forms are none.
size_t FirstWrongByte(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || lead > 0xf4 || at + length > text.size()) return at;
    for (size_t i = 1; i < length; ++i)
      if ((byte(at + i) & 0xc0) != 0x80) return at;
    if ((lead == 0xe0 && byte(at + 1) < 0xa0) || (lead == 0xed && byte(at + 1) > 0x9f) ||
        (lead == 0xf0 && byte(at + 1) < 0x90) || (lead == 0xf4 && byte(at + 1) > 0x8f))
      return at;
    at += length;
  }
  return std::string_view::npos;
}

}  // namespace

Result<std::vector<Json>> ManifestDocuments(std::string_view text, const std::string& file) {
  if (const size_t wrong = FirstWrongByte(text); wrong != std::string_view::npos) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(wrong), '\n');
    return Status(Reason::kInvalid, file + ":" + std::to_string(line) + ": this is no UTF-8 text");
  }
  return runtime::ParseYamlDocuments(text, file);
}

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
