#pragma once

#include <map>
#include <string>

#include "controllers/deviceclass/class_matches.h"
#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/work_queue.h"

namespace dray::controllers {

// The DeviceClasses of the configuration, by name: manifests (resource.k8s.io/v1) as JSON text.
using ConfiguredClasses = std::map<std::string, std::string>;

// Reads DeviceClass manifests from YAML text. kInvalid names file, document and what is wrong
// (another kind, no name, two of one name, an invalid spec, a selector that does not compile).
Result<ConfiguredClasses> ReadDeviceClasses(std::string_view yaml, std::string_view file);
// The classes that the program brings along (config/deviceclasses).
Result<ConfiguredClasses> BuiltInDeviceClasses();

// Keeps DeviceClasses as configured, by server-side apply: creates, repairs drift, deletes what it
// made, that the configuration no longer names and no claim uses. A field that another manager owns
// is not fought over: event and metric. Compiles the selectors of every class, also foreign ones,
// and says what is wrong at the class, with line and column; counts the devices that each class
// selects, and says so of a class that selects none, and of a selector that fails on a device. Each
// thing is said once, and again when it changes.
class DeviceClassReconciler : public runtime::Reconciler {
 public:
  struct Options {
    runtime::Client client;
    const runtime::Lister<api::DeviceClass>* classes = nullptr;
    const runtime::Lister<api::ResourceClaim>* claims =
        nullptr;  // indexed "waits": "yes" for those without an allocation
    const runtime::Lister<api::ResourceClaimTemplate>* templates = nullptr;
    runtime::EventRecorder* events = nullptr;
    runtime::Metrics* metrics = nullptr;
    ConfiguredClasses configured;
    const runtime::Lister<api::ResourceSlice>* slices = nullptr;  // null: nothing is counted
    Duration empty_after =
        std::chrono::minutes(1);  // a class selects nothing for so long before it is said
  };
  explicit DeviceClassReconciler(Options options);

  // `key.name`: a configured or an existing class.
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  Status Apply(const Context& ctx, const std::string& name, const std::string& manifest);
  Status Prune(const Context& ctx, const api::DeviceClass& present, Duration* retry);
  void CheckSelectors(const api::DeviceClass& present);
  // After how long to count again; nothing when only a change can bring news.
  std::optional<Duration> CountDevices(const api::DeviceClass& present, SteadyTime now);
  // An event, unless the last one of that reason said the same. An empty message: it is no longer
  // so.
  void Say(const api::DeviceClass& present, std::string_view type, const char* reason,
           const std::string& message);
  void Forget(const std::string& name);
  // By the caches: claims that wait, templates. By the server, which also knows what allocated
  // claims once asked for.
  bool InUse(const std::string& name) const;
  Result<bool> InUseByServer(const Context& ctx, const std::string& name);

  Options options_;
  // The version of a class for which an apply brings nothing new: done, or refused for a field of
  // someone else.
  Guarded<std::map<std::string, std::string>> settled_;
  ClassMatches matches_;
  Guarded<std::map<std::string, SteadyTime>> empty_since_;
  // A class that is no longer configured -> the claim that the server showed to name it.
  Guarded<std::map<std::string, api::ObjectKey>> named_by_;
  Guarded<std::map<std::string, std::map<std::string, std::string>>>
      said_;  // class -> reason -> last message
};

}  // namespace dray::controllers
