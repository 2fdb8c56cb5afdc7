#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/resource.h"
#include "dray/base/context.h"
#include "dray/base/status.h"
#include "mockdev/profiles/template.h"

// Hardware as data. A profile says what a vendor's node shows and what a prepared container gets;
// there is no code per vendor.
//
// Texts are templates (template.h). What may stand between the braces:
//   anywhere        {node} {index} {hash} and every name under devices.values ({uuid} is always one
//   of them). {hash} is a
//                   UUID made of node name, driver and index: the same after every restart
//   edits           also {claim} {claimName} {claimNamespace}, and {list:NAME}: NAME of all devices
//   of the same request,
//                   comma-separated
//   edits.device    also {ordinal} {request} {share} {slot} {mask1} {mask2}, {capacity.NAME},
//   {consumed.NAME}, and both with
//                   ":Mi" behind for whole mebibytes
//   devicePlugin    {list:NAME} of the devices given, {amount}: how many kubelet devices,
//   {amount:Mi}: the capacity they stand
//                   for in mebibytes
namespace dray::mockdev {

// An attribute of a device; the text is expanded, then read as the kind says.
struct AttributeTemplate {
  enum class Kind { kString, kInt, kBool, kVersion } kind = Kind::kString;
  std::string text;
};

// Whether an edit is for every prepared device or only for a part of one, or a whole one. Part:
// less than the full value of one of the profile's `partialBy` capacities was given.
enum class When { kAlways, kPartial, kWhole };

struct EnvTemplate {
  std::string name, value;
  When when = When::kAlways;
};

struct DeviceNodeTemplate {
  std::string path;
  std::string permissions = "rw";
  When when = When::kAlways;
};

// A file or directory that the driver makes on the host and mounts.
struct MountTemplate {
  std::string container_path;
  std::string name;  // on the host, below the claim's directory, or the node's shared one
  bool directory = false;
  std::string content;  // of a file
  bool shared = false;  // one for the node, kept; else made for the claim and removed with it
  bool read_only = true;
  When when = When::kAlways;
};

struct EditTemplates {
  std::vector<EnvTemplate> env;
  std::vector<DeviceNodeTemplate> device_nodes;
  std::vector<MountTemplate> mounts;
};

// A program that reaches the container with every claim (mockdev/tools).
struct Tool {
  std::string name;            // below --tools-dir
  std::string container_path;  // "/usr/bin/nvidia-smi"
};

// A resource of the device-plugin view: so many per device, or the sum of a capacity in pieces of
// `unit`.
struct DevicePluginResource {
  std::string name;  // "nvidia.com/gpu"
  int64_t slots_per_device = 0;
  std::string capacity;  // when slots_per_device is 0
  api::Quantity unit;
  EditTemplates edits;  // of Allocate; no mounts
};

// What happens to devices while the program runs, for tests of what stands above.
struct Fault {
  enum class Kind { kUnhealthy, kTaint, kDisappear, kRecover } kind = Kind::kUnhealthy;
  Duration after{};        // since the start
  int64_t device = 0;      // index
  std::string message;     // kUnhealthy
  api::DeviceTaint taint;  // kUnhealthy (optional, key empty for none), kTaint
};

struct DeviceProfile {
  std::string name;  // "nvidia-a100-80gb"
  std::string driver, device_class;

  int64_t count = 0;
  std::string device_name;                                      // template, a DNS label
  std::map<std::string, std::string> values;                    // template per name...
  std::map<std::string, std::vector<std::string>> value_lists;  // ...or one value per index
  std::map<std::string, AttributeTemplate> attributes;
  std::map<std::string, api::DeviceCapacity> capacity;
  bool allow_multiple_allocations = false;

  std::vector<std::string> partial_by;  // names of capacities
  std::string assign_units;  // capacity whose units are handed out one by one (compute units of a
                             // DCU); may be empty
  std::vector<std::pair<std::string, std::string>>
      accepted_configs;  // apiVersion, kind of opaque parameters
  std::map<std::string, std::vector<std::string>>
      accepted_members;  // by kind; hardware would obey them, here they are kept

  EditTemplates claim_edits, device_edits;
  std::vector<Tool> tools;
  std::vector<DevicePluginResource> device_plugin;
  std::vector<Fault> faults;
};

// Strict: an unknown key, a wrong type, a placeholder without a meaning, a device the API server
// would refuse are all kInvalid, in one sentence that names `file`, field, value and what is right.
Result<DeviceProfile> ParseProfile(std::string_view yaml, std::string_view file);

// `name_or_path`: a built-in profile ("nvidia-a100-80gb"), or the path of a YAML file (it contains
// '/' or ends in .yaml/.yml).
Result<DeviceProfile> LoadProfile(const std::string& name_or_path);
// Names of the profiles in the program, sorted.
std::vector<std::string> BuiltInProfiles();

// One invented device.
struct MockDevice {
  int64_t index = 0;
  std::string uuid;
  Variables variables;  // of the device: node, index, hash, and devices.values
  api::Device device;   // as published
};

// The devices of a node, in order of index. Pure: the same for the same profile and node name.
Result<std::vector<MockDevice>> EnumerateDevices(const DeviceProfile& profile,
                                                 std::string_view node);
// Null when none has that name.
const MockDevice* FindDevice(const std::vector<MockDevice>& devices, std::string_view name);

}  // namespace dray::mockdev
