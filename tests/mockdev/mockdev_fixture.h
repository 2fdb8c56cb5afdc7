#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "dray/api/types/resource.h"
#include "dray/runtime/files.h"
#include "dray/runtime/process.h"
#include "dray/runtime/real_clock.h"
#include "mockdev/ledger/claim_preparer.h"
#include "tests/support/fake_clock.h"

namespace dray::mockdev {

// A directory of its own, removed at the end. Short, since unix sockets lie in it.
class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/dray-mockdev-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

template <class T>
T ValueOf(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? std::move(result).value() : T{};
}

// Looks until it holds, for what nobody tells; 30 s at most, in real time.
inline bool Eventually(const std::function<bool()>& holds) {
  SteadyTime end = runtime::RealClock().Steady() + std::chrono::seconds(30);
  while (!holds()) {
    if (runtime::RealClock().Steady() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// Compares with tests/golden/mockdev/<name>; UPDATE_GOLDEN=1 writes it.
inline void ExpectGolden(const std::string& name, const std::string& text) {
  std::string path = std::string(DRAY_SOURCE_DIR) + "/tests/golden/mockdev/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(runtime::WriteFileAtomically(path, text).ok());
    return;
  }
  Result<std::string> golden = runtime::ReadFile(path);
  ASSERT_TRUE(golden.ok()) << golden.status() << " (UPDATE_GOLDEN=1 writes it)";
  EXPECT_EQ(*golden, text);
}

inline DeviceProfile ProfileFromTree(const std::string& name) {
  return ValueOf(LoadProfile(std::string(DRAY_SOURCE_DIR) + "/config/profiles/" + name + ".yaml"));
}

// A claim allocated on pool "node-1". Every result is a share with these capacities, unless
// `consumed` is empty: then whole.
class AllocatedClaim {
 public:
  explicit AllocatedClaim(const std::string& uid, const std::string& driver) : driver_(driver) {
    claim_.metadata.uid = uid;
    claim_.metadata.name = "claim-" + uid;
    claim_.metadata.namespace_ = "default";
    claim_.status.allocation.emplace();
  }
  AllocatedClaim& Gets(const std::string& request, const std::string& device,
                       const std::map<std::string, std::string>& consumed = {}) {
    api::DeviceRequestAllocationResult result;
    result.request = request;
    result.driver = driver_;
    result.pool = "node-1";
    result.device = device;
    if (!consumed.empty()) {
      result.share_id = claim_.metadata.uid + "-share-" + std::to_string(results().size());
    }
    for (const auto& [name, text] : consumed)
      result.consumed_capacity[name] = ValueOf(api::Quantity::Parse(text));
    results().push_back(std::move(result));
    return *this;
  }
  std::vector<api::DeviceRequestAllocationResult>& results() {
    return claim_.status.allocation->devices.results;
  }
  operator const api::ResourceClaim&() const { return claim_; }  // NOLINT: reads as a claim
  api::ResourceClaim& claim() { return claim_; }

 private:
  std::string driver_;
  api::ResourceClaim claim_;
};

// Every file and directory below a path, with the content of the files: for comparing what two ways
// have left.
inline std::map<std::string, std::string> Tree(const std::string& root) {
  std::map<std::string, std::string> tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    std::string name = entry.path().string().substr(root.size());
    if (entry.is_socket()) continue;
    tree[name] =
        entry.is_directory() ? "<directory>" : ValueOf(runtime::ReadFile(entry.path().string()));
  }
  return tree;
}

inline constexpr char kGpuDriver[] = "hami-core-gpu.project-hami.io";

struct Output {
  int code = -1;
  std::string text;  // stdout and stderr
};

// Runs a built program (a path below build/bin) to its end with exactly this environment; 30 s at
// most.
inline Output RunBuilt(const std::string& program, const std::vector<std::string>& args,
                       const std::map<std::string, std::string>& env) {
  TempDir dir;
  runtime::ProcessOptions options;
  options.argv = {std::string(DRAY_BINARY_DIR) + "/bin/" + program};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.env = env;
  options.clear_env = true;
  options.log_file = dir / "out";
  Result<std::unique_ptr<runtime::Process>> process = runtime::Process::Start(options);
  EXPECT_TRUE(process.ok()) << process.status();
  Output output;
  if (!process.ok()) return output;
  Context ctx(runtime::RealClock(), {});
  output.code = ValueOf((*process)->Wait(ctx.WithTimeout(std::chrono::seconds(30))));
  output.text = ValueOf(runtime::ReadFile(options.log_file));
  return output;
}

// Stands in for the built tools where their content does not matter.
inline void WriteTools(const std::string& directory, const DeviceProfile& profile) {
  ASSERT_TRUE(runtime::MakeDirectories(directory).ok());
  for (const Tool& tool : profile.tools) {
    ASSERT_TRUE(
        runtime::WriteFileAtomically(directory + "/" + tool.name, "#!/bin/sh\n", 0755).ok());
  }
}

}  // namespace dray::mockdev
