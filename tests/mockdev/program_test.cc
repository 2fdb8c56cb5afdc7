// dray-mockdev as a process: wrong use is one sentence and exit code 2.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "dray/runtime/yaml.h"
#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

using ::testing::HasSubstr;

class ProgramTest : public ::testing::Test {
 protected:
  // Nothing of the machine's own: no cluster, no kubelet.
  Output Run(std::vector<std::string> args, std::map<std::string, std::string> env = {}) {
    env.emplace("HOME", dir_.path());
    return RunBuilt("dray-mockdev", args, env);
  }
  std::string Write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(runtime::WriteFileAtomically(dir_ / name, text).ok());
    return dir_ / name;
  }
  // A cluster that nobody answers for.
  std::string Kubeconfig() {
    return Write("kubeconfig",
                 "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: "
                 "{cluster: c, user: u}}]\n"
                 "clusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\nusers: [{name: "
                 "u, user: {token: t}}]\n");
  }
  TempDir dir_;
};

TEST_F(ProgramTest, WrongUse) {
  std::string broken =
      Write("broken.yaml", "apiVersion: mockdev.dray.dev/v1\nkind: [DeviceProfile\n");
  std::string wrong =
      Write("wrong.yaml",
            "apiVersion: mockdev.dray.dev/v1\nkind: DeviceProfile\nmetadata: {name: a}\n"
            "driver: gpu.example.com\ndeviceClass: gpu.example.com\ndevices:\n  count: many\n"
            "  name: \"g-{index}\"\n  values: {uuid: \"{hash}\"}\n");
  struct Case {
    std::vector<std::string> args;
    std::string sentence;
  };
  const Case cases[] = {
      {{"--node-nam=a"}, "unknown flag --node-nam; did you mean --node-name?"},
      {{"--node-name"}, "--node-name needs a value of type string"},
      {{"--node-name=a", "--metrics-port=many"}, "--metrics-port: \"many\" is no int32"},
      {{"--node-name=a", "--health-port=65536"}, "port 65536 is not between 0 and 65535"},
      {{"--node-name=a", "gpus"},
       "\"gpus\" is not expected; everything is said by flags, see --help"},
      {{}, "--node-name is missing and $NODE_NAME is not set; want the name of a Node"},
      {{"--node-name=Node_1"},
       "--node-name=Node_1 is not the name of a Node (a-z, 0-9, '-' and '.')"},
      {{"--node-name=a", "--mode=dar"}, "--mode=dar is none of dra, device-plugin and both"},
      {{"--node-name=a", "--profile="}, "--profile is empty; want the name of a profile"},
      {{"--node-name=a", "--profile=nvidia-t4,nvidia-a100-80gb"},
       "profiles nvidia-t4 and nvidia-a100-80gb are both of driver hami-core-gpu.project-hami.io; "
       "want one profile per driver "
       "and node"},
      {{"--node-name=a", "--profile=/no/such.yaml"},
       "profile /no/such.yaml: cannot read /no/such.yaml: No such file or directory"},
      {{"--node-name=a", "--profile=" + broken}, broken + ":3:1: end of sequence flow not found"},
      {{"--node-name=a", "--profile=" + wrong},
       wrong + ":7: devices.count: \"many\" is not a whole number from 0 to 4096"},
      {{"--node-name=a", "--kubeconfig=/no/such"},
       "kubeconfig: cannot read /no/such: No such file or directory"},
      {{"--node-name=a", "--kubelet-dir=" + (dir_ / std::string(100, 'd')),
        "--kubeconfig=" + Kubeconfig()},
       "a unix socket takes 107"},
  };
  for (const Case& test : cases) {
    Output output = Run(test.args);
    EXPECT_EQ(output.code, 2) << output.text;
    EXPECT_THAT(output.text, ::testing::StartsWith("dray-mockdev: "));
    EXPECT_THAT(output.text, HasSubstr(test.sentence));
    EXPECT_EQ(std::count(output.text.begin(), output.text.end(), '\n'), 1) << output.text;
  }
  // Refused before anything was made.
  EXPECT_FALSE(std::filesystem::exists(dir_ / std::string(100, 'd')));
  Output named = Run({"--mode=x"}, {{"NODE_NAME", "a"}});
  EXPECT_THAT(named.text, HasSubstr("--mode=x"));  // the name came from the environment
}

TEST_F(ProgramTest, HelpAndVersion) {
  Output help = Run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* flag : {"--node-name", "--profile", "--mode", "--kubelet-dir", "--cdi-dir",
                           "--state-dir", "--tools-dir"}) {
    EXPECT_THAT(help.text, HasSubstr(flag));
  }
  EXPECT_EQ(Run({"--version"}).code, 0);
}

