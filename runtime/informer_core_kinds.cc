#include "dray/api/types/core.h"
#include "runtime/informer_typed.h"

namespace dray::runtime {

template class Informer<api::Pod>;
template class Informer<api::Node>;
template class Informer<api::Namespace>;
template class Informer<api::ConfigMap>;
template class Informer<api::Event>;
template class Informer<api::Service>;
template class Informer<api::EndpointSlice>;

}  // namespace dray::runtime
