#include "dray/runtime/kubeconfig.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "dray/base/base64.h"
#include "dray/runtime/files.h"
#include "runtime/kubeconfig_files.h"

namespace dray::runtime {
namespace {

constexpr char kPem[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

class Kubeconfig : public ::testing::Test {
 protected:
  Kubeconfig() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "dray-kubeconfig-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    for (const char* name :
         {"KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HOME"})
      unsetenv(name);
  }
  ~Kubeconfig() override { EXPECT_TRUE(RemoveTree(folder_).ok()); }

  std::string Write(const std::string& name, const std::string& text) {
    std::string path = folder_ + "/" + name;
    EXPECT_TRUE(MakeDirectories(std::filesystem::path(path).parent_path().string()).ok());
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }
  // One cluster "c", user "u", context "x", with these fields.
  static std::string Config(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters:\n- name: c\n  cluster: {" +
           cluster + "}\nusers:\n- name: u\n  user: {" + user +
           "}\ncontexts:\n- name: x\n  context: {cluster: c, user: u, namespace: ns}\n";
  }
  std::string folder_;
};

TEST_F(Kubeconfig, ReadsInlineAndFiles) {
  std::string data = EncodeBase64(kPem);
  std::string path =
      Write("inline", Config("server: https://h:1/, certificate-authority-data: " + data,
                             "client-certificate-data: " + data + ", client-key-data: " + data));
  auto access = LoadClusterAccess(path);
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->server, "https://h:1");
  EXPECT_EQ(access->ca_pem, kPem);
  EXPECT_EQ(access->client_cert_pem, kPem);
  EXPECT_EQ(access->client_key_pem, kPem);
  EXPECT_EQ(access->client_cert_file, "");
  EXPECT_EQ(access->namespace_, "ns");

  Write("sub/pki/ca.crt", kPem);
  Write("sub/token", "secret\n");
  path =
      Write("sub/config",
            Config("server: https://h:1, certificate-authority: pki/ca.crt, tls-server-name: kube",
                   "tokenFile: token"));
  access = LoadClusterAccess(path);
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->ca_pem, kPem);
  EXPECT_EQ(access->ca_file, folder_ + "/sub/pki/ca.crt");
  EXPECT_EQ(access->token_file, folder_ + "/sub/token");
  EXPECT_EQ(access->tls_server_name, "kube");

  path = Write("insecure",
               Config("server: https://h:1, insecure-skip-tls-verify: true", "token: abc"));
  access = LoadClusterAccess(path);
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_TRUE(access->insecure_skip_tls_verify);
  EXPECT_EQ(access->token, "abc");
}

