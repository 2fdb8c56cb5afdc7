#include "devcluster/kubelet/pod_runner.h"

#include <glog/logging.h>
#include <signal.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "devcluster/kubelet/pod_paths.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

constexpr Duration kDefaultGrace = std::chrono::seconds(30);

bool Terminal(const api::Pod& pod) {
  return pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
}

}  // namespace

struct PodRunner::Container {
  const size_t index;  // in init containers + containers
  ContainerRecord record;
  int pid = -1;      // running
  int failures = 0;  // restarts in a row
  bool started = false, term_sent = false, announced_backoff = false;
  SteadyTime finished_at{}, started_at{};

  const api::Container& Spec(const api::Pod& pod) const {
    size_t inits = pod.spec.init_containers.size();
    return index < inits ? pod.spec.init_containers[index] : pod.spec.containers[index - inits];
  }
  bool running() const { return pid > 0; }
};

// Where the host's thread leaves what happened. Outlives the runner if a process does.
struct PodRunner::Mailbox {
  struct Exit {
    size_t index;
    ProcessExit exit;
    SteadyTime at;
    WallTime wall;
  };
  std::mutex mutex;
  std::vector<Exit> exits;
};

PodRunner::PodRunner(NodeServices& services, std::shared_ptr<const api::Pod> pod)
    : services_(services), pod_(std::move(pod)), mailbox_(std::make_shared<Mailbox>()) {
  size_t inits = pod_->spec.init_containers.size();
  for (size_t i = 0; i < inits + pod_->spec.containers.size(); ++i) {
    auto container = std::make_unique<Container>(Container{i, {}});
    const api::Container& spec = container->Spec(*pod_);
    container->record.name = spec.name;
    container->record.image = spec.image;
    container->record.kind = i >= inits                        ? ContainerKind::kApp
                             : spec.restart_policy == "Always" ? ContainerKind::kSidecar
                                                               : ContainerKind::kInit;
    std::string reason = i >= inits && inits > 0 ? "PodInitializing" : "ContainerCreating";
    container->record.state.waiting = api::ContainerStateWaiting{reason, ""};
    containers_.push_back(std::move(container));
  }
  Recall();
}

PodRunner::~PodRunner() = default;

// A kubelet that comes back finds its processes dead: what ended stays ended, what ran has ended
// now.
void PodRunner::Recall() {
  start_time_ = pod_->status.start_time;
  auto recall = [&](const api::ContainerStatus& status) {
    for (auto& container : containers_) {
      if (container->record.name != status.name) continue;
      container->record.restart_count = status.restart_count;
      container->record.last_state = status.last_state;
      container->record.container_id = status.container_id;
      if (!status.state.running && !status.state.terminated) continue;
      api::ContainerStateTerminated end;
      if (status.state.terminated) {
        end = *status.state.terminated;
      } else {
        end.exit_code = 137;
        end.reason = "ContainerStatusUnknown";
        end.message = "the container died with its kubelet";
        end.container_id = status.container_id;
        end.started_at = status.state.running->started_at;
        end.finished_at = api::ToTime(services_.clock.Now());
      }
      container->record.state = {std::nullopt, std::nullopt, end};
      container->started = true;
      container->finished_at = services_.clock.Steady();
    }
  };
  for (const auto& status : pod_->status.init_container_statuses) recall(status);
  for (const auto& status : pod_->status.container_statuses) recall(status);
  // Attempts that the status does not know of keep their logs: the next one gets a number, and so a
  // log, of its own.
  PodPaths paths(services_.launcher.options().root_dir, *pod_);
  for (auto& container : containers_) {
    std::optional<int> last = paths.LastAttempt(container->record.name);
    if (!last) continue;
    int& count = container->record.restart_count;
    count = std::max(count, container->started ? *last : *last + 1);
  }
}

void PodRunner::Warn(std::string_view reason, std::string_view message) {
  services_.events.Record(runtime::ReferenceTo(*pod_), "Warning", reason, message);
}

Duration PodRunner::GracePeriod() const {
  Duration grace = kDefaultGrace;
  if (pod_->metadata.deletion_grace_period_seconds) {
    grace = std::chrono::seconds(*pod_->metadata.deletion_grace_period_seconds);
  } else if (pod_->spec.termination_grace_period_seconds) {
    grace = std::chrono::seconds(*pod_->spec.termination_grace_period_seconds);
  }
  return std::max<Duration>(grace, std::chrono::seconds(1));
}

