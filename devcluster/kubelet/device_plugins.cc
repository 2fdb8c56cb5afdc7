#include "devcluster/kubelet/device_plugins.h"

#include <glog/logging.h>

#include <algorithm>
#include <stop_token>

#include "devcluster/kubelet/device_picker.h"
#include "devcluster/kubelet/device_registration_server.h"
#include "dray/base/guarded.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

constexpr std::chrono::minutes kAwayGrace(5);

struct Endpoint {
  std::string socket;
  std::shared_ptr<DevicePluginConnection> connection;
  DevicePluginOptions options;
  std::vector<PluginDevice> devices;
  std::optional<SteadyTime> stopped_at;
};

Status CheckResourceName(const std::string& name) {
  size_t slash = name.find('/');
  bool qualified = slash != std::string::npos && slash > 0 && slash + 1 < name.size() &&
                   name.find('/', slash + 1) == std::string::npos;
  std::string domain = qualified ? name.substr(0, slash) : "";
  bool reserved = domain == "kubernetes.io" || domain.ends_with(".kubernetes.io") ||
                  name.starts_with("requests.");
  if (qualified && !reserved) return Ok();
  return Status(Reason::kInvalid, "the resource name \"" + name +
                                      "\" is not an extended resource (vendor.domain/name)");
}

// DRA serves this resource of this container: the scheduler made a claim for it.
bool ServedByDra(const api::Pod& pod, const std::string& container, const std::string& resource) {
  if (!pod.status.extended_resource_claim_status) return false;
  const auto& mappings = pod.status.extended_resource_claim_status->request_mappings;
  return std::any_of(mappings.begin(), mappings.end(), [&](const auto& mapping) {
    return mapping.container_name == container && mapping.resource_name == resource;
  });
}

}  // namespace

struct DevicePlugins::State {
  Clock& clock;
  const std::string directory;
  const std::function<void()> on_change;
  struct Books {
    std::map<std::string, Endpoint> endpoints;  // by resource
    DeviceMemory memory;
  };
  Guarded<Books> books;
  std::mutex allocating;  // picking and holding are one step: held over the calls to the plugins
  std::mutex writing;
  std::stop_source stop;
  std::unique_ptr<DeviceRegistrationServer> server;

  std::string File() const { return directory + "/kubelet_internal_checkpoint"; }

  Status Save() {
    std::lock_guard lock(writing);
    DeviceMemory memory = books.With([](const Books& books) { return books.memory; });
    return runtime::WriteFileAtomically(File(), EncodeDeviceCheckpoint(memory), 0600);
  }
  // Where a file that is behind does no harm: who holds more than it says was given nothing yet.
  void TrySave() {
    if (Status status = Save(); !status.ok()) LOG(ERROR) << status.message();
  }

  Status Add(const Context& ctx, const std::string& resource, const std::string& socket) {
    auto connection = std::make_shared<DevicePluginConnection>(socket);
    Result<DevicePluginOptions> options = connection->Options(ctx);
    if (!options.ok()) return options.status().Wrapped("GetDevicePluginOptions of " + socket);
    Endpoint old = books.With([&](Books& books) {
      return std::exchange(books.endpoints[resource],
                           Endpoint{socket, connection, *options, {}, std::nullopt});
    });
    old.connection.reset();  // its end is nobody's business any more
    const DevicePluginConnection* self = connection.get();
    connection->Watch(
        [this, resource, self](std::vector<PluginDevice> devices) {
          SetDevices(resource, self, std::move(devices));
        },
        [this, resource, self](const Status& why) { Ended(resource, self, why); });
    LOG(INFO) << "device plugin " << resource << " registered at " << socket;
    return Ok();
  }

  void SetDevices(const std::string& resource, const DevicePluginConnection* from,
                  std::vector<PluginDevice> devices) {
    bool ours = books.With([&](Books& books) {
      auto at = books.endpoints.find(resource);
      if (at == books.endpoints.end() || at->second.connection.get() != from) return false;
      auto& healthy = books.memory.registered[resource];
      healthy.clear();
      for (const PluginDevice& device : devices) {
        if (device.healthy) healthy.push_back(device.id);
      }
      at->second.devices = std::move(devices);
      at->second.stopped_at.reset();
      return true;
    });
    if (!ours) return;
    TrySave();
    on_change();
  }

