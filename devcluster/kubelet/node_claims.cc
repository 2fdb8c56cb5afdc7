#include "devcluster/kubelet/node_claims.h"

#include <glog/logging.h>

#include <algorithm>

#include "dray/api/claims.h"
#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

// A claim that a Pod names, with the entry it came from; the claim that the scheduler made for
// extended resources has none.
struct WantedClaim {
  std::string name;
  const api::PodResourceClaim* entry = nullptr;
};

Result<std::vector<WantedClaim>> WantedClaims(const api::Pod& pod) {
  std::vector<WantedClaim> wanted;
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
    std::optional<std::string> name = claims::ClaimNameFor(pod, entry);
    if (!name)
      return Status(Reason::kUnavailable,
                    "the ResourceClaim for \"" + entry.name + "\" has not been created yet");
    if (!name->empty()) wanted.push_back({*name, &entry});
  }
  if (pod.status.extended_resource_claim_status) {
    wanted.push_back({pod.status.extended_resource_claim_status->resource_claim_name, nullptr});
  }
  return wanted;
}

bool Serves(const PreparedDevice& device, const std::string& request) {
  return request.empty() || device.request_names.empty() ||
         std::find(device.request_names.begin(), device.request_names.end(), request) !=
             device.request_names.end();
}

}  // namespace

struct NodeClaims::State {
  State(runtime::Client client, DraPlugins& plugins, std::string file)
      : client(std::move(client)), plugins(plugins), file(std::move(file)) {}

  struct Cache {
    std::map<std::string, ClaimInfo> claims;  // by UID
    std::set<std::string> busy;               // UIDs that an operation works on
  };
  const runtime::Client client;
  DraPlugins& plugins;
  const std::string file;
  Guarded<Cache> cache;
  std::mutex writing;  // one writer of the file at a time; taken before the cache is read

  // The claims are ours until this goes.
  struct Lease {
    State* state = nullptr;
    std::vector<std::string> uids;
    Lease(State* state, std::vector<std::string> uids) : state(state), uids(std::move(uids)) {}
    Lease(Lease&& other) noexcept
        : state(std::exchange(other.state, nullptr)), uids(std::move(other.uids)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (!state) return;
      state->cache.With([&](Cache& cache) {
        for (const std::string& uid : uids) cache.busy.erase(uid);
      });
    }
  };
  Result<Lease> Acquire(std::vector<std::string> uids) {
    std::sort(uids.begin(), uids.end());
    uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
    std::string taken = cache.With([&](Cache& cache) {
      for (const std::string& uid : uids) {
        if (cache.busy.count(uid)) return uid;
      }
      cache.busy.insert(uids.begin(), uids.end());
      return std::string();
    });
    if (!taken.empty())
      return Status(Reason::kConflict, "claim " + taken + " is being worked on for another Pod");
    return Lease(this, std::move(uids));
  }

  Status Save() {
    std::lock_guard lock(writing);
    std::vector<ClaimInfo> claims = cache.With([](const Cache& cache) {
      std::vector<ClaimInfo> all;
      for (const auto& [uid, claim] : cache.claims) all.push_back(claim);
      return all;
    });
    return runtime::WriteFileAtomically(file, EncodeClaimCheckpoint(claims), 0600);
  }

  // Reads and checks one claim; what the cache will hold of it.
  Result<ClaimInfo> Check(const Context& ctx, const api::Pod& pod, const WantedClaim& wanted) {
    const std::string& space = pod.metadata.namespace_;
    std::string label = "ResourceClaim " + space + "/" + wanted.name;
    Result<api::ResourceClaim> claim = client.Get<api::ResourceClaim>(ctx, {space, wanted.name});
    if (!claim.ok()) return claim.status().Wrapped("get " + label);
    if (wanted.entry && wanted.entry->resource_claim_template_name &&
        !claims::OwnedBy(*claim, pod)) {
      return Status(Reason::kInvalid, label + " was not created for this Pod (another owner)");
    }
    if (!claims::ReservedFor(*claim, pod))
      return Status(Reason::kInvalid, label + " is not reserved for this Pod");
    if (!claim->status.allocation) return Status(Reason::kInvalid, label + " is not allocated");
    ClaimInfo info{space, wanted.name, claim->metadata.uid};
    for (const auto& result : claim->status.allocation->devices.results)
      info.drivers[result.driver];
    for (const auto& [driver, devices] : info.drivers) {
      if (Result<std::shared_ptr<DraConnection>> plugin = plugins.Find(driver); !plugin.ok()) {
        return plugin.status().Wrapped(label);
      }
    }
    return info;
  }

