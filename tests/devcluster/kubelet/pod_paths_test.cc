#include "devcluster/kubelet/pod_paths.h"

#include <gtest/gtest.h>

#include "dray/runtime/files.h"
#include "tests/devcluster/kubelet/scratch_dir.h"

namespace dray::devcluster {
namespace {

TEST(PodPaths, TheLastAttemptIsTheHighestLog) {
  ScratchDir root;
  const PodPaths paths(root.path(), "ns", "pod", "uid-1");
  EXPECT_EQ(paths.LastAttempt("main"), std::nullopt) << "never started: there is no folder";
  ASSERT_TRUE(runtime::MakeDirectories(paths.RootOf("main")).ok());
  EXPECT_EQ(paths.LastAttempt("main"), std::nullopt) << "a folder is not yet an attempt";
  for (int attempt : {0, 9, 10}) {
    ASSERT_TRUE(runtime::WriteFileAtomically(paths.Log("main", attempt), "x").ok());
    EXPECT_EQ(paths.LastAttempt("main"), attempt);
  }
  for (const char* other : {"/notes.log", "/11.txt", "/12a.log", "/-1.log"}) {
    ASSERT_TRUE(runtime::WriteFileAtomically(paths.Container("main") + other, "x").ok());
  }
  EXPECT_EQ(paths.LastAttempt("main"), 10) << "what is not an attempt's log does not count";
  EXPECT_EQ(paths.LastAttempt("other"), std::nullopt);
}

}  // namespace
}  // namespace dray::devcluster
