// The exposition text of devices and what is given out of them.
#include "controllers/monitor/device_monitor.h"

#include "controllers/monitor/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using ::testing::IsEmpty;
using testing::Q;

// name{labels} -> value, for the lines of one text.
std::map<std::string, std::string> Samples(const std::string& text) {
  std::map<std::string, std::string> samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("#")) {
      const size_t space = line.rfind(' ');
      EXPECT_TRUE(samples.emplace(line.substr(0, space), line.substr(space + 1)).second) << line;
    }
  return samples;
}

api::ResourceSlice Slice(const std::string& name, const std::string& node, int devices,
                         const std::string& driver = "gpu.example.com", int64_t generation = 1) {
  api::ResourceSlice slice;
  slice.metadata.name = name;
  slice.spec.driver = driver;
  slice.spec.pool = {node, generation, 1};
  slice.spec.node_name = node;
  for (int i = 0; i < devices; ++i) {
    api::Device& device = slice.spec.devices.emplace_back();
    device.name = "gpu-" + std::to_string(i);
    device.attributes["uuid"].value = "GPU-" + node + "-" + std::to_string(i);
    device.attributes["productName"].value = std::string("A100");
    device.attributes["minor"].value = int64_t{i};
    device.capacity["memory"].value = Q("80Gi");
    device.capacity["cores"].value = Q("120");
  }
  return slice;
}

struct MonitorTest : ::testing::Test {
  // A claim that holds `results`, reserved for Pods of these names.
  void Hold(const std::string& name, std::vector<api::DeviceRequestAllocationResult> results,
            std::vector<std::string> pods = {}) {
    api::ResourceClaim claim = testing::TestCluster::MakeClaim(name);
    claim.status.allocation.emplace().devices.results = std::move(results);
    for (const std::string& pod : pods)
      claim.status.reserved_for.push_back({"", "pods", pod, "uid-" + pod});
    claims.Put(claim);
  }
  static api::DeviceRequestAllocationResult Device(const std::string& device,
                                                   const char* memory = nullptr,
                                                   const char* cores = nullptr,
                                                   const std::string& pool = "n1",
                                                   const std::string& driver = "gpu.example.com") {
    api::DeviceRequestAllocationResult result;
    result.request = "r";
    result.driver = driver;
    result.pool = pool;
    result.device = device;
    if (memory != nullptr) result.consumed_capacity["memory"] = Q(memory);
    if (cores != nullptr) result.consumed_capacity["cores"] = Q(cores);
    return result;
  }
  static std::string Gpu(const std::string& metric, int i, const std::string& node = "n1",
                         const std::string& driver = "gpu.example.com") {
    const std::string n = std::to_string(i);
    return metric + "{device_index=\"" + n + "\",device_name=\"gpu-" + n +
           "\",device_type=\"A100\",device_uuid=\"GPU-" + node + "-" + n + "\",driver=\"" + driver +
           "\",node=\"" + node + "\",pool=\"" + node + "\"}";
  }
  static std::string Vgpu(const std::string& metric, int i, const std::string& pod,
                          const std::string& claim) {
    const std::string n = std::to_string(i);
    return metric + "{claim=\"" + claim + "\",device_name=\"gpu-" + n + "\",device_uuid=\"GPU-n1-" +
           n + "\",driver=\"gpu.example.com\",namespace=\"default\",node=\"n1\",pod=\"" + pod +
           "\",pool=\"n1\"}";
  }
  std::map<std::string, std::string> Scrape() {
    return Samples(DeviceMonitor(slices, claims).Text());
  }

  testing::SyncedCache<api::ResourceSlice> slices;
  testing::SyncedCache<api::ResourceClaim> claims;
};

TEST_F(MonitorTest, NothingGivesNothing) {
  EXPECT_THAT(Scrape(), IsEmpty());
}

TEST_F(MonitorTest, IdleDevicesShowTheirLimits) {
  slices.Put(Slice("a", "n1", 1));
  auto samples = Scrape();
  EXPECT_EQ(samples.size(), 6u);
  EXPECT_EQ(samples["dray_pool_complete{driver=\"gpu.example.com\",pool=\"n1\"}"], "1");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_limit_bytes", 0)], "85899345920");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0)], "0");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_core_limit_ratio", 0)], "1");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_core_allocated_ratio", 0)], "0");
  EXPECT_EQ(samples[Gpu("dray_device_healthy", 0)], "1");
}

