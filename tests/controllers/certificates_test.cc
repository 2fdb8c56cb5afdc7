// Certificates that the webhook makes itself, and their rotation under load.
#include "controllers/webhook/certificates.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/webhook/admission_webhook.h"
#include "dray/runtime/files.h"
#include "dray/runtime/http_server.h"
#include "tests/support/http_connection.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Duration kDay = hours(24);

struct CertificatesTest : ::testing::Test {
  CertificatesTest() {
    std::string pattern = ::testing::TempDir() + "dray-certs-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    const Json space = {
        {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "dray-system"}}}};
    const Status made = cluster.client
                            .CreateRaw(cluster.Ctx(), {"", "v1", "Namespace", "namespaces", false},
                                       "", space.dump(), false)
                            .status();
    EXPECT_TRUE(made.ok()) << made;
    cluster.CreateFrom<api::MutatingWebhookConfiguration>(
        Configuration("MutatingWebhookConfiguration", "/mutate"));
    cluster.CreateFrom<api::ValidatingWebhookConfiguration>(
        Configuration("ValidatingWebhookConfiguration", "/validate"));
  }
  ~CertificatesTest() override { std::filesystem::remove_all(root); }

  static Json Configuration(const std::string& kind, const std::string& path) {
    return {{"apiVersion", "admissionregistration.k8s.io/v1"},
            {"kind", kind},
            {"metadata", {{"name", "dray"}}},
            {"webhooks",
             {{{"name", "pods.dray.dev"},
               {"clientConfig",
                {{"service",
                  {{"namespace", "dray-system"}, {"name", "dray-webhook"}, {"path", path}}}}},
               {"sideEffects", "None"},
               {"admissionReviewVersions", {"v1"}}}}}};
  }
  WebhookCertificateKeeper Keeper(const std::string& replica = "a") {
    WebhookCertificateKeeper::Options options{cluster.Tested()};
    options.folder = root + "/" + replica;
    options.metrics = &metrics;
    return WebhookCertificateKeeper(options);
  }
  std::string File(const std::string& name, const std::string& replica = "a") const {
    return runtime::ReadFile(root + "/" + replica + "/" + name).value();
  }
  std::string SecretField(const char* key) {
    Result<std::string> body =
        cluster.client.GetRaw(cluster.Ctx(), api::KindInfo{"", "v1", "Secret", "secrets", true},
                              {"dray-system", "dray-webhook-cert"});
    EXPECT_TRUE(body.ok()) << body.status();
    return runtime::Base64Decode(Json::parse(*body)["data"][key].get<std::string>()).value();
  }
  std::string TrustedByMutating() {
    return cluster.Get<api::MutatingWebhookConfiguration>({"", "dray"})
        .webhooks.at(0)
        .client_config.ca_bundle;
  }
  std::string TrustedByValidating() {
    return cluster.Get<api::ValidatingWebhookConfiguration>({"", "dray"})
        .webhooks.at(0)
        .client_config.ca_bundle;
  }

  testing::TestCluster cluster;
  runtime::Metrics metrics;
  std::string root;
};

