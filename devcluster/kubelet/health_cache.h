#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dray/base/clock.h"

namespace dray::devcluster {

// How a device fares, in the words of status.containerStatuses[].allocatedResourcesStatus.
struct DeviceHealth {
  std::string health = "Unknown";  // Healthy, Unhealthy, Unknown
  std::string message;             // at most 1024 characters
  bool operator==(const DeviceHealth&) const = default;
};

// One device of a message of DRAResourceHealth.
struct HealthReport {
  std::string pool, device;
  DeviceHealth health;
  Duration timeout{};  // how long the report stands; 0 and below: 30 s
};

// What the DRA drivers of a node say about their devices (facts: dra.md D.3, kubelet 1.36). A
// report stands until the next one, for its timeout at most; what nobody says anything about is
// Unknown. Not thread safe.
class HealthCache {
 public:
  // True when any device fares otherwise now than it did: also one that the message leaves out and
  // whose last report is too old.
  bool Update(const std::string& driver, const std::vector<HealthReport>& reports, SteadyTime now);
  // The driver says nothing any more. True when it had said something.
  bool Clear(const std::string& driver);
  DeviceHealth Find(const std::string& driver, const std::string& pool, const std::string& device,
                    SteadyTime now) const;

 private:
  struct Entry {
    DeviceHealth health;
    SteadyTime until;
  };
  std::map<std::string, std::map<std::pair<std::string, std::string>, Entry>> drivers_;
};

}  // namespace dray::devcluster
