#include "devcluster/kubelet/cdi_registry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "devcluster/kubelet/apply_edits.h"
#include "dray/runtime/files.h"
#include "tests/devcluster/kubelet/scratch_dir.h"

namespace dray::devcluster {
namespace {

std::string SpecText(const std::string& device, const std::string& value) {
  return R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","containerEdits":{"env":["GLOBAL=)" + value +
         R"("]},"devices":[{"name":")" + device + R"(","containerEdits":{"env":["WHO=)" + value +
         R"("]}}]})";
}

class CdiRegistryTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(runtime::WriteFileAtomically(dir_.path() + "/" + path, text).ok());
  }
  void SetUp() override {
    ASSERT_TRUE(runtime::MakeDirectories(dir_.path() + "/low").ok());
    ASSERT_TRUE(runtime::MakeDirectories(dir_.path() + "/high").ok());
  }
  CdiRegistry Load() {
    return CdiRegistry::Load({dir_.path() + "/low", dir_.path() + "/high", dir_.path() + "/none"});
  }
  ScratchDir dir_;
};

TEST_F(CdiRegistryTest, HigherDirectoryWins) {
  Write("low/a.json", SpecText("d", "low"));
  Write("high/b.json", SpecText("d", "high"));
  Result<ContainerEdits> edits = Load().Resolve({"v.com/gpu=d"});
  ASSERT_TRUE(edits.ok()) << edits.status();
  EXPECT_EQ(edits->env, (std::vector<std::string>{"GLOBAL=high", "WHO=high"}));
}

TEST_F(CdiRegistryTest, SameDirectoryTwiceIsAConflict) {
  Write("low/a.json", SpecText("d", "one"));
  Write("low/b.json", SpecText("d", "two"));
  CdiRegistry registry = Load();
  EXPECT_EQ(registry.errors().size(), 1u);
  EXPECT_FALSE(registry.Resolve({"v.com/gpu=d"}).ok());
  // A higher directory settles it.
  Write("high/c.json", SpecText("d", "three"));
  EXPECT_TRUE(Load().Resolve({"v.com/gpu=d"}).ok());
}

TEST_F(CdiRegistryTest, ReadsYamlAndSkipsOtherFiles) {
  Write("low/a.yaml",
        "cdiVersion: 0.6.0\nkind: v.com/gpu\ndevices:\n- name: y\n  containerEdits:\n    env: "
        "[\"A=1\"]\n");
  Write("low/a.json.tmp", "{");
  CdiRegistry registry = Load();
  EXPECT_TRUE(registry.errors().empty());
  EXPECT_TRUE(registry.Resolve({"v.com/gpu=y"}).ok());
}

TEST_F(CdiRegistryTest, ABadFileDoesNotHurtOthersAndIsNamedWhenItMatters) {
  Write("low/bad.json", R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","oops":1})");
  Write("low/good.json", SpecText("d", "x"));
  CdiRegistry registry = Load();
  EXPECT_TRUE(registry.Resolve({"v.com/gpu=d"}).ok());
  Result<ContainerEdits> edits = registry.Resolve({"v.com/gpu=d", "v.com/gpu=x1", "w.com/gpu=x2"});
  ASSERT_FALSE(edits.ok());
  EXPECT_NE(edits.status().message().find("unresolvable CDI devices v.com/gpu=x1, w.com/gpu=x2"),
            std::string::npos);
  EXPECT_NE(edits.status().message().find("oops: unknown field"), std::string::npos);
}

TEST_F(CdiRegistryTest, GlobalEditsComeOncePerSpecBeforeItsFirstDevice) {
  Write(
      "low/a.json",
      R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","containerEdits":{"env":["N=global"],"mounts":[{"hostPath":"/g","containerPath":"/m"}]},
    "devices":[{"name":"a","containerEdits":{"env":["N=a","A=1"]}},{"name":"b","containerEdits":{"env":["B=1"],"mounts":[{"hostPath":"/b","containerPath":"/m","options":["ro"]}]}}]})");
  Result<ContainerEdits> edits = Load().Resolve({"v.com/gpu=a", "v.com/gpu=b", "v.com/gpu=a"});
  ASSERT_TRUE(edits.ok());
  EXPECT_EQ(edits->env, (std::vector<std::string>{"N=a", "A=1", "B=1"}));
  ASSERT_EQ(edits->mounts.size(), 1u);
  EXPECT_EQ(edits->mounts[0].host_path, "/b");
  EXPECT_TRUE(edits->mounts[0].read_only());
}

TEST(ApplyEditsTest, MergesIntoThePlan) {
  ContainerPlan plan;
  plan.env = {{"KEEP", "1"}, {"WHO", "pod"}};
  plan.mounts = {{"/vol", "/deep/er/path"}, {"/old", "/lib/x"}};
  plan.devices = {{"/dev/a", "/dev/zero"}};
  ContainerEdits edits;
  edits.env = {"WHO=cdi", "EMPTY=", "EQ=a=b"};
  edits.mounts = {{"/new", "/lib/x", "", {"ro", "bind"}}, {"", "/t", "tmpfs", {}}};
  edits.device_nodes = {{"/dev/a", "/dev/null"}};
  edits.hooks = {{"createContainer", "/usr/bin/hook"}};
  edits.additional_gids = {5};
  edits.unsupported = {"intelRdt"};
  ApplyEdits(edits, plan);
  EXPECT_EQ(plan.env, (Environment{{"KEEP", "1"}, {"WHO", "cdi"}, {"EMPTY", ""}, {"EQ", "a=b"}}));
  ASSERT_EQ(plan.mounts.size(), 2u);
  EXPECT_EQ(plan.mounts[0].target, "/lib/x");
  EXPECT_EQ(plan.mounts[0].source, "/new");
  EXPECT_TRUE(plan.mounts[0].read_only);
  EXPECT_EQ(plan.mounts[1].target, "/deep/er/path");
  ASSERT_EQ(plan.devices.size(), 1u);
  EXPECT_EQ(plan.devices[0].host_path, "/dev/null");
  EXPECT_EQ(plan.notes.size(), 4u);
}

}  // namespace
}  // namespace dray::devcluster
