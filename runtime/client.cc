#include "dray/runtime/client.h"

#include <nlohmann/json.hpp>

#include "dray/base/log.h"
#include "runtime/api_versions.h"
#include "runtime/retry_after.h"

namespace dray::runtime {
namespace {

constexpr int kMostRetries = 10;
// client-go waits as long as it is told; a proxy's mistake must not stop a controller for days.
constexpr std::chrono::seconds kLongestWait(30);

std::string Escape(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string escaped;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      escaped.push_back(static_cast<char>(c));
    } else {
      escaped += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return escaped;
}

class Query {
 public:
  Query& Add(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += (text_.empty() ? "?" : "&");
    text_ += name;
    text_ += "=" + Escape(value);
    return *this;
  }
  Query& Add(std::string_view name, int64_t value) {
    return value == 0 ? *this : Add(name, std::to_string(value));
  }
  Query& Flag(std::string_view name, bool set) { return set ? Add(name, "true") : *this; }
  Query& DryRun(bool set) { return set ? Add("dryRun", "All") : *this; }
  Query& Selectors(const ListOptions& options) {
    return Add("labelSelector", options.label_selector)
        .Add("fieldSelector", options.field_selector);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string_view ContentType(PatchType type) {
  switch (type) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategic:
      return "application/strategic-merge-patch+json";
    case PatchType::kApply:
      return "application/apply-patch+yaml";
  }
  return "";
}

std::optional<std::chrono::seconds> RetryAfter(const ApiResponse& response) {
  const std::optional<std::chrono::seconds> asked = RetryAfterOf(response.headers);
  return asked ? std::optional(std::min(*asked, kLongestWait)) : std::nullopt;
}

// Asks until there is an answer that is not "later".
Result<ApiResponse> Ask(Transport& transport, const Context& ctx, const ApiRequest& request) {
  for (int retries = 0;; ++retries) {
    DRAY_ASSIGN_OR_RETURN(ApiResponse response, transport.Do(ctx, request));
    bool later = response.code == 429 || response.code >= 500;
    std::optional<std::chrono::seconds> wait = RetryAfter(response);
    if (!later || !wait || retries == kMostRetries) return response;
    if (ctx.deadline() != SteadyTime::max() && ctx.clock().Steady() + *wait >= ctx.deadline())
      return response;
    VLOG(1) << ctx.trace() << (ctx.trace().empty() ? "" : ": ") << request.method << " "
            << request.path << ": " << response.code << ", again in " << wait->count() << " s";
    DRAY_RETURN_IF_ERROR(ctx.Sleep(*wait));
  }
}

// True when the path itself is unknown to the server, rather than the object at its end.
bool PathIsUnknown(const ApiResponse& response) {
  if (response.code != 404) return false;
  Json status = Json::parse(response.body, nullptr, false);
  if (!status.is_object()) return true;
  auto details = status.find("details");
  return details == status.end() || !details->is_object() || !details->contains("name");
}

Status Failure(const ApiResponse& response) {
  if (response.code >= 200 && response.code < 300) return Ok();
  Status status = api::DecodeStatus(response.code, response.body);
  if (status.ok())
    status = Status(Reason::kInternal, "the server answered " + std::to_string(response.code) +
                                           " with a success body");
  if (!status.retry_after) status.retry_after = RetryAfter(response);
  return status;
}

std::string PathIn(std::string_view version, const api::KindInfo& kind, std::string_view namespace_,
                   std::string_view name, std::string_view subresource) {
  std::string path = kind.group.empty() ? "/api/" : "/apis/" + std::string(kind.group) + "/";
  path += version;
  if (kind.namespaced && !namespace_.empty()) path += "/namespaces/" + Escape(namespace_);
  path += "/" + std::string(kind.resource);
  if (!name.empty()) path += "/" + Escape(name);
  if (!subresource.empty()) path += "/" + Escape(subresource);
  return path;
}

// A body of ours as the server's version has it. Patches that do not say their version are the same
// in all of them.
std::string InVersion(const api::KindInfo& kind, std::string_view version, std::string body) {
  if (version == kind.version || body.empty()) return body;
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || json.value("apiVersion", Json()) != kind.ApiVersion()) return body;
  return api::ToVersion(json, version).dump();
}

struct Call {
  const api::KindInfo& kind;
  std::string_view namespace_, name, subresource;
  std::string query, method, content_type;
  std::string body;
  bool body_is_object = true;  // not DeleteOptions
};

Result<std::string> Send(Transport& transport, ApiVersions& versions, const Context& ctx,
                         const Call& call) {
  for (bool again = true;; again = false) {
    DRAY_ASSIGN_OR_RETURN(std::string version, versions.Of(transport, ctx, call.kind));
    ApiRequest request;
    request.method = call.method;
    request.path =
        PathIn(version, call.kind, call.namespace_, call.name, call.subresource) + call.query;
    request.body = call.body_is_object ? InVersion(call.kind, version, call.body) : call.body;
    request.content_type = call.content_type;
    DRAY_ASSIGN_OR_RETURN(ApiResponse response, Ask(transport, ctx, request));
    Status failure = Failure(response);
    if (failure.ok()) return std::move(response.body);
    if (!again || !PathIsUnknown(response) || !versions.Doubt(call.kind, version)) return failure;
  }
}

}  // namespace

struct Client::Versions : ApiVersions {};

Client::Client(std::shared_ptr<Transport> transport)
    : transport_(std::move(transport)), versions_(std::make_shared<Versions>()) {}

std::string Client::PathOf(const api::KindInfo& kind, std::string_view namespace_,
                           std::string_view name, std::string_view subresource) {
  return PathIn(kind.version, kind, namespace_, name, subresource);
}

Result<std::string> Client::GetRaw(const Context& ctx, const api::KindInfo& kind,
                                   const api::ObjectKey& key) const {
  return Send(*transport_, *versions_, ctx,
              {kind, key.namespace_, key.name, "", "", "GET", "", ""});
}

Result<std::string> Client::ListRaw(const Context& ctx, const api::KindInfo& kind,
                                    const ListOptions& options, std::string_view token) const {
  Query query;
  query.Selectors(options).Add("limit", options.limit).Add("continue", token);
  // A continue token carries its own resource version and refuses another one beside it.
  if (token.empty()) query.Add("resourceVersion", options.resource_version);
  return Send(*transport_, *versions_, ctx,
              {kind, options.namespace_, "", "", query.text(), "GET", "", ""});
}

Result<std::string> Client::CreateRaw(const Context& ctx, const api::KindInfo& kind,
                                      std::string_view namespace_, std::string body,
                                      bool dry_run) const {
  return Send(*transport_, *versions_, ctx,
              {kind, namespace_, "", "", Query().DryRun(dry_run).text(), "POST", "application/json",
               std::move(body)});
}

Result<std::string> Client::CreateSubresource(const Context& ctx, const api::KindInfo& kind,
                                              const api::ObjectKey& key,
                                              std::string_view subresource,
                                              std::string body) const {
  return Send(*transport_, *versions_, ctx,
              {kind, key.namespace_, key.name, subresource, "", "POST", "application/json",
               std::move(body)});
}

Result<std::string> Client::UpdateRaw(const Context& ctx, const api::KindInfo& kind,
                                      const api::ObjectKey& key, std::string_view subresource,
                                      std::string body) const {
  return Send(*transport_, *versions_, ctx,
              {kind, key.namespace_, key.name, subresource, "", "PUT", "application/json",
               std::move(body)});
}

Result<std::string> Client::PatchRaw(const Context& ctx, const api::KindInfo& kind,
                                     const api::ObjectKey& key, PatchType type,
                                     std::string_view patch, const PatchOptions& options) const {
  Query query;
  query.Add("fieldManager", options.field_manager).DryRun(options.dry_run);
  query.Flag("force", type == PatchType::kApply && options.force);
  return Send(*transport_, *versions_, ctx,
              {kind, key.namespace_, key.name, options.subresource, query.text(), "PATCH",
               std::string(ContentType(type)), std::string(patch)});
}

Status Client::DeleteRaw(const Context& ctx, const api::KindInfo& kind, const api::ObjectKey& key,
                         const DeleteOptions& options) const {
  Json body = {{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (options.uid) body["preconditions"]["uid"] = *options.uid;
  if (options.resource_version)
    body["preconditions"]["resourceVersion"] = *options.resource_version;
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  if (!options.propagation_policy.empty()) body["propagationPolicy"] = options.propagation_policy;
  if (options.dry_run) body["dryRun"] = Json::array({"All"});
  return Send(*transport_, *versions_, ctx,
              {kind, key.namespace_, key.name, "", "", "DELETE", "application/json", body.dump(),
               false})
      .status();
}

Status Client::DeleteCollection(const Context& ctx, const api::KindInfo& kind,
                                const ListOptions& options) const {
  return Send(*transport_, *versions_, ctx,
              {kind, options.namespace_, "", "", Query().Selectors(options).text(), "DELETE", "",
               "", false})
      .status();
}

Status Client::WatchRaw(const Context& ctx, const api::KindInfo& kind, const ListOptions& options,
                        bool send_initial_events,
                        const std::function<bool(std::string_view line)>& on_line) const {
  Query query;
  query.Flag("watch", true).Flag("allowWatchBookmarks", true).Selectors(options);
  query.Add("resourceVersion", options.resource_version)
      .Add("timeoutSeconds", options.timeout_seconds);
  if (send_initial_events)
    query.Flag("sendInitialEvents", true).Add("resourceVersionMatch", "NotOlderThan");
  for (bool again = true;; again = false) {
    DRAY_ASSIGN_OR_RETURN(std::string version, versions_->Of(*transport_, ctx, kind));
    ApiRequest request;
    request.path = PathIn(version, kind, options.namespace_, "", "") + query.text();
    Status status = transport_->Watch(ctx, request, on_line);
    // A collection is always there: NotFound means that the server does not know this path.
    if (!again || !status.Is(Reason::kNotFound) || !versions_->Doubt(kind, version)) return status;
  }
}

}  // namespace dray::runtime
