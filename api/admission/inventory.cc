#include "dray/api/admission.h"

namespace dray::admission {

void AddToInventory(const api::ResourceSlice& slice, Inventory& inventory) {
  const std::string& driver = slice.spec.driver;
  if (!slice.spec.devices.empty()) inventory.drivers.insert(driver);
  for (const api::Device& device : slice.spec.devices)
    for (const std::string& name : {std::string("memory"), driver + "/memory"})
      if (auto memory = device.capacity.find(name); memory != device.capacity.end())
        inventory.memory_sizes[driver].insert(memory->second.value);
}

void AddToInventory(const api::DeviceClass& device_class, Inventory& inventory) {
  const std::optional<std::string>& resource = device_class.spec.extended_resource_name;
  // Of several the first by name, whatever the order they come in.
  if (!resource || resource->empty()) return;
  std::string& serves = inventory.extended_resources[*resource];
  if (serves.empty() || device_class.metadata.name < serves) serves = device_class.metadata.name;
}

}  // namespace dray::admission