TEST_F(MonitorTest, SharesAddUp) {
  slices.Put(Slice("a", "n1", 3));
  Hold("one", {Device("gpu-0", "16Gi", "30")}, {"p"});
  Hold("two", {Device("gpu-0", "8Gi", "60"), Device("gpu-1", "8Gi", "60")}, {"p", "q", "r"});
  Hold("whole", {Device("gpu-2")}, {"w"});
  auto samples = Scrape();
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0)], "25769803776");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_core_allocated_ratio", 0)], "0.75");
  // Three Pods share the claim: the device gave it out once.
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 1)], "8589934592");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_core_allocated_ratio", 1)], "0.5");
  for (const char* pod : {"p", "q", "r"}) {
    EXPECT_EQ(samples[Vgpu("hami_dra_vgpu_memory_allocated_bytes", 1, pod, "two")], "8589934592");
    EXPECT_EQ(samples[Vgpu("hami_dra_vgpu_core_allocated_ratio", 1, pod, "two")], "0.5");
  }
  // Without consumed capacity: all of it.
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 2)], "85899345920");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_core_allocated_ratio", 2)], "1");
  EXPECT_EQ(samples[Vgpu("hami_dra_vgpu_core_allocated_ratio", 2, "w", "whole")], "1");
}

TEST_F(MonitorTest, TwoPartsOfOneDeviceInOneClaim) {
  slices.Put(Slice("a", "n1", 1));
  Hold("c", {Device("gpu-0", "4Gi", "30"), Device("gpu-0", "8Gi", "60")}, {"p"});
  auto samples = Scrape();
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0)], "12884901888");
  EXPECT_EQ(samples[Vgpu("hami_dra_vgpu_memory_allocated_bytes", 0, "p", "c")], "12884901888");
  EXPECT_EQ(samples[Vgpu("hami_dra_vgpu_core_allocated_ratio", 0, "p", "c")], "0.75");
}

TEST_F(MonitorTest, DevicesAreToldApartByDriverAndPool) {
  slices.Put(Slice("a", "n1", 1));
  slices.Put(Slice("b", "n1", 1, "other.example.com"));
  slices.Put(Slice("c", "n2", 1));
  Hold("c", {Device("gpu-0", "1Gi", "30", "n1", "other.example.com")});
  auto samples = Scrape();
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0)], "0");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0, "n1", "other.example.com")],
            "1073741824");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0, "n2")], "0");
}

TEST_F(MonitorTest, EverySliceOfTheNewestGeneration) {
  slices.Put(Slice("old", "n1", 4, "gpu.example.com", 1));
  api::ResourceSlice first = Slice("first", "n1", 1, "gpu.example.com", 2),
                     second = Slice("second", "n1", 2, "gpu.example.com", 2);
  second.spec.devices.erase(second.spec.devices.begin());
  slices.Put(first);
  slices.Put(second);
  auto samples = Scrape();
  EXPECT_EQ(samples.size(), 11u);
  EXPECT_TRUE(samples.contains(Gpu("hami_dra_gpu_memory_limit_bytes", 0)));
  EXPECT_TRUE(samples.contains(Gpu("hami_dra_gpu_memory_limit_bytes", 1)));
  EXPECT_FALSE(samples.contains(Gpu("hami_dra_gpu_memory_limit_bytes", 2)));
}

TEST_F(MonitorTest, APoolThatLacksSlicesIsNotComplete) {
  api::ResourceSlice half = Slice("half", "n1", 1);
  half.spec.pool.resource_slice_count = 2;
  slices.Put(half);
  const std::string line = "dray_pool_complete{driver=\"gpu.example.com\",pool=\"n1\"}";
  EXPECT_EQ(Scrape()[line], "0");
  half.metadata.name = "other-half";
  half.spec.devices.clear();
  slices.Put(half);
  EXPECT_EQ(Scrape()[line], "1");
}

