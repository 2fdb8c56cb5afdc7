#pragma once

#include <memory>

#include "mockdev/faults/device_inventory.h"

namespace grpc {
class Service;
}

namespace dray::mockdev {

// DRAResourceHealth v1alpha1: to each watcher the complete list at once, and again at each Send().
// Any thread.
class HealthService {
 public:
  // `inventory` and `clock` outlive the service.
  HealthService(const DeviceInventory& inventory, Clock& clock);
  ~HealthService();

  grpc::Service& service();
  void Send();
  // Ends all streams, and those that come later.
  void Close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::mockdev
