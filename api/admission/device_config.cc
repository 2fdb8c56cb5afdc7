#include <nlohmann/json.hpp>

#include "api/admission/vendors.h"

// HAMi's device-config.yaml (ConfigMap hami-scheduler-device), read unchanged: the keys that change
// what a request means. Keys about scheduling, MIG geometry or the node's device plugin are read
// past: under DRA the driver decides those.
namespace dray::admission {
namespace {

// Reads typed values out of one mapping and remembers the first thing that is wrong.
std::string Shown(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Block {
 public:
  Block(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json_.is_object()) Fail("", "a mapping");
  }

  void Text(const char* key, std::string* out) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_string()) return Fail(key, "a text");
    *out = value->get<std::string>();
  }
  // A resource name; an empty one leaves the default.
  void Name(const char* key, std::vector<std::string>* names) {
    std::string name;
    Text(key, &name);
    if (name.empty()) return;
    // The configured name comes first; HAMi's other spellings stay understood.
    std::erase(*names, name);
    names->insert(names->begin(), name);
  }
  void Integer(const char* key, int64_t* out, int64_t least) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_number_integer() || value->get<int64_t>() < least)
      return Fail(key, least > 0 ? "an integer above 0" : "an integer of 0 or more");
    *out = value->get<int64_t>();
  }
  // A quantity of parts ("1.5"), as far as it is above `bound`.
  bool Above(const char* key, double bound) {
    const Json* value = Find(key);
    if (value == nullptr) return false;
    if (!value->is_number()) return Fail(key, "a number"), false;
    return value->get<double>() > bound;
  }
  void Flag(const char* key, bool* out) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return Fail(key, "true or false");
    *out = value->get<bool>();
  }
  const Json* Find(const char* key) {
    if (!json_.is_object()) return nullptr;
    auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  void Fail(const std::string& key, const std::string& want) {
    if (!status_.ok()) return;
    const std::string where = key.empty() ? path_ : path_ + "." + key;
    const Json* value = key.empty() ? &json_ : Find(key.c_str());
    status_ = Status(Reason::kInvalid, where + ": want " + want + ", got " +
                                           (value == nullptr ? "nothing" : Shown(*value)));
  }
  const Status& status() const { return status_; }

 private:
  const Json& json_;
  std::string path_;
  Status status_;
};

// Keys that name the resources of a block's rows. A key without a row of its own would be HAMi's to
// know.
struct NameKey {
  const char* key;
  const char* row;  // VendorConfig::request; null: every row of the block
  std::vector<std::string> VendorConfig::*names;
};

const std::vector<std::pair<const char*, std::vector<NameKey>>>& NameKeys() {
  using V = VendorConfig;
  static const std::vector<std::pair<const char*, std::vector<NameKey>>> kKeys = {
      {"nvidia",
       {{"resourceCountName", nullptr, &V::count},
        {"resourceMemoryName", nullptr, &V::memory},
        {"resourceMemoryPercentageName", nullptr, &V::memory_percentage},
        {"resourceCoreName", nullptr, &V::cores},
        {"resourcePriorityName", nullptr, &V::priority}}},
      {"hygon",
       {{"resourceCountName", nullptr, &V::count},
        {"resourceMemoryName", nullptr, &V::memory},
        {"resourceCoreName", nullptr, &V::cores}}},
      {"cambricon",
       {{"resourceCountName", nullptr, &V::count},
        {"resourceMemoryName", nullptr, &V::memory},
        {"resourceCoreName", nullptr, &V::cores}}},
      {"metax",
       {{"resourceCountName", "metax", &V::count},
        {"resourceVCountName", "sgpu", &V::count},
        {"resourceVMemoryName", "sgpu", &V::memory},
        {"resourceVCoreName", "sgpu", &V::cores}}},
      {"enflame",
       {{"resourceNameGCU", "gcu", &V::count},
        {"resourceNameDRSGCU", "drs", &V::slices},
        {"resourceNameGCUMemory", "drs", &V::memory},
        {"resourceNameVGCU", "drs", &V::count},
        {"resourceNameVGCUPercentage", "drs", &V::cores},
        {"resourceNameGCUCore", "drs", &V::cores}}},
      {"mthreads",
       {{"resourceCountName", nullptr, &V::count},
        {"resourceMemoryName", nullptr, &V::memory},
        {"resourceCoreName", nullptr, &V::cores}}},
      {"kunlun",
       {{"resourceCountName", "xpu", &V::count},
        {"resourceVCountName", "vxpu", &V::count},
        {"resourceVMemoryName", "vxpu", &V::memory}}},
      {"awsneuron",
       {{"resourceCountName", nullptr, &V::count}, {"resourceCoreName", nullptr, &V::cores}}},
      {"amd",
       {{"resourceCountName", nullptr, &V::count},
        {"resourceMemoryName", nullptr, &V::memory},
        {"resourceCoreName", nullptr, &V::cores}}},
      {"vastai", {{"resourceCountName", nullptr, &V::count}}},
      {"biren", {{"resourceCountName", nullptr, &V::count}}},
  };
  return kKeys;
}

