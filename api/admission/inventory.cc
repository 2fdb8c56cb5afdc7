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

}  // namespace dray::admission
