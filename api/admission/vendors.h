#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dray/api/admission.h"

namespace dray::admission {

// One hardware partition of fixed size: an Ascend vNPU template, a Kunlunxin step, an Enflame DRS
// profile.
struct PartitionTemplate {
  std::string name;  // "vir05_1c_16g"
  int64_t memory_mib = 0;
  int64_t cores = 0;  // in the unit of VendorConfig::card_cores
};

// What a vendor's DRA driver calls its things.
struct DriverTarget {
  std::string driver;  // also the domain of its attributes and capacities
  std::string device_class;
  std::string memory = "memory", cores = "cores";  // names of capacities
  std::string uuid = "uuid";  // name of the attribute that the uuid annotations mean
  std::string distinct;       // fully qualified attribute that tells cards apart
  std::string numa;   // fully qualified attribute that cards of one NUMA node share; empty: none is
                      // published
  bool known = true;  // a driver of that name exists; else only dray-mockdev publishes such devices
};

// A Pod annotation that becomes a parameter of the driver's opaque configuration.
struct DriverChoice {
  std::string annotation, parameter;
  std::vector<std::string> values;  // the first is the default; what is not among them is refused
  bool has_default = true;          // without the annotation: the default, or no parameter at all
};

// What device-config.yaml sets for every container of a vendor: a variable where the library in the
// container reads it, a parameter where the driver takes a configuration.
struct Tuning {
  std::string variable, value;  // "CUDA_OVERSUBSCRIBE", "true"
  std::string parameter, json;  // "oversubscription", "true"
};

// How a vendor's device-plugin resources read as a DRA request: one row, no class per vendor.
// Resource names, units and defaults are HAMi's (pkg/device/<vendor>); driver, class and attribute
// names are those of the vendor's DRA driver.
struct VendorConfig {
  std::string name;     // "NVIDIA": for messages, and the metrics label
  std::string block;    // key in device-config.yaml: "nvidia"
  std::string request;  // stem of request names: "gpu"
  DriverTarget target;
  DriverTarget mig;  // for annotation `mode` = mig; no driver: the vendor has none

  // Resource names; the first of each list is the one we print. Empty: the vendor has no such
  // resource.
  std::vector<std::string> count, memory, memory_percentage, cores, slices, priority;

  // Memory.
  int64_t memory_unit_mib = 1;  // one unit of `memory`, in MiB (memoryFactor multiplies it)
  bool memory_takes_suffix =
      false;  // a value with a suffix is an amount of bytes, not of units (MetaX)
  int64_t memory_mib_above = 0;  // values above it are MiB, whatever the unit (Enflame); 0: never
  std::vector<int64_t> legal_memory;  // the only values, in units; empty: any
  int64_t default_memory = 0;         // in units; 0: the whole card
  int64_t card_memory_mib = 0;        // 0: unknown
  int64_t reference_memory_mib =
      0;  // what a percentage is taken of where no device is known; 0: it is refused then

  // Cores. A request counts in `core_units` a card, the driver in `cores_total`: request x total /
  // units, rounded up unless cores_round_down, at least 1 above 0.
  int64_t default_cores = 0;  // in the request's unit
  int64_t core_units = 100;   // 100: percent
  int64_t cores_total = 100;
  bool cores_round_down = false;
  bool cores_at_least_one = false;  // 0 is refused instead of meaning "none asked for"
  bool cores_span_cards = false;  // the request counts cores over all cards: more than a card's are
                                  // whole cards (Neuron)

  // Cards.
  int64_t default_count = 1;             // when only memory or cores are asked for
  bool whole_only = false;               // the vendor's cards are not shared
  bool whole_card_is_exclusive = false;  // no cores asked and all memory: all cores (NVIDIA)
  bool several_are_whole = false;  // more than one card: whole ones, whatever share was asked for
  bool several_need_whole =
      false;  // more than one card and a share of memory: refused (Ascend templates)
  bool share_needs_memory =
      false;  // without memory: the whole card, whatever cores were asked for (Moore Threads)
  bool one_card_per_pod = false;  // all shares of a Pod lie on one card (Moore Threads)
  bool even_count =
      false;  // cards come in pairs (Ascend 910C): 1 becomes 2, other odd counts are refused

  // Fixed partitions: a request is rounded up to the smallest that holds it; what none holds is the
  // whole card.
  std::vector<PartitionTemplate> partitions;
  int64_t card_cores = 0;  // cores of a card in the unit of PartitionTemplate::cores
  bool largest_partition_is_card = false;     // nothing lies above the largest partition
  std::vector<std::string> product_suffixes;  // only devices whose productName ends with one of
                                              // them (the chip in the resource name)

  // Pod annotations; empty: none. Types are compared with what HAMi calls the card: its
  // productName, with `type_prefix` before it unless it begins with `type_word`.
  std::vector<std::string> use_type, nouse_type, use_uuid, nouse_uuid;
  std::string type_prefix, type_word;
  std::string numa_bind, mode;
  std::string mode_accepted;  // the value of `mode` that devices of `target` serve
  std::string
      soft_mode;  // "hami-core" here: free memory sizes and core shares instead of partitions
  std::string app_class;  // "online" here: one card and no core share (MetaX)

  // What reaches the driver or the container beside the request.
  std::vector<DriverChoice> choices;
  std::string config_api_version,
      config_kind;                // of the opaque configuration; empty: the driver takes none
  std::string priority_variable;  // carries the priority when the driver takes no configuration
  std::vector<Tuning> tunings;
  std::vector<std::pair<std::string, std::string>>
      env;                    // set unless the container has it; {container} is its name
  std::string runtime_class;  // for Pods that name none; empty: leave it
};

// HAMi's defaults, in the order in which vendors are looked at.
std::vector<VendorConfig> DefaultVendors();

// The row of one Ascend chip without sizes and templates. `word` names resources and annotations
// ("Ascend910B3"), `chip` is how the product name ends ("910B3").
VendorConfig AscendVendor(const std::string& word, const std::string& chip);
// The row of one Iluvatar chip; `word` as above ("MR-V100").
VendorConfig IluvatarVendor(const std::string& word, const std::string& chip);

}  // namespace dray::admission