  void Ended(const std::string& resource, const DevicePluginConnection* from, const Status& why) {
    bool ours = books.With([&](Books& books) {
      auto at = books.endpoints.find(resource);
      if (at == books.endpoints.end() || at->second.connection.get() != from) return false;
      for (PluginDevice& device : at->second.devices) device.healthy = false;
      at->second.stopped_at = clock.Steady();
      return true;
    });
    if (!ours) return;
    LOG(WARNING) << "device plugin " << resource << " is gone: " << why.message();
    on_change();
  }

  // Devices for one container and resource.
  Status AllocateOne(const Context& ctx, const std::string& pod_uid, const std::string& container,
                     const std::string& resource, int count,
                     const std::set<std::string>& reusable) {
    PickRequest pick;
    pick.count = count;
    std::shared_ptr<DevicePluginConnection> connection;
    bool has_wish = false;
    books.With([&](const Books& books) {
      auto at = books.endpoints.find(resource);
      if (at != books.endpoints.end()) {
        pick.devices = at->second.devices;
        connection = at->second.connection;
        has_wish = at->second.options.preferred_allocation;
      }
      for (const auto& [uid, containers] : books.memory.holds) {
        for (const auto& [name, resources] : containers) {
          auto hold = resources.find(resource);
          if (hold == resources.end()) continue;
          for (const std::string& id : hold->second.ids) {
            if (!reusable.count(id)) pick.in_use.insert(id);
          }
        }
      }
    });
    pick.reusable = reusable;
    if (connection && has_wish) {
      pick.preferred = [&](const std::vector<std::string>& available,
                           const std::vector<std::string>& must) {
        return connection->Preferred(ctx, available, must, count);
      };
    }
    DRAY_ASSIGN_OR_RETURN(std::vector<std::string> ids, PickDevices(resource, pick));
    if (!connection)
      return Status(Reason::kUnavailable, "device plugin " + resource + " is not registered");
    Result<std::string> grant = connection->Allocate(ctx, ids);
    if (!grant.ok()) return grant.status().Wrapped("Allocate of device plugin " + resource);
    books.With([&](Books& books) {
      books.memory.holds[pod_uid][container][resource] = {ids, *grant};
    });
    return Ok();
  }

  bool Known(const std::string& resource) const {
    return books.With([&](const Books& books) {
      return books.endpoints.count(resource) > 0 || books.memory.registered.count(resource) > 0;
    });
  }
  size_t HeldBy(const std::string& pod_uid, const std::string& container,
                const std::string& resource) const {
    return books.With([&](const Books& books) -> size_t {
      auto pod = books.memory.holds.find(pod_uid);
      if (pod == books.memory.holds.end()) return 0;
      auto at = pod->second.find(container);
      if (at == pod->second.end()) return 0;
      auto hold = at->second.find(resource);
      return hold == at->second.end() ? 0 : hold->second.ids.size();
    });
  }
  std::set<std::string> IdsOf(const std::string& pod_uid, const std::string& container,
                              const std::string& resource) const {
    return books.With([&](const Books& books) {
      const auto& ids = books.memory.holds.at(pod_uid).at(container).at(resource).ids;
      return std::set<std::string>(ids.begin(), ids.end());
    });
  }

