#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/status.h"

namespace dray::devcluster {

// What a path under /api or /apis names. Empty members were not in the path.
struct ResourcePath {
  std::string group, version, namespace_, resource, name, subresource;
};
// std::nullopt when the path has no such shape. Segments are percent-decoded.
std::optional<ResourcePath> ParseResourcePath(std::string_view path);

// Query parameters, decoded. The first value counts where a parameter stands twice.
class Query {
 public:
  Query() = default;
  explicit Query(std::string_view target);  // path and query as sent

  bool Has(const std::string& name) const { return values_.contains(name); }
  std::string Get(const std::string& name) const;
  // "true" and "1"; a parameter without a value counts as set.
  bool Flag(const std::string& name) const;
  // kBadRequest names parameter and value.
  Result<std::optional<int64_t>> Int(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

std::string PercentDecode(std::string_view text, bool plus_is_space);
std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);

// The shape that the client asked for in its Accept header. Answers are JSON whatever was
// preferred.
enum class Form { kPlain, kTable, kPartialMetadata };
// kNotAcceptable when nothing of what the client accepts can be given.
Result<Form> FormFromAccept(std::string_view accept);

// The Content-Type of a body without parameters, in lower case.
std::string MediaType(std::string_view content_type);

}  // namespace dray::devcluster
