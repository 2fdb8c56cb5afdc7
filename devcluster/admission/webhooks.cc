#include "devcluster/admission/webhooks.h"

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "devcluster/admission/match_conditions.h"
#include "devcluster/admission/matching.h"
#include "devcluster/admission/review.h"
#include "devcluster/apiserver/json_access.h"
#include "dray/api/patch.h"
#include "dray/base/base64.h"
#include "dray/base/context.h"
#include "dray/base/guarded.h"
#include "dray/runtime/pki.h"
#include "dray/runtime/transport.h"

namespace dray::devcluster {
namespace {

constexpr int64_t kDefaultTimeout = 10;

Status CallFailed(const std::string& hook, const Status& why) {
  return Status(Reason::kInternal, "Internal error occurred: failed calling webhook \"" + hook +
                                       "\": " + why.message());
}

bool ForgivesDryRun(const Json& webhook) {
  std::string effects = StringAt(webhook, "sideEffects");
  return effects == "None" || effects == "NoneOnDryRun";
}

// "https://host:port/path?query" in two.
std::pair<std::string, std::string> SplitUrl(const std::string& url) {
  size_t path = url.find('/', url.find("://") + 3);
  if (path == std::string::npos) return {url, "/"};
  return {url.substr(0, path), url.substr(path)};
}

}  // namespace

struct WebhookCaller::State {
  Clock& clock;
  const AdmissionView& view;
  std::stop_token stop;
  // One per endpoint, CA and server name: they keep their connections.
  Guarded<std::map<std::string, std::shared_ptr<runtime::Transport>>> transports;
  std::atomic<uint64_t> turn{0};

  struct Hook {
    AdmissionView::Configuration configuration;  // keeps `webhook` alive
    const Json* webhook;
    size_t index;  // in its configuration
    std::string name;
  };

  Result<std::shared_ptr<runtime::Transport>> TransportTo(const std::string& server,
                                                          const std::string& ca,
                                                          const std::string& server_name) {
    std::string key = server + "\n" + server_name + "\n" + ca;
    std::shared_ptr<runtime::Transport> known = transports.With([&](auto& map) {
      auto found = map.find(key);
      return found == map.end() ? nullptr : found->second;
    });
    if (known) return known;
    runtime::ClusterAccess access;
    access.server = server;
    access.ca_pem = ca;
    access.tls_server_name = server_name;
    access.user_agent = "kube-apiserver-admission";
    DRAY_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Transport> made,
                          runtime::MakeRestTransport(access));
    transports.With([&](auto& map) {
      // Endpoints of long gone processes are not worth remembering.
      constexpr size_t kMost = 64;
      if (map.size() >= kMost) map.clear();
      map[key] = made;
    });
    return made;
  }

  // Where the hook listens, in the order to try; with the name that its certificate must have.
  struct Target {
    std::vector<std::string> servers;  // "https://host:port"
    std::string path, server_name;
  };
  Result<Target> TargetOf(const Json& webhook) {
    Target target;
    if (std::string url = StringAt(webhook, "clientConfig.url"); !url.empty()) {
      auto [server, path] = SplitUrl(url);
      target.servers = {server};
      target.path = path;
      return target;
    }
    std::string service = StringAt(webhook, "clientConfig.service.name");
    std::string namespace_ = StringAt(webhook, "clientConfig.service.namespace");
    target.path = StringAt(webhook, "clientConfig.service.path");
    if (target.path.empty()) target.path = "/";
    target.server_name = service + "." + namespace_ + ".svc";
    int64_t port = IntAt(webhook, "clientConfig.service.port").value_or(443);
    DRAY_ASSIGN_OR_RETURN(AdmissionView::Endpoints endpoints,
                          view.EndpointsOf(namespace_, service, port));
    size_t first = turn.fetch_add(1) % endpoints.size();
    for (size_t i = 0; i < endpoints.size(); ++i)
      target.servers.push_back("https://" + endpoints[(first + i) % endpoints.size()]);
    return target;
  }

  // Sends one review; kInternal and friends mean that the hook could not be asked.
  Result<Verdict> Ask(const Hook& hook, const AdmissionCall& call, const Json& object,
                      bool mutating) {
    DRAY_ASSIGN_OR_RETURN(Target target, TargetOf(*hook.webhook));
    std::string ca;
    if (std::string bundle = StringAt(*hook.webhook, "clientConfig.caBundle"); !bundle.empty())
      ca = DecodeBase64(bundle).value_or("");
    int64_t timeout = IntAt(*hook.webhook, "timeoutSeconds").value_or(kDefaultTimeout);
    Context ctx = Context(clock, stop).WithTimeout(std::chrono::seconds(timeout));
    std::string uid = runtime::NewUuid();
    runtime::ApiRequest request;
    request.method = "POST";
    request.path = target.path + (target.path.find('?') == std::string::npos ? "?" : "&") +
                   "timeout=" + std::to_string(timeout) + "s";
    request.content_type = "application/json";
    request.body = EncodeReview(call, object, uid);
    Status last(Reason::kUnavailable, "no endpoint");
    for (const std::string& server : target.servers) {
      DRAY_ASSIGN_OR_RETURN(auto transport, TransportTo(server, ca, target.server_name));
      Result<runtime::ApiResponse> response = transport->Do(ctx, request);
      if (response.ok())
        return DecodeReview(hook.name, response->code, response->body, uid, mutating);
      last = response.status().Wrapped("Post \"" + server + request.path + "\"");
      if (!last.Is(Reason::kUnavailable)) break;  // time is up
    }
    return last;
  }

