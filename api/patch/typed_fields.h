#pragma once

#include <string_view>

#include "api/patch/field_set.h"
#include "api/patch/schema.h"

// Documents as server-side apply sees them: by the list and map rules of their types
// (structured-merge-diff). A null is the same as nothing.
namespace dray::api {

// The paths of all leaves of `value`.
void CollectFields(const Json& value, const FieldRule& rule, FieldSet& fields);

// What is new or different in `after`, and what is gone.
void CompareFields(const Json& before, const Json& after, const FieldRule& rule, FieldSet& changed,
                   FieldSet& removed);

// `live` with everything that `applied` says.
Json MergeFields(const Json& live, const Json& applied, const FieldRule& rule);

// Takes out of `value` what is in `remove`, unless it or something below it is in `keep` (may be
// null). Containers that become empty go as well.
void PruneFields(Json& value, const FieldSet& remove, const FieldSet* keep);

}  // namespace dray::api
