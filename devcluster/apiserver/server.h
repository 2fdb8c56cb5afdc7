#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "devcluster/admission/webhooks.h"
#include "devcluster/apiserver/api_server.h"
#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/request.h"
#include "devcluster/apiserver/watch_hub.h"
#include "devcluster/store/store.h"
#include "dray/base/guarded.h"

// What the parts of the API server share. Only files of this folder include it.
namespace dray::devcluster {

class OpenApi;

// One request on its way through the server.
struct Call {
  runtime::HttpRequest http;
  UserInfo user;
  ResourcePath path;
  Query query;
  Form form = Form::kPlain;
  const Resource* resource = nullptr;
  bool dry_run = false;
  std::vector<std::string> warnings;  // for Warning headers

  std::string Key() const { return KeyOf(path.name); }
  std::string KeyOf(const std::string& name) const {
    return path.namespace_.empty() ? name : path.namespace_ + "/" + name;
  }
  // fieldManager, or the User-Agent up to its first '/'.
  std::string Manager() const;
};

struct Answer {
  int code = 200;
  std::string body;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers;
};

struct Server {
  explicit Server(ApiServerOptions options);
  ~Server();

  WallTime Now() const { return clock.Now(); }
  // A stored document; null when it is not there.
  ObjectPtr Find(const Resource& resource, std::string_view key) const {
    return store.Get(resource.storage, key);
  }

  ApiServerOptions options;
  Clock& clock;
  const Registry registry;
  Store store;
  WatchHub watches;
  std::stop_source stop;
  std::unique_ptr<AdmissionView> view;
  std::unique_ptr<WebhookCaller> webhooks;
  std::unique_ptr<OpenApi> open_api;
  Guarded<LogSource> logs;
  Guarded<SteadyTime> last_expiry;  // when objects that expire were last looked through
};

// The stored text in the form that the call asked for.
Answer ObjectAnswer(const Server& server, const Call& call, int code, const std::string& text);
// A metav1.Status that says Success, about the object of the call.
Answer SuccessAnswer(const Call& call, int code, const std::string& uid);
// A failure in the words of kube-apiserver, with details about the object of the call.
Answer FailureAnswer(const Call& call, const Status& status);

Status NotFoundError(const Call& call);
Status ConflictError(const Call& call);  // the object has been modified
Status AlreadyExistsError(const Call& call, const std::string& name);
Status ForbiddenError(const Call& call, const std::string& name, const std::string& why);

}  // namespace dray::devcluster
