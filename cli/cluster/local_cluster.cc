#include "cli/cluster/local_cluster.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <csignal>
#include <cstring>

#include "dray/api/types/coordination.h"
#include "dray/api/types/resource.h"
#include "dray/runtime/files.h"
#include "dray/runtime/kubeconfig.h"
#include "dray/runtime/pki.h"

namespace dray::cli {
namespace {

constexpr auto kStartTimeout = std::chrono::seconds(40);
constexpr auto kStopTimeout = std::chrono::seconds(10);

std::string OwnFolder() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  const std::string self = length > 0 ? std::string(path, static_cast<size_t>(length)) : "./dray";
  return self.substr(0, self.rfind('/'));
}

// The last lines of a log, for an error message.
std::string Tail(const std::string& path) {
  Result<std::string> text = runtime::ReadFile(path);
  if (!text.ok() || text->empty()) return "";
  size_t from = text->size();
  for (int lines = 0; lines <= 3 && from != std::string::npos && from > 0; ++lines)
    from = text->rfind('\n', from - 1);
  return "\n" + text->substr(from == std::string::npos ? 0 : from + 1);
}

}  // namespace

Status Eventually(const Context& ctx, Duration timeout, const std::function<Status()>& check) {
  const SteadyTime end = ctx.clock().Steady() + timeout;
  while (true) {
    Status last = check();
    if (last.ok()) return last;
    if (ctx.clock().Steady() >= end) return last;
    DRAY_RETURN_IF_ERROR(ctx.Sleep(std::chrono::milliseconds(20)));
  }
}

std::string DefaultClusterDir(const std::string& name) {
  const char* run = getenv("XDG_RUNTIME_DIR");
  const std::string base = run != nullptr && *run != '\0' ? run : "/tmp";
  return base + "/dray-" + (base == "/tmp" ? std::to_string(getuid()) + "-" : "") + name;
}

Result<std::unique_ptr<LocalCluster>> LocalCluster::Start(const Context& ctx,
                                                          LocalClusterOptions options,
                                                          const Progress& progress) {
  if (options.bin_dir.empty()) options.bin_dir = OwnFolder();
  std::unique_ptr<LocalCluster> cluster(new LocalCluster(std::move(options)));
  const LocalClusterOptions& chosen = cluster->options_;
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(chosen.dir + "/logs", 0700));
  cluster->lock_ = open((chosen.dir + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (cluster->lock_ < 0 || flock(cluster->lock_, LOCK_EX | LOCK_NB) != 0)
    return Status(Reason::kBadRequest,
                  "a cluster already runs in " + chosen.dir + ": stop it, or give another --dir");

  progress("API server, scheduler and " + std::to_string(chosen.nodes.size()) + " kubelets");
  DRAY_RETURN_IF_ERROR(cluster->StartControlPlane(ctx));
  progress(std::to_string(chosen.managers) + " controller managers, webhook over TLS");
  DRAY_RETURN_IF_ERROR(cluster->ConnectAdmission(ctx));
  for (int i = 0; i < chosen.managers; ++i) {
    const std::string name = "manager-" + std::to_string(i);
    DRAY_RETURN_IF_ERROR(cluster->StartMember(
        name, {"dray-controller-manager", "--kubeconfig=" + cluster->kubeconfig(),
               "--webhook-bind-address=127.0.0.1",
               "--webhook-port=" + std::to_string(cluster->webhook_ports_[static_cast<size_t>(i)]),
               "--webhook-cert-dir=" + chosen.dir + "/webhook", "--metrics-bind-address=0",
               "--health-probe-bind-address=0",
               "--leader-elect-identity=" + name + "_" + runtime::NewUuid(),
               "--leader-elect-lease-duration=" + chosen.lease_duration,
               "--leader-elect-renew-deadline=" + chosen.renew_deadline,
               "--leader-elect-retry-period=" + chosen.retry_period,
               "--cleanup-grace=" + chosen.cleanup_grace}));
  }
  for (const MockNode& node : chosen.nodes) {
    progress("mock node " + node.name + " with profile " + node.profile);
    const std::string root = chosen.dir + "/nodes/" + node.name;
    DRAY_RETURN_IF_ERROR(cluster->StartMember(
        "mockdev-" + node.name,
        {"dray-mockdev", "--kubeconfig=" + cluster->kubeconfig(), "--node-name=" + node.name,
         "--profile=" + node.profile, "--kubelet-dir=" + root, "--cdi-dir=" + root + "/cdi",
         "--tools-dir=" + chosen.bin_dir + "/mock-tools"}));
  }
  DRAY_RETURN_IF_ERROR(cluster->WaitUntilReady(ctx));
  return cluster;
}

LocalCluster::~LocalCluster() {
  for (auto member = members_.rbegin(); member != members_.rend(); ++member)
    member->process.reset();
  if (lock_ >= 0) close(lock_);
}

Status LocalCluster::StartMember(const std::string& name, std::vector<std::string> argv) {
  runtime::ProcessOptions how;
  argv[0] = options_.bin_dir + "/" + argv[0];
  how.argv = std::move(argv);
  how.log_file = options_.dir + "/logs/" + name + ".log";
  DRAY_ASSIGN_OR_RETURN(std::unique_ptr<runtime::Process> process, runtime::Process::Start(how));
  members_.push_back({name, how.log_file, std::move(process)});
  return {};
}

Status LocalCluster::StartControlPlane(const Context& ctx) {
  std::string nodes;
  for (const MockNode& node : options_.nodes) nodes += (nodes.empty() ? "" : ",") + node.name;
  DRAY_RETURN_IF_ERROR(runtime::RemoveFile(kubeconfig()));
  DRAY_RETURN_IF_ERROR(
      StartMember("devcluster", {"dray-devcluster", "--dir=" + options_.dir, "--nodes=" + nodes,
                                 "--port=" + std::to_string(options_.port)}));
  // The kubeconfig is written when the API server listens.
  DRAY_RETURN_IF_ERROR(Await(ctx, [&] { return runtime::ReadFile(kubeconfig()).status(); }));
  DRAY_ASSIGN_OR_RETURN(runtime::ClusterAccess access, runtime::LoadClusterAccess(kubeconfig()));
  access.user_agent = "dray";
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Transport> transport,
                        runtime::MakeRestTransport(access));
  client_ = std::make_unique<runtime::Client>(std::move(transport));
  return {};
}

