#pragma once

#include <string>

#include "dray/base/status.h"

namespace dray::mockdev {

// kInvalid when the path is too long for a unix socket (107 characters).
Status CheckSocketPath(const std::string& path);

// Makes `path` ready to be listened on: its directory exists, a stale socket of an earlier process
// is gone. kInvalid as above.
Status PrepareSocketPath(const std::string& path);

}  // namespace dray::mockdev
