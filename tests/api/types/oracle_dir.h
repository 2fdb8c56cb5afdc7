#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace dray::api {

// Reference data that is not part of the repository: $DRAY_ORACLE_DIR, else ../shared/oracle beside
// the source tree. Tests that need it are skipped where it is absent.
inline std::optional<std::filesystem::path> OracleDir() {
  const char* named = std::getenv("DRAY_ORACLE_DIR");
  std::filesystem::path dir = named != nullptr
                                  ? std::filesystem::path(named)
                                  : std::filesystem::path(DRAY_SOURCE_DIR) / "../shared/oracle";
  std::error_code ignored;
  if (!std::filesystem::is_directory(dir, ignored)) return std::nullopt;
  return dir;
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace dray::api
