#pragma once

#include <span>
#include <string_view>

#include "api/cel/type.h"

namespace dray::cel {

// What expressions of one kind can name beyond what all of Kubernetes can.
struct Environment {
  struct Variable {
    std::string_view name;
    const StaticType* type;
  };

  std::span<const Variable> variables;
  bool devices = false;  // the variable is a device; with cel.bind() and includes()
};

// Selectors of devices: `device`.
const Environment& DeviceEnvironment();
// matchConditions of webhooks (apiserver/pkg/admission/plugin/cel): object, oldObject, request and
// namespaceObject, in this order. The latter is null whenever a webhook's condition runs, and known
// all the same.
const Environment& ConditionEnvironment();
// What Kubernetes knows there and we cannot offer: why, or "".
std::string_view WhyAbsent(const Environment& environment, std::string_view variable);

// The fields of what is declared in an environment; none for a device.
std::span<const Environment::Variable> FieldsOf(const StaticType* type);

}  // namespace dray::cel
