// What the settings of a replica mean for its parts.
#include "controllers/manager/controller_manager.h"

#include <gtest/gtest.h>

#include "tests/support/scripted_transport.h"

namespace dray::controllers {
namespace {

// The Lease may lie elsewhere: the API server still calls the Service where it stands, and the
// right to read the Secret is given there.
TEST(Settings, CertificatesAreTheWebhooksAndNotTheElections) {
  ControllerManager::Options options;
  options.election.lease = {"elections", "dray"};
  options.webhook_cert_dir = "/certs";
  const runtime::Client client(std::make_shared<testing::ScriptedTransport>());
  WebhookCertificateKeeper::Options keep = ControllerManager::CertificateOptions(options, client);
  EXPECT_EQ(keep.namespace_, "dray-system");
  EXPECT_EQ(keep.secret, "dray-webhook-cert");
  EXPECT_EQ(keep.dns_names,
            (std::vector<std::string>{"dray-webhook.dray-system.svc",
                                      "dray-webhook.dray-system.svc.cluster.local"}));
  EXPECT_EQ(keep.folder, "/certs");
  options.webhook_namespace = "accelerators";
  keep = ControllerManager::CertificateOptions(options, client);
  EXPECT_EQ(keep.namespace_, "accelerators");
  EXPECT_EQ(keep.dns_names.front(), "dray-webhook.accelerators.svc");
  EXPECT_EQ(options.election.lease.namespace_, "elections");
}

}  // namespace
}  // namespace dray::controllers