// A port in use is the user's choice: refused before anything is served.
TEST_F(ProgramTest, APortInUse) {
  int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size);
  std::string port = std::to_string(ntohs(address.sin_port));
  Output output =
      Run({"--node-name=a", "--kubeconfig=" + Kubeconfig(), "--kubelet-dir=" + (dir_ / "k"),
           "--cdi-dir=" + (dir_ / "cdi"), "--bind-address=127.0.0.1", "--health-port=" + port});
  ::close(taken);
  EXPECT_EQ(output.code, 2) << output.text;
  EXPECT_THAT(output.text, HasSubstr(port));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "k/plugins_registry"));
}

// What config/mockdev says to the program, the program understands.
TEST_F(ProgramTest, ManifestsUseFlagsThatExist) {
  std::string help = Run({"--help"}).text;
  std::string path = std::string(DRAY_SOURCE_DIR) + "/config/mockdev/base/daemonset.yaml";
  Json set = ValueOf(runtime::ParseYaml(ValueOf(runtime::ReadFile(path)), path));
  const Json& pod = set.at("spec").at("template").at("spec");
  const Json& container = pod.at("containers").at(0);
  EXPECT_FALSE(container.at("args").empty());
  for (const std::string arg : container.at("args")) {
    EXPECT_THAT(help, HasSubstr("  " + arg.substr(0, arg.find('=')) + " ")) << arg;
  }
  // Host paths are the same inside and outside: CDI files name them.
  std::map<std::string, std::string> host;
  for (const Json& volume : pod.at("volumes"))
    host[volume.at("name")] = volume.at("hostPath").at("path");
  for (const Json& mount : container.at("volumeMounts"))
    EXPECT_EQ(host.at(mount.at("name")), mount.at("mountPath"));
  // Each built-in profile has its folder and is part of the whole.
  std::string all = ValueOf(
      runtime::ReadFile(std::string(DRAY_SOURCE_DIR) + "/config/mockdev/kustomization.yaml"));
  for (const std::string& name : BuiltInProfiles()) {
    EXPECT_THAT(all, HasSubstr("- " + name + "\n"));
    EXPECT_TRUE(std::filesystem::exists(std::string(DRAY_SOURCE_DIR) + "/config/mockdev/" + name +
                                        "/kustomization.yaml"));
  }
}

TEST_F(ProgramTest, KustomizeBuildsTheManifests) {
  std::string kubectl;
  for (const char* place : {"/usr/bin/kubectl", "/usr/local/bin/kubectl"}) {
    if (std::filesystem::exists(place)) kubectl = place;
  }
  if (kubectl.empty()) GTEST_SKIP() << "skipped: no kubectl";
  runtime::ProcessOptions options;
  options.argv = {kubectl, "kustomize", std::string(DRAY_SOURCE_DIR) + "/config/mockdev"};
  options.env["HOME"] = dir_.path();
  options.log_file = dir_ / "out";
  auto process = ValueOf(runtime::Process::Start(options));
  ASSERT_NE(process, nullptr);
  Context ctx(runtime::RealClock(), {});
  ASSERT_EQ(ValueOf(process->Wait(ctx.WithTimeout(std::chrono::seconds(60)))), 0);
  std::map<std::string, std::string> profile_of;
  for (const Json& object : ValueOf(
           runtime::ParseYamlDocuments(ValueOf(runtime::ReadFile(dir_ / "out")), "kustomize"))) {
    if (object.at("kind") != "DaemonSet") continue;
    const Json& spec = object.at("spec");
    std::string profile =
        spec.at("template").at("spec").at("nodeSelector").at("dray.dev/mock-profile");
    EXPECT_EQ(object.at("metadata").at("name"), "dray-mockdev-" + profile);
    EXPECT_EQ(spec.at("selector").at("matchLabels").at("dray.dev/mock-profile"), profile);
    EXPECT_EQ(spec.at("template").at("metadata").at("labels").at("dray.dev/mock-profile"), profile);
    profile_of[object.at("metadata").at("name")] = profile;
  }
  EXPECT_EQ(profile_of.size(), BuiltInProfiles().size());
}

// Without a cluster: what a node would publish, for dray allocate and dray convert.
TEST_F(ProgramTest, PrintsSlices) {
  const Output output =
      Run({"--print-slices", "--node-name=n1", "--profile=nvidia-a100-80gb,hygon-k100-ai"});
  EXPECT_EQ(output.code, 0) << output.text;
  const Json list = Json::parse(output.text, nullptr, false);
  ASSERT_TRUE(list.is_object()) << output.text;
  ASSERT_EQ(list["items"].size(), 2u);
  EXPECT_EQ(list["items"][0]["metadata"],
            (Json{{"name", "00000-hami-core-gpu.project-hami.io-n1-00000"}}));
  for (const Json& slice : list["items"]) {
    EXPECT_EQ(slice["kind"], "ResourceSlice");
    EXPECT_EQ(slice["spec"]["nodeName"], "n1");
    EXPECT_EQ(slice["spec"]["devices"].size(), 8u);
  }
}

}  // namespace
}  // namespace dray::mockdev
