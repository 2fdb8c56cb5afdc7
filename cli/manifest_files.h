#pragma once

#include <string>
#include <vector>

#include "dray/base/status.h"

namespace dray::cli {

// What -f means, as in kubectl: a file, "-" for standard input, or a directory, which stands for
// the .yaml, .yml and .json files in it, by name; `recursive`: and below it. kBadRequest: a
// directory without such a file, or a URL, which nothing here fetches.
Result<std::vector<std::string>> ManifestFiles(const std::vector<std::string>& paths,
                                               bool recursive = false);

}  // namespace dray::cli
