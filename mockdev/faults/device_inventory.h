#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/clock.h"
#include "dray/base/guarded.h"
#include "mockdev/profiles/profile.h"

namespace dray::mockdev {

struct DeviceState {
  bool present = true;
  bool healthy = true;
  std::string message;                   // why not
  std::vector<api::DeviceTaint> taints;  // with time_added
  bool operator==(const DeviceState&) const = default;
};

// The devices of one driver on this node and how they fare. Any thread; watchers are called without
// a lock held.
class DeviceInventory {
 public:
  DeviceInventory(std::string pool, std::vector<MockDevice> devices);

  const std::string& pool() const { return pool_; }
  // All that were ever there, in order of index; never changes.
  const std::vector<MockDevice>& devices() const { return devices_; }

  DeviceState StateOf(size_t position) const;
  bool Present(std::string_view device) const;
  // What the ResourceSlices show: the devices that are present, with their taints.
  std::vector<api::Device> Published() const;

  void Apply(const Fault& fault, WallTime now);
  // The watcher lives as long as the inventory.
  void OnChange(std::function<void()> watcher);

 private:
  const std::string pool_;
  const std::vector<MockDevice> devices_;
  Guarded<std::vector<DeviceState>> states_;
  Guarded<std::vector<std::function<void()>>> watchers_;
};

// Applies the faults of a profile at their times after the start, until ctx is stopped.
Status RunFaults(const Context& ctx, std::vector<Fault> faults, DeviceInventory& inventory);

}  // namespace dray::mockdev
