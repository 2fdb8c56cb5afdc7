#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/admission/vendors.h"
#include "dray/api/types/meta.h"

namespace dray::admission {

// The CEL selectors that a Pod's annotations and the vendor's row ask for, one expression each; AND
// between them. HAMi's matching: comma lists, items trimmed, empty means no constraint; types are
// upper-cased substrings of the product name, UUIDs are exact. kInvalid when a list is too long for
// the cost limit of a selector.
Result<std::vector<std::string>> DeviceSelectors(const VendorConfig& vendor,
                                                 const DriverTarget& target,
                                                 const api::Labels& annotations);

// The items of a comma list: trimmed, empty ones left out. kInvalid above 64 items or 63
// characters.
Result<std::vector<std::string>> AnnotationItems(const std::string& annotation,
                                                 const std::string& value);

// A CEL string literal, quotes included; every text is safe inside.
std::string CelString(std::string_view text);

// "attributes" expression of one attribute of the driver: device.attributes["driver"].name; a
// qualified name brings its own domain
std::string CelAttribute(const DriverTarget& target, std::string_view name);

}  // namespace dray::admission
