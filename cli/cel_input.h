#pragma once

#include <string>
#include <string_view>

#include "dray/api/types/resource.h"
#include "dray/base/status.h"

namespace dray::cli {

// One line of `dray cel`'s input.
struct CelInput {
  std::string id;  // as JSON: "\"eq\"" or "7"; empty when the line has none
  std::string expression;
  std::string driver;
  api::Device device;
  bool list_attributes = false;     // as asked for, or what "features" says
  bool consumable_capacity = true;  // what "features" says
};

// "features": {"listTypeAttributes": true} turns that gate on for the line, and `lists` for all.
// Attributes are {"name":
// {"string" | "int" | "bool" | "version" | "strings" | "ints" | "bools" | "versions": ...}},
// capacity {"name": "80Gi"} or
// {"name": {"value": "80Gi"}}. kInvalid says what is wrong with the line.
Result<CelInput> ParseCelInput(std::string_view line, bool lists = false);

}  // namespace dray::cli
