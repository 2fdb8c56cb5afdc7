#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/api/cel/recorded_case.h"

// Kubernetes' own answers, recorded: tests/golden/oracle/cel*.jsonl.
namespace dray::cel {
namespace {

// What differs from the expectation, empty when nothing does.
std::string Difference(const RecordedCase& recorded) {
  const nlohmann::json& expect = recorded.Expect();
  Result<std::shared_ptr<const Program>> program =
      Program::Compile(recorded.Text("expression"), recorded.options);
  if (expect.contains("compileError")) return program.ok() ? "compiles, but should not" : "";
  if (!program.ok()) return "does not compile: " + program.status().message();

  std::ostringstream difference;
  if ((*program)->max_cost() != expect.at("maxCost").get<uint64_t>())
    difference << "max cost " << (*program)->max_cost() << ", expected " << expect.at("maxCost")
               << "; ";
  std::string driver = recorded.Driver();
  Evaluated evaluated = (*program)->Evaluate(DeviceView(recorded.device, driver));
  if (expect.contains("result")) {
    if (!evaluated.matches.ok()) {
      difference << "runtime error " << evaluated.matches.status().message() << "; ";
    } else if (*evaluated.matches != expect.at("result").get<bool>()) {
      difference << "result " << *evaluated.matches << "; ";
    }
  } else if (evaluated.matches.ok()) {
    difference << "result " << *evaluated.matches << ", expected runtime error "
               << expect.at("runtimeError") << "; ";
  }
  if (expect.contains("actualCost") && evaluated.cost != expect.at("actualCost").get<uint64_t>())
    difference << "cost " << evaluated.cost << ", expected " << expect.at("actualCost") << "; ";
  return difference.str();
}

class CelOracle : public ::testing::TestWithParam<const char*> {};

TEST_P(CelOracle, Agrees) {
  std::ifstream in(std::string(DRAY_SOURCE_DIR "/tests/golden/oracle/") + GetParam());
  size_t cases = 0;
  for (std::string line; std::getline(in, line); ++cases) {
    RecordedCase recorded = ReadRecordedCase(line);
    std::string difference = Difference(recorded);
    EXPECT_TRUE(difference.empty())
        << recorded.Text("id") << ": " << recorded.Text("expression") << "\n  " << difference;
  }
  EXPECT_GE(cases, 10u) << "no cases in " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Recorded, CelOracle,
                         ::testing::Values("cel.jsonl", "cel-list-attributes.jsonl"));

}  // namespace
}  // namespace dray::cel
