#include "dray/api/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dray::claims {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

api::Pod MakePod(std::string name, std::string uid, std::string phase = "Pending",
                 std::string node = "") {
  api::Pod pod;
  pod.metadata.name = std::move(name);
  pod.metadata.namespace_ = "default";
  pod.metadata.uid = std::move(uid);
  pod.status.phase = std::move(phase);
  pod.spec.node_name = std::move(node);
  return pod;
}

api::ResourceClaim MakeClaim(std::vector<std::string> consumers, bool allocated = true) {
  api::ResourceClaim claim;
  claim.metadata.name = "c";
  claim.metadata.namespace_ = "default";
  if (allocated) {
    claim.metadata.finalizers = {std::string(api::kClaimFinalizer)};
    claim.status.allocation.emplace();
    claim.status.allocation->devices.results = {
        {"r", "gpu.example.com", "n1", "gpu-0", {}, {}, {}, {}, "share", {}}};
  }
  for (std::string& uid : consumers)
    claim.status.reserved_for.push_back({"", "pods", "pod-" + uid, std::move(uid)});
  return claim;
}

void OwnBy(api::ResourceClaim& claim, const api::Pod& pod) {
  claim.metadata.owner_references = {
      {"v1", "Pod", pod.metadata.name, pod.metadata.uid, true, std::nullopt}};
}

TEST(ClaimFromTemplate, CopiesTemplateAndIsOwnedByPod) {
  api::ResourceClaimTemplate claim_template;
  claim_template.spec.metadata.labels = {{"a", "b"}};
  claim_template.spec.metadata.annotations = {{"x", "y"}};
  claim_template.spec.spec.devices.requests = {
      {"gpu", api::ExactDeviceRequest{.device_class_name = "gpu"}, {}}};
  api::Pod pod = MakePod("web", "u1");
  api::ResourceClaim claim = ClaimFromTemplate(pod, {"gpus", std::nullopt, "tpl"}, claim_template);
  EXPECT_EQ(claim.metadata.generate_name, "web-gpus-");
  EXPECT_EQ(claim.metadata.namespace_, "default");
  EXPECT_EQ(claim.metadata.labels, claim_template.spec.metadata.labels);
  EXPECT_EQ(claim.metadata.annotations.at(std::string(api::kPodClaimNameAnnotation)), "gpus");
  EXPECT_EQ(claim.metadata.annotations.at("x"), "y");
  EXPECT_EQ(claim.spec, claim_template.spec.spec);
  EXPECT_TRUE(OwnedBy(claim, pod));
  EXPECT_FALSE(claim.metadata.owner_references[0].block_owner_deletion);
  EXPECT_FALSE(OwnedBy(claim, MakePod("web", "u2")));
}

TEST(ClaimFromTemplate, LongNamesAreCutProportionally) {
  struct Case {
    size_t pod, entry;
    std::string want;
  };
  for (const Case& c : {
           Case{40, 15, std::string(40, 'p') + "-" + std::string(15, 'e') + "-"},  // 57 exactly
           Case{40, 16, std::string(39, 'p') + "-" + std::string(15, 'e')},        // 58
           Case{253, 63, std::string(45, 'p') + "-" + std::string(11, 'e')},
           Case{63, 1, std::string(54, 'p') + "-"},
       }) {
    api::ResourceClaim claim = ClaimFromTemplate(
        MakePod(std::string(c.pod, 'p'), "u"), {std::string(c.entry, 'e'), std::nullopt, "t"}, {});
    EXPECT_EQ(claim.metadata.generate_name, c.want);
  }
}

TEST(ClaimNameFor, LooksAtSpecThenStatus) {
  api::Pod pod = MakePod("web", "u");
  api::PodResourceClaim direct{"a", "mine", std::nullopt}, stamped{"b", std::nullopt, "tpl"};
  EXPECT_EQ(ClaimNameFor(pod, direct), "mine");
  EXPECT_EQ(ClaimNameFor(pod, stamped), std::nullopt);
  pod.status.resource_claim_statuses = {{"b", "web-b-xyz12"}};
  EXPECT_EQ(ClaimNameFor(pod, stamped), "web-b-xyz12");
  pod.status.resource_claim_statuses = {{"b", std::nullopt}};
  EXPECT_EQ(ClaimNameFor(pod, stamped), "");
}

