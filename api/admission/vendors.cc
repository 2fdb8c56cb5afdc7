#include "api/admission/vendors.h"

// Sources: facts of HAMi's pkg/device/<vendor> and its default device-config.yaml; the drivers' own
// documentation. Vendors without a DRA driver get names under dray.dev, which dray-mockdev
// publishes and device-config.yaml can replace.
namespace dray::admission {
namespace {

DriverTarget Target(const std::string& driver, const std::string& device_class, bool known = true) {
  DriverTarget target;
  target.driver = driver;
  target.device_class = device_class;
  target.distinct = driver + "/" + target.uuid;
  target.known = known;
  return target;
}

// Driver, class and attributes as dray-mockdev publishes them for a vendor without a DRA driver.
DriverTarget OwnTarget(const std::string& vendor) {
  DriverTarget target = Target(vendor + ".dray.dev", vendor + ".dray.dev", /*known=*/false);
  target.numa = target.driver + "/numaNode";
  return target;
}

// Cards that are given out whole, and nothing else.
VendorConfig WholeCards(const std::string& name, const std::string& block,
                        const std::string& request, const std::string& resource,
                        const std::string& annotations) {
  VendorConfig v;
  v.name = name;
  v.block = block;
  v.request = request;
  v.count = {resource};
  v.whole_only = true;
  v.use_uuid = {annotations + "/use-gpuuuid"};
  v.nouse_uuid = {annotations + "/nouse-gpuuuid"};
  return v;
}

VendorConfig Nvidia() {
  VendorConfig v;
  v.name = "NVIDIA";
  v.block = "nvidia";
  v.request = "gpu";
  v.target = Target("hami-core-gpu.project-hami.io", "hami-core-gpu.project-hami.io");
  // The driver publishes no NUMA node; cards below one PCIe root are always on one.
  v.target.numa = "resource.kubernetes.io/pcieRoot";
  v.mig = Target("gpu.nvidia.com", "mig.nvidia.com");
  v.mig.uuid = "parentUUID";
  v.mig.distinct = "gpu.nvidia.com/parentUUID";
  v.mig.numa = "resource.kubernetes.io/pcieRoot";
  v.count = {"nvidia.com/gpu"};
  v.memory = {"nvidia.com/gpumem"};
  v.memory_percentage = {"nvidia.com/gpumem-percentage"};
  v.cores = {"nvidia.com/gpucores"};
  v.priority = {"nvidia.com/priority"};
  v.whole_card_is_exclusive = true;
  v.type_prefix = "NVIDIA-";
  v.type_word = "NVIDIA";
  v.use_type = {"nvidia.com/use-gputype"};
  v.nouse_type = {"nvidia.com/nouse-gputype"};
  v.use_uuid = {"nvidia.com/use-gpuuuid"};
  v.nouse_uuid = {"nvidia.com/nouse-gpuuuid"};
  v.numa_bind = "nvidia.com/numa-bind";
  v.mode = "nvidia.com/vgpu-mode";
  v.mode_accepted = "hami-core";
  // HAMi-core's driver decodes opaque configurations strictly and knows none of HAMi's; the library
  // in the container reads the variable.
  v.priority_variable = "CUDA_TASK_PRIORITY";
  return v;
}

// Old and new resource names. The driver's cores are absolute compute units, 120 on a K100_AI
// (referenceComputeUnits).
VendorConfig Hygon() {
  VendorConfig v;
  v.name = "Hygon DCU";
  v.block = "hygon";
  v.request = "hcu";
  v.target = Target("dra.hygon.com", "dra.hygon.com");
  v.count = {"hygon.com/dcunum", "hygon.com/hcunum"};
  v.memory = {"hygon.com/dcumem", "hygon.com/hcumem"};
  v.cores = {"hygon.com/dcucores", "hygon.com/hcucores"};
  v.default_cores = 100;
  v.cores_total = 120;
  v.several_are_whole = true;
  v.type_prefix = "DCU-";
  v.use_type = {"hygon.com/use-dcutype", "hygon.com/use-hcutype"};
  v.nouse_type = {"hygon.com/nouse-dcutype", "hygon.com/nouse-hcutype"};
  v.use_uuid = {"hygon.com/use-gpuuuid"};
  v.nouse_uuid = {"hygon.com/nouse-gpuuuid"};
  return v;
}

VendorConfig Cambricon() {
  VendorConfig v;
  v.name = "Cambricon MLU";
  v.block = "cambricon";
  v.request = "mlu";
  v.target = OwnTarget("cambricon");
  v.count = {"cambricon.com/vmlu"};
  v.memory = {"cambricon.com/mlu.smlu.vmemory"};
  v.memory_unit_mib = 256;
  v.cores = {"cambricon.com/mlu.smlu.vcore"};
  v.default_cores = 100;
  v.use_type = {"cambricon.com/use-mlutype"};
  v.nouse_type = {"cambricon.com/nouse-mlutype"};
  v.use_uuid = {"cambricon.com/use-gpuuuid"};
  v.nouse_uuid = {"cambricon.com/nouse-gpuuuid"};
  return v;
}

VendorConfig MetaxWhole() {
  VendorConfig v =
      WholeCards("MetaX GPU", "metax", "metax", "metax-tech.com/gpu", "metax-tech.com");
  v.target = OwnTarget("metax");
  return v;
}

VendorConfig MetaxShared() {
  VendorConfig v = MetaxWhole();
  v.name = "MetaX sGPU";
  v.request = "sgpu";
  v.whole_only = false;
  v.count = {"metax-tech.com/sgpu"};
  v.memory = {"metax-tech.com/vmemory"};
  v.memory_unit_mib = 1024;
  v.memory_takes_suffix = true;
  v.cores = {"metax-tech.com/vcore"};
  v.default_cores = 100;
  v.app_class = "metax-tech.com/sgpu-app-class";
  v.choices = {{"metax-tech.com/sgpu-qos-policy",
                "qosPolicy",
                {"best-effort", "fixed-share", "burst-share"},
                true},
               {"metax-tech.com/sgpu-app-class", "appClass", {"online", "offline"}, false}};
  v.config_api_version = "config.dray.dev/v1";
  v.config_kind = "SharingConfig";
  return v;
}

VendorConfig EnflameWhole() {
  VendorConfig v = WholeCards("Enflame GCU", "enflame", "gcu", "enflame.com/gcu", "enflame.com");
  v.target = OwnTarget("enflame");
  v.target.cores = "slices";
  return v;
}

// A part of a card is a DRS profile: asked for by its slices, or by memory and cores, or by the
// older percentage.
VendorConfig EnflameShared() {
  VendorConfig v = EnflameWhole();
  v.name = "Enflame DRS GCU";
  v.request = "drs";
  v.whole_only = false;
  v.count = {"enflame.com/vgcu"};
  v.slices = {"enflame.com/drs-gcu"};
  v.memory = {"enflame.com/gcu-memory"};
  v.memory_unit_mib = 1024;
  v.memory_mib_above = 80;
  v.cores = {"enflame.com/gcu-core", "enflame.com/vgcu-percentage"};
  v.cores_at_least_one = true;
  v.cores_total = 6;
  v.card_cores = 6;
  v.card_memory_mib = 40960;
  v.partitions = {{"1g.6gb", 6144, 1}, {"3g.20gb", 20480, 3}, {"6g.40gb", 40960, 6}};
  v.largest_partition_is_card = true;
  v.several_need_whole = true;
  return v;
}

VendorConfig MooreThreads() {
  VendorConfig v;
  v.name = "Moore Threads";
  v.block = "mthreads";
  v.request = "mtgpu";
  v.target = OwnTarget("mthreads");
  v.count = {"mthreads.com/vgpu"};
  v.memory = {"mthreads.com/sgpu-memory"};
  v.memory_unit_mib = 512;
  v.legal_memory = {2, 4, 8, 16, 32, 64, 96};
  v.cores = {"mthreads.com/sgpu-core"};
  v.core_units = 16;
  v.cores_total = 16;
  v.several_are_whole = true;
  v.share_needs_memory = true;
  v.one_card_per_pod = true;
  v.use_uuid = {"mthreads.ai/use-gpuuuid"};
  v.nouse_uuid = {"mthreads.ai/nouse-gpuuuid"};
  return v;
}

VendorConfig KunlunWhole() {
  VendorConfig v = WholeCards("Kunlunxin XPU", "kunlun", "xpu", "kunlunxin.com/xpu", "baidu.com");
  v.target = OwnTarget("kunlunxin");
  return v;
}

// Quarters, halves and whole cards; the cores follow the memory.
VendorConfig KunlunShared() {
  VendorConfig v = KunlunWhole();
  v.name = "Kunlunxin vXPU";
  v.request = "vxpu";
  v.whole_only = false;
  v.count = {"kunlunxin.com/vxpu"};
  v.memory = {"kunlunxin.com/vxpu-memory"};
  v.card_memory_mib = 98304;
  v.card_cores = 4;
  v.partitions = {{"quarter", 24576, 1}, {"half", 49152, 2}, {"whole", 98304, 4}};
  v.largest_partition_is_card = true;
  v.use_uuid = {"hami.io/use-xpu-uuid"};
  v.nouse_uuid = {"hami.io/no-use-xpu-uuid"};
  return v;
}

// Names of ROCm/k8s-gpu-dra-driver, which shows whole cards; compute units of an MI300X.
VendorConfig Amd() {
  VendorConfig v;
  v.name = "AMD";
  v.block = "amd";
  v.request = "amdgpu";
  v.target = Target("gpu.amd.com", "gpu.amd.com");
  v.target.cores = "computeUnits";
  v.target.distinct = "resource.kubernetes.io/pciBusID";
  v.target.numa = "gpu.amd.com/numaNode";
  v.count = {"amd.com/gpu"};
  v.memory = {"amd.com/gpumem"};
  v.cores = {"amd.com/gpucores"};
  v.default_cores = 100;
  v.cores_total = 304;
  v.cores_round_down = true;
  v.cores_at_least_one = true;
  v.use_type = {"amd.com/use-gputype"};
  v.nouse_type = {"amd.com/nouse-gputype"};
  v.use_uuid = {"amd.com/use-gpu-uuid"};
  v.nouse_uuid = {"amd.com/nouse-gpu-uuid"};
  return v;
}

VendorConfig Neuron() {
  VendorConfig v;
  v.name = "AWS Neuron";
  v.block = "awsneuron";
  v.request = "neuron";
  v.target = Target("neuron.aws.com", "neuron.aws.com");
  v.count = {"aws.amazon.com/neuron"};
  v.cores = {"aws.amazon.com/neuroncore"};
  v.core_units = 2;
  v.cores_total = 2;
  v.cores_span_cards = true;
  v.cores_at_least_one = true;
  v.use_uuid = {"aws.amazon.com/use-neuron-uuid"};
  v.nouse_uuid = {"aws.amazon.com/nouse-neuron-uuid"};
  return v;
}

VendorConfig Vastai() {
  VendorConfig v = WholeCards("Vastai", "vastai", "va", "vastaitech.com/va", "vastaitech.com");
  v.target = OwnTarget("vastai");
  return v;
}

VendorConfig Biren() {
  VendorConfig v = WholeCards("Biren", "biren", "biren", "birentech.com/gpu", "birentech.com");
  v.target = OwnTarget("biren");
  return v;
}

struct Chip {
  const char* word;  // resource huawei.com/<word>, annotation hami.io/use-<word>-uuid
  const char* chip;  // end of the product name
  int64_t memory_mib;
  int64_t cores;
  std::vector<PartitionTemplate> partitions;
  bool pairs;
};

std::vector<Chip> AscendChips() {
  return {
      {"Ascend910A",
       "910A",
       32768,
       30,
       {{"vir02", 2184, 2}, {"vir04", 4369, 4}, {"vir08", 8738, 8}, {"vir16", 17476, 16}},
       false},
      {"Ascend910B2",
       "910B2",
       65536,
       24,
       {{"vir03_1c_8g", 8192, 3}, {"vir06_1c_16g", 16384, 6}, {"vir12_3c_32g", 32768, 12}},
       false},
      {"Ascend910B3",
       "910B3",
       65536,
       20,
       {{"vir05_1c_16g", 16384, 5}, {"vir10_3c_32g", 32768, 10}},
       false},
      {"Ascend910B4-1",
       "910B4-1",
       65536,
       20,
       {{"vir05_1c_16g", 16384, 5}, {"vir10_3c_32g", 32768, 10}},
       false},
      {"Ascend910B4",
       "910B4",
       32768,
       20,
       {{"vir05_1c_8g", 8192, 5}, {"vir10_3c_16g", 16384, 10}},
       false},
      {"Ascend310P",
       "310P3",
       24576,
       8,
       {{"vir01", 3072, 1}, {"vir02", 6144, 2}, {"vir04", 12288, 4}},
       false},
      {"Ascend910C",
       "Ascend910",
       65536,
       20,
       {{"vir05_1c_16g", 16384, 5}, {"vir10_3c_32g", 32768, 10}},
       true},
  };
}

}  // namespace

VendorConfig AscendVendor(const std::string& word, const std::string& chip) {
  VendorConfig v;
  v.name = word;
  v.block = "vnpus";
  v.request = "npu";
  v.target = Target("ascend.project-hami.io", "hami-vnpu-core.project-hami.io");
  v.count = {"huawei.com/" + word};
  v.memory = {"huawei.com/" + word + "-memory"};
  v.cores = {"huawei.com/" + word + "-core"};
  v.product_suffixes = {chip.empty() ? word : chip};
  // A name that ends with the word mostly ends with the chip, too: Ascend910B3.
  if (!word.ends_with(v.product_suffixes.front())) v.product_suffixes.push_back(word);
  v.several_need_whole = true;
  v.use_type = {"hami.io/use-nputype"};
  v.nouse_type = {"hami.io/no-use-nputype"};
  v.use_uuid = {"hami.io/use-" + word + "-uuid"};
  v.nouse_uuid = {"hami.io/no-use-" + word + "-uuid"};
  v.soft_mode = "huawei.com/vnpu-mode";
  return v;
}

VendorConfig IluvatarVendor(const std::string& word, const std::string& chip) {
  VendorConfig v;
  v.name = "Iluvatar " + word;
  v.block = "iluvatars";
  v.request = "ilu";
  v.target = OwnTarget("iluvatar");
  v.count = {"iluvatar.ai/" + word + "-vgpu"};
  v.memory = {"iluvatar.ai/" + word + ".vMem"};
  v.memory_unit_mib = 256;
  v.cores = {"iluvatar.ai/" + word + ".vCore"};
  v.several_are_whole = true;
  v.product_suffixes = {chip.empty() ? word : chip};
  v.use_uuid = {"hami.io/use-" + word + "-uuid"};
  v.nouse_uuid = {"hami.io/no-use-" + word + "-uuid"};
  v.env = {{"SOL_CONTINER_NAME", "{container}"}};  // the vendor's spelling
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
  for (const char* chip : {"MR-V100", "MR-V50", "BI-V150", "BI-V100"})
    vendors.push_back(IluvatarVendor(chip, chip));
  for (VendorConfig& vendor : std::vector<VendorConfig>{
           Cambricon(), MetaxWhole(), MetaxShared(), EnflameWhole(), EnflameShared(),
           MooreThreads(), KunlunWhole(), KunlunShared(), Amd(), Neuron(), Vastai(), Biren()})
    vendors.push_back(std::move(vendor));
  return vendors;
}

DeviceConfig::DeviceConfig() : vendors_(DefaultVendors()) {}
DeviceConfig::~DeviceConfig() = default;
DeviceConfig::DeviceConfig(const DeviceConfig&) = default;
DeviceConfig::DeviceConfig(DeviceConfig&&) noexcept = default;
DeviceConfig& DeviceConfig::operator=(DeviceConfig&&) noexcept = default;

}  // namespace dray::admission
