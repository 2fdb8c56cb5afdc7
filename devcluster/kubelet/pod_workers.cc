#include "devcluster/kubelet/pod_workers.h"

#include <glog/logging.h>

#include <filesystem>
#include <thread>

#include "devcluster/kubelet/pod_paths.h"
#include "dray/base/guarded.h"
#include "dray/runtime/files.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {
namespace {

constexpr int kWorkers = 6;
constexpr std::chrono::seconds kHousekeeping(60);

bool Active(const api::Pod& pod) {
  return pod.status.phase != "Succeeded" && pod.status.phase != "Failed";
}

}  // namespace

struct PodWorkers::State : runtime::Reconciler {
  State(NodeServices& services, const runtime::Lister<api::Pod>& pods, std::string root_dir)
      : services(services),
        pods(pods),
        root_dir(std::move(root_dir)),
        queue(services.clock,
              {"kubelet_pods", std::chrono::milliseconds(250), std::chrono::seconds(10)}) {}

  NodeServices& services;
  const runtime::Lister<api::Pod>& pods;
  const std::string root_dir;
  runtime::WorkQueue queue;
  // A runner is used by the worker that holds its key's ticket, the map by everybody.
  Guarded<std::map<api::ObjectKey, std::shared_ptr<PodRunner>>> runners;

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override {
    std::shared_ptr<const api::Pod> pod = pods.Get(key);
    std::shared_ptr<PodRunner> runner = runners.With([&](auto& map) {
      auto at = map.find(key);
      return at == map.end() ? nullptr : at->second;
    });
    // A Pod of the same name with another UID waits until the old one has gone.
    if (runner && (!pod || pod->metadata.uid != runner->uid())) {
      DRAY_ASSIGN_OR_RETURN(PodRunner::Next next, runner->SyncGone(ctx));
      if (!next.done) return runtime::Requeue{next.after};
      DRAY_RETURN_IF_ERROR(runtime::RemoveTree(
          PodPaths(root_dir, key.namespace_, key.name, runner->uid()).directory));
      runners.With([&](auto& map) { map.erase(key); });
      runner.reset();
    }
    if (!pod) return runtime::Requeue{};
    if (!runner) {
      runner = std::make_shared<PodRunner>(services, pod);
      runners.With([&](auto& map) { map[key] = runner; });
    }
    DRAY_ASSIGN_OR_RETURN(PodRunner::Next next, runner->Sync(ctx, pod));
    return runtime::Requeue{next.after};
  }

  // What is left of Pods that are neither in the API server nor in our hands. What is held is read
  // before who is alive: a Pod that comes in between must not be taken for a dead one.
  void TidyUp(const Context& ctx) {
    std::set<std::string> claim_holders = services.claims.PodUids(),
                          device_holders = services.devices.PodUids();
    std::vector<std::string> directories;
    std::error_code error;
    for (std::filesystem::directory_iterator at(root_dir + "/pods", error), end;
         !error && at != end; at.increment(error)) {
      directories.push_back(at->path().string());
    }
    std::set<std::string> known, active;
    for (const auto& pod : pods.List()) {
      known.insert(pod->metadata.uid);
      if (Active(*pod)) active.insert(pod->metadata.uid);
    }
    for (const auto& [key, runner] : runners.Copy()) {
      known.insert(runner->uid());
      active.insert(runner->uid());
    }
    // A driver that has fallen silent tells nobody that its last word is too old by now.
    for (const auto& pod : pods.List()) {
      if (claim_holders.count(pod->metadata.uid)) queue.Add(api::KeyOf(*pod));
    }
    for (const std::string& uid : claim_holders) {
      if (active.count(uid)) continue;
      Status status = services.claims.Unprepare(ctx, uid);
      if (!status.ok())
        LOG(WARNING) << "claims of Pod " << uid << ", which is gone: " << status.message();
    }
    for (const std::string& uid : device_holders) {
      if (active.count(uid) == 0) services.devices.Release(uid);
    }
    for (const std::string& directory : directories) {
      size_t underscore = directory.rfind('_');
      if (underscore == std::string::npos || known.count(directory.substr(underscore + 1)))
        continue;
      Status status = runtime::RemoveTree(directory);
      if (!status.ok()) LOG(WARNING) << status.message();
    }
  }
};

PodWorkers::PodWorkers(NodeServices& services, const runtime::Lister<api::Pod>& pods,
                       std::string root_dir)
    : state_(std::make_unique<State>(services, pods, std::move(root_dir))) {
  services.wake = [state = state_.get()](const api::ObjectKey& key) { state->queue.Add(key); };
}
PodWorkers::~PodWorkers() = default;

void PodWorkers::Wake(const api::ObjectKey& key) {
  state_->queue.Add(key);
}

void PodWorkers::WakeAll() {
  for (const auto& pod : state_->pods.List()) state_->queue.Add(api::KeyOf(*pod));
}

Status PodWorkers::Run(const Context& ctx) {
  WakeAll();
  std::jthread workers([&] { runtime::RunWorkers(ctx, state_->queue, *state_, kWorkers); });
  while (!ctx.stopped()) {
    state_->TidyUp(ctx);
    if (!ctx.Sleep(kHousekeeping).ok()) break;
  }
  return Ok();
}

}  // namespace dray::devcluster
