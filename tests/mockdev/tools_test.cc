// The mock vendor tools, as processes, on the files that the driver makes.
#include <elf.h>

#include <cstring>

#include "mockdev/ledger/assign.h"
#include "mockdev/profiles/edits.h"
#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

// A container: the device files of its claims, and the environment that their edits set.
class Container {
 public:
  explicit Container(const std::string& profile) : profile_(ProfileFromTree(profile)) {
    EXPECT_TRUE(runtime::MakeDirectories(dir_ / "devices").ok());
    env_["DRAY_DEVICE_DIR"] = dir_ / "devices";
    env_["DRAY_VDEV_DIR"] = dir_ / "vdev";
  }
  // `requests`: those that the container uses; empty for all.
  void Use(const api::ResourceClaim& claim, const std::set<std::string>& requests = {}) {
    std::vector<MockDevice> devices = ValueOf(EnumerateDevices(profile_, "node-1"));
    ClaimRecord wanted = ValueOf(WantedOf(profile_, devices, "node-1", claim));
    ClaimRecord record = ValueOf(AssignDevices(profile_, devices, {}, wanted));
    ClaimEdits edits =
        ValueOf(EditsForClaim(profile_, devices, {dir_ / "state", dir_ / "cdi"}, record));
    std::map<std::string, std::string> host;
    for (const HostFile& file : edits.files) host[file.path] = file.content;
    for (size_t i = 0; i < edits.devices.size(); ++i) {
      if (!requests.empty() && !requests.contains(record.devices[i].request)) continue;
      for (const std::string& env : edits.devices[i].env)
        env_[env.substr(0, env.find('='))] = env.substr(env.find('=') + 1);
      for (const cdi::Mount& mount : edits.devices[i].mounts) {
        std::string target = mount.container_path;
        for (const auto& [from, to] :
             {std::pair("/run/dray/devices", "devices"), std::pair("/etc/vdev/docker", "vdev")}) {
          if (!target.starts_with(from)) continue;
          target = dir_ / to + target.substr(std::string(from).size());
          ASSERT_TRUE(runtime::MakeDirectories(dir_ / to).ok());
          ASSERT_TRUE(runtime::WriteFileAtomically(target, host.at(mount.host_path)).ok());
        }
      }
    }
  }
  Output Run(const std::string& tool, const std::vector<std::string>& args = {}) {
    return RunBuilt("mock-tools/" + tool, args, env_);
  }
  std::map<std::string, std::string>& env() { return env_; }

 private:
  TempDir dir_;
  DeviceProfile profile_;
  std::map<std::string, std::string> env_;
};

TEST(NvidiaSmi, TableShowsTheLimits) {
  Container container("nvidia-a100-80gb");
  AllocatedClaim claim("c1", kGpuDriver);
  claim.Gets("gpu", "hami-gpu-0", {{"memory", "4Gi"}, {"cores", "80"}});
  claim.Gets("gpu", "hami-gpu-5", {{"memory", "4Gi"}, {"cores", "80"}});
  container.Use(claim);
  Output table = container.Run("nvidia-smi");
  EXPECT_EQ(table.code, 0);
  ExpectGolden("nvidia-smi.txt", table.text);
}

TEST(NvidiaSmi, ListAndQuery) {
  Container container("nvidia-t4");
  AllocatedClaim claim("c1", kGpuDriver);
  claim.Gets("gpu", "hami-gpu-1", {{"memory", "4Gi"}, {"cores", "80"}});
  container.Use(claim);
  std::string uuid = ValueOf(EnumerateDevices(ProfileFromTree("nvidia-t4"), "node-1"))[1].uuid;
  EXPECT_EQ(container.Run("nvidia-smi", {"-L"}).text, "GPU 0: Tesla T4 (UUID: " + uuid + ")\n");
  struct Case {
    const char* query;
    const char* format;
    std::string text;
    int code = 0;
  };
  const Case cases[] = {
      {"index,name,memory.total", "csv",
       "index, name, memory.total [MiB]\n0, Tesla T4, 4096 MiB\n"},
      {"uuid,memory.used", "csv,noheader", uuid + ", 0 MiB\n"},
      {"memory.total,memory.free,utilization.gpu", "csv,noheader,nounits", "4096, 4096, 0\n"},
      {"count,pci.bus_id", "csv,noheader", "1, 00000000:AF:00.0\n"},
      {"weight", "csv", "Field \"weight\" is not a valid field to query.\n", 2},
      {"index", "xml", "--format= must contain csv\n", 2},
  };
  for (const Case& test : cases) {
    Output output = container.Run("nvidia-smi", {"--query-gpu=" + std::string(test.query),
                                                 "--format=" + std::string(test.format)});
    EXPECT_EQ(output.text, test.text);
    EXPECT_EQ(output.code, test.code) << test.query;
  }
}