TEST_F(Kubeconfig, RefusesWithOneSentence) {
  struct Case {
    std::string config;
    const char* says;
  } cases[] = {
      {Config("server: https://h:1", "exec: {command: aws}"),
       "user \"u\": gets its credentials from a program (exec)"},
      {Config("server: https://h:1", "auth-provider: {name: gcp}"),
       "user \"u\": uses an auth-provider"},
      {Config("server: https://h:1", "username: a, password: b"),
       "user \"u\": uses a user name and password"},
      {Config("server: https://h:1", "as: admin, token: t"), "asks for impersonation (as)"},
      {Config("server: https://h:1, proxy-url: http://p", ""), "cluster \"c\": proxy-url is set"},
      {Config("server: ftp://h", ""), "server \"ftp://h\" is not a URL"},
      {Config("", ""), "cluster \"c\": has no server"},
      {Config("server: 1", ""), "cluster \"c\": server must be a string, not 1"},
      {Config("server: https://h, certificate-authority-data: '%%'", ""),
       "certificate-authority-data is not base64"},
      {Config("server: https://h, certificate-authority-data: aGVsbG8=", ""),
       "certificate-authority-data is not PEM"},
      {Config("server: https://h, certificate-authority: /nowhere/ca", ""),
       "certificate-authority: cannot read /nowhere/ca"},
      {Config("server: https://h", "client-certificate-data: " + EncodeBase64(kPem)),
       "has a client-certificate but no client-key"},
      {Config("server: https://h", "tokenFile: nowhere"), "tokenFile: cannot read"},
      {"apiVersion: v1\nkind: Pod\n", "is not a kubeconfig (want kind: Config)"},
      {"kind: Config\ncurrent-context: gone\ncontexts: [{name: a, context: {}}]",
       "current-context names the context \"gone\", which is not there (contexts: a)"},
      {"kind: Config\ncontexts: [{name: a, context: {}}]",
       "has no current-context (want one of: a)"},
      {"kind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: zz}}]",
       "context \"a\" names the cluster \"zz\", which is not there (clusters: there are none)"},
      {"kind: [", "config:1:"},
  };
  for (const Case& c : cases) {
    auto access = LoadClusterAccess(Write("config", c.config));
    ASSERT_FALSE(access.ok()) << c.config;
    EXPECT_TRUE(access.Is(Reason::kInvalid)) << access.status();
    const std::string message = access.status().message();
    EXPECT_NE(message.find(c.says), std::string::npos) << message;
    EXPECT_NE(message.find(folder_ + "/config"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
  auto missing = LoadClusterAccess(folder_ + "/absent");
  EXPECT_TRUE(missing.Is(Reason::kInvalid));
  EXPECT_NE(missing.status().message().find("cannot read " + folder_ + "/absent"),
            std::string::npos)
      << missing.status();
}

TEST_F(Kubeconfig, MergesTheListOfFiles) {
  std::string first =
      Write("1", "kind: Config\nclusters: [{name: c, cluster: {server: https://one}}]\n");
  std::string second = Write("2", Config("server: https://two", "token: t"));
  setenv("KUBECONFIG", (folder_ + "/absent:" + first + "::" + second).c_str(), 1);
  auto access = LoadClusterAccess("");
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->server, "https://one");  // the first definition of a name counts
  EXPECT_EQ(access->token, "t");
  EXPECT_EQ(LoadClusterAccess(second)->server, "https://two");  // a flag wins over the environment

  setenv("KUBECONFIG", (folder_ + "/absent").c_str(), 1);
  EXPECT_NE(
      LoadClusterAccess("").status().message().find("none of the files in $KUBECONFIG exists"),
      std::string::npos);
}

TEST_F(Kubeconfig, FallsBackToThePodThenToHome) {
  setenv("HOME", folder_.c_str(), 1);
  EXPECT_NE(LoadClusterAccess("").status().message().find("no cluster to talk to"),
            std::string::npos);
  Write(".kube/config", Config("server: https://home", ""));
  EXPECT_EQ(LoadClusterAccess("")->server, "https://home");

  std::string pod = folder_ + "/sa";
  EXPECT_NE(InClusterAccess(pod, "10.0.0.1", "443")
                .status()
                .message()
                .find("service account of this Pod"),
            std::string::npos);
  Write("sa/token", "tok");
  Write("sa/ca.crt", kPem);
  Write("sa/namespace", "dray-system");
  auto access = InClusterAccess(pod, "10.0.0.1", "6443");
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->server, "https://10.0.0.1:6443");
  EXPECT_EQ(access->token_file, pod + "/token");
  EXPECT_EQ(access->ca_pem, kPem);
  EXPECT_EQ(access->namespace_, "dray-system");
  EXPECT_EQ(InClusterAccess(pod, "fd00::1", "")->server, "https://kubernetes.default.svc:443");
}

TEST_F(Kubeconfig, WhatIsWrittenReadsBack) {
  ClusterAccess access;
  access.server = "https://127.0.0.1:6443";
  access.ca_pem = access.client_cert_pem = access.client_key_pem = kPem;
  access.token = "0123";
  access.namespace_ = "team";
  auto back = LoadClusterAccess(Write("k", WriteKubeconfig(access, "dray")));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->server, access.server);
  EXPECT_EQ(back->ca_pem, kPem);
  EXPECT_EQ(back->client_cert_pem, kPem);
  EXPECT_EQ(back->client_key_pem, kPem);
  EXPECT_EQ(back->token, "0123");
  EXPECT_EQ(back->namespace_, "team");
}

}  // namespace
}  // namespace dray::runtime
