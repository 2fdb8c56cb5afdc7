#include <zlib.h>

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/input_file.h"
#include "dray/base/json.h"
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

std::string Zip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string zipped(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(zipped.data());
  stream.avail_out = static_cast<uInt>(zipped.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  zipped.resize(stream.total_out);
  deflateEnd(&stream);
  return zipped;
}

constexpr char kScenario[] = R"({
  "nodes": [{"metadata": {"name": "n1"}}],
  "slices": [{"metadata": {"name": "s"}, "spec": {"driver": "gpu.x", "pool": {"name": "n1", "generation": 1,
    "resourceSliceCount": 1}, "nodeName": "n1", "devices": [{"name": "a", "allowMultipleAllocations": true,
    "capacity": {"memory": {"value": "80Gi"}}}]}}],
  "classes": [{"metadata": {"name": "gpu"}}],
  "claims": [
    {"metadata": {"name": "big"}, "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu",
      "allocationMode": "ExactCount", "count": 1, "capacity": {"requests": {"memory": "60Gi"}}}}]}}},
    {"metadata": {"name": "late"}, "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu",
      "allocationMode": "ExactCount", "count": 1, "capacity": {"requests": {"memory": "40Gi"}}}}]}}},
    {"metadata": {"name": "odd"}, "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "none",
      "allocationMode": "ExactCount", "count": 1}}]}}}]})";

TEST(AllocateCommand, AnswersEachClaim) {
  Outcome outcome = Dray({"allocate", "-f", "-", "--mask-share-ids"}, kScenario);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json claims = Json::parse(outcome.out)["claims"];
  ASSERT_EQ(claims.size(), 3u);
  EXPECT_EQ(claims[0]["name"], "big");
  EXPECT_EQ(claims[0]["outcome"], "allocated");
  EXPECT_EQ(claims[0]["node"], "n1");
  EXPECT_EQ(claims[0]["allocation"]["devices"]["results"][0]["shareID"], "*");
  EXPECT_EQ(claims[0]["allocation"]["devices"]["results"][0]["consumedCapacity"]["memory"], "60Gi");
  EXPECT_EQ(claims[1]["outcome"], "unsatisfiable");
  EXPECT_EQ(claims[1]["reason"],
            "0/1 nodes: 1 had no device with 40Gi memory free (largest: 20Gi)");
  EXPECT_EQ(claims[2]["outcome"], "error");
  EXPECT_NE(claims[2]["reason"].get<std::string>().find("device class none does not exist"),
            std::string::npos);

  const Json random = Json::parse(Dray({"allocate", "-f", "-"}, kScenario).out)["claims"];
  EXPECT_EQ(random[0]["allocation"]["devices"]["results"][0]["shareID"].get<std::string>().size(),
            36u);
}

TEST(AllocateCommand, TableAndBench) {
  Outcome table = Dray({"allocate", "-f", "-", "-o", "table"}, kScenario);
  EXPECT_EQ(table.code, 0);
  EXPECT_EQ(table.out.substr(0, 5), "CLAIM") << table.out;
  EXPECT_NE(table.out.find("r=n1/a"), std::string::npos) << table.out;
  Outcome bench = Dray({"allocate", "-f", "-", "--bench", "3"}, kScenario);
  ASSERT_EQ(bench.code, 0) << bench.err;
  const Json figures = Json::parse(bench.out);
  EXPECT_EQ(figures["runs"], 3);
  EXPECT_EQ(figures["claims"], 3);
  EXPECT_EQ(figures["allocated"], 1);
  EXPECT_EQ(figures["nodeAttempts"], 3);
}

TEST(AllocateCommand, WrongUseIsSaid) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"allocate"},
           {"allocate", "-f", "/does/not/exist"},
           {"allocate", "-f", "-", "--bench", "0"},
           {"allocate", "-f", "-", "-o", "xml"},
           {"allocate", "-f", "-", "--oops"},
       }) {
    Outcome outcome = Dray(args, kScenario);
    EXPECT_EQ(outcome.code, 2) << args.back();
    EXPECT_TRUE(outcome.err.starts_with("dray: ")) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  Outcome unreadable = Dray({"allocate", "-f", "-"}, R"({"nodes": 1})");
  EXPECT_EQ(unreadable.code, 2);
  EXPECT_NE(unreadable.err.find("nodes: want a list"), std::string::npos) << unreadable.err;
}

TEST(AllocateCommand, ExplainsInFigures) {
  EXPECT_FALSE(Json::parse(Dray({"allocate", "-f", "-"}, kScenario).out)["claims"][1].contains(
      "explanation"));
  const Json claims =
      Json::parse(Dray({"allocate", "-f", "-", "--explain"}, kScenario).out)["claims"];
  EXPECT_FALSE(claims[0].contains("explanation"));
  EXPECT_FALSE(claims[2].contains("explanation"));
  const Json expected = Json::parse(R"json({
    "requests": [{"claim": "late", "request": "r", "class": "gpu", "wanted": 1, "devices": 1, "ruledOut": {"memory": 1},
                  "shortOf": {"memory": {"wanted": "40Gi", "largestFree": "20Gi"}}}],
    "nodes": [{"node": "n1", "reason": "had no device with 40Gi memory free (largest: 20Gi)"}]})json");
  EXPECT_EQ(claims[1]["explanation"], expected) << claims[1];
}

TEST(AllocateCommand, TakesGzip) {
  const std::string zipped = Zip(kScenario);
  const ScratchFile file("scenario.json.gz", zipped);
  for (const Outcome& outcome : {Dray({"allocate", "-f", file.path(), "--mask-share-ids"}),
                                 Dray({"allocate", "-f", "-", "--mask-share-ids"}, zipped)}) {
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(Json::parse(outcome.out)["claims"].size(), 3u);
  }
  Outcome cut = Dray({"allocate", "-f", "-"}, zipped.substr(0, zipped.size() / 2));
  EXPECT_EQ(cut.code, 2);
  EXPECT_EQ(cut.err, "dray: -: gzip data is cut short\n");
  std::string torn = zipped;
  torn[20] = static_cast<char>(torn[20] ^ 0x55);
  EXPECT_EQ(Dray({"allocate", "-f", "-"}, torn).code, 2);
}

TEST(Unzip, TextOfAllMembers) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i);
  EXPECT_EQ(Unzip(Zip(text) + Zip("") + Zip("end")).value(), text + "end");
  EXPECT_EQ(Unzip(Zip("padded") + std::string(3, '\0')).value(), "padded");
  EXPECT_FALSE(IsGzip("{}"));
}

// The recorded worlds of Kubernetes go in as files, as users have them.
TEST(AllocateCommand, TakesRecordedWorlds) {
  int worlds = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(TreePath("tests/golden/oracle/alloc"))) {
    SCOPED_TRACE(file.path());
    Outcome outcome = Dray({"allocate", "-f", file.path().string(), "--mask-share-ids"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const Json expected = Json::parse(*runtime::ReadFile(file.path().string()))["expected"];
    const Json claims = Json::parse(outcome.out)["claims"];
    ASSERT_EQ(claims.size(), expected.size());
    for (size_t i = 0; i < claims.size(); ++i) {
      EXPECT_EQ(claims[i]["outcome"], expected[i]["outcome"]);
      EXPECT_EQ(claims[i].value("node", ""), expected[i].value("node", ""));
    }
    ++worlds;
  }
  EXPECT_GE(worlds, 80);
}

}  // namespace
}  // namespace dray::cli
