#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::cli {

// What -f means, as in kubectl: a file, "-" for standard input, or a directory, which stands for
// the .yaml, .yml and .json files in it, by name; `recursive`: and below it. kBadRequest: a
// directory without such a file, or a URL, which nothing here fetches.
Result<std::vector<std::string>> ManifestFiles(const std::vector<std::string>& paths,
                                               bool recursive = false);

// The documents of a text, YAML or JSON; `file` is named in errors. kInvalid: also where the text
// is no UTF-8, which no API server takes.
Result<std::vector<Json>> ManifestDocuments(std::string_view text, const std::string& file);

}  // namespace dray::cli