  // All hooks, in the order in which they are asked.
  std::vector<Hook> Hooks(bool mutating) const {
    std::vector<Hook> hooks;
    for (AdmissionView::Configuration& configuration : view.Configurations(mutating)) {
      const Json* webhooks = FindArray(*configuration.document, "webhooks");
      for (size_t i = 0; webhooks && i < webhooks->size(); ++i)
        hooks.push_back({configuration, &(*webhooks)[i], i, StringAt((*webhooks)[i], "name")});
    }
    return hooks;
  }

  // Whether a hook has to be asked about the object as it is now. A denial for one that does not
  // stand a dry run.
  Result<bool> Concerns(const Hook& hook, const AdmissionCall& call, const Json& object) const {
    DRAY_ASSIGN_OR_RETURN(bool wanted, HookWants(*hook.webhook, call, object, view));
    if (wanted && hook.configuration.conditions) {
      DRAY_ASSIGN_OR_RETURN(wanted, hook.configuration.conditions->Match(hook.index, call, object));
    }
    if (wanted && call.dry_run && !ForgivesDryRun(*hook.webhook))
      return Status(Reason::kBadRequest,
                    "admission webhook \"" + hook.name + "\" does not support dry run");
    return wanted;
  }

  // Asks one mutating hook and applies its patch. `changed` when the object is another one now.
  Status MutateOnce(const Hook& hook, const AdmissionCall& call, Json& object,
                    const std::function<Status(Json&)>& complete,
                    std::vector<std::string>& warnings, bool& changed) {
    Result<Verdict> verdict = Ask(hook, call, object, true);
    if (!verdict.ok()) {
      if (StringAt(*hook.webhook, "failurePolicy") == "Ignore") return Ok();
      return CallFailed(hook.name, verdict.status());
    }
    warnings.insert(warnings.end(), verdict->warnings.begin(), verdict->warnings.end());
    if (!verdict->allowed) return verdict->denial;
    if (verdict->patch.empty()) return Ok();
    if (!object.is_object())
      return CallFailed(hook.name, Status(Reason::kInternal, "a DELETE cannot be patched"));
    Result<Json> patch = ParseJson(verdict->patch);
    if (!patch.ok()) return CallFailed(hook.name, patch.status());
    Result<Json> patched = api::ApplyJsonPatch(object, *patch);
    if (!patched.ok()) return CallFailed(hook.name, patched.status());
    if (!patched->is_object())
      return CallFailed(hook.name, Status(Reason::kInternal, "the patch leaves no object behind"));
    if (complete) {
      if (Status status = complete(*patched); !status.ok())
        return Status(Reason::kInternal, "Internal error occurred: " + status.message());
    }
    changed = *patched != object;
    object = std::move(*patched);
    return Ok();
  }
};

WebhookCaller::WebhookCaller(Clock& clock, const AdmissionView& view, std::stop_token stop)
    : state_(new State{clock, view, std::move(stop), {}, {}}) {}
WebhookCaller::~WebhookCaller() = default;

Status WebhookCaller::Mutate(const AdmissionCall& call, Json& object,
                             const std::function<Status(Json&)>& complete,
                             std::vector<std::string>& warnings) {
  const std::vector<State::Hook> hooks = state_->Hooks(true);
  // Each hook is chosen by what those before it have made of the object.
  auto ask = [&](const State::Hook& hook, bool& changed) -> Result<bool> {
    DRAY_ASSIGN_OR_RETURN(bool wanted, state_->Concerns(hook, call, object));
    if (wanted)
      DRAY_RETURN_IF_ERROR(state_->MutateOnce(hook, call, object, complete, warnings, changed));
    return wanted;
  };
  std::vector<const State::Hook*> asked;
  // How many had been asked before the last that changed the object: those among them with
  // IfNeeded are asked once more.
  size_t before_change = 0;
  for (const State::Hook& hook : hooks) {
    bool changed = false;
    DRAY_ASSIGN_OR_RETURN(bool wanted, ask(hook, changed));
    if (changed) before_change = asked.size();
    if (wanted) asked.push_back(&hook);
  }
  for (size_t i = 0; i < before_change; ++i) {
    if (StringAt(*asked[i]->webhook, "reinvocationPolicy") != "IfNeeded") continue;
    bool changed = false;
    DRAY_RETURN_IF_ERROR(ask(*asked[i], changed).status());
  }
  return Ok();
}

Status WebhookCaller::Validate(const AdmissionCall& call, const Json& object,
                               std::vector<std::string>& warnings) {
  std::vector<State::Hook> hooks;
  for (State::Hook& hook : state_->Hooks(false)) {
    DRAY_ASSIGN_OR_RETURN(bool wanted, state_->Concerns(hook, call, object));
    if (wanted) hooks.push_back(std::move(hook));
  }
  std::vector<Result<Verdict>> verdicts(hooks.size(), Result<Verdict>(Verdict{}));
  {
    std::vector<std::jthread> threads;  // joined here
    for (size_t i = 1; i < hooks.size(); ++i)
      threads.emplace_back([&, i] { verdicts[i] = state_->Ask(hooks[i], call, object, false); });
    if (!hooks.empty()) verdicts[0] = state_->Ask(hooks[0], call, object, false);
  }
  for (size_t i = 0; i < hooks.size(); ++i) {
    if (!verdicts[i].ok()) {
      if (StringAt(*hooks[i].webhook, "failurePolicy") == "Ignore") continue;
      return CallFailed(hooks[i].name, verdicts[i].status());
    }
    const Verdict& verdict = *verdicts[i];
    warnings.insert(warnings.end(), verdict.warnings.begin(), verdict.warnings.end());
    if (!verdict.allowed) return verdict.denial;
  }
  return Ok();
}

}  // namespace dray::devcluster