  Status AllocateContainers(const Context& ctx, const api::Pod& pod) {
    std::map<std::string, std::set<std::string>> reusable;  // by resource
    auto serve = [&](const api::Container& container, bool init) -> Status {
      bool sidecar = init && container.restart_policy == "Always";
      for (const auto& [resource, quantity] : container.resources.limits) {
        int count = static_cast<int>(quantity.Value());
        if (count <= 0 || !Known(resource) || ServedByDra(pod, container.name, resource)) continue;
        if (HeldBy(pod.metadata.uid, container.name, resource) != static_cast<size_t>(count)) {
          DRAY_RETURN_IF_ERROR(AllocateOne(ctx, pod.metadata.uid, container.name, resource, count,
                                           reusable[resource]));
        }
        std::set<std::string> ids = IdsOf(pod.metadata.uid, container.name, resource);
        // A sidecar keeps its devices while the others run; what a plain init container had is free
        // again.
        for (const std::string& id : ids) {
          if (init && !sidecar)
            reusable[resource].insert(id);
          else
            reusable[resource].erase(id);
        }
      }
      return Ok();
    };
    for (const api::Container& container : pod.spec.init_containers)
      DRAY_RETURN_IF_ERROR(serve(container, true));
    for (const api::Container& container : pod.spec.containers)
      DRAY_RETURN_IF_ERROR(serve(container, false));
    return Ok();
  }
};

DevicePlugins::DevicePlugins(Clock& clock, std::string directory, std::function<void()> on_change)
    : state_(new State{clock, std::move(directory), std::move(on_change), {}, {}, {}, {}, {}}) {}

DevicePlugins::~DevicePlugins() {
  Stop();
}

Status DevicePlugins::Start() {
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(state_->directory, 0750));
  Result<std::string> text = runtime::ReadFile(state_->File());
  if (!text.ok() && !text.Is(Reason::kNotFound)) return text.status();
  if (text.ok()) {
    Result<DeviceMemory> memory = DecodeDeviceCheckpoint(*text);
    if (!memory.ok()) {
      return Status(Reason::kInvalid, state_->File() + ": " + memory.status().message() +
                                          "; remove it to forget which devices are held");
    }
    state_->books.With([&](State::Books& books) { books.memory = std::move(*memory); });
  }
  auto on_register = [state = state_.get()](const DeviceRegistration& registration) -> Status {
    if (registration.version != "v1beta1") {
      return Status(Reason::kInvalid,
                    "device plugin API version \"" + registration.version + "\" is not v1beta1");
    }
    DRAY_RETURN_IF_ERROR(CheckResourceName(registration.resource));
    Context ctx(state->clock, state->stop.get_token());
    return state->Add(ctx, registration.resource, state->directory + "/" + registration.endpoint);
  };
  DRAY_ASSIGN_OR_RETURN(state_->server,
                        DeviceRegistrationServer::Listen(state_->directory, on_register));
  return Ok();
}

void DevicePlugins::Stop() {
  state_->stop.request_stop();
  state_->server.reset();
  auto endpoints =
      state_->books.With([](State::Books& books) { return std::exchange(books.endpoints, {}); });
  endpoints.clear();  // watch threads end outside of the lock
}

Status DevicePlugins::Validate(const PluginInfo& info) {
  if (std::find(info.versions.begin(), info.versions.end(), "v1beta1") == info.versions.end()) {
    return Status(Reason::kInvalid,
                  "device plugin " + info.name + " does not offer version v1beta1");
  }
  return CheckResourceName(info.name);
}

Status DevicePlugins::Register(const Context& ctx, const PluginInfo& info) {
  return state_->Add(ctx, info.name, info.endpoint);
}

void DevicePlugins::Deregister(const PluginInfo& info) {
  std::shared_ptr<DevicePluginConnection> gone;
  state_->books.With([&](State::Books& books) {
    auto at = books.endpoints.find(info.name);
    if (at == books.endpoints.end() || at->second.socket != info.endpoint) return;
    for (PluginDevice& device : at->second.devices) device.healthy = false;
    if (!at->second.stopped_at) at->second.stopped_at = state_->clock.Steady();
    gone = std::move(at->second.connection);
  });
  if (gone) state_->on_change();
}

std::map<std::string, DevicePlugins::Count> DevicePlugins::Resources() const {
  SteadyTime now = state_->clock.Steady();
  return state_->books.With([&](const State::Books& books) {
    std::map<std::string, Count> counts;
    for (const auto& [resource, endpoint] : books.endpoints) {
      if (endpoint.stopped_at && now - *endpoint.stopped_at >= kAwayGrace) continue;
      Count& count = counts[resource];
      for (const PluginDevice& device : endpoint.devices) {
        ++count.capacity;
        if (device.healthy) ++count.allocatable;
      }
    }
    return counts;
  });
}