// Two containers share a claim of two requests; each sees its own part, and one that takes all sees
// both.
TEST(NvidiaSmi, EachContainerSeesItsRequests) {
  AllocatedClaim claim("double-gpu", kGpuDriver);
  claim.Gets("one", "hami-gpu-0", {{"memory", "4Gi"}, {"cores", "30"}});
  claim.Gets("two", "hami-gpu-0", {{"memory", "8Gi"}, {"cores", "60"}});
  struct Case {
    std::set<std::string> requests;
    std::string memory;
  };
  const Case cases[] = {{{"one"}, "4096\n"}, {{"two"}, "8192\n"}, {{}, "4096\n8192\n"}};
  for (const Case& test : cases) {
    Container container("nvidia-a100-80gb");
    container.Use(claim, test.requests);
    EXPECT_EQ(
        container.Run("nvidia-smi", {"--query-gpu=memory.total", "--format=csv,noheader,nounits"})
            .text,
        test.memory);
  }
}

TEST(NvidiaSmi, ReadsLimitsAsHamiCoreDoes) {
  struct Case {
    const char* value;
    const char* memory;
  };
  const Case cases[] = {{"2g", "2048\n"},         {"512M", "512\n"}, {"1048576k", "1024\n"},
                        {"3221225472", "3072\n"}, {"0", "81920\n"},  {"junk", "81920\n"},
                        {"999999m", "81920\n"}};
  for (const Case& test : cases) {
    Container container("nvidia-a100-80gb");
    container.Use(AllocatedClaim("c1", kGpuDriver).Gets("gpu", "hami-gpu-0"));
    container.env()["CUDA_DEVICE_MEMORY_LIMIT_0"] = test.value;
    EXPECT_EQ(
        container.Run("nvidia-smi", {"--query-gpu=memory.total", "--format=csv,noheader,nounits"})
            .text,
        test.memory)
        << test.value;
  }
}

TEST(MockTools, WithoutDevices) {
  Container container("nvidia-a100-80gb");
  for (const auto& [tool, args] : std::map<std::string, std::vector<std::string>>{
           {"nvidia-smi", {}}, {"hy-smi", {}}, {"npu-smi", {"info"}}}) {
    Output output = container.Run(tool, args);
    EXPECT_EQ(output.code, 6) << tool;
    EXPECT_EQ(output.text, "No devices were found\n") << tool;
  }
  container.Use(AllocatedClaim("c1", kGpuDriver).Gets("gpu", "hami-gpu-0"));
  EXPECT_EQ(container.Run("hy-smi").code, 6);  // another vendor's device
}

TEST(HySmi, ShowsThePartOfTheCard) {
  Container container("hygon-k100-ai");
  AllocatedClaim claim("d1", "dra.hygon.com");
  claim.Gets("hcu", "hcu-0000-16-00-0", {{"memory", "16Gi"}, {"cores", "60"}, {"slices", "1"}});
  container.Use(claim);
  ExpectGolden("hy-smi.txt", container.Run("hy-smi").text);
}

