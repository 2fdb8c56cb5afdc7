#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "dray/base/clock.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// Calls to admission webhooks, as kube-apiserver makes them (facts:
// apiserver/pkg/admission/plugin/webhook).
namespace dray::devcluster {

class MatchConditions;

struct GroupVersionName {
  std::string group, version, name;  // name: the kind or the resource
};

// One write that hooks may have a say in.
struct AdmissionCall {
  std::string operation;  // CREATE UPDATE DELETE
  GroupVersionName kind, resource;
  std::string subresource, name, namespace_;
  bool namespaced = true;
  std::string user;
  std::vector<std::string> groups;
  bool dry_run = false;
  std::string options_kind;          // "CreateOptions"
  const Json* old_object = nullptr;  // UPDATE, DELETE
};

// What the caller needs from the rest of the cluster. Any thread.
class AdmissionView {
 public:
  struct Configuration {
    std::string name;
    uint64_t version = 0;  // changes whenever the document does
    std::shared_ptr<const Json> document;
    std::shared_ptr<const MatchConditions> conditions;  // of its webhooks; null: none has any
  };
  // "host:port" of a ready endpoint behind a Service port, in any order.
  using Endpoints = std::vector<std::string>;

  virtual ~AdmissionView() = default;
  // Ordered by name.
  virtual std::vector<Configuration> Configurations(bool mutating) const = 0;
  // Null when there is no such namespace.
  virtual std::shared_ptr<const std::map<std::string, std::string, std::less<>>> NamespaceLabels(
      const std::string& name) const = 0;
  virtual Result<Endpoints> EndpointsOf(const std::string& namespace_, const std::string& service,
                                        int64_t port) const = 0;
};

// Any thread. Connections are kept per endpoint.
class WebhookCaller {
 public:
  // Both outlive the caller. `stop` cuts running calls short.
  WebhookCaller(Clock& clock, const AdmissionView& view, std::stop_token stop);
  ~WebhookCaller();

  // Mutating hooks one after another, sorted by configuration name, each if the object concerns it
  // as those before have left it; `complete` runs after each patch (types, defaults). Warnings of
  // hooks are appended. A denial or failure comes back with the code of the hook's status, or 500;
  // kForbidden when matchConditions could not be evaluated.
  Status Mutate(const AdmissionCall& call, Json& object,
                const std::function<Status(Json&)>& complete, std::vector<std::string>& warnings);
  // Validating hooks, side by side. `object` is null for DELETE.
  Status Validate(const AdmissionCall& call, const Json& object,
                  std::vector<std::string>& warnings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
