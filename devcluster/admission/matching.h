#pragma once

#include "devcluster/admission/webhooks.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// Whether a hook has to be asked: rules, namespaceSelector, objectSelector. `object` is null for
// DELETE. kUnavailable when the namespace is needed and gone.
Result<bool> HookWants(const Json& webhook, const AdmissionCall& call, const Json& object,
                       const AdmissionView& view);

// One entry of webhooks[].rules.
bool RuleMatches(const Json& rule, const AdmissionCall& call);

}  // namespace dray::devcluster