TEST(Done, FinishedOrDeletedBeforeBinding) {
  EXPECT_FALSE(Done(MakePod("p", "u")));
  EXPECT_TRUE(Done(MakePod("p", "u", "Succeeded", "n1")));
  EXPECT_TRUE(Done(MakePod("p", "u", "Failed", "n1")));
  api::Pod deleted = MakePod("p", "u");
  deleted.metadata.deletion_timestamp = api::Time{};
  EXPECT_TRUE(Done(deleted));
  deleted.spec.node_name = "n1";
  EXPECT_FALSE(Done(deleted));
}

TEST(Standing, FollowsTheClaim) {
  api::Pod running = MakePod("p", "u", "Running", "n1"),
           pending = MakePod("p", "u", "Pending", "n1"),
           done = MakePod("p", "u", "Succeeded", "n1");
  api::ResourceClaim unallocated = MakeClaim({}, false), unreserved = MakeClaim({}),
                     reserved = MakeClaim({"u"});
  api::ResourceClaim prepared = reserved, deleting = reserved;
  prepared.status.devices = {
      {"gpu.example.com", "n1", "gpu-0", "share", {{"Ready", "True"}}, "", {}}};
  deleting.metadata.deletion_timestamp = api::Time{};
  EXPECT_EQ(StandingOf({}), Standing::kWaitingForClaim);
  EXPECT_EQ(StandingOf({&unallocated, {&pending}}), Standing::kPending);
  EXPECT_EQ(StandingOf({&unreserved, {&pending}}), Standing::kAllocated);
  EXPECT_EQ(StandingOf({&reserved, {&pending}}), Standing::kReserved);
  EXPECT_EQ(StandingOf({&prepared, {&pending}}), Standing::kPrepared);
  EXPECT_EQ(StandingOf({&prepared, {&running}}), Standing::kRunning);
  EXPECT_EQ(StandingOf({&prepared, {&done}}), Standing::kReleasing);
  EXPECT_EQ(StandingOf({&reserved, {}}), Standing::kReleasing);
  EXPECT_EQ(StandingOf({&deleting, {&running}}), Standing::kReleasing);
  EXPECT_EQ(StandingName(Standing::kWaitingForClaim), "waiting for claim");
}

TEST(ReportDevices, AddsOursAndKeepsTheDrivers) {
  api::Pod running = MakePod("trainer", "u", "Running", "n1");
  api::ResourceClaim claim = MakeClaim({"u"});
  claim.status.devices = {
      {"gpu.example.com", "n1", "gpu-0", "share", {{"Ready", "True"}}, "{\"a\":1}", {}}};
  const api::Time now{std::chrono::seconds(100)}, later{std::chrono::seconds(200)};
  DeviceReport report = ReportDevices({&claim, {&running}}, now);
  ASSERT_TRUE(report.changed);
  ASSERT_EQ(report.devices.size(), 1u);
  EXPECT_EQ(report.devices[0].data, "{\"a\":1}");
  ASSERT_EQ(report.devices[0].conditions.size(), 2u);
  EXPECT_EQ(report.devices[0].conditions[0].type, "Ready");
  const api::Condition& ours = report.devices[0].conditions[1];
  EXPECT_EQ(ours.type, "dray.dev/Ready");
  EXPECT_EQ(ours.status, "True");
  EXPECT_EQ(ours.reason, "Running");
  EXPECT_EQ(ours.message, "used by pod trainer");
  EXPECT_EQ(ours.last_transition_time, now);

  claim.status.devices = report.devices;
  EXPECT_FALSE(ReportDevices({&claim, {&running}}, later).changed);

  running.status.phase = "Pending";  // True stays True: the time of the transition stays too
  report = ReportDevices({&claim, {&running}}, later);
  ASSERT_TRUE(report.changed);
  EXPECT_EQ(report.devices[0].conditions[1].reason, "Prepared");
  EXPECT_EQ(report.devices[0].conditions[1].last_transition_time, now);
  running.status.phase = "Failed";
  report = ReportDevices({&claim, {&running}}, later);
  EXPECT_EQ(report.devices[0].conditions[1].status, "False");
  EXPECT_EQ(report.devices[0].conditions[1].last_transition_time, later);
}

