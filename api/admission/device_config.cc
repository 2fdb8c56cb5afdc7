#include <nlohmann/json.hpp>

#include "api/admission/vendors.h"

// HAMi's device-config.yaml (ConfigMap hami-scheduler-device), read unchanged: the keys that change what a request means.
// Keys about scheduling, MIG geometry or the node's device plugin are read past: under DRA the driver decides those.
namespace dray::admission {
namespace {

// Reads typed values out of one mapping and remembers the first thing that is wrong.
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
    status_ = Status(Reason::kInvalid,
                     where + ": want " + want + ", got " + (value == nullptr ? "nothing" : value->dump()));
  }
  const Status& status() const { return status_; }

 private:
  const Json& json_;
  std::string path_;
  Status status_;
};

Status ReadNvidia(const Json& json, VendorConfig& vendor) {
  Block block(json, "nvidia");
  block.Name("resourceCountName", &vendor.count);
  block.Name("resourceMemoryName", &vendor.memory);
  block.Name("resourceMemoryPercentageName", &vendor.memory_percentage);
  block.Name("resourceCoreName", &vendor.cores);
  block.Name("resourcePriorityName", &vendor.priority);
  block.Integer("defaultMemory", &vendor.default_memory, 0);
  block.Integer("defaultCores", &vendor.default_cores, 0);
  block.Integer("defaultGPUNum", &vendor.default_count, 1);
  block.Integer("memoryFactor", &vendor.memory_unit_mib, 1);
  return block.status();
}

Status ReadHygon(const Json& json, VendorConfig& vendor) {
  Block block(json, "hygon");
  block.Name("resourceCountName", &vendor.count);
  block.Name("resourceMemoryName", &vendor.memory);
  block.Name("resourceCoreName", &vendor.cores);
  block.Integer("memoryFactor", &vendor.memory_unit_mib, 1);
  block.Integer("referenceComputeUnits", &vendor.cores_total, 1);
  return block.status();
}

Result<VendorConfig> ReadChip(const Json& json, const std::string& path) {
  Block block(json, path);
  std::string word, chip, count, memory, cores;
  block.Text("commonWord", &word);
  block.Text("chipName", &chip);
  block.Text("resourceName", &count);
  block.Text("resourceMemoryName", &memory);
  block.Text("resourceCoreName", &cores);
  if (word.empty()) block.Fail("commonWord", "the name of the chip, as in Ascend910B3");
  if (count.empty()) block.Fail("resourceName", "a resource name, as in huawei.com/Ascend910B3");
  VendorConfig vendor = AscendVendor(word, chip);
  vendor.count = {count};
  if (!memory.empty()) vendor.memory = {memory};
  if (!cores.empty()) vendor.cores = {cores};
  block.Integer("memoryFactor", &vendor.memory_unit_mib, 1);
  block.Integer("memoryAllocatable", &vendor.card_memory_mib, 1);
  block.Integer("aiCore", &vendor.card_cores, 1);
  block.Flag("superPod", &vendor.even_count);
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

}  // namespace

Result<DeviceConfig> DeviceConfig::FromJson(const Json& document) {
  if (!document.is_object())
    return Status(Reason::kInvalid, "device configuration: want a mapping with blocks such as nvidia, hygon, vnpus");
  DeviceConfig config;
  for (VendorConfig& vendor : config.vendors_) {
    if (vendor.name == "NVIDIA" && document.contains("nvidia"))
      DRAY_RETURN_IF_ERROR(ReadNvidia(document["nvidia"], vendor));
    if (vendor.name == "Hygon DCU" && document.contains("hygon"))
      DRAY_RETURN_IF_ERROR(ReadHygon(document["hygon"], vendor));
  }
  auto vnpus = document.find("vnpus");
  if (vnpus == document.end() || vnpus->is_null()) return config;
  // HAMi up to 2.9 wrote a list, 2.10 a mapping with the list under "configs".
  const bool mapping = vnpus->is_object();
  const Json chips = mapping ? vnpus->value("configs", Json::array()) : *vnpus;
  if (!chips.is_array())
    return Status(Reason::kInvalid, "vnpus: want a list of chips, or a mapping with the list under configs");
  std::erase_if(config.vendors_, [](const VendorConfig& vendor) { return vendor.request == "npu"; });
  for (size_t i = 0; i < chips.size(); ++i) {
    const std::string path = (mapping ? "vnpus.configs[" : "vnpus[") + std::to_string(i) + "]";
    DRAY_ASSIGN_OR_RETURN(VendorConfig vendor, ReadChip(chips[i], path));
    config.vendors_.push_back(std::move(vendor));
  }
  return config;
}

}  // namespace dray::admission
