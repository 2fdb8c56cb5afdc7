#include "mockdev/ledger/claim_preparer.h"

#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

// One node in a directory; Restart() is a new process on the same disk.
class Node {
 public:
  explicit Node(const std::string& profile = "nvidia-a100-80gb")
      : profile_(ProfileFromTree(profile)),
        inventory_("node-1", ValueOf(EnumerateDevices(profile_, "node-1"))) {
    WriteTools(dir_ / "tools", profile_);
  }

  // `kill_before`: the number of the effect at which the process dies, counted from now.
  Status Restart(int kill_before = 1 << 30) {
    preparer_.reset();
    left_ = kill_before;
    Result<std::unique_ptr<ClaimPreparer>> opened = ClaimPreparer::Open(
        ctx_,
        {profile_,
         {dir_ / "state", dir_ / "cdi"},
         dir_ / "tools",
         [this](std::string_view step) -> Status {
           if (left_-- > 0) return {};
           left_ = 0;
           return Status(Reason::kInternal, "killed before: " + std::string(step));
         }},
        inventory_);
    DRAY_RETURN_IF_ERROR(opened.status());
    preparer_ = std::move(opened).value();
    return {};
  }
  ClaimPreparer& operator*() { return *preparer_; }
  ClaimPreparer* operator->() { return preparer_.get(); }
  std::map<std::string, std::string> State() const {
    std::map<std::string, std::string> tree = Tree(dir_.path());
    // Paths of the temporary directory stand in the files.
    for (auto& [name, text] : tree) {
      for (size_t at; (at = text.find(dir_.path())) != std::string::npos;)
        text.replace(at, dir_.path().size(), "<dir>");
    }
    return tree;
  }
  const TempDir& dir() const { return dir_; }
  DeviceInventory& inventory() { return inventory_; }

 private:
  TempDir dir_;
  testing::FakeClock clock_;
  std::stop_source stop_;
  Context ctx_{clock_, stop_.get_token()};
  DeviceProfile profile_;
  DeviceInventory inventory_;
  int left_ = 0;
  std::unique_ptr<ClaimPreparer> preparer_;
};

AllocatedClaim TwoGpus(const std::string& uid) {
  AllocatedClaim claim(uid, kGpuDriver);
  claim.Gets("gpu", "hami-gpu-0", {{"memory", "4Gi"}, {"cores", "30"}});
  claim.Gets("gpu", "hami-gpu-1", {{"memory", "8Gi"}, {"cores", "40"}});
  return claim;
}

TEST(ClaimPreparer, PreparesUnpreparesAndLeavesNothing) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  std::map<std::string, std::string> before = node.State();
  ClaimRecord record = ValueOf(node->Prepare(TwoGpus("a")));
  EXPECT_EQ(record.state, ClaimRecord::State::kCompleted);
  std::map<std::string, std::string> state = node.State();
  for (const char* path :
       {"/cdi/k8s.hami-core-gpu.project-hami.io-claim_a.json", "/state/claims/a/vgpu",
        "/state/claims/a/devices/0.json", "/state/claims/a/devices/1.json",
        "/state/shared/libvgpu.so", "/state/ledger.json"}) {
    EXPECT_TRUE(state.contains(path)) << path;
  }
  ASSERT_TRUE(node->Unprepare("a").ok());
  EXPECT_TRUE(node->Claims().empty());
  // The ledger file and what is shared by all claims stay.
  for (const auto& [path, text] : node.State()) {
    if (before.contains(path) || path.starts_with("/state/shared/")) continue;
    EXPECT_EQ(path, "/state/ledger.json");
  }
  EXPECT_EQ(node.State().at("/state/ledger.json").find("\"a\""), std::string::npos);
}

TEST(ClaimPreparer, SameAnswerForACompletedClaim) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  ClaimRecord first = ValueOf(node->Prepare(TwoGpus("a")));
  std::map<std::string, std::string> state = node.State();
  EXPECT_EQ(ValueOf(node->Prepare(TwoGpus("a"))), first);
  ASSERT_TRUE(node.Restart().ok());
  EXPECT_EQ(ValueOf(node->Prepare(TwoGpus("a"))), first);
  EXPECT_EQ(node.State(), state);
}

