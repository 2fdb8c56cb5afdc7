#pragma once

#include <memory>
#include <string>

#include "dray/base/context.h"
#include "dray/runtime/client.h"
#include "mockdev/faults/device_inventory.h"

namespace dray::mockdev {

// Side entrance before stop 3: keeps the ResourceSlices of one driver on one node as the inventory
// says. Watches its own slices, so that what somebody deletes (the kubelet at its start does) is
// published again. Failures are retried with back-off. Stopping leaves the slices: an upgrade must
// not disturb scheduling.
class SlicePublisher {
 public:
  // `inventory` outlives the publisher.
  SlicePublisher(runtime::Client client, Clock& clock, std::string driver, std::string node_name,
                 DeviceInventory& inventory);
  ~SlicePublisher();

  // Blocks until ctx is stopped.
  Status Run(const Context& ctx);
  // ok once the server has shown what was wanted; kUnavailable until then, with what went wrong the
  // last time.
  Status Published() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dray::mockdev
