// The built `dray`, with nothing of the machine's own around it.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dray/runtime/process.h"
#include "dray/runtime/real_clock.h"
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Exit code and everything it printed; 30 s at most.
Outcome RunProgram(const std::vector<std::string>& args,
                   std::map<std::string, std::string> env = {}) {
  ScratchFile log("log", "");
  runtime::ProcessOptions options;
  options.argv = {std::string(DRAY_BINARY_DIR) + "/bin/dray"};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  env.emplace("HOME", "/nonexistent");
  options.env = std::move(env);
  options.clear_env = true;
  options.log_file = log.path();
  Outcome outcome;
  Result<std::unique_ptr<runtime::Process>> process = runtime::Process::Start(options);
  EXPECT_TRUE(process.ok()) << process.status();
  if (!process.ok()) return outcome;
  Context ctx(runtime::RealClock(), {});
  outcome.code = (*process)->Wait(ctx.WithTimeout(std::chrono::seconds(30))).value();
  outcome.out = runtime::ReadFile(log.path()).value();
  return outcome;
}

TEST(Program, ConvertsWithoutAnyCluster) {
  Outcome outcome =
      RunProgram({"convert", "-f", TreePath("config/examples/hami-gpu-pod/pod.yaml")});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  ExpectGolden("convert-hami-gpu-pod.yaml", outcome.out);
}

TEST(Program, ExitCodes) {
  ScratchFile broken("kubeconfig", "clusters: [\n");
  // Nobody listens on port 1.
  ScratchFile nobody("kubeconfig",
                     "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, "
                     "context: {cluster: c, user: u}}]\n"
                     "clusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\nusers: "
                     "[{name: u, user: {token: t}}]\n");
  ScratchFile refused("pod.yaml",
                      "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, resources: "
                      "{limits: {nvidia.com/gpu: -1}}}]}\n");
  struct Case {
    std::vector<std::string> args;
    int code;
    std::string part;
  };
  const Case cases[] = {
      {{}, 0, "Usage: dray COMMAND"},
      {{"--version"}, 0, "dray v"},
      {{"convrt"}, 2, "did you mean \"convert\"?"},
      {{"convert", "--fiel=x"}, 2, "unknown flag --fiel"},
      {{"status"}, 2, "no cluster to talk to"},
      {{"status", "--kubeconfig", broken.path()}, 2, broken.path()},
      {{"status", "--kubeconfig", nobody.path()}, 1, "127.0.0.1:1"},
      {{"explain", "pod", "p", "--kubeconfig", nobody.path()}, 1, "127.0.0.1:1"},
      {{"convert", "-f", refused.path()}, 1, "nvidia.com/gpu"},
      {{"up", "--managers=many"}, 2, "many"},
      {{"profiles", "nvidia-t4"}, 0, "kind: DeviceProfile"},
  };
  for (const Case& test : cases) {
    Outcome outcome = RunProgram(test.args);
    const std::string line = ::testing::PrintToString(test.args);
    EXPECT_EQ(outcome.code, test.code) << line << outcome.out;
    EXPECT_THAT(outcome.out, HasSubstr(test.part)) << line;
    if (test.code == 0) continue;
    EXPECT_THAT(outcome.out, StartsWith("dray: ")) << line;
    EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1) << line << outcome.out;
  }
}

// A part that ends while the cluster starts is said at once, and not when all patience is over.
TEST(Program, UpSaysWhatEnded) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ScratchFile folder("x", "");
  Outcome outcome = RunProgram(
      {"up", "--dir", folder.path() + "-up", "--port", std::to_string(ntohs(address.sin_port))});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, HasSubstr("devcluster ended with exit code 2"));
  EXPECT_THAT(outcome.out, HasSubstr("Address already in use"));
  close(fd);
}

}  // namespace
}  // namespace dray::cli