TEST(ClaimPreparer, PutsBackWhatSomebodyRemoved) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  ClaimRecord first = ValueOf(node->Prepare(TwoGpus("a")));
  std::map<std::string, std::string> state = node.State();
  std::filesystem::remove_all(node.dir() / "cdi");
  std::filesystem::remove_all(node.dir() / "state/claims/a/devices");
  EXPECT_EQ(ValueOf(node->Prepare(TwoGpus("a"))), first);
  EXPECT_EQ(node.State(), state);
}

// The promise of the ledger: killed before any effect, restarted, asked again, the node is as if
// nothing had happened.
TEST(ClaimPreparer, KilledBeforeEveryEffectOfPrepare) {
  Node straight;
  ASSERT_TRUE(straight.Restart().ok());
  ASSERT_TRUE(straight->Prepare(TwoGpus("a")).ok());
  ASSERT_TRUE(straight->Prepare(TwoGpus("b")).ok());
  int kills = 0;
  for (int step = 0;; ++step) {
    Node node;
    ASSERT_TRUE(node.Restart().ok());
    ASSERT_TRUE(node->Prepare(TwoGpus("a")).ok());
    ASSERT_TRUE(node.Restart(step).ok());
    bool finished = node->Prepare(TwoGpus("b")).ok();
    ASSERT_TRUE(node.Restart().ok());
    Result<ClaimRecord> again = node->Prepare(TwoGpus("b"));
    ASSERT_TRUE(again.ok()) << "step " << step << ": " << again.status();
    EXPECT_EQ(node.State(), straight.State()) << "step " << step;
    if (finished) break;
    ++kills;
  }
  EXPECT_GE(kills, 10);  // started, the files, the CDI file, completed
}

TEST(ClaimPreparer, KilledBeforeEveryEffectOfUnprepare) {
  Node straight;
  ASSERT_TRUE(straight.Restart().ok());
  ASSERT_TRUE(straight->Prepare(TwoGpus("a")).ok());
  int kills = 0;
  for (int step = 0;; ++step) {
    Node node;
    ASSERT_TRUE(node.Restart().ok());
    ASSERT_TRUE(node->Prepare(TwoGpus("a")).ok());
    ASSERT_TRUE(node->Prepare(TwoGpus("b")).ok());
    ASSERT_TRUE(node.Restart(step).ok());
    bool finished = node->Unprepare("b").ok();
    ASSERT_TRUE(node.Restart().ok());
    ASSERT_TRUE(node->Unprepare("b").ok());
    EXPECT_EQ(node.State(), straight.State()) << "step " << step;
    if (finished) break;
    ++kills;
  }
  EXPECT_EQ(kills, 3);
}

// A started claim may also be given up.
TEST(ClaimPreparer, StartedClaimIsUndoneByUnprepare) {
  for (int step = 0; step < 12; ++step) {
    Node node;
    ASSERT_TRUE(node.Restart().ok());
    ASSERT_TRUE(node->Prepare(TwoGpus("a")).ok());
    std::map<std::string, std::string> before = node.State();
    ASSERT_TRUE(node.Restart(step).ok());
    (void)node->Prepare(TwoGpus("b")).ok();
    ASSERT_TRUE(node.Restart().ok());
    ASSERT_TRUE(node->Unprepare("b").ok());
    EXPECT_EQ(node.State(), before) << "step " << step;
  }
}

TEST(ClaimPreparer, AllocatedAnewMeansTheOldOneIsUndone) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  ASSERT_TRUE(node->Prepare(TwoGpus("a")).ok());
  AllocatedClaim anew("a", kGpuDriver);
  anew.Gets("gpu", "hami-gpu-7");
  ClaimRecord record = ValueOf(node->Prepare(anew));
  ASSERT_EQ(record.devices.size(), 1u);
  EXPECT_EQ(record.devices[0].device, "hami-gpu-7");
  EXPECT_FALSE(node.State().contains("/state/claims/a/devices/1.json"));
  EXPECT_TRUE(node->Prepare(AllocatedClaim("b", kGpuDriver).Gets("gpu", "hami-gpu-0")).ok());
}

