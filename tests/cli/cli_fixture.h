#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command.h"
#include "dray/runtime/files.h"
#include "tests/support/fake_clock.h"

namespace dray::cli {

struct Outcome {
  int code = -1;
  std::string out, err;
};

// `dray <args>` in this process, with `in` as standard input.
inline Outcome Dray(const std::vector<std::string>& args, const std::string& in = "") {
  testing::FakeClock clock;
  std::stop_source stop;
  std::istringstream input(in);
  std::ostringstream out, err;
  Outcome outcome;
  outcome.code = RunCommandLine(Context(clock, stop.get_token()), args, {input, out, err});
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

inline std::string TreePath(const std::string& path) {
  return std::string(DRAY_SOURCE_DIR) + "/" + path;
}

// Compares with tests/golden/cli/<name>; UPDATE_GOLDEN=1 writes it.
inline void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = TreePath("tests/golden/cli/" + name);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(runtime::WriteFileAtomically(path, text).ok());
    return;
  }
  Result<std::string> golden = runtime::ReadFile(path);
  ASSERT_TRUE(golden.ok()) << golden.status() << " (UPDATE_GOLDEN=1 writes it)";
  EXPECT_EQ(*golden, text);
}

// A file that is there for one test.
class ScratchFile {
 public:
  ScratchFile(const std::string& name, const std::string& text) {
    char pattern[] = "/tmp/dray-cli-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    path_ = directory_ + "/" + name;
    EXPECT_TRUE(runtime::WriteFileAtomically(path_, text).ok());
  }
  ~ScratchFile() { std::filesystem::remove_all(directory_); }
  const std::string& path() const { return path_; }

 private:
  std::string directory_, path_;
};

}  // namespace dray::cli
