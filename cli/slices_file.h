#pragma once

#include <string>
#include <vector>

#include "dray/api/types/resource.h"
#include "dray/base/status.h"

namespace dray::cli {

// The ResourceSlices of a YAML or JSON file: one, a List ("kubectl get resourceslices -o yaml"), or
// several documents. kBadRequest names the file and says what it holds instead.
Result<std::vector<api::ResourceSlice>> ReadSlicesFile(const std::string& path);

}  // namespace dray::cli
