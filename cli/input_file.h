#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "dray/base/status.h"

namespace dray::cli {

// The whole text of a file, or of standard input for "-"; unpacked when it is gzipped, whatever its
// name. kBadRequest says why there is none.
Result<std::string> ReadInput(const std::string& file, std::istream& standard_input);

bool IsGzip(std::string_view bytes);
// The text of all members of a gzip file. kInvalid: damaged, cut short, or more than 4 GiB of text.
Result<std::string> Unzip(std::string_view bytes);

}  // namespace dray::cli
