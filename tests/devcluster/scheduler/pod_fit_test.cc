#include "devcluster/scheduler/pod_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dray::devcluster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

api::Quantity Amount(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

api::Container MakeContainer(api::ResourceList requests, api::ResourceList limits = {}) {
  api::Container container;
  container.resources.requests = std::move(requests);
  container.resources.limits = std::move(limits);
  return container;
}

NodeInfo MakeNode(std::function<void(api::Node&)> change = [](api::Node&) {}) {
  auto node = std::make_shared<api::Node>();
  node->metadata.name = "n1";
  node->metadata.labels = {{"zone", "a"}};
  node->status.allocatable = {{"cpu", Amount("4")},
                              {"memory", Amount("8Gi")},
                              {"pods", Amount("2")},
                              {"example.com/gpu", Amount("1")}};
  change(*node);
  NodeInfo info;
  info.node = node;
  return info;
}

TEST(RequestsOf, ContainersInitContainersAndSidecars) {
  api::Pod pod;
  pod.spec.containers = {
      MakeContainer({{"cpu", Amount("1")}}, {{"cpu", Amount("2")}, {"memory", Amount("1Gi")}}),
      MakeContainer({{"cpu", Amount("500m")}})};
  EXPECT_EQ(RequestsOf(pod),
            (api::ResourceList{{"cpu", Amount("1500m")}, {"memory", Amount("1Gi")}}));
  api::Container sidecar = MakeContainer({{"cpu", Amount("1")}});
  sidecar.restart_policy = "Always";
  pod.spec.init_containers = {
      sidecar, MakeContainer({{"cpu", Amount("3")}})};  // 3 beside the sidecar: more than 2.5
  EXPECT_EQ(RequestsOf(pod).at("cpu"), Amount("4"));
  std::swap(pod.spec.init_containers[0], pod.spec.init_containers[1]);  // before the sidecar: 3
  EXPECT_EQ(RequestsOf(pod).at("cpu"), Amount("3"));
}

TEST(Misfits, OneReasonPerRule) {
  struct Case {
    const char* name;
    std::function<void(api::Pod&, api::Node&)> change;
    std::vector<std::string> want;
  };
  for (const Case& c : std::vector<Case>{
           {"fits", [](auto&, auto&) {}, {}},
           {"cordoned",
            [](auto&, api::Node&n) { n.spec.unschedulable = true; },
            {"node(s) were unschedulable"}},
           {"cordon tolerated",
            [](api::Pod&p, api::Node&n) {
              n.spec.unschedulable = true;
              n.spec.taints = {{"node.kubernetes.io/unschedulable", "", "NoSchedule", {}}};
              p.spec.tolerations = {
                  {"node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule", {}}};
            },
            {}},
           {"not ready",
            [](auto&, api::Node&n) {
              n.status.conditions = {{"Ready", "Unknown"}};
            },
            {"node(s) were not ready"}},
           {"taint",
            [](auto&, api::Node&n) {
              n.spec.taints = {{"a", "b", "NoExecute", {}}};
            },
            {"node(s) had untolerated taint {a: b}"}},
           {"soft taint",
            [](auto&, api::Node&n) {
              n.spec.taints = {{"a", "b", "PreferNoSchedule", {}}};
            },
            {}},
           {"tolerated by value",
            [](api::Pod&p, api::Node&n) {
              n.spec.taints = {{"a", "b", "NoSchedule", {}}};
              p.spec.tolerations = {{"a", "", "b", "", {}}};
            },
            {}},
           {"selector",
            [](api::Pod&p, auto&) {
              p.spec.node_selector = {{"zone", "b"}};
            },
            {"node(s) didn't match Pod's node affinity/selector"}},
           {"affinity",
            [](api::Pod&p, auto&) {
              p.spec.affinity = {{{{{{{{{"zone", "NotIn", {"a"}}}, {}}}}}}}};
            },
            {"node(s) didn't match Pod's node affinity/selector"}},
           {"cpu",
            [](api::Pod&p, auto&) {
              p.spec.containers[0].resources.requests["cpu"] = Amount("4100m");
            },
            {"Insufficient cpu"}},
           {"several",
            [](api::Pod&p, auto&) {
              p.spec.containers[0].resources.requests = {{"example.com/gpu", Amount("2")},
                                                         {"example.com/other", Amount("1")}};
            },
            {"Insufficient example.com/gpu", "Insufficient example.com/other"}},
           {"zero of what is not there",
            [](api::Pod&p, auto&) {
              p.spec.containers[0].resources.requests = {{"example.com/other", Amount("0")}};
            },
            {}},
       }) {
    SCOPED_TRACE(c.name);
    api::Pod pod;
    pod.spec.containers = {MakeContainer({{"cpu", Amount("1")}})};
    NodeInfo node = MakeNode([&](api::Node& n) { c.change(pod, n); });
    EXPECT_EQ(Misfits(pod, RequestsOf(pod), node), c.want);
  }
}

TEST(Misfits, CountsWhatIsThere) {
  api::Pod pod;
  pod.spec.containers = {MakeContainer({{"cpu", Amount("2")}})};
  NodeInfo node = MakeNode();
  const api::ResourceList requests = RequestsOf(pod);
  EXPECT_GT(FreeShare(requests, node), 0.7);
  node.Add(requests);
  EXPECT_THAT(Misfits(pod, requests, node), IsEmpty());
  EXPECT_LT(FreeShare(requests, node), 0.6);
  node.Add(requests);
  EXPECT_THAT(Misfits(pod, requests, node), ElementsAre("Too many pods", "Insufficient cpu"));
  node.Remove(requests);
  EXPECT_THAT(Misfits(pod, requests, node), IsEmpty());
}

}  // namespace
}  // namespace dray::devcluster
