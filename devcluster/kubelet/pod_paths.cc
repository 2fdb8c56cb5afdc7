#include "devcluster/kubelet/pod_paths.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace dray::devcluster {

std::optional<int> PodPaths::LastAttempt(const std::string& container) const {
  std::optional<int> last;
  std::error_code error;  // no such folder: no attempt
  for (const auto& file : std::filesystem::directory_iterator(Container(container), error)) {
    if (file.path().extension() != ".log") continue;
    const std::string stem = file.path().stem().string();
    int attempt = 0;
    auto [end, bad] = std::from_chars(stem.data(), stem.data() + stem.size(), attempt);
    if (bad != std::errc() || end != stem.data() + stem.size() || attempt < 0) continue;
    last = std::max(last.value_or(attempt), attempt);
  }
  return last;
}

}  // namespace dray::devcluster
