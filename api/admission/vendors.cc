#include "api/admission/vendors.h"

namespace dray::admission {
namespace {

// HAMi pkg/device/nvidia; driver: k8s-dra-driver (hami-kubelet-plugin).
VendorConfig Nvidia() {
  VendorConfig v;
  v.name = "NVIDIA";
  v.request = "gpu";
  v.driver = v.device_class = "hami-core-gpu.project-hami.io";
  v.count = {"nvidia.com/gpu"};
  v.memory = {"nvidia.com/gpumem"};
  v.memory_percentage = {"nvidia.com/gpumem-percentage"};
  v.cores = {"nvidia.com/gpucores"};
  v.priority = {"nvidia.com/priority"};
  v.whole_card_is_exclusive = true;
  v.use_type = "nvidia.com/use-gputype";
  v.nouse_type = "nvidia.com/nouse-gputype";
  v.use_uuid = "nvidia.com/use-gpuuuid";
  v.nouse_uuid = "nvidia.com/nouse-gpuuuid";
  v.numa_bind = "nvidia.com/numa-bind";
  v.mode = "nvidia.com/vgpu-mode";
  v.mode_accepted = "hami-core";
  return v;
}

// HAMi pkg/device/hygon, old and new resource names; driver: k8s-hcu-dra-driver. Its cores are absolute compute units, 120 on
// a K100_AI (referenceComputeUnits in the configuration).
VendorConfig Hygon() {
  VendorConfig v;
  v.name = "Hygon DCU";
  v.request = "hcu";
  v.driver = v.device_class = "dra.hygon.com";
  v.count = {"hygon.com/dcunum", "hygon.com/hcunum"};
  v.memory = {"hygon.com/dcumem", "hygon.com/hcumem"};
  v.cores = {"hygon.com/dcucores", "hygon.com/hcucores"};
  v.default_cores = 100;
  v.cores_total = 120;
  v.use_type = "hygon.com/use-dcutype";
  v.nouse_type = "hygon.com/nouse-dcutype";
  v.use_uuid = "hygon.com/use-gpuuuid";
  v.nouse_uuid = "hygon.com/nouse-gpuuuid";
  return v;
}

struct Chip {
  const char* word;   // resource huawei.com/<word>, annotation hami.io/use-<word>-uuid
  const char* chip;   // end of the product name
  int64_t memory_mib;
  int64_t cores;
  std::vector<PartitionTemplate> partitions;
  bool pairs;
};

// HAMi pkg/device/ascend and its default device-config.yaml.
std::vector<Chip> AscendChips() {
  return {
      {"Ascend910A", "910A", 32768, 30,
       {{"vir02", 2184, 2}, {"vir04", 4369, 4}, {"vir08", 8738, 8}, {"vir16", 17476, 16}}, false},
      {"Ascend910B2", "910B2", 65536, 24,
       {{"vir03_1c_8g", 8192, 3}, {"vir06_1c_16g", 16384, 6}, {"vir12_3c_32g", 32768, 12}}, false},
      {"Ascend910B3", "910B3", 65536, 20, {{"vir05_1c_16g", 16384, 5}, {"vir10_3c_32g", 32768, 10}}, false},
      {"Ascend910B4-1", "910B4-1", 65536, 20, {{"vir05_1c_16g", 16384, 5}, {"vir10_3c_32g", 32768, 10}}, false},
      {"Ascend910B4", "910B4", 32768, 20, {{"vir05_1c_8g", 8192, 5}, {"vir10_3c_16g", 16384, 10}}, false},
      {"Ascend310P", "310P3", 24576, 8, {{"vir01", 3072, 1}, {"vir02", 6144, 2}, {"vir04", 12288, 4}}, false},
      {"Ascend910C", "Ascend910", 65536, 20, {{"vir05_1c_16g", 16384, 5}, {"vir10_3c_32g", 32768, 10}}, true},
  };
}

}  // namespace

VendorConfig AscendVendor(const std::string& word, const std::string& chip) {
  VendorConfig v;
  v.name = word;
  v.request = "npu";
  v.driver = "ascend.project-hami.io";
  v.device_class = "hami-vnpu-core.project-hami.io";
  v.count = {"huawei.com/" + word};
  v.memory = {"huawei.com/" + word + "-memory"};
  v.cores = {"huawei.com/" + word + "-core"};
  v.product_suffix = chip;
  v.use_uuid = "hami.io/use-" + word + "-uuid";
  v.nouse_uuid = "hami.io/no-use-" + word + "-uuid";
  v.soft_mode = "huawei.com/vnpu-mode";
  return v;
}

std::vector<VendorConfig> DefaultVendors() {
  std::vector<VendorConfig> vendors = {Nvidia(), Hygon()};
  for (const Chip& chip : AscendChips()) {
    VendorConfig vendor = AscendVendor(chip.word, chip.chip);
    vendor.partitions = chip.partitions;
    vendor.card_memory_mib = chip.memory_mib;
    vendor.card_cores = chip.cores;
    vendor.even_count = chip.pairs;
    vendors.push_back(std::move(vendor));
  }
  return vendors;
}

DeviceConfig::DeviceConfig() : vendors_(DefaultVendors()) {}
DeviceConfig::~DeviceConfig() = default;
DeviceConfig::DeviceConfig(const DeviceConfig&) = default;
DeviceConfig::DeviceConfig(DeviceConfig&&) noexcept = default;
DeviceConfig& DeviceConfig::operator=(DeviceConfig&&) noexcept = default;

}  // namespace dray::admission
