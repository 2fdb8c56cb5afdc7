#include "mockdev/faults/device_inventory.h"

#include "dray/base/log.h"

namespace dray::mockdev {

DeviceInventory::DeviceInventory(std::string pool, std::vector<MockDevice> devices)
    : pool_(std::move(pool)),
      devices_(std::move(devices)),
      states_(std::vector<DeviceState>(devices_.size())) {}

DeviceState DeviceInventory::StateOf(size_t position) const {
  return states_.With([&](const auto& states) { return states.at(position); });
}

bool DeviceInventory::Present(std::string_view device) const {
  const MockDevice* found = FindDevice(devices_, device);
  return found != nullptr && StateOf(static_cast<size_t>(found - devices_.data())).present;
}

std::vector<api::Device> DeviceInventory::Published() const {
  std::vector<DeviceState> states = states_.Copy();
  std::vector<api::Device> published;
  for (size_t i = 0; i < devices_.size(); ++i) {
    if (!states[i].present) continue;
    published.push_back(devices_[i].device);
    published.back().taints = states[i].taints;
  }
  return published;
}

void DeviceInventory::Apply(const Fault& fault, WallTime now) {
  states_.With([&](auto& states) {
    DeviceState& state = states.at(fault.device);
    switch (fault.kind) {
      case Fault::Kind::kUnhealthy:
        state.healthy = false;
        state.message =
            fault.message.empty() ? "unhealthy by the profile's timeline" : fault.message;
        break;
      case Fault::Kind::kTaint:
        break;
      case Fault::Kind::kDisappear:
        state.present = false;
        break;
      case Fault::Kind::kRecover:
        state = DeviceState();
        break;
    }
    if (fault.kind == Fault::Kind::kRecover || fault.taint.key.empty()) return;
    std::erase_if(state.taints,
                  [&](const api::DeviceTaint& taint) { return taint.key == fault.taint.key; });
    state.taints.push_back(fault.taint);
    state.taints.back().time_added = api::ToTime(now);
  });
  for (const auto& watcher : watchers_.Copy()) watcher();
}

void DeviceInventory::OnChange(std::function<void()> watcher) {
  watchers_.With([&](auto& watchers) { watchers.push_back(std::move(watcher)); });
}

Status RunFaults(const Context& ctx, std::vector<Fault> faults, DeviceInventory& inventory) {
  std::stable_sort(faults.begin(), faults.end(),
                   [](const Fault& a, const Fault& b) { return a.after < b.after; });
  SteadyTime start = ctx.clock().Steady();
  for (const Fault& fault : faults) {
    if (!ctx.Sleep(start + fault.after - ctx.clock().Steady()).ok()) return {};
    LOG(WARNING) << "fault on device " << inventory.devices()[fault.device].device.name << ": "
                 << (fault.kind == Fault::Kind::kUnhealthy   ? "unhealthy"
                     : fault.kind == Fault::Kind::kTaint     ? "tainted"
                     : fault.kind == Fault::Kind::kDisappear ? "gone"
                                                             : "recovered");
    inventory.Apply(fault, ctx.clock().Now());
  }
  return {};
}

}  // namespace dray::mockdev
