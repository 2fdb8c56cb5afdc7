// dray-controller-manager: every replica serves the webhook, metrics and health; the holder of the
// Lease runs the controllers.
#include <gflags/gflags.h>

#include "controllers/manager/controller_manager.h"
#include "dray/base/duration.h"
#include "dray/base/log.h"
#include "dray/runtime/device_config.h"
#include "dray/runtime/kubeconfig.h"
#include "dray/runtime/program.h"

DEFINE_string(
    kubeconfig, "",
    "kubeconfig of the cluster; empty: $KUBECONFIG, the Pod's service account, ~/.kube/config");
DEFINE_double(kube_api_qps, 50,
              "client-side limit of requests per second to the API server; 0: none");
DEFINE_int32(kube_api_burst, 100, "how many requests may exceed --kube-api-qps at once");

DEFINE_bool(leader_elect, true,
            "compete for the Lease; false: run the controllers at once (a single replica)");
DEFINE_string(leader_elect_lease_duration, "15s",
              "how long the others wait after the last renewal they saw");
DEFINE_string(leader_elect_renew_deadline, "10s",
              "a leader that cannot renew for this long gives up and ends");
DEFINE_string(leader_elect_retry_period, "2s", "time between tries to acquire or renew");
DEFINE_string(leader_elect_identity, "",
              "who we are in the Lease, unique; empty: <hostname>_<uuid>");
DEFINE_string(leader_elect_resource_name, "dray-controller-manager", "name of the Lease");
DEFINE_bool(leader_elect_coordinated, false,
            "let the API server choose the leader (feature gate CoordinatedLeaderElection: the "
            "oldest version first); where it cannot, elect as usual");
DEFINE_string(leader_elect_resource_namespace, "dray-system", "namespace of the Lease");

DEFINE_string(webhook_bind_address, "0.0.0.0", "address of the admission webhook (HTTPS)");
DEFINE_int32(webhook_port, 9443, "port of the admission webhook; 0: any free one, said in the log");
DEFINE_string(
    webhook_cert_dir, "",
    "folder with tls.crt and tls.key, re-read when they change; empty: no webhook is served");
DEFINE_bool(webhook_self_managed, false,
            "make the certificates of --webhook-cert-dir: kept in Secret dray-webhook-cert, "
            "renewed, their CA put into the webhook "
            "configurations");
DEFINE_string(webhook_namespace, "dray-system",
              "namespace of the Service dray-webhook and, with --webhook-self-managed, of the "
              "Secret dray-webhook-cert");
DEFINE_string(metrics_bind_address, ":8080", "address:port of /metrics; 0: off");
DEFINE_string(health_probe_bind_address, ":8081", "address:port of /healthz and /readyz; 0: off");

DEFINE_string(device_config, "", "HAMi's device-config.yaml; empty: HAMi's defaults");
DEFINE_string(
    device_classes, "",
    "YAML file with the DeviceClasses to keep; empty: those of the known vendors; none: none");
DEFINE_string(extended_resources, "",
              "RESOURCE=DEVICECLASS,...: spec.extendedResourceName of configured classes, for Pods "
              "that ask for the resource "
              "without the webhook (Kubernetes 1.36)");
DEFINE_string(stuck_after, "5m",
              "a claim that stays longer where it should only pass through is called stuck");
DEFINE_bool(legacy_metrics, false,
            "also HAMi's older metric names, in their units (MiB, 0 to 100)");
DEFINE_string(cleanup_grace, "10m",
              "age below which an unused template or an orphaned claim is left alone; 1s or more");
DEFINE_bool(cleanup_dry_run, false, "only log what the cleanup would delete");
DEFINE_bool(
    cleanup_hami_claims, false,
    "also delete claims that HAMi-DRA's webhook has left without an owner and no Pod names");
DEFINE_int32(cleanup_per_minute, 120,
             "how many objects the cleanup may delete or release a minute");
DEFINE_int32(workers, 2, "workers per controller");

