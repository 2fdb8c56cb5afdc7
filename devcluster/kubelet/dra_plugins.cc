#include "devcluster/kubelet/dra_plugins.h"

#include <glog/logging.h>

#include <algorithm>

#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {
namespace {

constexpr std::chrono::seconds kWipeDelay(30);

struct Driver {
  std::vector<std::shared_ptr<DraConnection>> instances;  // oldest first
  std::optional<SteadyTime> lost_at;                      // none is connected since then
};

// The first service of the plugin's list that we speak.
std::optional<std::string> ServiceOf(const std::vector<std::string>& versions) {
  for (const std::string& version : versions) {
    if (version == kDraV1 || version == kDraV1Beta1) return version;
  }
  return std::nullopt;
}

}  // namespace

struct DraPlugins::State : runtime::Reconciler {
  State(Clock& clock, runtime::Client client, std::string node_name,
        std::function<void(const std::string&)> on_registered, std::function<void()> on_health)
      : clock(clock),
        client(std::move(client)),
        node_name(std::move(node_name)),
        on_registered(std::move(on_registered)),
        on_health(std::move(on_health)),
        wipes(clock, {"dra_slice_wipe", std::chrono::seconds(1), std::chrono::minutes(5)}) {}

  Clock& clock;
  const runtime::Client client;
  const std::string node_name;
  const std::function<void(const std::string&)> on_registered;
  const std::function<void()> on_health;
  Guarded<HealthCache> health;
  Guarded<std::map<std::string, Driver>> drivers;
  runtime::WorkQueue wipes;  // keys: {"", driver}

  // Notes whether anybody of the driver is connected, and starts or drops the wipe timer.
  void Look(const std::string& name) {
    bool away = drivers.With([&](auto& map) {
      auto at = map.find(name);
      if (at == map.end()) return false;
      const auto& instances = at->second.instances;
      bool connected = std::any_of(instances.begin(), instances.end(),
                                   [](const auto& one) { return one->connected(); });
      if (connected) {
        at->second.lost_at.reset();
        return false;
      }
      if (at->second.lost_at) return false;
      at->second.lost_at = clock.Steady();
      return true;
    });
    if (away) wipes.AddAfter({"", name}, kWipeDelay);
  }

  // By driver and not by instance, like kubelet: the younger of two speaks for both.
  void Hear(const std::string& driver, const std::optional<std::vector<HealthReport>>& reports) {
    bool changed = health.With([&](HealthCache& cache) {
      return reports ? cache.Update(driver, *reports, clock.Steady()) : cache.Clear(driver);
    });
    if (changed && on_health) on_health();
  }

  Status Wipe(const Context& ctx, const std::string& field_selector) {
    runtime::ListOptions options;
    options.field_selector = field_selector;
    return client.DeleteCollection(ctx, api::KindOf<api::ResourceSlice>::value, options);
  }

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override {
    std::optional<SteadyTime> lost_at = drivers.With([&](auto& map) {
      auto at = map.find(key.name);
      return at == map.end() ? std::nullopt : at->second.lost_at;
    });
    if (!lost_at) return runtime::Requeue{};
    if (SteadyTime due = *lost_at + kWipeDelay; clock.Steady() < due) {
      return runtime::Requeue{due - clock.Steady()};
    }
    LOG(INFO) << "driver " << key.name
              << " has been away for 30 s: deleting its ResourceSlices of node " << node_name;
    DRAY_RETURN_IF_ERROR(Wipe(ctx, "spec.nodeName=" + node_name + ",spec.driver=" + key.name));
    drivers.With([&](auto& map) {
      auto at = map.find(key.name);
      if (at != map.end() && at->second.instances.empty() && at->second.lost_at == lost_at)
        map.erase(at);
    });
    return runtime::Requeue{};
  }
};

DraPlugins::DraPlugins(Clock& clock, runtime::Client client, std::string node_name,
                       std::function<void(const std::string&)> on_registered,
                       std::function<void()> on_health)
    : state_(std::make_unique<State>(clock, std::move(client), std::move(node_name),
                                     std::move(on_registered), std::move(on_health))) {}

