// Situations of the table test of Kubernetes' own allocators (k8s.io/dynamic-resource-allocation
// release 1.36, structured/internal/allocatortesting) that the recorded cases do not have, with the
// devices that Kubernetes chooses.
#include <gtest/gtest.h>

#include "dray/api/scenario.h"

namespace dray::alloc {
namespace {

// "{...}, {...}" -> a slice of pool-1 on node-1 with these devices; `slices`: how many the pool
// has.
std::string DeviceSlice(const std::string& devices, int slices = 1) {
  return R"({"metadata": {"name": "slice-1"}, "spec": {"driver": "a.example.com",
      "pool": {"name": "pool-1", "generation": 1, "resourceSliceCount": )" +
         std::to_string(slices) + R"(}, "nodeName": "node-1", "devices": [)" + devices + "]}}";
}
std::string CounterSlice(const std::string& counters) {
  return R"({"metadata": {"name": "slice-2"}, "spec": {"driver": "a.example.com",
      "pool": {"name": "pool-1", "generation": 1, "resourceSliceCount": 2}, "nodeName": "node-1",
      "sharedCounters": [{"name": "set-1", "counters": {)" +
         counters + "}}]}}";
}
std::string PlainDevices(int count) {
  std::string devices;
  for (int i = 1; i <= count; ++i)
    devices += (i > 1 ? ", " : "") + (R"({"name": "device-)" + std::to_string(i) + "\"}");
  return devices;
}
// A request for the class, with further members of `exactly`.
std::string Exactly(const std::string& name, const std::string& more = "") {
  return R"({"name": ")" + name + R"(", "exactly": {"deviceClassName": "class-a")" +
         (more.find("allocationMode") == std::string::npos ? R"(, "allocationMode": "ExactCount")"
                                                           : "") +
         (more.find("\"All\"") == std::string::npos && more.find("count") == std::string::npos
              ? R"(, "count": 1)"
              : "") +
         (more.empty() ? "" : ", " + more) + "}}";
}
std::string ClaimOf(int number, const std::string& requests, const std::string& constraints = "") {
  return R"({"metadata": {"name": "claim-)" + std::to_string(number) +
         R"(", "namespace": "default", "uid": "u)" + std::to_string(number) +
         R"("}, "spec": {"devices": {"requests": [)" + requests + "]" +
         (constraints.empty() ? "" : R"(, "constraints": [)" + constraints + "]") + "}}}";
}
// A claim that has the device already; `consumed`: as a share, with so much of its capacity.
std::string HolderOf(const std::string& device, const std::string& consumed = "") {
  return R"({"metadata": {"name": "holder", "namespace": "default", "uid": "h"},
      "spec": {"devices": {"requests": [)" +
         Exactly("r") + R"(]}}, "status": {"allocation": {"devices": {"results": [{"request": "r",
      "driver": "a.example.com", "pool": "pool-1", "device": ")" +
         device + "\"" +
         (consumed.empty() ? ""
                           : R"(, "shareID": "11111111-1111-1111-1111-111111111111",
                              "consumedCapacity": {"c": ")" +
                                 consumed + "\"}") +
         "}]}}}}";
}

struct KubernetesCase {
  const char* name;
  std::string slices;
  std::string claims;
  std::string allocated;
  // "request=device ..." of all claims, or the outcome.
  const char* want;
};

const char kAdmin[] = R"("adminAccess": true)";
const char kShared[] =
    R"({"name": "device-1", "allowMultipleAllocations": true, "capacity": {"c": {"value": "1"}}},
       {"name": "device-2", "allowMultipleAllocations": true, "capacity": {"c": {"value": "1"}}})";
const char kOfOne[] = R"("capacity": {"requests": {"c": "1"}})";

std::vector<KubernetesCase> KubernetesCases() {
  const std::string all_admin = R"("allocationMode": "All", "adminAccess": true)";
  const std::string zero_policy =
      R"({"name": "device-1", "allowMultipleAllocations": true, "capacity": {"c": {"value": "1",
          "requestPolicy": {"default": "0", "validValues": ["0"]}}}})";
  const std::string ranged = R"("capacity": {"c": {"value": "2", "requestPolicy": {"default": "1",
          "validRange": {"min": "1"}}}})";
  auto consumer = [](const char* name, const char* amount, const char* more) {
    return std::string(R"({"name": ")") + name +
           R"(", "consumesCounters": [{"counterSet": "set-1", "counters": {"m": {"value": ")" +
           amount + R"("}}}])" + more + "}";
  };
  auto labelled = [](const char* name, const char* version, const char* text) {
    return std::string(R"({"name": ")") + name + R"(", "attributes": {"v": {"version": ")" +
           version + R"("}, "s": {"string": ")" + text + "\"}}}";
  };
  return {
      {"all devices with admin access, one taken by the same claim", DeviceSlice(PlainDevices(2)),
       ClaimOf(0, Exactly("r0", kAdmin) + ", " + Exactly("r1", all_admin)), "", "unsatisfiable"},
      {"admin access to devices in use", DeviceSlice(PlainDevices(2)),
       ClaimOf(0, Exactly("r0", R"("count": 2, "adminAccess": true)")), HolderOf("device-1"),
       "r0=device-1 r0=device-2"},
      {"two claims with admin access share", DeviceSlice(PlainDevices(2)),
       ClaimOf(0, Exactly("r0", kAdmin)) + ", " + ClaimOf(1, Exactly("r0", kAdmin)), "",
       "r0=device-1 r0=device-1"},
      {"admin access beside a claim of the same attempt", DeviceSlice(PlainDevices(2)),
       ClaimOf(0, Exactly("r0")) + ", " + ClaimOf(1, Exactly("r0", kAdmin)), "",
       "r0=device-1 r0=device-1"},
      {"taints hold for admin access too",
       DeviceSlice(R"({"name": "device-1", "taints": [{"key": "k", "effect": "NoSchedule"}]})"),
       ClaimOf(0, Exactly("r0", kAdmin)), HolderOf("device-1"), "unsatisfiable"},
      {"a policy of zero is shared without end", DeviceSlice(zero_policy),
       ClaimOf(0, Exactly("r0")) + ", " + ClaimOf(1, Exactly("r0")), "", "r0=device-1 r0=device-1"},
      {"a policy of zero grants nothing else", DeviceSlice(zero_policy),
       ClaimOf(0, Exactly("r0", kOfOne)), "", "unsatisfiable"},
      {"a device that was taken as a whole before it was shared",
       DeviceSlice(R"({"name": "device-1", "allowMultipleAllocations": true, )" + ranged + "}"),
       ClaimOf(0, Exactly("r0", kOfOne)), HolderOf("device-1"), "unsatisfiable"},
      {"the counters of a shared device that is in use are taken",
       DeviceSlice(consumer("device-1", "1",
                            R"(, "allowMultipleAllocations": true,
                               "capacity": {"c": {"value": "1"}})") +
                       ", " +
                       consumer("device-2", "1",
                                R"(, "allowMultipleAllocations": true,
                                   "capacity": {"c": {"value": "1"}})"),
                   2) +
           ", " + CounterSlice(R"("m": {"value": "1"})"),
       ClaimOf(0, Exactly("r0", kOfOne)), HolderOf("device-1", "1"), "unsatisfiable"},
      {"all shares, after one was taken by the same claim", DeviceSlice(kShared),
       ClaimOf(0, Exactly("r0", kOfOne) + ", " +
                      Exactly("r1", std::string(R"("allocationMode": "All", )") + kOfOne)),
       "", "unsatisfiable"},
      {"all shares, where one device is full", DeviceSlice(kShared),
       ClaimOf(0, Exactly("r0", std::string(R"("allocationMode": "All", )") + kOfOne)),
       HolderOf("device-1", "1"), "r0=device-2"},
      {"counters that are overdrawn already",
       DeviceSlice(consumer("device-1", "4Gi", "") + ", " + consumer("device-2", "20Gi", ""), 2) +
           ", " + CounterSlice(R"("m": {"value": "18Gi"})"),
       ClaimOf(0, Exactly("r0")), HolderOf("device-2"), "unsatisfiable"},
      {"a constraint for one request and one for all",
       DeviceSlice(labelled("device-1", "1.0.0", "a") + ", " + labelled("device-2", "2.0.0", "b") +
                   ", " + labelled("device-3", "3.0.0", "b")),
       ClaimOf(0, Exactly("r0") + ", " + Exactly("r1"),
               R"({"requests": ["r0"], "matchAttribute": "a.example.com/v"},
                  {"matchAttribute": "a.example.com/s"})"),
       "", "r0=device-2 r1=device-3"},
      {"a first choice beyond the limit", DeviceSlice(PlainDevices(1)),
       ClaimOf(0, R"({"name": "r0", "firstAvailable": [
                   {"name": "s0", "deviceClassName": "class-a", "allocationMode": "ExactCount",
                    "count": 500},
                   {"name": "s1", "deviceClassName": "class-a", "allocationMode": "ExactCount",
                    "count": 1}]})"),
       "", "r0/s1=device-1"},
  };
}

TEST(KubernetesCases, ChooseTheSameDevices) {
  for (const KubernetesCase& c : KubernetesCases()) {
    SCOPED_TRACE(c.name);
    const bool two = c.claims.find("claim-1") != std::string::npos;
    Result<Scenario> scenario = ReadScenario(
        R"({"nodes": [{"metadata": {"name": "node-1"}}], "slices": [)" + c.slices +
        R"(], "classes": [{"metadata": {"name": "class-a"}, "spec": {"selectors": [{"cel":
            {"expression": "device.driver == 'a.example.com'"}}]}}], "allocated": [)" +
        c.allocated + R"(], "claims": [)" + c.claims + "]" +
        (two ? R"(, "groups": [["claim-0", "claim-1"]])" : "") + "}");
    ASSERT_TRUE(scenario.ok()) << scenario.status();
    std::string got;
    for (const ClaimAnswer& answer : RunScenario(*scenario, {})) {
      if (!answer.allocation) {
        got = OutcomeName(answer.outcome);
        break;
      }
      for (const auto& result : answer.allocation->devices.results)
        got += (got.empty() ? "" : " ") + result.request + "=" + result.device;
    }
    EXPECT_EQ(got, c.want);
  }
}

}  // namespace
}  // namespace dray::alloc
