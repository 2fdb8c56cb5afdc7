#include "dray/api/types/coordination.h"
#include "dray/api/types/workload.h"
#include "runtime/informer_typed.h"

namespace dray::runtime {

template class Informer<api::Deployment>;
template class Informer<api::ReplicaSet>;
template class Informer<api::Job>;
template class Informer<api::Lease>;

}  // namespace dray::runtime
