// What a user gets wrong is answered by one sentence on stderr and exit code 2, and nothing keeps
// running.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "dray/runtime/files.h"
#include "dray/runtime/process.h"
#include "dray/runtime/real_clock.h"

namespace dray {
namespace {

class WrongUse : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/dray-w-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = root_ + "/" + name;
    EXPECT_TRUE(runtime::WriteFileAtomically(path, text).ok());
    return path;
  }
  // Runs build/bin/<words...>; expects exit code 2 and one line that contains each of `parts`.
  void Refuses(std::vector<std::string> words, const std::vector<std::string>& parts) {
    const std::string program = words[0];
    SCOPED_TRACE(program + " " + (words.size() > 1 ? words.back() : ""));
    runtime::ProcessOptions options;
    words[0] = DRAY_BINARY_DIR "/bin/" + program;
    options.argv = std::move(words);
    options.env = {{"KUBECONFIG", ""}, {"HOME", root_}};
    options.log_file = root_ + "/said";
    std::filesystem::remove(options.log_file);
    auto process = runtime::Process::Start(options);
    ASSERT_TRUE(process.ok()) << process.status();
    const Context patience =
        Context(runtime::RealClock(), {}).WithTimeout(std::chrono::seconds(30));
    Result<int> code = (*process)->Wait(patience);
    ASSERT_TRUE(code.ok()) << "it did not end: " << code.status();
    const std::string said = *runtime::ReadFile(options.log_file);
    EXPECT_EQ(*code, 2) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_EQ(said.rfind(program + ": ", 0), 0u) << said;
    for (const std::string& part : parts)
      EXPECT_NE(said.find(part), std::string::npos) << "want \"" << part << "\" in: " << said;
  }
  std::string root_;
};

TEST_F(WrongUse, AnUnknownFlag) {
  Refuses({"dray-controller-manager", "--leader-elekt=false"},
          {"unknown flag --leader-elekt", "did you mean --leader-elect?"});
  Refuses({"dray-mockdev", "--profil=x"}, {"unknown flag --profil", "did you mean --profile?"});
  Refuses({"dray-devcluster", "--node=x"}, {"unknown flag --node", "did you mean --nodes?"});
}

TEST_F(WrongUse, ABadKubeconfig) {
  const std::string broken = Write("broken", "clusters: [");
  const std::string empty = Write("empty", "apiVersion: v1\nkind: Config\n");
  for (const std::string& path : {root_ + "/absent", broken, empty}) {
    Refuses({"dray-controller-manager", "--kubeconfig", path}, {path});
    Refuses({"dray-mockdev", "--node-name=n", "--kubelet-dir", root_, "--cdi-dir", root_,
             "--kubeconfig", path},
            {path});
  }
}

TEST_F(WrongUse, AMalformedProfile) {
  const std::string path = Write("profile.yaml", "name: broken\ndriver: [\n");
  Refuses({"dray-mockdev", "--node-name=n", "--profile", path}, {path});
  Refuses({"dray-mockdev", "--node-name=n", "--profile=nvidia-h9000"}, {"nvidia-h9000"});
}

TEST_F(WrongUse, APortInUse) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  Refuses({"dray-devcluster", "--dir", root_ + "/dc", "--port", port}, {port, "in use"});
  ::close(listener);
}

TEST_F(WrongUse, ImpossibleElectionTimes) {
  const std::string kubeconfig = Write("kubeconfig", R"(
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
)");
  Refuses(
      {"dray-controller-manager", "--kubeconfig", kubeconfig, "--leader-elect-lease-duration=5s"},
      {"lease duration", "renew deadline"});
  Refuses(
      {"dray-controller-manager", "--kubeconfig", kubeconfig, "--leader-elect-retry-period=soon"},
      {"--leader-elect-retry-period", "soon"});
  Refuses({"dray-controller-manager", "--kubeconfig", kubeconfig,
           "--leader-elect-lease-duration=1900ms", "--leader-elect-renew-deadline=1800ms",
           "--leader-elect-retry-period=500ms"},
          {"lease duration 1900ms", "whole seconds"});
  // Nothing that was made a moment ago is left over.
  for (const char* grace : {"0", "0s", "-1m", "999ms"})
    Refuses({"dray-controller-manager", "--kubeconfig", kubeconfig,
             std::string("--cleanup-grace=") + grace},
            {"--cleanup-grace", grace});
  // Files that are not there.
  for (const char* flag : {"--device-config", "--device-classes"})
    Refuses({"dray-controller-manager", "--kubeconfig", kubeconfig,
             flag + ("=" + root_) + "/none.yaml"},
            {"none.yaml"});
}

}  // namespace
}  // namespace dray
