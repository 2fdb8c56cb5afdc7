#pragma once

#include <string>
#include <vector>

#include "devcluster/apiserver/schema.h"
#include "devcluster/apiserver/server.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// Brings a document into the form in which kube-apiserver would store it: members that the type
// does not have go, and so do nulls, empty lists and empty maps; quantities and times become
// canonical. Paths of unknown members are appended to `unknown` ("spec.containers[0].foo").
// kBadRequest when a member has the wrong type, in the words of Go's decoder.
Status CheckFields(const SchemaMessage& message, Json& object, std::vector<std::string>& unknown);

// What a client sent, by the type of its kind. `where` says how fieldValidation=Strict is answered.
enum class SentAs { kBody, kPatch, kApply };
// CheckFields on a document of the call's kind; unknown members become warnings or the answer, as
// ?fieldValidation= says.
Status UnderstandFields(Call& call, SentAs sent_as, Json& object);

// CheckFields without a word about unknown members: for what came back from webhooks.
Status CanonicalFields(const Resource& resource, Json& object);

}  // namespace dray::devcluster