TEST_F(MonitorTest, LegacyNamesInTheirUnits) {
  slices.Put(Slice("a", "n1", 1));
  Hold("one", {Device("gpu-0", "16Gi", "30")}, {"p"});
  Hold("two", {Device("gpu-0", "8Gi", "30")}, {"p"});
  const auto before = Scrape();
  auto samples = Samples(DeviceMonitor(slices, claims, true).Text());
  const std::string device =
      "{devicebrand=\"\",deviceidx=\"0\",devicename=\"gpu-0\",deviceproductname=\"A100\","
      "deviceuuid=\"GPU-n1-0\",nodeid=\"n1\"";
  EXPECT_EQ(samples["GPUDeviceMemoryLimit" + device + "}"], "81920");
  EXPECT_EQ(samples["GPUDeviceCoreLimit" + device + "}"], "100");
  EXPECT_EQ(samples["GPUDeviceMemoryAllocated" + device + "}"], "24576");
  EXPECT_EQ(samples["GPUDeviceCoreAllocated" + device + "}"], "50");
  EXPECT_EQ(
      samples["vGPUDeviceMemoryAllocated" + device + ",podname=\"p\",podnamespace=\"default\"}"],
      "24576");
  EXPECT_EQ(
      samples["vGPUDeviceCoreAllocated" + device + ",podname=\"p\",podnamespace=\"default\"}"],
      "50");
  EXPECT_EQ(samples.size(), before.size() + 6) << "the others stay";
}