TEST(ClaimPreparer, UnknownClaimsUnprepareAndBadUidsDoNot) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  EXPECT_TRUE(node->Unprepare("nobody-knows").ok());
  for (const char* uid : {"", "../state", "a/b", "."}) {
    EXPECT_TRUE(node->Unprepare(uid).Is(Reason::kInvalid)) << uid;
  }
}

TEST(ClaimPreparer, SweepsAtStartWhatNoEntryExplains) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  ASSERT_TRUE(node->Prepare(TwoGpus("a")).ok());
  std::map<std::string, std::string> state = node.State();
  ASSERT_TRUE(runtime::MakeDirectories(node.dir() / "state/claims/lost/vgpu").ok());
  for (const char* path :
       {"cdi/k8s.hami-core-gpu.project-hami.io-claim_lost.json", "state/ledger.json.tmp.7.0",
        "state/tools/nvidia-smi.tmp.7.1", "state/shared/libvgpu.so.tmp.7.2"}) {
    ASSERT_TRUE(runtime::WriteFileAtomically(node.dir() / path, "{").ok());
  }
  ASSERT_TRUE(node.Restart().ok());
  EXPECT_EQ(node.State(), state);
}

// Two mock nodes of one machine may have their CDI files in one directory; each sweeps its own.
TEST(ClaimPreparer, LeavesTheFilesOfAnotherNode) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  ASSERT_TRUE(node->Prepare(TwoGpus("a")).ok());
  std::map<std::string, std::string> state = node.State();
  testing::FakeClock clock;
  Context ctx(clock, {});
  DeviceProfile profile = ProfileFromTree("nvidia-a100-80gb");
  DeviceInventory inventory("node-2", ValueOf(EnumerateDevices(profile, "node-2")));
  TempDir other;
  ASSERT_TRUE(ClaimPreparer::Open(
                  ctx,
                  {profile, {other / "state", node.dir() / "cdi"}, node.dir() / "tools", nullptr},
                  inventory)
                  .ok());
  EXPECT_EQ(node.State(), state);
}

TEST(ClaimPreparer, DisappearedDeviceIsRefused) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  node.inventory().Apply({.kind = Fault::Kind::kDisappear, .device = 0}, WallTime{});
  EXPECT_EQ(node->Prepare(TwoGpus("a")).status().message(),
            "device hami-gpu-0 has disappeared from this node");
}

// A lost ledger must stop the driver and never look like an empty one.
TEST(ClaimLedger, UnreadableMeansStop) {
  Node node;
  ASSERT_TRUE(node.Restart().ok());
  ASSERT_TRUE(node->Prepare(TwoGpus("a")).ok());
  std::string path = node.dir() / "state/ledger.json";
  std::string good = ValueOf(runtime::ReadFile(path));
  std::string other = good;
  other.replace(other.find("hami-gpu-1"), 10, "hami-gpu-2");
  struct Case {
    std::string text;
    const char* part;
  };
  const Case cases[] = {
      {"", "cannot be understood"},
      {good.substr(0, good.size() / 2), "cannot be understood"},
      {"{}", "cannot be understood"},
      {other, "does not match its checksum"},
      {R"({"checksum":"x","data":{"version":2}})", "has version 2 and this program knows 1"}};
  for (const Case& test : cases) {
    ASSERT_TRUE(runtime::WriteFileAtomically(path, test.text).ok());
    Status refused = node.Restart();
    EXPECT_TRUE(refused.Is(Reason::kInvalid)) << refused;
    EXPECT_THAT(refused.message(), ::testing::HasSubstr(test.part));
    EXPECT_THAT(refused.message(), ::testing::HasSubstr(path));
    EXPECT_EQ(ValueOf(runtime::ReadFile(path)), test.text);  // untouched
  }
  EXPECT_TRUE(ClaimLedger::Open(path, "other.example.com").Is(Reason::kInvalid));
  ASSERT_TRUE(runtime::WriteFileAtomically(path, good).ok());
  EXPECT_TRUE(node.Restart().ok());
}

}  // namespace
}  // namespace dray::mockdev
