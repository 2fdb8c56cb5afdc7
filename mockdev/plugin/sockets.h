#pragma once

#include <string>

#include "dray/base/status.h"

namespace dray::mockdev {

// Makes `path` ready to be listened on: its directory exists, a stale socket of an earlier process is gone. kInvalid when the
// path is too long for a unix socket (107 characters).
Status PrepareSocketPath(const std::string& path);

}  // namespace dray::mockdev
