#pragma once

#include <string>
#include <string_view>

#include "api/admission/ask.h"
#include "dray/api/types/meta.h"
#include "dray/base/json.h"

// What a Pod's metadata says about its devices, beside the selectors (selectors.h).
namespace dray::admission {

// A member of an object; null when it is absent, null, or `object` is none.
const Json* Member(const Json& object, std::string_view key);
// A member that is a text; "" otherwise.
std::string Text(const Json& object, std::string_view key);

api::Labels PodAnnotations(const Json& pod);
// "" when absent, or when the vendor has no such annotation.
std::string AnnotationOf(const api::Labels& annotations, const std::string& key);

// kInvalid when a mode cannot be served.
Result<Modes> ModesFor(const VendorConfig& vendor, const api::Labels& annotations);

// True when all devices of a request must lie on one NUMA node. kInvalid when the annotation is
// neither true nor false.
Result<bool> NumaBound(const VendorConfig& vendor, const api::Labels& annotations);

// The opaque configuration's members that annotations and the request ask for; an empty object for
// none. kInvalid names the annotation, its value and the known ones.
Result<Json> DriverParameters(const Ask& ask, const api::Labels& annotations);

// Preferences that DRA scheduling does not have, one warning each.
std::vector<std::string> PreferenceWarnings(const api::Labels& annotations);

}  // namespace dray::admission