TEST(ReportDevices, SaysWhatStandsInTheWayOfADevice) {
  const api::ResourceClaim claim = MakeClaim({"u"});
  api::Device sound, noted, tainted;
  noted.taints = {{"maintenance", "", "None", {}}};
  tainted.taints = {{"maintenance", "", "None", {}},
                    {"dray.dev/fault", "xid-79", "NoExecute", {}},
                    {"drain", "", "NoSchedule", {}}};
  const std::tuple<const api::Device*, const char*, const char*, const char*> cases[] = {
      {&sound, "True", "NoTaint", ""},
      {&noted, "True", "NoTaint", ""},
      {&tainted, "False", "Tainted", "dray.dev/fault=xid-79:NoExecute, drain:NoSchedule"},
      {nullptr, "Unknown", "NotPublished", "no ResourceSlice shows the device"},
  };
  for (const auto& [device, status, reason, message] : cases) {
    const DeviceReport report =
        ReportDevices({&claim, {}}, {}, [device = device](const auto&) { return device; });
    ASSERT_EQ(report.devices[0].conditions.size(), 2u);
    const api::Condition& health = report.devices[0].conditions[1];
    EXPECT_EQ(health.type, "dray.dev/Healthy");
    EXPECT_EQ(health.status, status);
    EXPECT_EQ(health.reason, reason);
    EXPECT_EQ(health.message, message);
  }
}

TEST(ReportDevices, NothingWithoutAllocationAndNoLongMessages) {
  api::ResourceClaim unallocated = MakeClaim({}, false);
  EXPECT_FALSE(ReportDevices({&unallocated, {}}, {}).changed);
  std::vector<api::Pod> pods;
  std::vector<std::string> uids;
  for (int i = 0; i < 9; ++i) {
    uids.push_back(std::to_string(i));
    pods.push_back(MakePod("p" + std::to_string(i), uids.back(), "Running", "n1"));
  }
  api::ResourceClaim claim = MakeClaim(uids);
  ClaimView view{&claim, {}};
  for (const api::Pod& pod : pods) view.pods.push_back(&pod);
  EXPECT_EQ(ReportDevices(view, {}).devices[0].conditions[0].message,
            "used by pod p0, p1, p2 and 6 more");
}

TEST(PlanRelease, DropsConsumersThatAreGoneOrDone) {
  api::Pod running = MakePod("a", "1", "Running", "n1"),
           done = MakePod("b", "2", "Succeeded", "n1");
  api::ResourceClaim claim = MakeClaim({"1", "2", "3"});
  ReleasePlan plan = PlanRelease(claim, {{"1", &running}, {"2", &done}});
  EXPECT_THAT(plan.drop_consumers, ElementsAre("2", "3"));
  EXPECT_FALSE(plan.deallocate);

  claim = MakeClaim({"2", "3"});
  plan = PlanRelease(claim, {{"2", &done}});
  EXPECT_THAT(plan.drop_consumers, ElementsAre("2", "3"));
  EXPECT_TRUE(plan.deallocate);

  claim.metadata.finalizers.clear();  // not allocated by the scheduler
  EXPECT_FALSE(PlanRelease(claim, {}).deallocate);

  claim = MakeClaim({});
  claim.status.reserved_for = {{"scheduling.k8s.io", "podgroups", "g", "7"}};
  plan = PlanRelease(claim, {});
  EXPECT_THAT(plan.drop_consumers, IsEmpty());
  EXPECT_FALSE(plan.deallocate);
}

TEST(PlanRelease, AllocationInProgressIsLeftAloneUntilDeleted) {
  api::ResourceClaim claim = MakeClaim({});
  EXPECT_FALSE(PlanRelease(claim, {}).deallocate);
  claim.metadata.deletion_timestamp = api::Time{};
  EXPECT_TRUE(PlanRelease(claim, {}).deallocate);
}

TEST(PlanRelease, GeneratedClaimGoesWithItsOwner) {
  api::Pod pod = MakePod("a", "1", "Running", "n1");
  api::ResourceClaim claim = MakeClaim({}, false);
  OwnBy(claim, pod);
  EXPECT_FALSE(PlanRelease(claim, {{"1", &pod}}).delete_claim);
  pod.status.phase = "Succeeded";
  EXPECT_TRUE(PlanRelease(claim, {{"1", &pod}}).delete_claim);
  EXPECT_TRUE(PlanRelease(claim, {}).delete_claim);
  claim.metadata.deletion_timestamp = api::Time{};
  EXPECT_FALSE(PlanRelease(claim, {}).delete_claim);
  api::ResourceClaim own = MakeClaim({}, false);
  EXPECT_FALSE(PlanRelease(own, {}).delete_claim);
}

}  // namespace
}  // namespace dray::claims
