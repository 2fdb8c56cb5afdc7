#include <algorithm>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dray/api/cel.h"

namespace {

[[maybe_unused]] thread_local size_t allocations = 0;

}  // namespace

// Sanitizers bring their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size); memory != nullptr) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
#endif

namespace dray::cel {
namespace {

const api::Device& Gpu() {
  static const auto* const device = [] {
    auto* d = new api::Device;
    d->attributes["model"].value = std::string("A100-SXM4-80GB");
    d->attributes["index"].value = int64_t{3};
    d->attributes["healthy"].value = true;
    d->attributes["driverVersion"].value = api::Version{"550.54.15"};
    d->attributes["firmware"].value = api::Version{"1.0.0-rc.1"};
    d->attributes["resource.kubernetes.io/pcieRoot"].value = std::string("pci0000:00");
    d->attributes["gpu.example.com/qualified"].value = int64_t{1};
    d->attributes["z.example.com/last"].value = int64_t{9};
    d->capacity["memory"].value = *api::Quantity::Parse("80Gi");
    d->capacity["net.example.com/vf"].value = *api::Quantity::Parse("8");
    return d;
  }();
  return *device;
}

std::shared_ptr<const Program> Compiled(std::string_view expression, const Options& options = {}) {
  auto program = Program::Compile(expression, options);
  EXPECT_TRUE(program.ok()) << program.status();
  return *program;
}

Result<bool> Answer(std::string_view expression, const api::Device& device = Gpu(),
                    const Options& options = {}) {
  return Compiled(expression, options)->Matches(DeviceView(device, "gpu.example.com"));
}

class CelTrue : public testing::TestWithParam<const char*> {};

TEST_P(CelTrue, Holds) {
  Result<bool> answer = Answer(GetParam());
  ASSERT_TRUE(answer.ok()) << GetParam() << ": " << answer.status();
  EXPECT_TRUE(*answer) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(
    Devices, CelTrue,
    testing::Values("device.driver == 'gpu.example.com'",
                    "device.attributes['gpu.example.com'].model == 'A100-SXM4-80GB'",
                    // With and without the domain it is the same map.
                    "device.attributes['gpu.example.com'].qualified == 1 && "
                    "device.attributes['gpu.example.com'].size() == 6",
                    "device.attributes.size() == 3 && device.capacity.size() == 2",
                    "device.attributes['z.example.com'].last == 9 && "
                    "device.attributes['resource.kubernetes.io'].pcieRoot.startsWith('pci')",
                    "!('last' in device.attributes['gpu.example.com'])",
                    "!has(device.attributes['nowhere'].x)",
                    "device.attributes['nowhere'].size() == 0", "!('nowhere' in device.attributes)",
                    "'z.example.com' in device.attributes",
                    "device.attributes.all(d, device.attributes[d].size() > 0)",
                    "device.attributes.map(d, device.attributes[d].size()).sum() == 8",
                    "device.attributes['gpu.example.com'].firmware.isLessThan(semver('1.0.0'))",
                    "device.attributes['gpu.example.com'].driverVersion.major() == 550",
                    "device.capacity['gpu.example.com'].memory == quantity('81920Mi')",
                    "device.capacity['net.example.com'].vf.asInteger() == 8",
                    "cel.bind(a, device.attributes['gpu.example.com'], a.index == 3 && a.healthy)",
                    "device.attributes['gpu.example.com'].?nothing.orValue('x') == 'x'",
                    "!device.allowMultipleAllocations",
                    // Errors that the other side decides.
                    "device.attributes['gpu.example.com'].nothing == 1 || true",
                    "true || device.attributes['gpu.example.com'].nothing == 1",
                    "[1, 2].exists(i, i == 2 || device.attributes['a'].nothing == i)"));

INSTANTIATE_TEST_SUITE_P(
    Quantities, CelTrue,
    testing::Values("quantity('1000m') == quantity('1') && !quantity('1000m').isInteger()",
                    "!quantity('1Pi').isInteger() && quantity('1Ti').isInteger()",
                    "quantity('1').add(1).asInteger() == 2",
                    "quantity('0.3').asApproximateFloat() == 3.0 * 0.1",
                    "sign(quantity('-5m')) == -1", "!isQuantity('1K') && isQuantity('1k')"));

TEST(CelEvaluate, MissingAttributesAreErrors) {
  Result<bool> answer = Answer("device.attributes['gpu.example.com'].nothing == 1");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.status().message(), "no such key: nothing");
  EXPECT_FALSE(Answer("device.attributes['nowhere'].model == 'x'").ok());
}

TEST(CelEvaluate, OneBadAttributeFailsEveryEvaluation) {
  api::Device device = Gpu();
  device.attributes["bad"].value = api::Version{"1.0"};
  Result<bool> answer = Answer("true", device);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.status().message(),
            "attribute bad: parse semantic version: No Major.Minor.Patch elements found");
  device.attributes["bad"].value = std::monostate();
  EXPECT_EQ(Answer("true", device).status().message(),
            "attribute bad: unsupported attribute value");
}

TEST(CelEvaluate, ListsNeedTheirGate) {
  api::Device device = Gpu();
  device.attributes["list"].value = std::vector<api::Version>{{"1.0.0-rc.1"}, {"2.0.0"}};
  EXPECT_EQ(Answer("true", device).status().message(),
            "attribute list: unsupported attribute value");
  const Options lists{.list_attributes = true};
  EXPECT_TRUE(*Answer("device.attributes['gpu.example.com'].list.includes(semver('2.0.0'))", device,
                      lists));
  EXPECT_TRUE(
      *Answer("device.attributes['gpu.example.com'].list.exists(v, v.isLessThan(semver('1.0.0')))",
              device, lists));
  EXPECT_TRUE(*Answer("device.attributes['gpu.example.com'].model.includes('A100-SXM4-80GB')"));
}

TEST(CelEvaluate, AnEmptyDevice) {
  EXPECT_TRUE(
      *Answer("device.attributes.size() == 0 && device.capacity.size() == 0", api::Device()));
  EXPECT_TRUE(
      *Answer("device.attributes['a'].size() == 0 && !('a' in device.capacity)", api::Device()));
}

TEST(CelEvaluate, ManyAttributesInManyDomains) {
  api::Device device;
  for (int i = 0; i < 500; ++i)
    device.attributes["d" + std::to_string(i % 7) + ".com/a" + std::to_string(i)].value =
        int64_t{i};
  EXPECT_TRUE(
      *Answer("device.attributes.size() == 7 && device.attributes['d3.com'].a3 == 3", device));
  EXPECT_TRUE(*Answer("device.attributes['d2.com'].a499 == 499", device));
  EXPECT_TRUE(
      *Answer("device.attributes.all(d, device.attributes[d].all(a, device.attributes[d][a] >= 0))",
              device));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(CelEvaluate, AllocatesNothingOnTheUsualPaths) {
  DeviceView view(Gpu(), "gpu.example.com");
  for (const char* expression :
       {"device.driver == 'gpu.example.com'",
        "device.attributes['gpu.example.com'].model == 'A100-SXM4-80GB'",
        "device.attributes['gpu.example.com'].index < 8 && "
        "device.attributes['gpu.example.com'].healthy",
        "device.capacity['gpu.example.com'].memory.compareTo(quantity('40Gi')) >= 0",
        "device.attributes['gpu.example.com'].driverVersion.isGreaterThan(semver('535.0.0'))",
        "device.attributes['gpu.example.com'].model.matches('^(A|H)100')",
        "device.attributes['gpu.example.com'].model in ['H100', 'A100-SXM4-80GB']",
        "['H100', 'A100'].exists(m, device.attributes['gpu.example.com'].model.contains(m))",
        "has(device.attributes['gpu.example.com'].healthy) && !has(device.attributes['x'].y)",
        "'z.example.com' in device.attributes ? device.attributes['z.example.com'].last > 3 : "
        "false",
        "cel.bind(a, device.attributes['gpu.example.com'], a.index == 3 && a.healthy)"}) {
    std::shared_ptr<const Program> program = Compiled(expression);
    Result<bool> warm =
        program->Matches(view);  // the regular expression's automaton grows when it is first used
    ASSERT_TRUE(warm.ok() && *warm) << expression;
    size_t before = allocations;
    Evaluated evaluated = program->Evaluate(view);
    EXPECT_EQ(allocations - before, 0u) << expression;
    EXPECT_TRUE(evaluated.matches.ok());
  }
}
#endif

// Single attributes are found in the device itself, maps are made of it: both say the same, however
// much there is.
TEST(CelEvaluate, AttributesAloneAndInMaps) {
  api::Device device;
  for (int domain = 0; domain < 7; ++domain) {
    const std::string prefix = domain == 0 ? "" : "d" + std::to_string(domain) + ".example.com/";
    for (int i = 0; i < 8; ++i) {
      const std::string name = prefix + "a" + std::to_string(i);
      device.attributes[name].value = int64_t{domain * 10 + i};
      device.capacity[prefix + "c" + std::to_string(i)].value =
          api::Quantity::FromInteger(domain * 10 + i);
    }
    device.attributes[prefix + "version"].value = api::Version{std::to_string(domain) + ".0.0"};
    device.attributes[prefix + "list"].value = std::vector<int64_t>{domain, 5};
  }
  const std::string driver = "d0.example.com";
  for (bool maps_first : {false, true}) {
    DeviceView view(device, driver);
    for (int domain = 0; domain < 7; ++domain) {
      const std::string at = "['d" + std::to_string(domain) + ".example.com']",
                        number = std::to_string(domain);
      std::vector<std::string> expressions = {
          "device.attributes" + at + ".a7 == " + number + "7 && device.capacity" + at +
              ".c7 == quantity('" + number + "7')",
          "device.attributes" + at + ".version == semver('" + number + ".0.0')",
          "device.attributes" + at + ".list[0] == " + number,
          "has(device.attributes" + at + ".a0) && !has(device.attributes" + at +
              ".a8) && !has(device.capacity" + at + ".a0)",
          "cel.bind(a, device.attributes" + at + ", a.a7 == " + number +
              "7 && a.version.major() == " + number + " && a.list[1] == 5 && size(a) == 10)",
          "cel.bind(c, device.capacity" + at +
              ", c.c3.asInteger() == " + (domain == 0 ? "" : number) + "3 && size(c) == 8)"};
      if (maps_first) std::reverse(expressions.begin(), expressions.end());
      for (const std::string& expression : expressions) {
        auto program = Program::Compile(expression, {.list_attributes = true});
        ASSERT_TRUE(program.ok()) << program.status();
        Result<bool> matches = (*program)->Matches(view);
        EXPECT_TRUE(matches.ok() && *matches) << expression << ": " << matches.status();
      }
    }
  }
}

// A name's domain ends at its first slash, wherever an expression puts it.
TEST(CelEvaluate, NamesWithSlashes) {
  api::Device device;
  for (const char* name : {"plain", "e/x", "a/b/c", "/y"}) {
    device.attributes[name].value = std::string(name);
    device.capacity[name].value = api::Quantity::FromInteger(1);
  }
  const std::pair<const char*, bool> cases[] = {
      {"['d']['plain']", true}, {"['d/plain']['x']", false}, {"['d']['e/x']", false},
      {"['e']['x']", true},     {"['a']['b/c']", true},      {"['a/b']['c']", false},
      {"['']['y']", true},      {"['d']['/y']", false}};
  for (const auto& [at, found] : cases) {
    const std::string whole = at, domain = whole.substr(0, whole.find(']') + 1),
                      id = whole.substr(domain.size());
    for (const std::string map : {"attributes", "capacity"}) {
      for (const std::string& expression :
           {"device." + map + whole + " == device." + map + whole,
            "cel.bind(m, device." + map + domain + ", m" + id + " == m" + id + ")"}) {
        EXPECT_EQ(Compiled(expression)->Matches(DeviceView(device, "d")).ok(), found) << expression;
      }
    }
  }
}

// A program and a view are shared by the scheduler's threads: values inside them are never counted.
TEST(CelEvaluate, ThreadsShareProgramsAndViews) {
  std::vector<std::shared_ptr<const Program>> programs;
  for (const char* expression :
       {"device.attributes['gpu.example.com'].model.split('-')[2].replace('GB', '') == '80'",
        "['H100', 'A100'].exists(m, device.attributes['gpu.example.com'].model.contains(m))",
        "device.attributes['gpu.example.com'].firmware.compareTo(semver('1.0.0-rc.1')) == 0",
        "{'a': [quantity('1Gi')]}.a[0].isLessThan(device.capacity['gpu.example.com'].memory)",
        "cel.bind(a, device.attributes['gpu.example.com'], a.model.startsWith('A100') && a.index "
        "== 3)",
        "device.capacity.exists(d, d == 'net.example.com')"})
    programs.push_back(Compiled(expression));
  DeviceView view(Gpu(), "gpu.example.com");
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (int& count : wrong) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i)
          for (const auto& program : programs) count += !*program->Matches(view);
      });
    }
  }
  for (int count : wrong) EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace dray::cel