TEST(NpuSmi, ShowsQuotaAndShare) {
  Container container("ascend-910b3");
  AllocatedClaim claim("a1", "ascend.project-hami.io");
  claim.Gets("npu", "npu-2", {{"memory", "16Gi"}, {"cores", "25"}});
  container.Use(claim);
  ExpectGolden("npu-smi.txt", container.Run("npu-smi", {"info"}).text);
}

TEST(HySmi, WholeCardAndJson) {
  Container container("hygon-k100-ai");
  container.Use(AllocatedClaim("d1", "dra.hygon.com").Gets("hcu", "hcu-0000-53-00-0"));
  std::string uuid = ValueOf(EnumerateDevices(ProfileFromTree("hygon-k100-ai"), "node-1"))[2].uuid;
  EXPECT_EQ(container.Run("hy-smi", {"--json"}).text,
            "{\"card0\": {\"Card series\": \"K100_AI\", \"Unique ID\": \"" + uuid +
                "\", \"Available memory size (MiB)\": \"65520\", \"Compute units\": \"120\"}}\n");
}

TEST(NpuSmi, List) {
  Container container("ascend-910b3");
  AllocatedClaim claim("a1", "ascend.project-hami.io");
  claim.Gets("npu", "npu-2").Gets("npu", "npu-5");
  container.Use(claim);
  EXPECT_EQ(container.Run("npu-smi", {"info", "-l"}).text,
            "\tTotal Count                    : 2\n\n\tNPU ID                         : 2\n"
            "\tChip Count                     : 1\n\n\tNPU ID                         : 5\n"
            "\tChip Count                     : 1\n");
}

TEST(MockTools, HelpAndUnknownOptions) {
  Container container("nvidia-t4");
  for (const char* tool : {"nvidia-smi", "hy-smi", "npu-smi"}) {
    Output help = container.Run(tool, {"--help"});
    EXPECT_EQ(help.code, 0) << tool;
    EXPECT_THAT(help.text, ::testing::StartsWith(std::string(tool) + " (mock): "));
    Output unknown = container.Run(tool, {"--frobnicate"});
    EXPECT_EQ(unknown.code, 2) << tool;
    EXPECT_THAT(unknown.text, ::testing::StartsWith(std::string(tool) + " (mock): "));
    EXPECT_THAT(unknown.text, ::testing::HasSubstr("--help"));
    EXPECT_EQ(std::count(unknown.text.begin(), unknown.text.end(), '\n'), 1) << unknown.text;
  }
}

// Any image may mount them: they need no library of it.
TEST(MockTools, AreStatic) {
  for (const char* tool : {"nvidia-smi", "hy-smi", "npu-smi"}) {
    std::string binary =
        ValueOf(runtime::ReadFile(std::string(DRAY_BINARY_DIR) + "/bin/mock-tools/" + tool));
    if (binary.find("__asan_init") != std::string::npos ||
        binary.find("__tsan_init") != std::string::npos)
      GTEST_SKIP();
    Elf64_Ehdr header;
    ASSERT_GT(binary.size(), sizeof header);
    std::memcpy(&header, binary.data(), sizeof header);
    for (int i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr segment;
      std::memcpy(&segment,
                  binary.data() + header.e_phoff + static_cast<size_t>(i) * header.e_phentsize,
                  sizeof segment);
      EXPECT_NE(segment.p_type, PT_INTERP) << tool;
    }
  }
}

TEST(MockTools, ABrokenDeviceFileIsSaidAndLeftOut) {
  Container container("nvidia-t4");
  container.Use(AllocatedClaim("c1", kGpuDriver).Gets("gpu", "hami-gpu-0"));
  ASSERT_TRUE(
      runtime::WriteFileAtomically(container.env()["DRAY_DEVICE_DIR"] + "/zz.json", "{\"claim\":")
          .ok());
  Output output = container.Run("nvidia-smi", {"--query-gpu=name", "--format=csv,noheader"});
  EXPECT_EQ(output.code, 0);
  EXPECT_THAT(output.text, ::testing::HasSubstr("zz.json: "));
  EXPECT_THAT(output.text, ::testing::HasSubstr("Tesla T4\n"));
}

}  // namespace
}  // namespace dray::mockdev