  // Adds the Pod to the cached claims; the UIDs that are still to be prepared.
  Result<std::set<std::string>> Remember(const std::vector<ClaimInfo>& infos,
                                         const std::string& pod_uid) {
    std::set<std::string> unprepared;
    Status status = cache.With([&](Cache& cache) {
      for (const ClaimInfo& info : infos) {
        for (const auto& [uid, known] : cache.claims) {
          if (known.namespace_ == info.namespace_ && known.name == info.name && uid != info.uid) {
            return Status(Reason::kConflict,
                          "ResourceClaim " + info.namespace_ + "/" + info.name +
                              " was made anew; the old one is not unprepared yet");
          }
        }
      }
      for (const ClaimInfo& info : infos) {
        ClaimInfo& known = cache.claims.try_emplace(info.uid, info).first->second;
        known.pod_uids.insert(pod_uid);
        if (!known.prepared) unprepared.insert(info.uid);
      }
      return Ok();
    });
    if (!status.ok()) return status;
    return unprepared;
  }

  Status PrepareBy(const Context& ctx, const std::string& driver,
                   const std::vector<DraClaim>& claims) {
    DRAY_ASSIGN_OR_RETURN(std::shared_ptr<DraConnection> plugin, plugins.Find(driver));
    Result<std::map<std::string, PrepareAnswer>> answers = plugin->Prepare(ctx, claims);
    if (!answers.ok()) return answers.status().Wrapped("NodePrepareResources of driver " + driver);
    for (const auto& [uid, answer] : *answers) {
      auto asked = std::find_if(claims.begin(), claims.end(),
                                [&](const DraClaim& claim) { return claim.uid == uid; });
      if (asked == claims.end()) {
        return Status(Reason::kInternal, "driver " + driver + " answered for claim " + uid +
                                             ", which was not asked for");
      }
      if (!answer.error.empty()) {
        return Status(Reason::kInternal, "driver " + driver + " could not prepare ResourceClaim " +
                                             asked->namespace_ + "/" + asked->name + ": " +
                                             answer.error);
      }
    }
    for (const DraClaim& claim : claims) {
      if (answers->count(claim.uid) == 0) {
        return Status(Reason::kInternal, "driver " + driver + " left ResourceClaim " +
                                             claim.namespace_ + "/" + claim.name +
                                             " out of its answer");
      }
    }
    cache.With([&](Cache& cache) {
      for (const auto& [uid, answer] : *answers) cache.claims[uid].drivers[driver] = answer.devices;
    });
    return Ok();
  }

  // The first failure; `failed` gets the UIDs of the claims that are still prepared.
  Status UnprepareBy(const Context& ctx, const std::string& driver,
                     const std::vector<DraClaim>& claims, std::set<std::string>& failed) {
    Status first;
    auto fail = [&](const DraClaim& claim, const Status& why) {
      failed.insert(claim.uid);
      if (first.ok()) first = why;
    };
    Result<std::shared_ptr<DraConnection>> plugin = plugins.Find(driver);
    Result<std::map<std::string, std::string>> answers =
        plugin.ok() ? (*plugin)->Unprepare(ctx, claims)
                    : Result<std::map<std::string, std::string>>(plugin.status());
    for (const DraClaim& claim : claims) {
      if (!answers.ok()) {
        fail(claim, plugin.ok()
                        ? answers.status().Wrapped("NodeUnprepareResources of driver " + driver)
                        : plugin.status());
        continue;
      }
      auto answer = answers->find(claim.uid);
      if (answer == answers->end()) {
        fail(claim, Status(Reason::kInternal, "driver " + driver + " left claim " + claim.name +
                                                  " out of its answer"));
      } else if (!answer->second.empty()) {
        fail(claim, Status(Reason::kInternal, "driver " + driver + " could not unprepare claim " +
                                                  claim.name + ": " + answer->second));
      }
    }
    return first;
  }
};

NodeClaims::NodeClaims(runtime::Client client, DraPlugins& plugins, std::string checkpoint_file)
    : state_(std::make_unique<State>(std::move(client), plugins, std::move(checkpoint_file))) {}
NodeClaims::~NodeClaims() = default;

