#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "dray/base/base64.h"
#include "dray/runtime/files.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/pki.h"
#include "dray/runtime/real_clock.h"
#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {

// Webhooks behind TLS, called by an API server whose objects say where they are.
class WebhookTest : public ApiFixture {
 protected:
  // What a hook does with the request of a review; the answer lacks only its uid.
  using Decide = std::function<Json(const Json& request)>;

  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "dray-hooks-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    runtime::LeafRequest leaf;
    leaf.common_name = "hook";
    leaf.dns_names = {"hook.default.svc"};
    leaf.ips = {"127.0.0.1"};
    leaf.server = true;
    runtime::KeyPair pair = *runtime::IssueLeaf(ca_, leaf, runtime::RealClock().Now());
    ASSERT_TRUE(runtime::WriteFileAtomically(root_ + "/tls.crt", pair.cert_pem).ok());
    ASSERT_TRUE(runtime::WriteFileAtomically(root_ + "/tls.key", pair.key_pem).ok());
    Create(In("v1", "services"),
           Json::parse(
               R"({"metadata":{"name":"hook"},"spec":{"ports":[{"name":"https","port":443}]}})"));
  }
  void TearDown() override {
    threads_.clear();
    for (int file : dead_) ::close(file);
    std::filesystem::remove_all(root_);
  }

  // Serves reviews on a port of its own.
  uint16_t Serve(Decide decide) {
    runtime::HttpServerOptions options;
    options.address = "127.0.0.1";
    options.tls = runtime::TlsFiles{root_ + "/tls.crt", root_ + "/tls.key", "", false};
    options.handler_threads = 2;
    auto server = runtime::HttpServer::Listen(
        options, [this, decide](runtime::HttpRequest request,
                                std::shared_ptr<runtime::HttpResponder> responder) {
          Json review = Json::parse(request.body);
          {
            std::lock_guard lock(mutex_);
            targets_.push_back(request.target);
            requests_.push_back(review["request"]);
          }
          Json response = decide(review["request"]);
          runtime::HttpResponse answer;
          if (response.contains("http")) {
            answer.code = response["http"];
            answer.body = "broken";
          } else {
            if (!response.contains("uid")) response["uid"] = review["request"]["uid"];
            answer.body = Json{
                {"kind", "AdmissionReview"},
                {"apiVersion", "admission.k8s.io/v1"},
                {"response",
                 response}}.dump();
          }
          responder->Send(std::move(answer));
        });
    EXPECT_TRUE(server.ok()) << server.status();
    uint16_t port = (*server)->port();
    threads_.emplace_back(
        [running = std::shared_ptr<runtime::HttpServer>(*std::move(server))](std::stop_token stop) {
          EXPECT_TRUE(running->Run(Context(runtime::RealClock(), stop)).ok());
        });
    return port;
  }
  // The Service's endpoints: one slice per port, since slices hold one port for all addresses.
  void Endpoint(const std::string& name, int port, bool ready = true) {
    Create(In("discovery.k8s.io/v1", "endpointslices"),
           {{"metadata", {{"name", name}, {"labels", {{"kubernetes.io/service-name", "hook"}}}}},
            {"addressType", "IPv4"},
            {"ports", {{{"name", "https"}, {"port", port}}}},
            {"endpoints", {{{"addresses", {"127.0.0.1"}}, {"conditions", {{"ready", ready}}}}}}});
  }
  Json Hook(const std::string& name, const Json& more = Json::object()) {
    Json hook = {{"name", name + ".example.com"},
                 {"clientConfig",
                  {{"service", {{"name", "hook"}, {"namespace", "default"}, {"path", "/" + name}}},
                   {"caBundle", EncodeBase64(ca_.cert_pem)}}},
                 {"rules",
                  {{{"operations", {"CREATE"}},
                    {"apiGroups", {""}},
                    {"apiVersions", {"v1"}},
                    {"resources", {"configmaps"}}}}},
                 {"admissionReviewVersions", {"v1"}},
                 {"sideEffects", "None"}};
    hook.update(more);
    return hook;
  }
  void Configure(bool mutating, const std::vector<Json>& hooks, const std::string& name = "hooks") {
    Reply reply = Post(mutating ? kMutating : kValidating,
                       {{"metadata", {{"name", name}}}, {"webhooks", hooks}});
    EXPECT_EQ(reply.code, 201) << reply.text;
  }
  static Json Patched(const Json& operations) {
    return {
        {"allowed", true}, {"patchType", "JSONPatch"}, {"patch", EncodeBase64(operations.dump())}};
  }
  // A port that nobody listens on: held until the end, so that nobody else can either.
  int DeadPort() {
    const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    dead_.push_back(file);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(file, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }
  size_t calls() {
    std::lock_guard lock(mutex_);
    return targets_.size();
  }

  static constexpr const char* kMutating =
      "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
  static constexpr const char* kValidating =
      "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
  const runtime::KeyPair ca_ = *runtime::NewCa("hooks", runtime::RealClock().Now());
  std::string root_;
  std::mutex mutex_;
  std::vector<std::string> targets_;
  std::vector<Json> requests_;
  std::vector<std::jthread> threads_;
  std::vector<int> dead_;  // sockets of DeadPort()
};

}  // namespace dray::devcluster
