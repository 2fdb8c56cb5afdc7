#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dray/base/json.h"
#include "dray/base/status.h"

// Looking into documents whose shape nobody has promised: a missing member and one of another type
// read alike. Paths are member names joined by dots ("spec.template.metadata"); a name with a dot
// in it cannot be reached this way.
namespace dray::devcluster {

// Null when absent.
const Json* Find(const Json& document, std::string_view path);
Json* Find(Json& document, std::string_view path);
// Null when absent or of another type. A JSON null counts as absent.
const Json* FindObject(const Json& document, std::string_view path);
const Json* FindArray(const Json& document, std::string_view path);
Json* FindArray(Json& document, std::string_view path);

// "" when absent or not a string.
std::string StringAt(const Json& document, std::string_view path);
std::optional<int64_t> IntAt(const Json& document, std::string_view path);
bool BoolAt(const Json& document, std::string_view path, bool otherwise = false);

// The object at `path`, made where it is missing or not an object.
Json& ObjectAt(Json& document, std::string_view path);
// Sets what is absent (or null).
void Default(Json& object, const char* member, Json value);
void Erase(Json& document, std::string_view path);

// Absent, null, {} or [].
bool Empty(const Json* value);

// One JSON document of bounded depth. kBadRequest.
Result<Json> ParseJson(std::string_view text);
// The same with an object at the top: a request body.
Result<Json> ParseBody(std::string_view body);
// Compact; never throws.
std::string Dump(const Json& document);

}  // namespace dray::devcluster
