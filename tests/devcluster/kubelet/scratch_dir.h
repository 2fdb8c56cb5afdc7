#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace dray::devcluster {

// A directory of its own under /tmp (short, for unix sockets), gone at the end.
class ScratchDir {
 public:
  ScratchDir() {
    char name[] = "/tmp/dray-kubelet-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace dray::devcluster