namespace dray::controllers {
namespace {

constexpr Duration kShortestGrace = std::chrono::seconds(1);
constexpr Duration kWebhookTimeout = std::chrono::seconds(10);  // config/webhook: timeoutSeconds

// "--flag: " in front of what is wrong with its value.
Result<Duration> DurationFlag(const char* flag, const std::string& value) {
  Result<Duration> parsed = ParseDuration(value);
  if (!parsed.ok()) return parsed.status().Wrapped(std::string("--") + flag);
  return parsed;
}

Result<ControllerManager::Options> OptionsFromFlags() {
  ControllerManager::Options options;
  DRAY_ASSIGN_OR_RETURN(runtime::ClusterAccess access,
                        runtime::LoadClusterAccess(FLAGS_kubeconfig));
  access.user_agent = "dray-controller-manager";
  access.qps = FLAGS_kube_api_qps;
  access.burst = FLAGS_kube_api_burst;
  options.access = std::move(access);

  options.elect = FLAGS_leader_elect;
  options.election.lease = {FLAGS_leader_elect_resource_namespace,
                            FLAGS_leader_elect_resource_name};
  options.election.identity =
      FLAGS_leader_elect_identity.empty() ? runtime::NewIdentity() : FLAGS_leader_elect_identity;
  DRAY_ASSIGN_OR_RETURN(
      options.election.lease_duration,
      DurationFlag("leader-elect-lease-duration", FLAGS_leader_elect_lease_duration));
  DRAY_ASSIGN_OR_RETURN(
      options.election.renew_deadline,
      DurationFlag("leader-elect-renew-deadline", FLAGS_leader_elect_renew_deadline));
  DRAY_ASSIGN_OR_RETURN(options.election.retry_period,
                        DurationFlag("leader-elect-retry-period", FLAGS_leader_elect_retry_period));
  if (options.elect) DRAY_RETURN_IF_ERROR(options.election.Validate());
  options.elect_coordinated = FLAGS_leader_elect_coordinated;

  if (FLAGS_webhook_port < 0 || FLAGS_webhook_port > 65535)
    return Status(Reason::kInvalid,
                  "--webhook-port: " + std::to_string(FLAGS_webhook_port) + ": want 0 to 65535");
  options.webhook_address = FLAGS_webhook_bind_address;
  options.webhook_port = static_cast<uint16_t>(FLAGS_webhook_port);
  options.webhook_cert_dir = FLAGS_webhook_cert_dir;
  options.webhook_self_managed = FLAGS_webhook_self_managed;
  options.webhook_namespace = FLAGS_webhook_namespace;
  if (options.webhook_self_managed && options.webhook_cert_dir.empty())
    return Status(
        Reason::kInvalid,
        "--webhook-self-managed: want --webhook-cert-dir, the folder for the certificates");
  DRAY_ASSIGN_OR_RETURN(options.metrics,
                        ParseBindAddress("metrics-bind-address", FLAGS_metrics_bind_address));
  DRAY_ASSIGN_OR_RETURN(options.health, ParseBindAddress("health-probe-bind-address",
                                                         FLAGS_health_probe_bind_address));

  DRAY_ASSIGN_OR_RETURN(options.device_config, runtime::LoadDeviceConfig(FLAGS_device_config));
  options.device_config_path = FLAGS_device_config;
  DRAY_ASSIGN_OR_RETURN(options.classes, LoadDeviceClasses(FLAGS_device_classes));
  DRAY_RETURN_IF_ERROR(
      SetExtendedResources("extended-resources", FLAGS_extended_resources, &options.classes));
  DRAY_ASSIGN_OR_RETURN(options.stuck_after, DurationFlag("stuck-after", FLAGS_stuck_after));
  options.legacy_metrics = FLAGS_legacy_metrics;
  options.cleanup_hami_claims = FLAGS_cleanup_hami_claims;
  if (FLAGS_cleanup_per_minute < 1)
    return Status(
        Reason::kInvalid,
        "--cleanup-per-minute: " + std::to_string(FLAGS_cleanup_per_minute) + ": want 1 or more");
  options.cleanup_per_minute = FLAGS_cleanup_per_minute;
  DRAY_ASSIGN_OR_RETURN(options.cleanup_grace, DurationFlag("cleanup-grace", FLAGS_cleanup_grace));
  if (options.cleanup_grace < kShortestGrace)
    return Status(Reason::kInvalid, "--cleanup-grace: " + FLAGS_cleanup_grace +
                                        ": want 1s or more: what was made a moment ago is not left "
                                        "over");
  options.cleanup_dry_run = FLAGS_cleanup_dry_run;
  if (FLAGS_workers < 1)
    return Status(Reason::kInvalid,
                  "--workers: " + std::to_string(FLAGS_workers) + ": want 1 or more");
  options.workers = FLAGS_workers;
  if (options.cleanup_grace < kWebhookTimeout)
    LOG(WARNING) << "--cleanup-grace: " << FLAGS_cleanup_grace
                 << " is shorter than the API server waits for the webhook ("
                 << FormatDuration(kWebhookTimeout)
                 << "): a template may be deleted before the Pod that it was made for is stored";
  return options;
}

}  // namespace
}  // namespace dray::controllers

int main(int argc, char** argv) {
  const dray::runtime::ProgramInfo info{
      "dray-controller-manager",
      "Serves the admission webhook that turns device-plugin style requests into DRA claims, and, "
      "where it holds the\n"
      "Lease, keeps DeviceClasses, reports on claims and cleans up. Run two or more replicas.",
      {"manager_main.cc"}};
  return dray::runtime::RunProgram(
      argc, argv, info,
      [](const dray::Context& ctx, const std::vector<std::string>& args) -> dray::Status {
        if (!args.empty())
          return dray::Status(dray::Reason::kBadRequest,
                              "unexpected argument \"" + args.front() + "\": want only flags");
        auto options = dray::controllers::OptionsFromFlags();
        if (!options.ok()) return options.status();
        return dray::controllers::ControllerManager(std::move(*options)).Run(ctx);
      });
}
