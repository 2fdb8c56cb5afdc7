#include "dray/api/types/resource.h"
#include "runtime/informer_typed.h"

namespace dray::runtime {

template class Informer<api::ResourceSlice>;
template class Informer<api::ResourceClaim>;
template class Informer<api::ResourceClaimTemplate>;
template class Informer<api::DeviceClass>;

}  // namespace dray::runtime
