#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::runtime {

// YAML 1.2 core schema as Kubernetes reads it (sigs.k8s.io/yaml): "yes" is text, "true" a bool,
// "010" an integer 8 as in go-yaml v2, quoted scalars are text. Errors name `file`, line and
// column.
Result<std::vector<Json>> ParseYamlDocuments(std::string_view text, std::string_view file);
Result<Json> ParseYaml(std::string_view text, std::string_view file);

// The line (from 1) on which a field stands, for errors that are found after parsing:
// "devices.capacity.memory.value", "env[0].name"; keys may hold dots themselves. Of a field that is
// missing, the line of the nearest one above it that is there. 0 when the text is not YAML.
int YamlLineOf(std::string_view text, std::string_view field);

// Block style, keys in Kubernetes' habitual order at the top (apiVersion, kind, metadata, spec,
// status), then sorted; strings quoted only where YAML would read something else.
std::string ToYaml(const Json& document);

}  // namespace dray::runtime