Status NodeClaims::Load() {
  Result<std::string> text = runtime::ReadFile(state_->file);
  if (text.Is(Reason::kNotFound)) return Ok();
  if (!text.ok()) return text.status();
  Result<std::vector<ClaimInfo>> claims = DecodeClaimCheckpoint(*text);
  if (!claims.ok()) {
    return Status(Reason::kInvalid, state_->file + ": " + claims.status().message() +
                                        "; remove it only after unpreparing its claims by hand");
  }
  state_->cache.With([&](State::Cache& cache) {
    for (ClaimInfo& claim : *claims) cache.claims[claim.uid] = std::move(claim);
  });
  return Ok();
}

Status NodeClaims::Prepare(const Context& ctx, const api::Pod& pod) {
  DRAY_ASSIGN_OR_RETURN(std::vector<WantedClaim> wanted, WantedClaims(pod));
  if (wanted.empty()) return Ok();
  // 1. Nothing is remembered unless every claim passes.
  std::vector<ClaimInfo> infos;
  std::vector<std::string> uids;
  for (const WantedClaim& one : wanted) {
    DRAY_ASSIGN_OR_RETURN(ClaimInfo info, state_->Check(ctx, pod, one));
    uids.push_back(info.uid);
    infos.push_back(std::move(info));
  }
  DRAY_ASSIGN_OR_RETURN(State::Lease lease, state_->Acquire(uids));
  // 2. Remember before the first driver acts, so that a crash cannot lose what is to be unprepared.
  DRAY_ASSIGN_OR_RETURN(std::set<std::string> todo, state_->Remember(infos, pod.metadata.uid));
  DRAY_RETURN_IF_ERROR(state_->Save());
  // 3. One call per driver, with all of the Pod's claims.
  std::map<std::string, std::vector<DraClaim>> by_driver;
  for (const ClaimInfo& info : infos) {
    if (todo.erase(info.uid) == 0) continue;
    for (const auto& [driver, devices] : info.drivers)
      by_driver[driver].push_back(info.AsDraClaim());
  }
  for (const auto& [driver, claims] : by_driver)
    DRAY_RETURN_IF_ERROR(state_->PrepareBy(ctx, driver, claims));
  state_->cache.With([&](State::Cache& cache) {
    for (const std::string& uid : uids) cache.claims[uid].prepared = true;
  });
  return state_->Save();
}

Status NodeClaims::Unprepare(const Context& ctx, const std::string& pod_uid) {
  std::vector<ClaimInfo> held = state_->cache.With([&](const State::Cache& cache) {
    std::vector<ClaimInfo> found;
    for (const auto& [uid, claim] : cache.claims) {
      if (claim.pod_uids.count(pod_uid)) found.push_back(claim);
    }
    return found;
  });
  if (held.empty()) return Ok();
  std::vector<std::string> uids;
  for (const ClaimInfo& claim : held) uids.push_back(claim.uid);
  DRAY_ASSIGN_OR_RETURN(State::Lease lease, state_->Acquire(uids));
  // 1. Shared claims only lose this Pod. Read again: the lease came after the first look.
  std::map<std::string, std::vector<DraClaim>> by_driver;
  std::vector<std::string> last;
  state_->cache.With([&](State::Cache& cache) {
    for (const std::string& uid : uids) {
      auto at = cache.claims.find(uid);
      if (at == cache.claims.end() || at->second.pod_uids.count(pod_uid) == 0) continue;
      if (at->second.pod_uids.size() > 1) {
        at->second.pod_uids.erase(pod_uid);
        continue;
      }
      last.push_back(uid);
      at->second.prepared = false;  // from the first unprepare on, whatever comes of it
      for (const auto& [driver, devices] : at->second.drivers)
        by_driver[driver].push_back(at->second.AsDraClaim());
    }
  });
  // 2. Every driver gets its call, even when another one fails.
  std::set<std::string> failed;
  Status first;
  for (const auto& [driver, claims] : by_driver) {
    Status status = state_->UnprepareBy(ctx, driver, claims, failed);
    if (first.ok()) first = status;
  }
  state_->cache.With([&](State::Cache& cache) {
    for (const std::string& uid : last) {
      if (failed.count(uid) == 0) cache.claims.erase(uid);
    }
  });
  Status saved = state_->Save();
  return first.ok() ? saved : first;
}

