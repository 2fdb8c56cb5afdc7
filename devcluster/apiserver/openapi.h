#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/schema.h"
#include "devcluster/apiserver/server.h"
#include "dray/base/json.h"

namespace dray::devcluster {

// /openapi/v3 and the documents below it: which kinds can be patched how, so that kubectl leaves
// validation to the server, and the types of all members, for `kubectl explain`. Made at the first
// request. Any thread.
//
// /openapi/v2 knows no types: kubectl asks for it before it sends the parts of a List, each of
// which the server then validates.
class OpenApi {
 public:
  // Outlives it.
  explicit OpenApi(const Registry& registry) : registry_(registry) {}
  // Nothing for other paths.
  std::optional<Answer> Serve(std::string_view path, const Query& query, std::string_view accept);

 private:
  struct Document {
    std::string text, url;  // the url with its hash
  };
  const Registry& registry_;
  std::once_flag made_;
  std::map<std::string, Document, std::less<>> documents_;  // by "api/v1", "apis/apps/v1"
};

// components.schemas with `message` and everything that it is made of, by full names.
void AddSchemas(const SchemaMessage& message, Json& schemas);

}  // namespace dray::devcluster