void PodRunner::TakeMail() {
  std::vector<Mailbox::Exit> exits;
  {
    std::lock_guard lock(mailbox_->mutex);
    exits.swap(mailbox_->exits);
  }
  for (const Mailbox::Exit& mail : exits) {
    Container& container = *containers_[mail.index];
    api::ContainerStateTerminated end;
    end.exit_code = mail.exit.code;
    end.signal = mail.exit.signal;
    end.reason = mail.exit.code == 0 ? "Completed" : "Error";
    end.container_id = container.record.container_id;
    if (container.record.state.running) end.started_at = container.record.state.running->started_at;
    end.finished_at = api::ToTime(mail.wall);
    container.record.state = {std::nullopt, std::nullopt, end};
    container.pid = -1;
    container.finished_at = mail.at;
    if (mail.at - container.started_at >= kHealthyRun) container.failures = 0;
  }
}

Result<PodRunner::Next> PodRunner::Sync(const Context& ctx, std::shared_ptr<const api::Pod> pod) {
  pod_ = std::move(pod);
  return Advance(ctx);
}

Result<PodRunner::Next> PodRunner::SyncGone(const Context& ctx) {
  gone_ = true;
  return Advance(ctx);
}

Result<PodRunner::Next> PodRunner::Advance(const Context& ctx) {
  TakeMail();
  bool deleting = gone_ || pod_->metadata.deletion_timestamp.has_value();
  if (done_ && !deleting) return Next{std::nullopt, true};
  Next next;
  Status problem;
  // 1. On the way up, unless something ends the Pod.
  if (!kill_at_ && !deleting && !completed_ && !Terminal(*pod_)) {
    problem = Admit(ctx);
    if (problem.ok() && !verdict_) problem = MakeReady(ctx);
    if (problem.ok() && !verdict_) problem = RunContainers(ctx, next);
  }
  // 2. On the way down.
  if (deleting || verdict_ || completed_ || Terminal(*pod_)) {
    BeginStop(GracePeriod());
    if (!StopStep(next)) {
      if (!gone_) DRAY_RETURN_IF_ERROR(WriteStatus(ctx, false));
      return next;
    }
    DRAY_RETURN_IF_ERROR(Finish(ctx));
    next.done = true;
    return next;
  }
  // 3. What the user sees, also when something went wrong.
  Status written = WriteStatus(ctx, false);
  if (!problem.ok()) return problem;
  DRAY_RETURN_IF_ERROR(written);
  return next;
}

Status PodRunner::Admit(const Context& ctx) {
  if (!start_time_) start_time_ = api::ToTime(services_.clock.Now());
  if (!deadline_) {
    deadline_ = SteadyTime::max();
    if (pod_->spec.active_deadline_seconds) {
      auto used = services_.clock.Now() - *start_time_;
      deadline_ = services_.clock.Steady() +
                  std::chrono::seconds(*pod_->spec.active_deadline_seconds) -
                  std::chrono::duration_cast<Duration>(used);
    }
  }
  if (services_.clock.Steady() >= *deadline_) {
    verdict_ = PodVerdict{"DeadlineExceeded",
                          "Pod was active on the node longer than the specified deadline"};
    Warn("DeadlineExceeded", verdict_->message);
    return Ok();
  }
  if (admitted_) return Ok();
  Status status = services_.devices.Allocate(ctx, *pod_);
  if (status.Is(Reason::kCancelled)) return status;
  if (!status.ok()) {
    verdict_ = PodVerdict{"UnexpectedAdmissionError",
                          "Allocate failed due to " + status.message() + ", which is unexpected"};
    Warn("UnexpectedAdmissionError", verdict_->message);
    return Ok();
  }
  admitted_ = true;
  return Ok();
}

Status PodRunner::MakeReady(const Context& ctx) {
  if (ready_) return Ok();
  Status status = services_.claims.Prepare(ctx, *pod_);
  if (status.Is(Reason::kCancelled) || status.Is(Reason::kConflict)) return status;
  if (!status.ok()) {
    Warn("FailedPrepareDynamicResources",
         "Failed to prepare dynamic resources: " + status.message());
    return status;
  }
  Result<std::map<std::string, std::string>> volumes = services_.launcher.SetUpVolumes(ctx, *pod_);
  if (!volumes.ok()) {
    Warn("FailedMount", "MountVolume.SetUp failed: " + volumes.status().message());
    return volumes.status();
  }
  volumes_ = std::move(*volumes);
  ready_ = true;
  return Ok();
}