std::vector<std::string> NodeClaims::CdiDevices(const api::Pod& pod,
                                                const api::Container& container) const {
  std::vector<std::string> ids;
  auto add = [&](const std::string& claim_name, const std::string& request) {
    state_->cache.With([&](const State::Cache& cache) {
      for (const auto& [uid, claim] : cache.claims) {
        if (claim.namespace_ != pod.metadata.namespace_ || claim.name != claim_name) continue;
        for (const auto& [driver, devices] : claim.drivers) {
          for (const PreparedDevice& device : devices) {
            if (!Serves(device, request)) continue;
            for (const std::string& id : device.cdi_ids) {
              if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
            }
          }
        }
      }
    });
  };
  for (const api::ContainerClaim& use : container.resources.claims) {
    for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
      if (entry.name != use.name) continue;
      add(claims::ClaimNameFor(pod, entry).value_or(""), use.request);
    }
  }
  if (pod.status.extended_resource_claim_status) {
    for (const auto& mapping : pod.status.extended_resource_claim_status->request_mappings) {
      if (mapping.container_name != container.name) continue;
      add(pod.status.extended_resource_claim_status->resource_claim_name, mapping.request_name);
    }
  }
  return ids;
}

std::vector<api::ResourceStatus> NodeClaims::HealthOf(const api::Pod& pod,
                                                      const api::Container& container) const {
  std::vector<api::ResourceStatus> statuses;
  for (const api::ContainerClaim& use : container.resources.claims) {
    auto entry = std::find_if(pod.spec.resource_claims.begin(), pod.spec.resource_claims.end(),
                              [&](const auto& one) { return one.name == use.name; });
    if (entry == pod.spec.resource_claims.end()) continue;
    const std::string claim_name = claims::ClaimNameFor(pod, *entry).value_or("");
    // Devices know the request without what was chosen of it.
    const std::string request = use.request.substr(0, use.request.find('/'));
    api::ResourceStatus status;
    status.name = "claim:" + use.name + (use.request.empty() ? "" : "/" + use.request);
    state_->cache.With([&](const State::Cache& cache) {
      for (const auto& [uid, claim] : cache.claims) {
        if (claim.namespace_ != pod.metadata.namespace_ || claim.name != claim_name) continue;
        for (const auto& [driver, devices] : claim.drivers) {
          for (const PreparedDevice& device : devices) {
            if (!Serves(device, request)) continue;
            api::ResourceHealth health;
            health.resource_id = device.cdi_ids.empty()
                                     ? driver + "/" + device.pool + "/" + device.device
                                     : device.cdi_ids[0];
            if (std::any_of(status.resources.begin(), status.resources.end(),
                            [&](const auto& one) { return one.resource_id == health.resource_id; }))
              continue;
            DeviceHealth now = state_->plugins.HealthOf(driver, device.pool, device.device);
            health.health = std::move(now.health);
            health.message = std::move(now.message);
            status.resources.push_back(std::move(health));
          }
        }
      }
    });
    if (!status.resources.empty()) statuses.push_back(std::move(status));
  }
  return statuses;
}

std::vector<ClaimInfo> NodeClaims::ClaimsOf(const api::Pod& pod,
                                            const api::Container& container) const {
  std::set<std::string> names;
  for (const api::ContainerClaim& use : container.resources.claims) {
    for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
      if (entry.name == use.name) names.insert(claims::ClaimNameFor(pod, entry).value_or(""));
    }
  }
  if (pod.status.extended_resource_claim_status) {
    for (const auto& mapping : pod.status.extended_resource_claim_status->request_mappings) {
      if (mapping.container_name == container.name) {
        names.insert(pod.status.extended_resource_claim_status->resource_claim_name);
      }
    }
  }
  return state_->cache.With([&](const State::Cache& cache) {
    std::vector<ClaimInfo> found;
    for (const auto& [uid, claim] : cache.claims) {
      if (claim.namespace_ == pod.metadata.namespace_ && names.count(claim.name))
        found.push_back(claim);
    }
    return found;
  });
}

std::set<std::string> NodeClaims::PodUids() const {
  return state_->cache.With([](const State::Cache& cache) {
    std::set<std::string> uids;
    for (const auto& [uid, claim] : cache.claims)
      uids.insert(claim.pod_uids.begin(), claim.pod_uids.end());
    return uids;
  });
}

}  // namespace dray::devcluster