Status DevicePlugins::Allocate(const Context& ctx, const api::Pod& pod) {
  Status status;
  {
    std::lock_guard lock(state_->allocating);
    status = state_->AllocateContainers(ctx, pod);
  }
  bool holds = state_->books.With(
      [&](const State::Books& books) { return books.memory.holds.count(pod.metadata.uid) > 0; });
  // What cannot be remembered is not given: after a restart another Pod would get it too.
  if (status.ok() && holds) status = state_->Save();
  if (!status.ok()) Release(pod.metadata.uid);
  return status;
}

DeviceGrant DevicePlugins::GrantOf(const std::string& pod_uid, const std::string& container) const {
  std::vector<std::string> wires = state_->books.With([&](const State::Books& books) {
    std::vector<std::string> found;
    auto pod = books.memory.holds.find(pod_uid);
    if (pod == books.memory.holds.end()) return found;
    auto at = pod->second.find(container);
    if (at == pod->second.end()) return found;
    for (const auto& [resource, hold] : at->second) found.push_back(hold.grant);
    return found;
  });
  DeviceGrant all;
  for (const std::string& wire : wires) {
    Result<DeviceGrant> grant = ParseDeviceGrant(wire);
    if (!grant.ok()) continue;  // our own checkpoint, checked by its sum
    all.env.insert(grant->env.begin(), grant->env.end());
    all.annotations.insert(grant->annotations.begin(), grant->annotations.end());
    all.mounts.insert(all.mounts.end(), grant->mounts.begin(), grant->mounts.end());
    all.devices.insert(all.devices.end(), grant->devices.begin(), grant->devices.end());
    all.cdi_devices.insert(all.cdi_devices.end(), grant->cdi_devices.begin(),
                           grant->cdi_devices.end());
  }
  return all;
}

Status DevicePlugins::PreStart(const Context& ctx, const std::string& pod_uid,
                               const std::string& container) {
  for (const auto& [resource, ids] : DevicesOf(pod_uid, container)) {
    auto [connection, wanted] = state_->books.With([&, name = resource](const State::Books& books) {
      auto at = books.endpoints.find(name);
      if (at == books.endpoints.end())
        return std::pair(std::shared_ptr<DevicePluginConnection>(), false);
      return std::pair(at->second.connection, at->second.options.pre_start_required);
    });
    if (!connection || !wanted) continue;
    DRAY_RETURN_IF_ERROR(
        connection->PreStart(ctx, ids).Wrapped("PreStartContainer of device plugin " + resource));
  }
  return Ok();
}

void DevicePlugins::Release(const std::string& pod_uid) {
  bool held = state_->books.With(
      [&](State::Books& books) { return books.memory.holds.erase(pod_uid) > 0; });
  if (held) state_->TrySave();
}

std::set<std::string> DevicePlugins::PodUids() const {
  return state_->books.With([](const State::Books& books) {
    std::set<std::string> uids;
    for (const auto& [uid, containers] : books.memory.holds) uids.insert(uid);
    return uids;
  });
}

std::map<std::string, std::vector<std::string>> DevicePlugins::DevicesOf(
    const std::string& pod_uid, const std::string& container) const {
  return state_->books.With([&](const State::Books& books) {
    std::map<std::string, std::vector<std::string>> found;
    auto pod = books.memory.holds.find(pod_uid);
    if (pod == books.memory.holds.end()) return found;
    auto at = pod->second.find(container);
    if (at == pod->second.end()) return found;
    for (const auto& [resource, hold] : at->second) found[resource] = hold.ids;
    return found;
  });
}

std::map<std::string, std::vector<PluginDevice>> DevicePlugins::Healthy() const {
  return state_->books.With([](const State::Books& books) {
    std::map<std::string, std::vector<PluginDevice>> found;
    for (const auto& [resource, endpoint] : books.endpoints) {
      for (const PluginDevice& device : endpoint.devices) {
        if (device.healthy) found[resource].push_back(device);
      }
    }
    return found;
  });
}

}  // namespace dray::devcluster
