#include "devcluster/kubelet/container_env.h"

#include <gtest/gtest.h>

namespace dray::devcluster {
namespace {

TEST(ExpandVariablesTest, FollowsKubernetes) {
  const Environment env = {{"A", "1"}, {"B", "two"}, {"D", "$(A)"}};
  const std::vector<std::pair<std::string, std::string>> cases = {{"", ""},
                                                                  {"plain", "plain"},
                                                                  {"$(A)", "1"},
                                                                  {"x$(A)y$(B)", "x1ytwo"},
                                                                  {"$$(A)", "$(A)"},
                                                                  {"$(C)", "$(C)"},
                                                                  {"$(A", "$(A"},
                                                                  {"$", "$"},
                                                                  {"$A", "$A"},
                                                                  {"$$", "$"},
                                                                  {"$(D)", "$(A)"},
                                                                  {"$$$(A)", "$1"},
                                                                  {"cost: 5$", "cost: 5$"}};
  for (const auto& [text, wanted] : cases) EXPECT_EQ(ExpandVariables(text, env), wanted) << text;
}

class ContainerEnvironmentTest : public ::testing::Test {
 protected:
  ContainerEnvironmentTest() {
    pod_.metadata.name = "p";
    pod_.metadata.namespace_ = "ns";
    pod_.metadata.uid = "u1";
    pod_.metadata.labels["app"] = "web";
    sources_.node_name = "node-1";
    sources_.host_ip = sources_.pod_ip = "127.0.0.1";
    sources_.config_map =
        [](const std::string& name) -> Result<std::map<std::string, std::string>> {
      if (name == "cfg") return std::map<std::string, std::string>{{"k", "v"}};
      return Status(Reason::kNotFound, "no");
    };
  }
  static api::EnvVar Plain(std::string name, std::string value) {
    return {std::move(name), std::move(value)};
  }
  static api::EnvVar Field(std::string name, std::string path) {
    api::EnvVarSource source;
    source.field_ref = api::ObjectFieldSelector{"v1", std::move(path)};
    return {std::move(name), "", source};
  }
  static api::EnvVar FromMap(std::string name, std::string map, std::string key,
                             std::optional<bool> optional = {}) {
    api::EnvVarSource source;
    source.config_map_key_ref = api::KeySelector{std::move(map), std::move(key), optional};
    return {std::move(name), "", source};
  }
  api::Pod pod_;
  api::Container container_;
  EnvSources sources_;
};

TEST_F(ContainerEnvironmentTest, LaterVariablesSeeEarlierOnes) {
  container_.env = {Plain("A", "1"),
                    Plain("B", "$(A)$(BASE)"),
                    Plain("A", "2"),
                    Field("NS", "metadata.namespace"),
                    Field("L", "metadata.labels['app']"),
                    Field("N", "spec.nodeName"),
                    FromMap("M", "cfg", "k")};
  Result<Environment> env =
      ContainerEnvironment(pod_, container_, {{"BASE", "x"}, {"A", "0"}}, sources_);
  ASSERT_TRUE(env.ok()) << env.status();
  EXPECT_EQ(*env, (Environment{{"A", "2"},
                               {"B", "1x"},
                               {"BASE", "x"},
                               {"L", "web"},
                               {"M", "v"},
                               {"N", "node-1"},
                               {"NS", "ns"}}));
}

TEST_F(ContainerEnvironmentTest, OptionalReferencesMayBeAbsent) {
  container_.env = {FromMap("X", "none", "k", true), FromMap("Y", "cfg", "none", true)};
  Result<Environment> env = ContainerEnvironment(pod_, container_, {}, sources_);
  ASSERT_TRUE(env.ok());
  EXPECT_TRUE(env->empty());
}

TEST_F(ContainerEnvironmentTest, RefusesWhatItCannotRead) {
  const std::vector<std::pair<api::EnvVar, std::string>> cases = {
      {FromMap("X", "none", "k"), "configmap \"none\" not found"},
      {FromMap("X", "cfg", "q"), "couldn't find key q"},
      {Field("X", "status.phase"), "unsupported fieldPath"},
      {{"X", "", api::EnvVarSource{}}, "no others"}};
  for (const auto& [variable, message] : cases) {
    container_.env = {variable};
    Result<Environment> env = ContainerEnvironment(pod_, container_, {}, sources_);
    ASSERT_FALSE(env.ok());
    EXPECT_TRUE(env.Is(Reason::kInvalid));
    EXPECT_NE(env.status().message().find(message), std::string::npos) << env.status();
  }
}

TEST_F(ContainerEnvironmentTest, CommandAndArgsAreExpanded) {
  container_.command = {"sh", "-c"};
  container_.args = {"echo $(A) $(B)"};
  EXPECT_EQ(ContainerArgv(container_, {{"A", "1"}}),
            (std::vector<std::string>{"sh", "-c", "echo 1 $(B)"}));
}

TEST_F(ContainerEnvironmentTest, DefaultsDoNotOverride) {
  Environment env{{"HOME", "/h"}};
  AddDefaults(env, "p");
  EXPECT_EQ(env["HOME"], "/h");
  EXPECT_EQ(env["HOSTNAME"], "p");
  EXPECT_NE(env["PATH"].find("/usr/bin"), std::string::npos);
}

}  // namespace
}  // namespace dray::devcluster
