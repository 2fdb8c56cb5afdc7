#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/cel_input.h"
#include "dray/api/cel.h"
#include "dray/base/json.h"

// Kubernetes' own answers, recorded: tests/golden/oracle/cel*.jsonl. Cases on which we do not agree yet are listed by id in
// cel-open.txt beside them; a listed case that agrees fails, so that the list only shrinks.
namespace dray::cel {
namespace {

const std::string kFolder = DRAY_SOURCE_DIR "/tests/golden/oracle/";

std::vector<std::string> Lines(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  return lines;
}

// What differs from the expectation, empty when nothing does.
std::string Difference(const Json& expect, const cli::CelInput& input, const Options& options) {
  Result<std::shared_ptr<const Program>> program = Program::Compile(input.expression, options);
  if (expect.contains("compileError")) return program.ok() ? "compiles, but should not" : "";
  if (!program.ok()) return "does not compile: " + program.status().message();

  std::ostringstream difference;
  if ((*program)->max_cost() != expect.at("maxCost").get<uint64_t>())
    difference << "max cost " << (*program)->max_cost() << ", expected " << expect.at("maxCost") << "; ";
  Evaluated evaluated = (*program)->Evaluate(DeviceView(input.device, input.driver));
  if (expect.contains("result")) {
    if (!evaluated.matches.ok()) {
      difference << "runtime error " << evaluated.matches.status().message() << "; ";
    } else if (*evaluated.matches != expect.at("result").get<bool>()) {
      difference << "result " << *evaluated.matches << "; ";
    }
  } else if (evaluated.matches.ok()) {
    difference << "result " << *evaluated.matches << ", expected runtime error " << expect.at("runtimeError") << "; ";
  }
  if (expect.contains("actualCost") && evaluated.cost != expect.at("actualCost").get<uint64_t>())
    difference << "cost " << evaluated.cost << ", expected " << expect.at("actualCost") << "; ";
  return difference.str();
}

class CelOracle : public testing::TestWithParam<const char*> {};

TEST_P(CelOracle, Agrees) {
  std::set<std::string> open;
  for (const std::string& id : Lines(kFolder + "cel-open.txt")) open.insert(id);
  size_t cases = 0, agreed = 0;
  for (const std::string& line : Lines(kFolder + GetParam())) {
    Json json = Json::parse(line);
    Result<cli::CelInput> input = cli::ParseCelInput(line);
    ASSERT_TRUE(input.ok()) << input.status() << " in " << line;
    Options options{.consumable_capacity = json["features"]["consumableCapacity"],
                    .list_attributes = json["features"]["listTypeAttributes"]};
    std::string id = json.at("id"), difference = Difference(json.at("expect"), *input, options);
    ++cases;
    agreed += difference.empty();
    if (open.count(id) > 0) {
      EXPECT_FALSE(difference.empty()) << id << " agrees now: take it off cel-open.txt";
    } else {
      EXPECT_TRUE(difference.empty()) << id << ": " << input->expression << "\n  " << difference;
    }
  }
  EXPECT_GT(cases, 0u);
  RecordProperty("agreed", std::to_string(agreed) + " of " + std::to_string(cases));
  std::cout << GetParam() << ": " << agreed << " of " << cases << " agree\n";
}

INSTANTIATE_TEST_SUITE_P(Recorded, CelOracle, testing::Values("cel.jsonl", "cel-list-attributes.jsonl"));

}  // namespace
}  // namespace dray::cel