DraPlugins::~DraPlugins() {
  Stop();
}

void DraPlugins::Stop() {
  // Connections call back into the state: they end first, outside of its lock.
  auto drivers = state_->drivers.With([](auto& map) { return std::exchange(map, {}); });
  drivers.clear();
}

Status DraPlugins::Validate(const PluginInfo& info) {
  if (info.name.empty()) return Status(Reason::kInvalid, "a DRA plugin needs a driver name");
  if (!ServiceOf(info.versions)) {
    std::string versions;
    for (const std::string& version : info.versions)
      versions += (versions.empty() ? "" : ", ") + version;
    return Status(Reason::kInvalid, "none of the DRA gRPC interfaces of driver " + info.name +
                                        " is supported (" + versions + "); wanted: " + kDraV1 +
                                        " or " + kDraV1Beta1);
  }
  return Ok();
}

Status DraPlugins::Register(const Context&, const PluginInfo& info) {
  bool known = state_->drivers.With([&](auto& map) {
    const auto& instances = map[info.name].instances;
    return std::any_of(instances.begin(), instances.end(),
                       [&](const auto& one) { return one->endpoint() == info.endpoint; });
  });
  if (known) {
    return Status(Reason::kAlreadyExists, "endpoint " + info.endpoint + " of driver " + info.name +
                                              " is already registered");
  }
  auto connection = std::make_shared<DraConnection>(
      info.endpoint, *ServiceOf(info.versions),
      DraConnection::Hooks{[state = state_.get(), name = info.name](bool) { state->Look(name); },
                           [state = state_.get(), name = info.name](const auto& reports) {
                             state->Hear(name, reports);
                           }});
  state_->drivers.With([&](auto& map) { map[info.name].instances.push_back(connection); });
  state_->Look(info.name);
  state_->on_registered(info.name);
  return Ok();
}

void DraPlugins::Deregister(const PluginInfo& info) {
  std::shared_ptr<DraConnection> gone;  // ends outside of the lock
  state_->drivers.With([&](auto& map) {
    auto driver = map.find(info.name);
    if (driver == map.end()) return;
    auto& instances = driver->second.instances;
    auto at = std::find_if(instances.begin(), instances.end(),
                           [&](const auto& one) { return one->endpoint() == info.endpoint; });
    if (at == instances.end()) return;
    gone = *at;
    instances.erase(at);
  });
  state_->Look(info.name);
}

Result<std::shared_ptr<DraConnection>> DraPlugins::Find(const std::string& driver) const {
  std::shared_ptr<DraConnection> found =
      state_->drivers.With([&](const auto& map) -> std::shared_ptr<DraConnection> {
        auto at = map.find(driver);
        if (at == map.end() || at->second.instances.empty()) return nullptr;
        const auto& instances = at->second.instances;
        for (auto one = instances.rbegin(); one != instances.rend(); ++one) {
          if ((*one)->connected()) return *one;
        }
        return instances.back();
      });
  if (!found) return Status(Reason::kUnavailable, "DRA driver " + driver + " is not registered");
  return found;
}

DeviceHealth DraPlugins::HealthOf(const std::string& driver, const std::string& pool,
                                  const std::string& device) const {
  return state_->health.With([&](const HealthCache& cache) {
    return cache.Find(driver, pool, device, state_->clock.Steady());
  });
}

Status DraPlugins::WipeSlices(const Context& ctx) {
  Duration delay = std::chrono::seconds(1);
  for (;;) {
    Status status = state_->Wipe(ctx, "spec.nodeName=" + state_->node_name);
    if (status.ok() || ctx.stopped()) return status;
    LOG(WARNING) << "cannot delete the ResourceSlices of node " << state_->node_name << ": "
                 << status.message();
    DRAY_RETURN_IF_ERROR(ctx.Sleep(delay));
    delay = std::min<Duration>(delay * 2, std::chrono::minutes(5));
  }
}

void DraPlugins::Run(const Context& ctx) {
  runtime::RunWorkers(ctx, state_->wipes, *state_, 1);
}

}  // namespace dray::devcluster
