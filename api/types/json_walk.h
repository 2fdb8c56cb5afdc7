#pragma once

#include "api/types/reflect.h"
#include "dray/base/json.h"

// Structs from and to untyped documents by their field tables.
namespace dray::api {

// `beta1`: the document is of resource.k8s.io/v1beta1.
Status ReadJson(const Json& json, const TypeInfo& type, bool beta1, void* out);
Json WriteJson(const TypeInfo& type, const void* value);

// json.apiVersion is resource.k8s.io/v1beta1.
bool IsBeta1(const Json& json);
// Puts kind and apiVersion into an object.
Json WithKind(Json object, std::string_view kind, std::string api_version);
// Compact, keys sorted; bytes that are no UTF-8 become U+FFFD.
std::string Dump(const Json& json);

}  // namespace dray::api
