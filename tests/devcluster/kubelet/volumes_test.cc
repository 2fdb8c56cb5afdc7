#include "devcluster/kubelet/volumes.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "dray/runtime/files.h"
#include "tests/devcluster/kubelet/scratch_dir.h"

namespace dray::devcluster {
namespace {

class VolumesTest : public ::testing::Test {
 protected:
  VolumesTest() : paths_(dir_.path(), Named()) {}
  static api::Pod Named() {
    api::Pod pod;
    pod.metadata.name = "p";
    pod.metadata.namespace_ = "ns";
    pod.metadata.uid = "u";
    return pod;
  }
  Result<std::map<std::string, std::string>> SetUp1(api::Volume volume) {
    api::Pod pod = Named();
    volume.name = "v";
    pod.spec.volumes = {volume};
    return SetUpVolumes(pod, paths_,
                        [](const std::string& name) -> Result<std::map<std::string, std::string>> {
                          if (name != "cfg") return Status(Reason::kNotFound, "no");
                          return std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}};
                        });
  }
  ScratchDir dir_;
  PodPaths paths_;
};

TEST_F(VolumesTest, EmptyDirIsBelowThePod) {
  api::Volume volume;
  volume.empty_dir.emplace();
  auto places = SetUp1(volume);
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_TRUE(std::filesystem::is_directory(places->at("v")));
  EXPECT_TRUE(places->at("v").starts_with(dir_.path() + "/pods/ns_p_u/"));
}

TEST_F(VolumesTest, ConfigMapBecomesFiles) {
  api::Volume volume;
  volume.config_map = api::ConfigMapVolumeSource{"cfg"};
  auto places = SetUp1(volume);
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_EQ(*runtime::ReadFile(places->at("v") + "/a"), "1");
  volume.config_map->items = {{"b", "sub/file"}};
  ASSERT_TRUE(SetUp1(volume).ok());
  EXPECT_EQ(*runtime::ReadFile(places->at("v") + "/sub/file"), "2");
}

TEST_F(VolumesTest, RefusesWithOneSentence) {
  api::Volume none, missing, escape, absent_key, host;
  missing.config_map = api::ConfigMapVolumeSource{"nope"};
  escape.config_map = api::ConfigMapVolumeSource{"cfg", {{"a", "../../x"}}};
  absent_key.config_map = api::ConfigMapVolumeSource{"cfg", {{"z", "x"}}};
  host.host_path = api::HostPathVolumeSource{dir_.path() + "/nothing", "Directory"};
  const std::vector<std::pair<api::Volume, std::string>> cases = {
      {none, "volume v: devcluster offers"},
      {missing, "configmap \"nope\" not found"},
      {escape, "leaves the volume"},
      {absent_key, "has no key z"},
      {host, "/nothing is not a Directory"}};
  for (const auto& [volume, message] : cases) {
    Status status = SetUp1(volume).status();
    EXPECT_NE(status.message().find(message), std::string::npos) << status;
  }
  missing.config_map->optional = true;
  EXPECT_TRUE(SetUp1(missing).ok());
}

TEST_F(VolumesTest, HostPathTypes) {
  api::Volume volume;
  volume.host_path = api::HostPathVolumeSource{dir_.path() + "/made/here", "DirectoryOrCreate"};
  EXPECT_TRUE(SetUp1(volume).ok());
  volume.host_path = api::HostPathVolumeSource{dir_.path() + "/made/file", "FileOrCreate"};
  EXPECT_TRUE(SetUp1(volume).ok());
  volume.host_path->type = "File";
  EXPECT_TRUE(SetUp1(volume).ok());
  volume.host_path->type = "Directory";
  EXPECT_FALSE(SetUp1(volume).ok());
  volume.host_path = api::HostPathVolumeSource{"/dev/null", "CharDevice"};
  EXPECT_TRUE(SetUp1(volume).ok());
}

TEST_F(VolumesTest, MountsNameTheirVolumes) {
  api::Container container;
  container.volume_mounts = {{"v", "/in", "", true}, {"v", "/sub", "deep/dir"}};
  auto mounts = VolumeMounts(container, {{"v", dir_.path()}});
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  EXPECT_TRUE((*mounts)[0].read_only);
  EXPECT_EQ((*mounts)[1].source, dir_.path() + "/deep/dir");
  EXPECT_TRUE(std::filesystem::is_directory((*mounts)[1].source));
  container.volume_mounts = {{"w", "/in"}};
  EXPECT_FALSE(VolumeMounts(container, {}).ok());
  container.volume_mounts = {{"v", "/in", "../up"}};
  EXPECT_FALSE(VolumeMounts(container, {{"v", dir_.path()}}).ok());
}

}  // namespace
}  // namespace dray::devcluster
