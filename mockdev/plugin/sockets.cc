#include "mockdev/plugin/sockets.h"

#include <filesystem>

#include "dray/runtime/files.h"

namespace dray::mockdev {

Status CheckSocketPath(const std::string& path) {
  constexpr size_t kLongest = 107;  // sun_path without its final zero
  if (path.size() > kLongest) {
    return Status(Reason::kInvalid, "socket path " + path + " has " + std::to_string(path.size()) +
                                        " characters and a unix socket takes " +
                                        std::to_string(kLongest) +
                                        "; want a shorter --kubelet-dir or --state-dir");
  }
  return {};
}

Status PrepareSocketPath(const std::string& path) {
  DRAY_RETURN_IF_ERROR(CheckSocketPath(path));
  DRAY_RETURN_IF_ERROR(
      runtime::MakeDirectories(std::filesystem::path(path).parent_path().string()));
  return runtime::RemoveFile(path);
}

}  // namespace dray::mockdev
