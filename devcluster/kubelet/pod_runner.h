#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "devcluster/kubelet/container_launcher.h"
#include "devcluster/kubelet/pod_status.h"
#include "dray/runtime/client.h"
#include "dray/runtime/events.h"

namespace dray::devcluster {

// What all Pods of a node share.
struct NodeServices {
  Clock& clock;
  runtime::Client client;
  runtime::EventRecorder& events;
  ContainerHost& host;
  NodeClaims& claims;
  DevicePlugins& devices;
  ContainerLauncher& launcher;
  std::function<void(const api::ObjectKey&)> wake;  // look at this Pod again
};

// One Pod on its node, from admission to the end. Level based: each Sync() looks at the Pod and at
// what has happened to its processes, takes every step that can be taken now, writes the status if
// it changed, and says when to come back. Not thread safe: one caller at a time (the work queue
// sees to it); exits of processes come in from the host's thread.
class PodRunner {
 public:
  struct Next {
    std::optional<Duration> after;  // look again then, at the latest
    bool done =
        false;  // everything is stopped, released and reported; Sync() has nothing more to do
  };

  PodRunner(NodeServices& services, std::shared_ptr<const api::Pod> pod);
  ~PodRunner();

  // `pod`: the newest known. An error is retried with back-off.
  Result<Next> Sync(const Context& ctx, std::shared_ptr<const api::Pod> pod);
  // The Pod is gone from the API server: stop, unprepare, forget.
  Result<Next> SyncGone(const Context& ctx);

  const std::string& uid() const { return pod_->metadata.uid; }

 private:
  struct Container;
  struct Mailbox;

  Result<Next> Advance(const Context& ctx);
  void TakeMail();
  void Recall();
  Status Admit(const Context& ctx);
  Status MakeReady(const Context& ctx);
  Status RunContainers(const Context& ctx, Next& next);
  Status StartContainer(const Context& ctx, Container& container);
  void BeginStop(Duration grace);
  bool StopStep(Next& next);
  Status Finish(const Context& ctx);
  Status WriteStatus(const Context& ctx, bool all_stopped);
  bool StillOurs(const Context& ctx) const;
  void Warn(std::string_view reason, std::string_view message);
  Duration GracePeriod() const;

  NodeServices& services_;
  std::shared_ptr<const api::Pod> pod_;
  std::vector<std::unique_ptr<Container>> containers_;
  std::shared_ptr<Mailbox> mailbox_;
  std::map<std::string, std::string> volumes_;
  std::optional<api::Time> start_time_;
  std::optional<PodVerdict> verdict_;
  std::optional<SteadyTime> kill_at_;   // set once the Pod is being stopped
  std::optional<SteadyTime> deadline_;  // spec.activeDeadlineSeconds
  bool admitted_ = false, ready_ = false, gone_ = false;
  bool completed_ = false, released_ = false, reported_ = false, done_ = false;
  std::set<std::string> said_;                 // warnings that were sent for every start
  std::string written_;                        // the last status patch
  std::vector<api::PodCondition> conditions_;  // as last written
};

}  // namespace dray::devcluster
