#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

// The walls of the design: base <- api <- runtime <- { controllers | mockdev | devcluster | cli },
// and which heavy library may be seen by which files. An #include that crosses a wall the wrong way
// fails here, not in review.
namespace dray {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::string path;                   // from the root of the repository
  std::vector<std::string> includes;  // as written, without brackets or quotes
  std::vector<std::string> lines;
};

std::vector<Source> Sources() {
  static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Source> sources;
  for (const char* folder :
       {"include", "api", "runtime", "controllers", "mockdev", "devcluster", "cli"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(DRAY_SOURCE_DIR) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      Source source;
      source.path = fs::relative(entry.path(), DRAY_SOURCE_DIR);
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        std::smatch match;
        if (std::regex_search(line, match, kInclude)) source.includes.push_back(match[1]);
        source.lines.push_back(std::move(line));
      }
      sources.push_back(std::move(source));
    }
  }
  return sources;
}

// "include/dray/runtime/client.h" and "runtime/client.cc" are both of layer "runtime".
std::string LayerOf(const std::string& path) {
  const std::string prefix = "include/dray/";
  const std::string rest = path.starts_with(prefix) ? path.substr(prefix.size()) : path;
  return rest.substr(0, rest.find('/'));
}

// The layer that an include leads to; empty for a library.
std::string LayerOfInclude(const std::string& include) {
  static const std::set<std::string> kLayers = {"base",    "api",        "runtime", "controllers",
                                                "mockdev", "devcluster", "cli"};
  const std::string prefix = "dray/";
  const std::string rest = include.starts_with(prefix) ? include.substr(prefix.size()) : include;
  const std::string first = rest.substr(0, rest.find('/'));
  return rest.find('/') != std::string::npos && kLayers.contains(first) ? first : "";
}

TEST(IncludeGraph, LayersOnlySeeWhatIsBelowThem) {
  const std::map<std::string, std::set<std::string>> allowed = {
      {"base", {"base"}},
      {"api", {"base", "api"}},
      {"runtime", {"base", "api", "runtime"}},
      {"controllers", {"base", "api", "runtime", "controllers"}},
      {"mockdev", {"base", "api", "runtime", "mockdev"}},
      {"devcluster", {"base", "api", "runtime", "devcluster"}},
      {"cli", {"base", "api", "runtime", "cli"}},
  };
  const std::vector<Source> sources = Sources();
  ASSERT_GT(sources.size(), 50u) << "the test does not see the source tree";
  for (const Source& source : sources) {
    const std::string layer = LayerOf(source.path);
    ASSERT_TRUE(allowed.contains(layer)) << source.path;
    for (const std::string& include : source.includes) {
      const std::string target = LayerOfInclude(include);
      EXPECT_TRUE(target.empty() || allowed.at(layer).contains(target))
          << source.path << " includes " << include;
    }
  }
}

TEST(IncludeGraph, HeavyLibrariesStayWhereTheyBelong) {
  struct Rule {
    const char* include;  // prefix of what is included
    std::regex where;     // paths that may
  };
  const std::vector<Rule> rules = {
      {"cpprest/", std::regex(R"(runtime/rest_[a-z_]+\.(cc|h))")},
      {"pplx/", std::regex(R"(runtime/rest_[a-z_]+\.(cc|h))")},
      {"boost/beast", std::regex(R"(runtime/http_[a-z_]+\.(cc|h))")},
      {"boost/asio", std::regex(R"(runtime/(http|rest)_[a-z_]+\.(cc|h))")},
      {"grpc", std::regex(R"((mockdev/(plugin|deviceplugin)|devcluster/kubelet)/.*)")},
      {"yaml-cpp/", std::regex(R"(runtime/yaml\.cc)")},
      {"simdjson", std::regex(R"(api/types/.*)")},
      {"gflags/", std::regex(R"((.*/cmd|cli)/.*|runtime/program\.cc)")},
      {"prometheus/", std::regex(R"(runtime/metrics\.cc)")},
      {"nlohmann/json.hpp", std::regex(R"(.*\.cc|.*_fields\.h|api/types/[a-z_]+\.h)")},
  };
  for (const Source& source : Sources())
    for (const std::string& include : source.includes)
      for (const Rule& rule : rules) {
        const bool may =
            !include.starts_with(rule.include) || std::regex_match(source.path, rule.where);
        EXPECT_TRUE(may) << source.path << " includes " << include;
      }
}

TEST(IncludeGraph, OurPublicHeadersAreLight) {
  for (const Source& source : Sources()) {
    if (!source.path.starts_with("include/")) continue;
    for (const std::string& include : source.includes)
      for (const char* heavy : {"boost/", "cpprest/", "grpc", "google/protobuf", "yaml-cpp/",
                                "simdjson", "gflags/", "prometheus/", "nlohmann/json.hpp"})
        EXPECT_FALSE(include.starts_with(heavy)) << source.path << " includes " << include;
  }
}

TEST(SourceTree, TheApiIsPure) {
  static const std::regex kImpure(
      R"(std::(this_thread|j?thread|ifstream|ofstream|fstream|filesystem|chrono::(system|steady)_clock::now))");
  for (const Source& source : Sources()) {
    if (!source.path.starts_with("api/")) continue;
    for (const std::string& line : source.lines)
      EXPECT_FALSE(std::regex_search(line, kImpure)) << source.path << ": " << line;
  }
}

TEST(SourceTree, TimeIsReadInOnePlace) {
  for (const Source& source : Sources()) {
    if (source.path == "runtime/real_clock.cc" || source.path.find("/tools/") != std::string::npos)
      continue;
    for (const std::string& line : source.lines)
      for (const char* call :
           {"system_clock::now(", "steady_clock::now(", "sleep_for(", "sleep_until(", "usleep("})
        EXPECT_EQ(line.find(call), std::string::npos) << source.path << ": " << line;
  }
}

TEST(SourceTree, FilesStaySmall) {
  for (const Source& source : Sources()) EXPECT_LE(source.lines.size(), 800u) << source.path;
}

TEST(SourceTree, EveryStopOfAClaimsLifeHasItsFiles) {
  std::map<char, int> stops;
  const std::string mark = "// Life of a claim, stop ";
  for (const Source& source : Sources())
    if (!source.lines.empty() && source.lines[0].starts_with(mark))
      ++stops[source.lines[0][mark.size()]];
  for (char stop = '1'; stop <= '8'; ++stop)
    EXPECT_GT(stops[stop], 0) << "no file begins with stop " << stop;
}

}  // namespace
}  // namespace dray
