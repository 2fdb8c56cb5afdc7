#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace dray::api {

// $DRAY_ORACLE_DIR: where objects lie as Kubernetes' own code encodes them
// (k8s-api/<group>.<version>.<kind>.json). They are not ours to copy: without them these tests are
// skipped, and every_field_test.cc goes by our own tables.
inline std::optional<std::filesystem::path> OracleDir() {
  const char* named = std::getenv("DRAY_ORACLE_DIR");
  if (named == nullptr) return std::nullopt;
  return std::filesystem::path(named);
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace dray::api
