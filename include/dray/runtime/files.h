#pragma once

#include <string>
#include <string_view>

#include "dray/base/status.h"

namespace dray::runtime {

// Files as programs need them: whole, and never half written. Errors name the path and the system's
// reason.

Result<std::string> ReadFile(const std::string& path);  // kNotFound when absent
// Writes to a temporary file in the same directory, syncs it, renames it over `path`, syncs the
// directory.
Status WriteFileAtomically(const std::string& path, std::string_view text, int mode = 0644);
Status MakeDirectories(const std::string& path, int mode = 0755);
// ok when already gone.
Status RemoveFile(const std::string& path);
Status RemoveTree(const std::string& path);

}  // namespace dray::runtime
