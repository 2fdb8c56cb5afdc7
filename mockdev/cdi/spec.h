#pragma once

#include <string>
#include <string_view>

#include "dray/base/status.h"
#include "mockdev/cdi/container_edits.h"
#include "mockdev/ledger/claim_record.h"
#include "mockdev/profiles/edits.h"

namespace dray::mockdev::cdi {

// "k8s.<driver>/claim"
std::string KindOfDriver(std::string_view driver);
// "k8s.<driver>/claim=<uid>-<ordinal>-<device>": the same for the same claim, and no other claim's.
std::string DeviceId(std::string_view driver, const ClaimRecord& record, size_t ordinal);

// The CDI file of a claim: one device per allocated device (request, device, share), the claim's
// common edits for the file. Pure.
Spec SpecForClaim(std::string_view driver, const ClaimRecord& record, const ClaimEdits& edits);

// JSON text, the same for equal specs.
std::string EncodeSpec(const Spec& spec);
// Strict, as runtimes read it: an unknown field, a name with wrong characters, a device without
// edits are kInvalid.
Result<Spec> DecodeSpec(std::string_view text);

}  // namespace dray::mockdev::cdi
