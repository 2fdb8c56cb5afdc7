#include "api/types/codec_templates.h"
#include "api/types/coordination_fields.h"

namespace dray::api {

DRAY_CODEC(Lease);

DRAY_VALUE_CODEC(LeaseSpec);

}  // namespace dray::api
