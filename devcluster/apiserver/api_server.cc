#include "devcluster/apiserver/api_server.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/cluster_view.h"
#include "devcluster/apiserver/discovery.h"
#include "devcluster/apiserver/dispatch.h"
#include "devcluster/apiserver/in_process_transport.h"
#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/metadata.h"
#include "devcluster/apiserver/openapi.h"
#include "devcluster/apiserver/server.h"
#include "dray/base/log.h"

namespace dray::devcluster {
namespace {

// The values of a kind's field selectors, as the store keeps them beside an object.
Store::FieldsOf FieldsOf(const Resource& resource) {
  return [fields = resource.fields](const Json& object) {
    std::vector<std::string> values;
    for (const FieldSelector& field : fields) {
      const Json* value = Find(object, field.path);
      if (!value || value->is_null())
        values.push_back(field.if_absent);
      else
        values.push_back(value->is_string() ? value->get<std::string>() : Dump(*value));
    }
    return values;
  };
}

std::vector<Store::FieldsOf> AllFields(const Registry& registry) {
  std::vector<Store::FieldsOf> fields;
  for (const Resource* resource : registry.Stored()) fields.push_back(FieldsOf(*resource));
  return fields;
}

// Versions grow by far less than a thousand a second, so that those of an earlier run lie below.
uint64_t FirstVersion(const ApiServerOptions& options) {
  if (options.first_resource_version != 0) return options.first_resource_version;
  auto since_epoch = options.clock->Now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
}

void CreateNamespaces(Server& server) {
  const Resource& resource = *server.registry.FindKind("", "Namespace");
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    Json object = {{"kind", "Namespace"}, {"apiVersion", "v1"}, {"metadata", {{"name", name}}}};
    resource.defaults(object, server.Now());
    StampNew(resource, object, server.Now());
    resource.on_create(object);
    // The store is empty: nothing can be in the way.
    (void)server.store.Create(resource.storage, std::move(object), server.Now());
  }
}

}  // namespace

Server::Server(ApiServerOptions given)
    : options(std::move(given)),
      clock(*options.clock),
      store(AllFields(registry), FirstVersion(options), options.watch_history),
      watches(clock, store),
      view(std::make_unique<ClusterView>(registry, store)),
      webhooks(std::make_unique<WebhookCaller>(clock, *view, stop.get_token())),
      open_api(std::make_unique<OpenApi>(registry)) {
  store.OnChange([this] { watches.Wake(); });
  CreateNamespaces(*this);
}

Server::~Server() {
  stop.request_stop();
}

struct ApiServer::State {
  explicit State(ApiServerOptions options) : server(std::move(options)) {}
  Server server;
};

ApiServer::ApiServer(ApiServerOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
ApiServer::~ApiServer() = default;

void ApiServer::Handle(runtime::HttpRequest request,
                       std::shared_ptr<runtime::HttpResponder> responder) {
  Server& server = state_->server;
  Call call;
  call.http = std::move(request);
  call.query = Query(call.http.target);
  if (std::optional<Answer> probe = ServeProbes(call.http.path(), call.query)) {
    responder->Send({.code = probe->code,
                     .body = std::move(probe->body),
                     .content_type = std::move(probe->content_type),
                     .headers = {}});
    return;
  }
  Result<UserInfo> user = Authenticate(server, call.http);
  if (!user.ok()) return SendStatus(*responder, user.status());
  call.user = std::move(*user);
  std::string line = call.http.method + " " + call.http.target;
  try {
    Dispatch(server, std::move(call), responder);
  } catch (const Json::exception& error) {
    // A document of a shape that no check has caught: the request fails, the server does not.
    LOG(ERROR) << line << ": " << error.what();
    SendStatus(*responder,
               Status(Reason::kInternal, std::string("Internal error occurred: ") + error.what()));
  }
}

std::shared_ptr<runtime::Transport> ApiServer::InProcess(std::string user,
                                                         std::vector<std::string> groups) {
  return MakeInProcessTransport(
      [this](runtime::HttpRequest request, std::shared_ptr<runtime::HttpResponder> responder) {
        Handle(std::move(request), std::move(responder));
      },
      std::move(user), std::move(groups));
}

std::function<void()> ApiServer::Backup() {
  return [store = &state_->server.store, backup = state_->server.store.Save()] {
    store->Restore(backup);
  };
}

void ApiServer::SetLogSource(LogSource source) {
  state_->server.logs.With([&](LogSource& present) { present = std::move(source); });
}

}  // namespace dray::devcluster
