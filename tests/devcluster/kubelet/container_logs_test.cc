#include "devcluster/kubelet/container_logs.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "devcluster/kubelet/pod_paths.h"
#include "dray/runtime/files.h"
#include "dray/runtime/real_clock.h"
#include "tests/devcluster/kubelet/scratch_dir.h"

namespace dray::devcluster {
namespace {

TEST(CutLogTest, TailAndLimit) {
  auto cut = [](std::string text, std::optional<int64_t> tail, std::optional<int64_t> limit = {}) {
    LogOptions options;
    options.tail_lines = tail;
    options.limit_bytes = limit;
    return CutLog(std::move(text), options);
  };
  EXPECT_EQ(cut("a\nb\nc\n", {}), "a\nb\nc\n");
  EXPECT_EQ(cut("a\nb\nc\n", 1), "c\n");
  EXPECT_EQ(cut("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(cut("a\nb\nc\n", 3), "a\nb\nc\n");
  EXPECT_EQ(cut("a\nb\nc\n", 9), "a\nb\nc\n");
  EXPECT_EQ(cut("a\nb\nc", 1), "c");
  EXPECT_EQ(cut("a\nb", 0), "");
  EXPECT_EQ(cut("", 3), "");
  EXPECT_EQ(cut("\n\n", 1), "\n");
  EXPECT_EQ(cut("a\nb\nc\n", {}, 3), "a\nb");
  EXPECT_EQ(cut("a\nb\nc\n", 2, 1), "b");
}

class CollectingStream : public runtime::HttpStream {
 public:
  bool Write(std::string chunk) override {
    std::lock_guard lock(mutex_);
    text_ += chunk;
    changed_.notify_all();
    return !closed_;
  }
  void Close() override {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  bool closed() const override {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  void OnClose(std::function<void()>) override {}
  bool Await(const std::string& text, bool closed) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return text_ == text && closed_ == closed; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool closed_ = false;
};

class ContainerLogsTest : public ::testing::Test {
 protected:
  ContainerLogsTest()
      : paths_(dir_.path(), "ns", "p", "u"), logs_(runtime::RealClock(), dir_.path()) {
    EXPECT_TRUE(runtime::MakeDirectories(paths_.Container("c")).ok());
  }
  void Append(int run, const std::string& text) {
    std::ofstream(paths_.Log("c", run), std::ios::app) << text;
  }
  ScratchDir dir_;
  PodPaths paths_;
  ContainerLogs logs_;
};

TEST_F(ContainerLogsTest, ReadsTheLastRunOrTheOneBefore) {
  EXPECT_TRUE(logs_.Read("ns", "p", "u", "c", {}).Is(Reason::kNotFound));
  Append(9, "nine\n");
  LogOptions previous;
  previous.previous = true;
  EXPECT_EQ(*logs_.Read("ns", "p", "u", "c", {}), "nine\n");
  EXPECT_TRUE(logs_.Read("ns", "p", "u", "c", previous).Is(Reason::kNotFound));
  Append(10, "ten\n");
  EXPECT_EQ(*logs_.Read("ns", "p", "u", "c", {}), "ten\n");
  EXPECT_EQ(*logs_.Read("ns", "p", "u", "c", previous), "nine\n");
}

TEST_F(ContainerLogsTest, FollowsUntilTheContainerEnds) {
  std::stop_source stop;
  Context ctx(runtime::RealClock(), stop.get_token());
  std::jthread feeder([&] { logs_.Run(ctx); });
  Append(0, "old\n");
  auto stream = std::make_shared<CollectingStream>();
  std::atomic<bool> ended = false;
  ASSERT_TRUE(logs_.Follow("ns", "p", "u", "c", {}, stream, [&] { return ended.load(); }).ok());
  EXPECT_TRUE(stream->Await("old\n", false));
  Append(0, "new\n");
  EXPECT_TRUE(stream->Await("old\nnew\n", false));
  Append(0, "last\n");
  ended = true;
  EXPECT_TRUE(stream->Await("old\nnew\nlast\n", true));
  auto other = std::make_shared<CollectingStream>();
  ASSERT_TRUE(logs_.Follow("ns", "p", "u", "c", {}, other, [] { return false; }).ok());
  stop.request_stop();
  EXPECT_TRUE(other->Await("old\nnew\nlast\n", true));
}

}  // namespace
}  // namespace dray::devcluster
