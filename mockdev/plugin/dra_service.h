#pragma once

#include <memory>

#include "dray/base/context.h"
#include "mockdev/plugin/claim_handler.h"
#include "mockdev/plugin/serial_worker.h"

namespace grpc {
class Service;
}

namespace dray::mockdev {

// The DRAPlugin service in its two versions: same messages, but for the share id, which v1beta1
// lacks. Everything given outlives the service; every call is handed to `worker`, so that no thread
// of gRPC ever waits.
std::unique_ptr<grpc::Service> MakeDraServiceV1(const Context& ctx, ClaimHandler& handler,
                                                SerialWorker& worker);
std::unique_ptr<grpc::Service> MakeDraServiceV1beta1(const Context& ctx, ClaimHandler& handler,
                                                     SerialWorker& worker);

}  // namespace dray::mockdev