void ReadNvidia(Block& block, VendorConfig& vendor) {
  block.Integer("defaultMemory", &vendor.default_memory, 0);
  block.Integer("defaultCores", &vendor.default_cores, 0);
  block.Integer("defaultGPUNum", &vendor.default_count, 1);
  block.Integer("preConfiguredDeviceMemory", &vendor.reference_memory_mib, 0);
  block.Text("runtimeClassName", &vendor.runtime_class);
  // What HAMi's device plugin sets in the container; the DRA driver does not.
  std::string policy;
  block.Text("gpuCorePolicy", &policy);
  if (policy == "force" || policy == "disable")
    vendor.tunings.push_back(
        {"GPU_CORE_UTILIZATION_POLICY", policy, "corePolicy", "\"" + policy + "\""});
  else if (!policy.empty() && policy != "default")
    block.Fail("gpuCorePolicy", "default, force or disable");
  if (block.Above("deviceMemoryScaling", 1))
    vendor.tunings.push_back({"CUDA_OVERSUBSCRIBE", "true", "oversubscription", "true"});
  int64_t level = 1;
  block.Integer("libCudaLogLevel", &level, 0);
  if (level != 1) vendor.env.emplace_back("LIBCUDA_LOG_LEVEL", std::to_string(level));
}

Status ReadBlock(const Json& json, const std::vector<NameKey>& keys, const std::string& name,
                 VendorConfig& vendor) {
  Block block(json, name);
  for (const NameKey& one : keys)
    if (one.row == nullptr || vendor.request == one.row) block.Name(one.key, &(vendor.*one.names));
  if (name == "nvidia" || name == "hygon")
    block.Integer("memoryFactor", &vendor.memory_unit_mib, 1);
  if (name == "nvidia") ReadNvidia(block, vendor);
  if (name == "hygon" || name == "amd")
    block.Integer("referenceComputeUnits", &vendor.cores_total, 1);
  return block.status();
}

// The names of one chip of a list (vnpus, iluvatars). `count_key` is what the list calls its count
// resource.
struct ChipNames {
  std::string word, chip, count, memory, cores;
};
ChipNames ReadChipNames(Block& block, const char* count_key, const std::string& example) {
  ChipNames names;
  block.Text("commonWord", &names.word);
  block.Text("chipName", &names.chip);
  block.Text(count_key, &names.count);
  block.Text("resourceMemoryName", &names.memory);
  block.Text("resourceCoreName", &names.cores);
  if (names.word.empty()) block.Fail("commonWord", "the name of the chip, as in Ascend910B3");
  if (names.count.empty()) block.Fail(count_key, "a resource name, as in " + example);
  return names;
}

void Rename(const ChipNames& names, VendorConfig& vendor) {
  vendor.count = {names.count};
  if (!names.memory.empty()) vendor.memory = {names.memory};
  if (!names.cores.empty()) vendor.cores = {names.cores};
}

Result<VendorConfig> ReadAscend(const Json& json, const std::string& path) {
  Block block(json, path);
  const ChipNames names = ReadChipNames(block, "resourceName", "huawei.com/Ascend910B3");
  VendorConfig vendor = AscendVendor(names.word, names.chip);
  Rename(names, vendor);
  block.Integer("memoryFactor", &vendor.memory_unit_mib, 1);
  block.Integer("memoryAllocatable", &vendor.card_memory_mib, 1);
  block.Integer("memoryCapacity", &vendor.card_memory_mib, 1);
  block.Integer("aiCore", &vendor.card_cores, 1);
  block.Flag("superPod", &vendor.even_count);
  block.Text("runtimeClassName", &vendor.runtime_class);
  if (const Json* templates = block.Find("templates")) {
    if (!templates->is_array()) block.Fail("templates", "a list");
    for (size_t i = 0; templates->is_array() && i < templates->size(); ++i) {
      Block row((*templates)[i], path + ".templates[" + std::to_string(i) + "]");
      PartitionTemplate part;
      row.Text("name", &part.name);
      row.Integer("memory", &part.memory_mib, 1);
      row.Integer("aiCore", &part.cores, 1);
      if (part.memory_mib == 0) row.Fail("memory", "the template's memory in MiB");
      if (!row.status().ok()) return row.status();
      vendor.partitions.push_back(part);
    }
  }
  if (!block.status().ok()) return block.status();
  return vendor;
}

Result<VendorConfig> ReadIluvatar(const Json& json, const std::string& path) {
  Block block(json, path);
  const ChipNames names = ReadChipNames(block, "resourceCountName", "iluvatar.ai/MR-V100-vgpu");
  VendorConfig vendor = IluvatarVendor(names.word, names.chip);
  Rename(names, vendor);
  if (!block.status().ok()) return block.status();
  return vendor;
}