Status PodRunner::RunContainers(const Context& ctx, Next& next) {
  std::string policy = pod_->spec.restart_policy.empty() ? "Always" : pod_->spec.restart_policy;
  // Each start may allow the next one (a sidecar that runs lets the following container start).
  for (size_t round = 0; round <= containers_.size(); ++round) {
    std::vector<ContainerView> views;
    for (const auto& container : containers_) {
      int exit_code = container->record.state.terminated
                          ? container->record.state.terminated->exit_code
                      : container->record.last_state.terminated
                          ? container->record.last_state.terminated->exit_code
                          : 0;
      views.push_back({container->record.kind, container->started, container->running(), exit_code,
                       container->failures, container->finished_at});
    }
    SteadyTime now = services_.clock.Steady();
    SchedulePlan plan = PlanContainers(views, policy, now);
    if (plan.finished) {
      completed_ = true;
      return Ok();
    }
    for (size_t index : plan.backing_off) {
      Container& container = *containers_[index];
      if (!container.record.state.terminated) continue;
      std::string delay = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                                             RestartDelay(container.failures))
                                             .count()) +
                          "s";
      std::string who = container.record.name + " pod=" + pod_->metadata.name + "_" +
                        pod_->metadata.namespace_ + "(" + uid() + ")";
      container.record.last_state = container.record.state;
      container.record.state = {};
      container.record.state.waiting = api::ContainerStateWaiting{
          "CrashLoopBackOff", "back-off " + delay + " restarting failed container=" + who};
      Warn("BackOff", "Back-off restarting failed container " + container.record.name + " in pod " +
                          pod_->metadata.name + "_" + pod_->metadata.namespace_ + "(" + uid() +
                          ")");
    }
    if (plan.wake_at) next.after = *plan.wake_at - now;
    if (*deadline_ != SteadyTime::max()) {
      next.after = std::min(next.after.value_or(Duration::max()), Duration(*deadline_ - now));
    }
    if (plan.start.empty()) return Ok();
    for (size_t index : plan.start) DRAY_RETURN_IF_ERROR(StartContainer(ctx, *containers_[index]));
  }
  return Ok();
}

Status PodRunner::StartContainer(const Context& ctx, Container& container) {
  const api::Container& spec = container.Spec(*pod_);
  ContainerRecord& record = container.record;
  int restart = container.started ? record.restart_count + 1 : record.restart_count;
  auto on_exit = [mailbox = mailbox_, index = container.index, &clock = services_.clock,
                  wake = services_.wake, key = api::KeyOf(*pod_)](ProcessExit exit) {
    {
      std::lock_guard lock(mailbox->mutex);
      mailbox->exits.push_back({index, exit, clock.Steady(), clock.Now()});
    }
    wake(key);
  };
  Launch launch = services_.launcher.Start(ctx, *pod_, spec, volumes_, restart, on_exit);
  for (const std::string& note : launch.notes) {
    if (said_.insert(note).second) Warn(launch.idle ? "NoCommand" : "ContainerNote", note);
  }
  api::Time now = api::ToTime(services_.clock.Now());
  if (launch.pid < 0 && !launch.waiting_reason.empty()) {
    if (launch.status.Is(Reason::kCancelled)) return launch.status;
    if (record.state.terminated) record.last_state = record.state;
    record.state = {};
    record.state.waiting =
        api::ContainerStateWaiting{launch.waiting_reason, launch.status.message()};
    Warn("Failed", "Error: " + launch.status.message());
    return launch.status;
  }
  if (record.state.terminated) record.last_state = record.state;
  if (container.started) ++container.failures;
  record.restart_count = restart;
  record.state = {};
  record.container_id = "process://" + uid() + "/" + record.name + "/" + std::to_string(restart);
  container.started = true;
  container.term_sent = false;
  container.started_at = services_.clock.Steady();
  if (launch.pid < 0) {
    api::ContainerStateTerminated end;
    end.exit_code = 128;
    end.reason = "StartError";
    end.message = launch.status.message();
    end.container_id = record.container_id;
    end.started_at = end.finished_at = now;
    record.state.terminated = end;
    container.finished_at = container.started_at;
    Warn("Failed",
         "Error: failed to start container \"" + record.name + "\": " + launch.status.message());
    return Ok();
  }
  container.pid = launch.pid;
  record.state.running = api::ContainerStateRunning{now};
  services_.events.Record(runtime::ReferenceTo(*pod_), "Normal", "Started",
                          "Started container " + record.name);
  return Ok();
}

void PodRunner::BeginStop(Duration grace) {
  SteadyTime at = services_.clock.Steady() + grace;
  if (!kill_at_) {
    kill_at_ = at;
  } else if (pod_->metadata.deletion_timestamp && at < *kill_at_) {
    kill_at_ = at;  // a later delete may only shorten
  }
}

