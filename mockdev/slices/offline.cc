#include "mockdev/slices/offline.h"

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "mockdev/slices/plan.h"

namespace dray::mockdev {

Result<Json> SlicesOffline(const std::vector<DeviceProfile>& profiles, const std::string& node) {
  Json items = Json::array();
  for (const DeviceProfile& profile : profiles) {
    DRAY_ASSIGN_OR_RETURN(std::vector<MockDevice> devices, EnumerateDevices(profile, node));
    PoolDescription pool{profile.driver, node, node, "", {}};
    for (MockDevice& device : devices) pool.devices.push_back(std::move(device.device));
    for (api::ResourceSlice& slice : PlanSlices(pool, {}).create) {
      slice.metadata.name = std::move(slice.metadata.generate_name) + "00000";
      slice.metadata.generate_name.clear();
      slice.metadata.owner_references.clear();
      items.push_back(api::ToJson(slice));
    }
  }
  return Json({{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}});
}

}  // namespace dray::mockdev