// What a client makes of it: header, trailer and checksum are looked at.
std::string Gunzip(const std::string& body) {
  std::string text(1 << 20, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u) << "one stream, and nothing behind it";
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

TEST(Deflated, PiecesAreOneStream) {
  std::string large;
  for (int i = 0; i < 5000; ++i) large += "dray_line{number=\"" + std::to_string(i) + "\"} 1\n";
  Deflater grown;
  for (size_t at = 0; at < large.size(); at += 777) grown.Append(large.substr(at, 777));
  const DeflatedText pieces[] = {Deflate("first\n"), Deflate(""), grown.Finish(),
                                 Deflate("last\n")};
  EXPECT_EQ(Gunzip(GzipOf(pieces)), "first\n" + large + "last\n");
  EXPECT_EQ(Inflate(Join(pieces)), "first\n" + large + "last\n");
  EXPECT_LT(pieces[2].bytes.size(), large.size() / 4);
  EXPECT_EQ(Gunzip(GzipOf({})), "");
  EXPECT_EQ(Inflate({}), "");
}

TEST(Deflated, OnlyWhoTakesIt) {
  for (const char* takes : {"gzip", "deflate, gzip", "gzip;q=0.5", "br;q=1.0, gzip;q=0.8, *;q=0.1",
                            "*", "identity ,  gzip ; q=1"})
    EXPECT_TRUE(TakesGzip(takes)) << takes;
  for (const char* refuses :
       {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "gzip;q=0, *", "*;q=0", "x-gzipped"})
    EXPECT_FALSE(TakesGzip(refuses)) << refuses;
}

TEST_F(MonitorTest, NothingIsComputedTwice) {
  slices.Put(Slice("a", "n1", 2));
  Hold("one", {Device("gpu-0", "16Gi", "30")}, {"p"});
  const DeviceMonitor monitor(slices, claims);
  const auto first = monitor.Deflated();
  EXPECT_EQ(monitor.Deflated(), first);
  Hold("two", {Device("gpu-1", "16Gi", "30")}, {"p"});
  const auto second = monitor.Deflated();
  EXPECT_NE(second, first);
  EXPECT_EQ(Samples(Inflate(*second))[Gpu("hami_dra_gpu_memory_allocated_bytes", 1)],
            "17179869184");
  slices.Put(Slice("b", "n2", 1));
  EXPECT_NE(monitor.Deflated(), second);
}

TEST_F(MonitorTest, CapacitiesUnderTheDriversDomain) {
  api::ResourceSlice slice = Slice("a", "n1", 1);
  slice.spec.devices[0].capacity.clear();
  slice.spec.devices[0].capacity["gpu.example.com/memory"].value = Q("80Gi");
  slice.spec.devices[0].capacity["cores"].value = Q("120");
  slices.Put(slice);
  api::DeviceRequestAllocationResult share = Device("gpu-0");
  share.share_id = "s";
  share.consumed_capacity["gpu.example.com/memory"] = Q("8Gi");
  share.consumed_capacity["gpu.example.com/cores"] = Q("60");
  Hold("c", {share}, {"p"});
  auto samples = Scrape();
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_limit_bytes", 0)], "85899345920");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0)], "8589934592");
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_core_allocated_ratio", 0)], "0.5");
  EXPECT_EQ(samples[Vgpu("hami_dra_vgpu_memory_allocated_bytes", 0, "p", "c")], "8589934592");
}

TEST(BuildInfo, HasHamisNameAndOurs) {
  const auto samples = Samples(BuildInfoText());
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_TRUE(samples.begin()->first.starts_with("dray_build_info{compiler=\"g++ "));
  EXPECT_TRUE(samples.rbegin()->first.starts_with("hami_build_info{build_date="));
  EXPECT_NE(samples.rbegin()->first.find("version=\"v"), std::string::npos);
}

TEST(Exposition, NumbersAndFamilies) {
  Exposition out;
  const size_t a = out.Family("a", "First.");
  out.Family("unused", "Nothing.");
  const size_t b = out.Family("b", "Second.");
  out.Sample(b, "{}", 0.1);
  out.Sample(a, LabelText({{"x", "a\"b\\c\nd"}}), 1e15);
  out.Sample(a, "", -2);
  EXPECT_EQ(out.Text(),
            "# HELP a First.\n# TYPE a gauge\na{x=\"a\\\"b\\\\c\\nd\"} 1000000000000000\na -2\n"
            "# HELP b Second.\n# TYPE b gauge\nb{} 0.1\n");
}

TEST_F(MonitorTest, AdminAccessAndForeignDevicesTakeNothing) {
  slices.Put(Slice("a", "n1", 1));
  api::DeviceRequestAllocationResult looks = Device("gpu-0");
  looks.admin_access = true;
  Hold("admin", {looks}, {"p"});
  Hold("elsewhere", {Device("gpu-9", "1Gi", "1")}, {"p"});
  claims.Put(testing::TestCluster::MakeClaim("pending"));
  auto samples = Scrape();
  EXPECT_EQ(samples.size(), 6u);
  EXPECT_EQ(samples[Gpu("hami_dra_gpu_memory_allocated_bytes", 0)], "0");
}

TEST_F(MonitorTest, OddDevices) {
  api::ResourceSlice slice;
  slice.metadata.name = "odd";
  slice.spec.driver = "odd.example.com";
  slice.spec.pool = {"shared/pool", 1, 1};
  slice.spec.per_device_node_selection = true;
  slice.spec.devices.resize(3);
  slice.spec.devices[0].name = "bare";
  slice.spec.devices[1].name = "placed";
  slice.spec.devices[1].node_name = "n7";
  slice.spec.devices[1].attributes["productName"].value = std::string("A \"quoted\"\nname\\");
  slice.spec.devices[1].taints = {{"k", "v", "None", std::nullopt}};
  slice.spec.devices[2].name = "sick";
  slice.spec.devices[2].capacity["cores"].value = Q("500m");
  slice.spec.devices[2].taints = {{"k", "v", "None", std::nullopt},
                                  {"k", "v", "NoExecute", std::nullopt}};
  slices.Put(slice);
  Hold("c", {Device("bare", nullptr, nullptr, "shared/pool", "odd.example.com"),
             Device("sick", nullptr, "250m", "shared/pool", "odd.example.com")});
  const std::string text = DeviceMonitor(slices, claims).Text();
  auto samples = Samples(text);
  auto line = [&](const std::string& metric, const std::string& device) {
    for (const auto& [name, value] : samples)
      if (name.starts_with(metric) &&
          name.find("device_name=\"" + device + "\"") != std::string::npos)
        return name + " " + value;
    return std::string("absent");
  };
  EXPECT_THAT(line("hami_dra_gpu_core_allocated_ratio", "bare"), ::testing::EndsWith("} 0"));
  EXPECT_THAT(line("hami_dra_gpu_core_limit_ratio", "bare"), ::testing::EndsWith("} 0"));
  EXPECT_THAT(line("dray_device_healthy", "placed"),
              ::testing::AllOf(::testing::EndsWith("} 1"), ::testing::HasSubstr("node=\"n7\""),
                               ::testing::HasSubstr(R"(device_type="A \"quoted\"\nname\\")")));
  EXPECT_THAT(line("dray_device_healthy", "sick"), ::testing::EndsWith("} 0"));
  EXPECT_THAT(line("hami_dra_gpu_core_allocated_ratio", "sick"), ::testing::EndsWith("} 0.5"));
}

TEST_F(MonitorTest, AThousandNodesInOneScrape) {
  for (int i = 0; i < 1000; ++i)
    slices.Put(Slice("s" + std::to_string(i), "n" + std::to_string(i), 8));
  for (int i = 0; i < 1000; ++i)
    Hold("c" + std::to_string(i), {Device("gpu-1", "1Gi", "10", "n" + std::to_string(i))}, {"p"});
  EXPECT_EQ(Scrape().size(), 8000u * 5 + 2000u + 1000u);
}

}  // namespace
}  // namespace dray::controllers
