#include "cli/slices_file.h"

#include <nlohmann/json.hpp>

#include "cli/manifest_files.h"
#include "dray/api/codec.h"
#include "dray/runtime/files.h"

namespace dray::cli {

Result<std::vector<api::ResourceSlice>> ReadSlicesFile(const std::string& path) {
  Result<std::string> text = runtime::ReadFile(path);
  if (!text.ok()) return Status(Reason::kBadRequest, text.status().message());
  DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents, ManifestDocuments(*text, path));
  std::vector<api::ResourceSlice> slices;
  for (const Json& document : documents) {
    const bool list =
        document.is_object() && document.contains("items") && document["items"].is_array();
    for (const Json& one : list ? document["items"] : Json::array({document})) {
      if (one.is_null()) continue;
      Result<api::ResourceSlice> slice = api::FromJson<api::ResourceSlice>(one);
      if (!slice.ok() || slice->spec.driver.empty())
        return Status(Reason::kBadRequest, path + ": want ResourceSlices of resource.k8s.io/v1" +
                                               (slice.ok() ? "" : ": " + slice.status().message()));
      slices.push_back(*std::move(slice));
    }
  }
  return slices;
}

}  // namespace dray::cli