// SIGTERM to the containers, then to the sidecars in reverse, SIGKILL when the grace period is
// over. True when nothing runs.
bool PodRunner::StopStep(Next& next) {
  SteadyTime now = services_.clock.Steady();
  bool apps_running = false, any = false;
  for (const auto& container : containers_) {
    if (!container->running()) continue;
    any = true;
    if (container->record.kind != ContainerKind::kSidecar) apps_running = true;
  }
  if (!any) return true;
  bool kill = now >= *kill_at_;
  for (auto at = containers_.rbegin(); at != containers_.rend(); ++at) {
    Container& container = **at;
    if (!container.running()) continue;
    if (kill) {
      services_.host.Signal(container.pid, SIGKILL);
      continue;
    }
    bool sidecar = container.record.kind == ContainerKind::kSidecar;
    if (sidecar && apps_running) continue;
    if (!container.term_sent) {
      container.term_sent = true;
      services_.events.Record(runtime::ReferenceTo(*pod_), "Normal", "Killing",
                              "Stopping container " + container.record.name);
      services_.host.Signal(container.pid, SIGTERM);
    }
    if (sidecar) break;  // the one before it only after this one
  }
  next.after = kill ? std::chrono::seconds(1) : Duration(*kill_at_ - now);
  return false;
}

// Everything has stopped. The order matters: the claim controller may deallocate as soon as it sees
// a terminal phase, so the drivers let go of the devices first.
Status PodRunner::Finish(const Context& ctx) {
  if (!released_) {
    Status status = services_.claims.Unprepare(ctx, uid());
    if (!status.ok()) {
      if (!status.Is(Reason::kConflict) && !status.Is(Reason::kCancelled)) {
        Warn("FailedUnprepareDynamicResources",
             "Failed to unprepare dynamic resources: " + status.message());
      }
      return status;
    }
    services_.devices.Release(uid());
    released_ = true;
  }
  if (gone_) {
    done_ = true;
    return Ok();
  }
  if (!reported_) {
    if (!Terminal(*pod_)) DRAY_RETURN_IF_ERROR(WriteStatus(ctx, true));
    reported_ = true;
  }
  done_ = true;
  if (!pod_->metadata.deletion_timestamp) return Ok();
  // Before the object goes: who sees that the Pod is gone finds nothing of it on the node.
  DRAY_RETURN_IF_ERROR(
      runtime::RemoveTree(PodPaths(services_.launcher.options().root_dir, *pod_).directory));
  runtime::DeleteOptions options;
  options.uid = uid();
  options.grace_period_seconds = 0;
  Status status = services_.client.Delete<api::Pod>(ctx, api::KeyOf(*pod_), options);
  // Gone already, or another Pod has the name by now.
  return status.Is(Reason::kConflict) && !StillOurs(ctx) ? Ok() : IgnoreNotFound(status);
}

// Whether a conflict was about anything but another Pod of the same name.
bool PodRunner::StillOurs(const Context& ctx) const {
  Result<api::Pod> live = services_.client.Get<api::Pod>(ctx, api::KeyOf(*pod_));
  if (!live.ok()) return !live.Is(Reason::kNotFound);
  return live->metadata.uid == uid();
}

Status PodRunner::WriteStatus(const Context& ctx, bool all_stopped) {
  PodFacts facts;
  for (const auto& container : containers_) {
    facts.containers.push_back(container->record);
    // Stopped for good: what waited for its turn or its back-off will not run.
    ContainerRecord& record = facts.containers.back();
    if (all_stopped && record.state.waiting && record.last_state.terminated) {
      record.state = record.last_state;
      record.last_state = {};
    }
  }
  facts.start_time = start_time_;
  facts.verdict = verdict_;
  facts.host_ip = services_.launcher.options().host_ip;
  facts.pod_ip = services_.launcher.options().pod_ip;
  facts.all_stopped = all_stopped;
  if (conditions_.empty()) conditions_ = pod_->status.conditions;
  api::PodStatus status =
      StatusOf(facts, pod_->spec, conditions_, api::ToTime(services_.clock.Now()));
  // Of the containers alone: kubelet says nothing about the devices of init containers.
  for (size_t i = 0; i < status.container_statuses.size(); ++i) {
    status.container_statuses[i].allocated_resources_status =
        services_.claims.HealthOf(*pod_, pod_->spec.containers[i]);
  }
  std::string text = StatusPatch(status, uid()).dump();
  if (text == written_) return Ok();
  runtime::PatchOptions options;
  options.subresource = "status";
  options.field_manager = "kubelet";
  Result<api::Pod> patched = services_.client.Patch<api::Pod>(
      ctx, api::KeyOf(*pod_), runtime::PatchType::kStrategic, text, options);
  // Without the Pod there is nobody to tell; a conflict is another Pod of the same name, or a
  // server that is busy with this one.
  if (patched.Is(Reason::kConflict) && StillOurs(ctx)) return patched.status();
  if (!patched.ok() && !patched.Is(Reason::kNotFound) && !patched.Is(Reason::kConflict))
    return patched.status();
  written_ = text;
  conditions_ = status.conditions;
  return Ok();
}

}  // namespace dray::devcluster
