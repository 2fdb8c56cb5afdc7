#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dray/api/admission.h"

namespace dray::admission {

// One hardware partition of fixed size (Ascend vNPU template).
struct PartitionTemplate {
  std::string name;        // "vir05_1c_16g"
  int64_t memory_mib = 0;
  int64_t cores = 0;       // AI cores
};

// How a vendor's device-plugin resources read as a DRA request: one row, no class per vendor. Resource names, units and
// defaults are HAMi's (pkg/device/<vendor>); driver, class and attribute names are those of the vendor's DRA driver.
struct VendorConfig {
  std::string name;          // "NVIDIA": for messages
  std::string request;       // stem of request names: "gpu"
  std::string driver;        // also the domain of its attributes and capacities
  std::string device_class;

  // Resource names; the first of each list is the one we print. Empty: the vendor has no such resource.
  std::vector<std::string> count, memory, memory_percentage, cores, priority;

  int64_t memory_unit_mib = 1;    // one unit of `memory`, in MiB (memoryFactor multiplies it)
  int64_t default_count = 1;      // when only memory or cores are asked for
  int64_t default_memory = 0;     // in units; 0: the whole card
  int64_t default_cores = 0;      // percent
  bool whole_card_is_exclusive = false;  // no cores asked and all memory: cores become 100 (NVIDIA)
  // Percent is turned into units of the driver's "cores" capacity: ceil(percent x cores_total / 100), at least 1 above 0.
  int64_t cores_total = 100;
  bool shares_cores = true;       // the driver has a "cores" capacity

  // Fixed partitions: a memory request is rounded up to the smallest that holds it (Ascend hard vNPU).
  std::vector<PartitionTemplate> partitions;
  int64_t card_memory_mib = 0;    // 0: unknown
  int64_t card_cores = 0;         // cores of a card in the unit of PartitionTemplate::cores
  std::string product_suffix;     // only devices whose productName ends with it (the chip in the resource name)
  bool even_count = false;        // cards come in pairs (Ascend 910C): 1 becomes 2, other odd counts are refused

  // Pod annotations; empty: none.
  std::string use_type, nouse_type, use_uuid, nouse_uuid, numa_bind, mode;
  std::string mode_accepted;      // the only value of `mode` that DRA devices of this driver can serve
  std::string soft_mode;          // "hami-core" here: free memory sizes and core shares instead of partitions
};

// HAMi's defaults, in the order in which vendors are looked at.
std::vector<VendorConfig> DefaultVendors();

// The row of one Ascend chip without sizes and templates. `word` names resources and annotations ("Ascend910B3"), `chip` is
// how the product name ends ("910B3").
VendorConfig AscendVendor(const std::string& word, const std::string& chip);

}  // namespace dray::admission