Status LocalCluster::CheckRunning() {
  for (Member& member : members_) {
    if (member.process == nullptr) continue;
    if (std::optional<int> code = member.process->Exited())
      return Status(*code == 2 ? Reason::kInvalid : Reason::kUnavailable,
                    member.name + " ended with exit code " + std::to_string(*code) +
                        ", its log: " + member.log + Tail(member.log));
  }
  return {};
}

LocalCluster::Member* LocalCluster::Find(const std::string& name) {
  for (Member& member : members_)
    if (member.name == name) return &member;
  return nullptr;
}

Status LocalCluster::Await(const Context& ctx, const std::function<Status()>& check) {
  Status broken;
  Status held = Eventually(ctx, kStartTimeout, [&] {
    broken = CheckRunning();
    return broken.ok() ? check() : Ok();
  });
  return broken.ok() ? held : broken;
}

Status LocalCluster::WaitUntilReady(const Context& ctx) {
  return Await(ctx, [&]() -> Status {
    for (const MockNode& node : options_.nodes) {
      DRAY_ASSIGN_OR_RETURN(api::Node found, client_->Get<api::Node>(ctx, {"", node.name}));
      bool is_ready = false;
      for (const api::NodeCondition& condition : found.status.conditions)
        is_ready = is_ready || (condition.type == "Ready" && condition.status == "True");
      if (!is_ready) return Status(Reason::kUnavailable, "node " + node.name + " is not Ready");
      runtime::ListOptions of_node;
      of_node.field_selector = "spec.nodeName=" + node.name;
      DRAY_ASSIGN_OR_RETURN(auto slices, client_->List<api::ResourceSlice>(ctx, of_node));
      if (slices.items.empty())
        return Status(Reason::kUnavailable, "node " + node.name + " has published no devices");
    }
    DRAY_ASSIGN_OR_RETURN(auto classes, client_->List<api::DeviceClass>(ctx));
    if (classes.items.empty()) return Status(Reason::kUnavailable, "no DeviceClass was made");
    DRAY_ASSIGN_OR_RETURN(Member * leader, Leader(ctx));
    if (leader == nullptr)
      return Status(Reason::kUnavailable,
                    "nobody holds the Lease dray-system/dray-controller-manager");
    return {};
  });
}

Result<LocalCluster::Member*> LocalCluster::Leader(const Context& ctx) {
  DRAY_ASSIGN_OR_RETURN(api::Lease lease,
                        client_->Get<api::Lease>(ctx, {"dray-system", "dray-controller-manager"}));
  const std::string holder = lease.spec.holder_identity.value_or("");
  if (holder.empty()) return static_cast<Member*>(nullptr);
  return Find(holder.substr(0, holder.find('_')));
}

Status LocalCluster::StopAll(const Context& ctx) {
  Status first;
  for (auto member = members_.rbegin(); member != members_.rend(); ++member) {
    if (member->process == nullptr || member->process->Exited()) continue;
    Status signalled = member->process->Signal(SIGTERM);
    if (!signalled.ok() && first.ok()) first = signalled;
    Result<int> code = member->process->Wait(ctx.WithTimeout(kStopTimeout));
    if (first.ok() && !code.ok())
      first =
          Status(Reason::kTimeout,
                 member->name + " did not stop within 10 s of SIGTERM, its log: " + member->log);
    else if (first.ok() && *code != 0)
      first = Status(Reason::kInternal, member->name + " ended with exit code " +
                                            std::to_string(*code) + ", its log: " + member->log);
    member->process.reset();
  }
  members_.clear();
  return first;
}

}  // namespace dray::cli
