#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace dray::api {

// Objects as Kubernetes' own code encodes them: $DRAY_ORACLE_DIR, else the copy in the repository.
inline std::optional<std::filesystem::path> OracleDir() {
  const char* named = std::getenv("DRAY_ORACLE_DIR");
  std::filesystem::path dir = named != nullptr ? std::filesystem::path(named)
                                               : std::filesystem::path(DRAY_SOURCE_DIR) / "tests/golden/oracle";
  std::error_code ignored;
  if (!std::filesystem::is_directory(dir, ignored)) return std::nullopt;
  return dir;
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace dray::api