// Replaces the rows of `block` by those of a list of chips.
Status ReadChips(const Json& chips, const std::string& block, const std::string& path,
                 Result<VendorConfig> (*read)(const Json&, const std::string&),
                 std::vector<VendorConfig>& vendors) {
  if (!chips.is_array())
    return Status(Reason::kInvalid,
                  path + ": want a list of chips, got " + Shown(chips).substr(0, 80));
  auto at = std::find_if(vendors.begin(), vendors.end(),
                         [&](const VendorConfig& one) { return one.block == block; });
  const size_t position = static_cast<size_t>(at - vendors.begin());
  std::erase_if(vendors, [&](const VendorConfig& one) { return one.block == block; });
  std::vector<VendorConfig> rows;
  for (size_t i = 0; i < chips.size(); ++i) {
    DRAY_ASSIGN_OR_RETURN(VendorConfig vendor,
                          read(chips[i], path + "[" + std::to_string(i) + "]"));
    rows.push_back(std::move(vendor));
  }
  vendors.insert(vendors.begin() + static_cast<std::ptrdiff_t>(position), rows.begin(), rows.end());
  return {};
}

// dra: {metax: {driver: gpu.example.com, deviceClass: gpu.example.com}}: a key of ours beside
// HAMi's, for vendors whose DRA driver has other names than those built in. An empty driver: Pods
// that ask for the vendor are refused.
Status ReadTarget(const Json& json, const std::string& path, VendorConfig& vendor) {
  Block block(json, path);
  DriverTarget& target = vendor.target;
  const std::string before = target.driver;
  block.Text("driver", &target.driver);
  if (target.driver != before) {
    for (std::string* name : {&target.distinct, &target.numa})
      if (name->starts_with(before + "/")) *name = target.driver + name->substr(before.size());
    target.device_class = target.driver;
    target.known = true;
  }
  block.Text("deviceClass", &target.device_class);
  block.Text("memoryCapacity", &target.memory);
  block.Text("coresCapacity", &target.cores);
  block.Text("uuidAttribute", &target.uuid);
  block.Text("distinctAttribute", &target.distinct);
  block.Text("numaAttribute", &target.numa);
  block.Text("configApiVersion", &vendor.config_api_version);
  block.Text("configKind", &vendor.config_kind);
  return block.status();
}

Status ReadTargets(const Json& dra, std::vector<VendorConfig>& vendors) {
  if (!dra.is_object())
    return Status(Reason::kInvalid,
                  "dra: want a mapping of blocks such as nvidia, got " + Shown(dra));
  for (const auto& [block, json] : dra.items()) {
    bool known = false;
    for (VendorConfig& vendor : vendors) {
      if (vendor.block != block) continue;
      known = true;
      DRAY_RETURN_IF_ERROR(ReadTarget(json, "dra." + block, vendor));
    }
    if (!known)
      return Status(Reason::kInvalid,
                    "dra." + block + ": no such vendor: want a key such as nvidia, hygon, vnpus");
  }
  return {};
}

}  // namespace

Result<DeviceConfig> DeviceConfig::FromJson(const Json& document) {
  if (!document.is_object())
    return Status(Reason::kInvalid,
                  "device configuration: want a mapping with blocks such as nvidia, hygon, vnpus");
  DeviceConfig config;
  for (const auto& [block, keys] : NameKeys()) {
    auto found = document.find(block);
    if (found == document.end() || found->is_null()) continue;
    for (VendorConfig& vendor : config.vendors_)
      if (vendor.block == block) DRAY_RETURN_IF_ERROR(ReadBlock(*found, keys, block, vendor));
  }
  if (auto found = document.find("iluvatars"); found != document.end() && !found->is_null())
    DRAY_RETURN_IF_ERROR(
        ReadChips(*found, "iluvatars", "iluvatars", ReadIluvatar, config.vendors_));
  if (auto found = document.find("vnpus"); found != document.end() && !found->is_null()) {
    // HAMi up to 2.9 wrote a list, 2.10 a mapping with the list under "configs".
    if (!found->is_object() && !found->is_array())
      return Status(Reason::kInvalid,
                    "vnpus: want a list of chips, or a mapping with the list under configs");
    const bool mapping = found->is_object();
    DRAY_RETURN_IF_ERROR(ReadChips(mapping ? found->value("configs", Json::array()) : *found,
                                   "vnpus", mapping ? "vnpus.configs" : "vnpus", ReadAscend,
                                   config.vendors_));
  }
  if (auto found = document.find("dra"); found != document.end() && !found->is_null())
    DRAY_RETURN_IF_ERROR(ReadTargets(*found, config.vendors_));
  return config;
}

}  // namespace dray::admission
