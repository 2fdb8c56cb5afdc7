#pragma once

#include <string>
#include <vector>

#include "dray/base/status.h"

namespace dray::mockdev {

// Plain names of what lies in a directory; none when there is no such directory. kInternal names
// the directory and the system's reason.
Result<std::vector<std::string>> FileNames(const std::string& directory);

}  // namespace dray::mockdev
