#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "dray/runtime/files.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/real_clock.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_connection.h"

namespace dray::runtime {
namespace {

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "dray-tls-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    WriteServerCertificate("first");
    ASSERT_TRUE(WriteFileAtomically(root_ + "/ca.crt", ca_.cert_pem).ok());
  }
  void TearDown() override {
    thread_ = {};
    std::filesystem::remove_all(root_);
  }
  void WriteServerCertificate(const std::string& name) {
    LeafRequest request;
    request.common_name = name;
    request.ips = {"127.0.0.1"};
    request.server = true;
    KeyPair pair = *IssueLeaf(ca_, request, RealClock().Now());
    ASSERT_TRUE(WriteFileAtomically(root_ + "/tls.crt", pair.cert_pem).ok());
    ASSERT_TRUE(WriteFileAtomically(root_ + "/tls.key", pair.key_pem).ok());
  }
  static KeyPair ClientOf(const KeyPair& ca) {
    LeafRequest request;
    request.common_name = "alice";
    request.organizations = {"devs", "ops"};
    request.client = true;
    return *IssueLeaf(ca, request, RealClock().Now());
  }
  void Serve(bool ask_for_certificates, bool require = false) {
    HttpServerOptions options;
    options.address = "127.0.0.1";
    options.tls = TlsFiles{root_ + "/tls.crt", root_ + "/tls.key",
                           ask_for_certificates ? root_ + "/ca.crt" : "", require};
    auto server = HttpServer::Listen(
        options, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
          HttpResponse response;
          response.body = request.peer_common_name + "|";
          for (const std::string& group : request.peer_organizations) response.body += group + "|";
          response.body += request.body;
          responder->Send(std::move(response));
        });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    thread_ = std::jthread(
        [this](std::stop_token stop) { EXPECT_TRUE(server_->Run(Context(clock_, stop)).ok()); });
  }
  std::unique_ptr<HttpConnection> Connect(std::optional<KeyPair> client = {}) {
    return std::make_unique<HttpConnection>(server_->port(),
                                            HttpConnection::Tls{ca_.cert_pem, std::move(client)});
  }

  const KeyPair ca_ = *NewCa("test-ca", RealClock().Now());
  std::string root_;
  testing::FakeClock clock_;
  std::unique_ptr<HttpServer> server_;
  std::jthread thread_;
};

TEST_F(Tls, ServesWithKeepAlive) {
  Serve(false);
  auto client = Connect();
  ASSERT_TRUE(client->open());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client->Get("/").body, "|");
}

// A TLS record holds 16 KiB: what is longer is sent in several writes.
TEST_F(Tls, AnswersOfAnySize) {
  Serve(false);
  for (size_t size : {1u, 16'000u, 16'384u, 16'385u, 40'000u, 3'000'000u}) {
    auto client = Connect();
    ASSERT_TRUE(client->open());
    std::string body(size, 'x');
    ASSERT_TRUE(client->Send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                             std::to_string(size) + "\r\n\r\n" + body));
    EXPECT_EQ(client->Receive().body.size(), size + 1);
  }
}

TEST_F(Tls, SubjectOfAVerifiedClient) {
  Serve(true);
  EXPECT_EQ(Connect(ClientOf(ca_))->Get("/").body, "alice|devs|ops|");
  EXPECT_EQ(Connect()->Get("/").body, "|");
}

TEST_F(Tls, AForeignCertificateIsAsGoodAsNone) {
  Serve(true);
  KeyPair foreign = *NewCa("test-ca", RealClock().Now());
  EXPECT_EQ(Connect(ClientOf(foreign))->Get("/").body, "|");
  // A server certificate of the right authority is no client certificate.
  LeafRequest request;
  request.common_name = "alice";
  request.server = true;
  EXPECT_EQ(Connect(*IssueLeaf(ca_, request, RealClock().Now()))->Get("/").body, "|");
}

TEST_F(Tls, ARequiredCertificateMustVerify) {
  Serve(true, true);
  EXPECT_EQ(Connect(ClientOf(ca_))->Get("/").body, "alice|devs|ops|");
  EXPECT_EQ(Connect()->Get("/").code, 0);
  EXPECT_EQ(Connect(ClientOf(*NewCa("other", RealClock().Now())))->Get("/").code, 0);
}

TEST_F(Tls, ChangedFilesServeNewConnectionsOnly) {
  Serve(false);
  auto before = Connect();
  EXPECT_EQ(before->server_name(), "first");
  WriteServerCertificate("second");
  EXPECT_EQ(Connect()->server_name(), "first");  // looked at the files less than a second ago
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Connect()->server_name(), "second");
  EXPECT_EQ(before->Get("/").code, 200);
}

TEST_F(Tls, UnusableFilesKeepTheOldCertificate) {
  Serve(false);
  EXPECT_EQ(Connect()->server_name(), "first");
  ASSERT_TRUE(WriteFileAtomically(root_ + "/tls.crt", "half a certif").ok());
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Connect()->server_name(), "first");
  WriteServerCertificate("second");
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Connect()->server_name(), "second");
}

TEST_F(Tls, BadFilesAreRefusedAtTheStart) {
  HttpServerOptions options;
  options.tls = TlsFiles{root_ + "/ca.crt", root_ + "/tls.key", "", false};  // no pair
  auto server = HttpServer::Listen(options, [](HttpRequest, std::shared_ptr<HttpResponder>) {});
  EXPECT_TRUE(server.Is(Reason::kInvalid));
  EXPECT_NE(server.status().message().find(root_ + "/tls.key"), std::string::npos)
      << server.status();
}

TEST_F(Tls, PlainHttpOnATlsPortIsClosed) {
  Serve(false);
  HttpConnection plain(server_->port());
  plain.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(plain.Receive().code, 0);
}

// Many records each way, through a window that holds only some of them.
TEST_F(Tls, LargeBodiesThroughASmallWindow) {
  Serve(false);
  HttpConnection client(server_->port(), HttpConnection::Tls{ca_.cert_pem, {}}, 4096);
  ASSERT_TRUE(client.open());
  const std::string body(3 << 20, 'x');
  std::jthread sender([&] {
    client.Send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
  });
  sender.join();
  EXPECT_EQ(client.Receive().body, "|" + body);
}

TEST_F(Tls, RequestsInOneRecordAndOneRequestInMany) {
  Serve(false);
  HttpConnection client(server_->port(), HttpConnection::Tls{ca_.cert_pem, {}});
  ASSERT_TRUE(client.open());
  const std::string one = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  std::string many;
  for (int i = 0; i < 70; ++i) many += one;
  client.Send(many);
  for (int i = 0; i < 70; ++i) EXPECT_EQ(client.Receive().body, "|abc");
  for (char c : one) client.Send(std::string(1, c));
  EXPECT_EQ(client.Receive().body, "|abc");
}

}  // namespace
}  // namespace dray::runtime