TEST_F(CertificatesTest, FirstReplicaMakesThemAndAllShareThem) {
  ASSERT_TRUE(Keeper("a").Fetch(cluster.Ctx()).ok());
  ASSERT_TRUE(Keeper("b").Fetch(cluster.Ctx()).ok());
  EXPECT_EQ(File("tls.crt", "a"), File("tls.crt", "b"));
  EXPECT_EQ(File("tls.key", "a"), File("tls.key", "b"));
  EXPECT_TRUE(runtime::BelongTogether({File("tls.crt"), File("tls.key")}, SecretField("ca.crt")));
  EXPECT_THAT(
      runtime::ReadCertificate(File("tls.crt"))->dns_names,
      ElementsAre("dray-webhook.dray-system.svc", "dray-webhook.dray-system.svc.cluster.local"));
  EXPECT_EQ(std::filesystem::status(root + "/a/tls.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  // Nothing to do: nothing is written.
  cluster.wire->TakeWrites();
  ASSERT_TRUE(Keeper("b").Fetch(cluster.Ctx()).ok());
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  EXPECT_THAT(metrics.Text(), HasSubstr("dray_webhook_certificate_expiry_seconds"));
}

TEST_F(CertificatesTest, LeaderMakesTheConfigurationsTrustTheCa) {
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  ASSERT_TRUE(Keeper().Renew(cluster.Ctx()).ok());
  EXPECT_EQ(TrustedByMutating(), SecretField("ca.crt"));
  EXPECT_EQ(TrustedByValidating(), SecretField("ca.crt"));
  cluster.wire->TakeWrites();
  ASSERT_TRUE(Keeper().Renew(cluster.Ctx()).ok());
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(CertificatesTest, WithoutAConfigurationThereIsNothingToTrust) {
  ASSERT_TRUE(cluster.Delete<api::MutatingWebhookConfiguration>({"", "dray"}).ok());
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  EXPECT_TRUE(Keeper().Renew(cluster.Ctx()).ok());
  EXPECT_EQ(TrustedByValidating(), SecretField("ca.crt"));
}

TEST_F(CertificatesTest, ServingCertificateIsRenewedAMonthBeforeItExpires) {
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  const std::string first = File("tls.crt"), ca = SecretField("ca.crt");
  cluster.clock.Advance(kDay * 59);
  ASSERT_TRUE(Keeper().Renew(cluster.Ctx()).ok());
  EXPECT_EQ(SecretField("tls.crt"), first);
  cluster.clock.Advance(kDay * 2);
  ASSERT_TRUE(Keeper().Renew(cluster.Ctx()).ok());
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  EXPECT_NE(File("tls.crt"), first);
  EXPECT_EQ(SecretField("ca.crt"), ca);
  EXPECT_GT(runtime::ReadCertificate(File("tls.crt"))->not_after, cluster.clock.Now() + kDay * 89);
}

// Callers trust the new authority before anybody shows a certificate of it, and the old one until
// everybody has changed.
TEST_F(CertificatesTest, CaIsReplacedAYearBeforeItExpires) {
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  const std::string old_ca = SecretField("ca.crt");
  cluster.clock.Advance(kDay * 3650 - kDay * 364);
  cluster.wire->TakeWrites();
  ASSERT_TRUE(Keeper().Renew(cluster.Ctx()).ok());
  const std::vector<std::string> writes = cluster.wire->TakeWrites();
  ASSERT_EQ(writes.size(), 3u);
  EXPECT_THAT(writes[0], HasSubstr("mutatingwebhookconfigurations"));
  EXPECT_THAT(writes[1], HasSubstr("validatingwebhookconfigurations"));
  EXPECT_THAT(writes[2], HasSubstr("secrets"));
  const std::string bundle = SecretField("ca.crt");
  EXPECT_TRUE(bundle.ends_with(old_ca));
  EXPECT_GT(bundle.size(), old_ca.size());
  EXPECT_EQ(TrustedByMutating(), bundle);
  EXPECT_TRUE(runtime::BelongTogether({SecretField("tls.crt"), SecretField("tls.key")}, bundle));
}

TEST_F(CertificatesTest, UnusableSecretIsMadeAnew) {
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  const Json patch = {{"data", {{"tls.crt", runtime::Base64Encode("rubbish")}}}};
  ASSERT_TRUE(cluster.client
                  .PatchRaw(cluster.Ctx(), api::KindInfo{"", "v1", "Secret", "secrets", true},
                            {"dray-system", "dray-webhook-cert"}, runtime::PatchType::kMerge,
                            patch.dump(), {})
                  .ok());
  EXPECT_TRUE(Keeper().Renew(cluster.Ctx()).Is(Reason::kUnavailable));
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  EXPECT_TRUE(runtime::BelongTogether({File("tls.crt"), File("tls.key")}, SecretField("ca.crt")));
}

TEST_F(CertificatesTest, ApiServerAwayIsSaidAndNothingIsLost) {
  ASSERT_TRUE(Keeper().Fetch(cluster.Ctx()).ok());
  const std::string before = File("tls.crt");
  cluster.wire->RefuseWhere(
      [](const runtime::ApiRequest&) { return Status(Reason::kUnavailable, "away"); });
  EXPECT_TRUE(Keeper().Fetch(cluster.Ctx()).Is(Reason::kUnavailable));
  EXPECT_TRUE(Keeper().Renew(cluster.Ctx()).Is(Reason::kUnavailable));
  EXPECT_EQ(File("tls.crt"), before);
}

TEST_F(CertificatesTest, RunRepeatsUntilStopped) {
  testing::FakeClock clock;  // the keeper's alone: nobody else waits on it
  std::jthread keeper([&](std::stop_token stop) {
    EXPECT_TRUE(Keeper().Run(Context(clock, stop), [] { return true; }).ok());
  });
  ASSERT_TRUE(clock.AwaitWaiters(1));
  const std::string first = File("tls.crt");
  EXPECT_EQ(TrustedByMutating(), SecretField("ca.crt"));
  clock.Advance(kDay * 61);
  ASSERT_TRUE(clock.AwaitWaiters(1));
  EXPECT_NE(File("tls.crt"), first);
}

// Connections of two kinds go on all the time: one that stays, and new ones. Every request of both
// is answered, whichever certificate is there at the moment.
TEST_F(CertificatesTest, FiftyRotationsUnderLoadFailNoRequest) {
  const runtime::KeyPair ca = *runtime::NewCa("ca", std::chrono::system_clock::now());
  std::filesystem::create_directories(root + "/tls");
  auto rotate = [&](int number) {
    runtime::LeafRequest request;
    request.common_name = "number-" + std::to_string(number);
    request.ips = {"127.0.0.1"};
    request.server = true;
    const runtime::KeyPair pair =
        *runtime::IssueLeaf(ca, request, std::chrono::system_clock::now());
    ASSERT_TRUE(runtime::WriteFileAtomically(root + "/tls/tls.key", pair.key_pem).ok());
    ASSERT_TRUE(runtime::WriteFileAtomically(root + "/tls/tls.crt", pair.cert_pem).ok());
  };
  rotate(0);
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
  const AdmissionWebhook webhook(
      {cluster.Tested(), &cluster.clock, &templates, nullptr, std::chrono::minutes(10), &metrics},
      admission::DeviceConfig());
  runtime::HttpServerOptions options;
  options.address = "127.0.0.1";
  options.tls = runtime::TlsFiles{root + "/tls/tls.crt", root + "/tls/tls.key", "", false};
  options.handler_threads = 2;
  auto server =
      runtime::HttpServer::Listen(options, [&](runtime::HttpRequest request, auto responder) {
        webhook.Handle(cluster.Ctx(), request, *responder);
      });
  ASSERT_TRUE(server.ok()) << server.status();
  testing::FakeClock clock;
  std::jthread serving(
      [&](std::stop_token stop) { EXPECT_TRUE((*server)->Run(Context(clock, stop)).ok()); });

  const Json review = {{"apiVersion", "admission.k8s.io/v1"},
                       {"kind", "AdmissionReview"},
                       {"request",
                        {{"uid", "u"},
                         {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
                         {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
                         {"namespace", "default"},
                         {"operation", "CREATE"},
                         {"object",
                          {{"apiVersion", "v1"},
                           {"kind", "Pod"},
                           {"metadata", {{"name", "p"}}},
                           {"spec",
                            {{"containers",
                              {{{"name", "c"},
                                {"image", "i"},
                                {"resources", {{"limits", {{"nvidia.com/gpu", "1"}}}}}}}}}}}}}}};
  const std::string body = review.dump();
  const std::string request =
      "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  std::atomic<int> answered = 0, failed = 0;
  auto ask = [&](runtime::HttpConnection& connection) {
    const bool fine =
        connection.open() && connection.Send(request) && connection.Receive().code == 200;
    ++(fine ? answered : failed);
  };
  std::jthread staying([&](std::stop_token stop) {
    runtime::HttpConnection connection((*server)->port(),
                                       runtime::HttpConnection::Tls{ca.cert_pem, {}});
    while (!stop.stop_requested()) ask(connection);
  });
  std::jthread coming([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      runtime::HttpConnection connection((*server)->port(),
                                         runtime::HttpConnection::Tls{ca.cert_pem, {}});
      ask(connection);
    }
  });
  for (int number = 1; number <= 50; ++number) {
    rotate(number);
    clock.Advance(std::chrono::seconds(1));  // the server looks at the files at most once a second
    runtime::HttpConnection connection((*server)->port(),
                                       runtime::HttpConnection::Tls{ca.cert_pem, {}});
    ASSERT_EQ(connection.server_name(), "number-" + std::to_string(number));
    ask(connection);
  }
  staying = {};
  coming = {};
  EXPECT_EQ(failed, 0);
  EXPECT_GE(answered, 50);
}

}  // namespace
}  // namespace dray::controllers
