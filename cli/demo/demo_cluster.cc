#include "cli/demo/demo_cluster.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "dray/api/claims.h"
#include "dray/api/types/workload.h"
#include "dray/base/embedded.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"

namespace dray::cli {
namespace {

constexpr auto kTimeout = std::chrono::seconds(20);

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

Result<api::KindInfo> KindNamed(const std::string& kind) {
  static constexpr api::KindInfo kKinds[] = {
      api::KindOf<api::Pod>::value, api::KindOf<api::Deployment>::value,
      api::KindOf<api::ResourceClaim>::value, api::KindOf<api::ResourceClaimTemplate>::value};
  for (const api::KindInfo& known : kKinds)
    if (known.kind == kind) return known;
  return Status(Reason::kInvalid, "the demo does not know kind " + kind);
}

// How a Pod is doing, for a message.
std::string Situation(const api::Pod& pod) {
  std::string text = "phase " + pod.status.phase;
  for (const api::PodCondition& condition : pod.status.conditions)
    if (condition.status == "False" && !condition.message.empty())
      text += "; " + condition.type + ": " + condition.message;
  for (const api::ContainerStatus& container : pod.status.container_statuses) {
    if (container.state.waiting)
      text += "; container " + container.name + " waits: " + container.state.waiting->reason + " " +
              container.state.waiting->message;
    if (container.state.terminated)
      text += "; container " + container.name + " ended with exit code " +
              std::to_string(container.state.terminated->exit_code);
  }
  return text;
}

Status StillThere(const std::string& what) {
  return Status(Reason::kUnavailable, "still there: " + what);
}

}  // namespace

Status DemoCluster::Create(const Context& ctx, const std::string& example) {
  const auto files = EmbeddedFiles("config/examples/" + example + "/");
  if (files.empty()) return Status(Reason::kInternal, "there is no example " + example);
  for (std::string_view file : files)
    DRAY_RETURN_IF_ERROR(
        CreateManifest(ctx, std::string(*EmbeddedFile(file))).Wrapped(std::string(file)));
  return {};
}

Status DemoCluster::CreateManifest(const Context& ctx, const std::string& yaml) {
  DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents, runtime::ParseYamlDocuments(yaml, "manifest"));
  for (const Json& document : documents) {
    DRAY_ASSIGN_OR_RETURN(api::KindInfo kind, KindNamed(document.value("kind", "")));
    DRAY_RETURN_IF_ERROR(
        client().CreateRaw(ctx, kind, kDemoNamespace, document.dump(), false).status());
  }
  return {};
}

Result<api::Pod> DemoCluster::GetPod(const Context& ctx, const std::string& name) const {
  return client().Get<api::Pod>(ctx, {kDemoNamespace, name});
}

Result<std::vector<api::Pod>> DemoCluster::PodsWithLabel(const Context& ctx,
                                                         const std::string& selector) const {
  runtime::ListOptions options;
  options.namespace_ = kDemoNamespace;
  options.label_selector = selector;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Pod> pods, client().List<api::Pod>(ctx, options));
  return std::move(pods.items);
}

Result<api::Pod> DemoCluster::WaitForPhase(const Context& ctx, const std::string& name,
                                           const std::string& phase) const {
  Result<api::Pod> last = Status(Reason::kNotFound, "Pod " + name + " was never seen");
  Status waited = Eventually(ctx, kTimeout, [&]() -> Status {
    last = GetPod(ctx, name);
    if (!last.ok()) return last.status();
    const std::string& now = last->status.phase;
    if (now == phase || now == "Failed" || now == "Succeeded") return {};
    return Status(Reason::kTimeout, "waiting");
  });
  if (!last.ok()) return last;
  if (!waited.ok() || last->status.phase != phase)
    return Status(Reason::kTimeout,
                  "Pod " + name + " should be " + phase + " and is not: " + Situation(*last));
  return last;
}

Result<std::vector<api::ResourceClaim>> DemoCluster::ClaimsOf(const Context& ctx,
                                                              const api::Pod& pod) const {
  std::vector<api::ResourceClaim> found;
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
    const std::optional<std::string> name = claims::ClaimNameFor(pod, entry);
    if (!name)
      return Status(Reason::kNotFound,
                    "Pod " + pod.metadata.name + " has no claim for entry " + entry.name);
    DRAY_ASSIGN_OR_RETURN(api::ResourceClaim claim,
                          client().Get<api::ResourceClaim>(ctx, {kDemoNamespace, *name}));
    found.push_back(std::move(claim));
  }
  return found;
}

Result<std::string> DemoCluster::Log(const Context& ctx, const std::string& pod,
                                     const std::string& container) const {
  runtime::ApiRequest request;
  request.path = runtime::Client::PathOf(api::KindOf<api::Pod>::value, kDemoNamespace, pod, "log") +
                 "?container=" + container;
  request.accept = "*/*";
  DRAY_ASSIGN_OR_RETURN(runtime::ApiResponse response, client().transport().Do(ctx, request));
  if (response.code != 200) return api::DecodeStatus(response.code, response.body);
  return std::move(response.body);
}

Status DemoCluster::WaitForLog(const Context& ctx, const std::string& pod,
                               const std::string& container, const std::string& text,
                               int times) const {
  std::string seen;
  Status waited = Eventually(ctx, kTimeout, [&]() -> Status {
    DRAY_ASSIGN_OR_RETURN(seen, Log(ctx, pod, container));
    return Count(seen, text) == times ? Ok() : Status(Reason::kTimeout, "the log does not say so");
  });
  if (waited.ok()) return waited;
  return Status(Reason::kTimeout,
                "the log of Pod " + pod + ", container " + container + ", should hold \"" + text +
                    "\" " + std::to_string(times) +
                    " times: " + (seen.empty() ? waited.message() : "it is\n" + seen));
}

Result<std::string> DemoCluster::WaitForEvent(const Context& ctx, const std::string& pod,
                                              const std::string& text) const {
  std::string found;
  runtime::ListOptions options;
  options.namespace_ = kDemoNamespace;
  options.field_selector = "involvedObject.name=" + pod;
  DRAY_RETURN_IF_ERROR(Eventually(ctx, kTimeout, [&]() -> Status {
    DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Event> events, client().List<api::Event>(ctx, options));
    for (const api::Event& event : events.items)
      if (event.message.find(text) != std::string::npos) {
        found = event.reason + ": " + event.message;
        return {};
      }
    return Status(Reason::kTimeout,
                  "Pod " + pod + " should have an event that says \"" + text + "\"");
  }));
  return found;
}

Status DemoCluster::DeleteAll(const Context& ctx) const {
  runtime::ListOptions everything;
  everything.namespace_ = kDemoNamespace;
  for (const api::KindInfo& kind :
       {api::KindOf<api::Deployment>::value, api::KindOf<api::Pod>::value,
        api::KindOf<api::ResourceClaim>::value})
    DRAY_RETURN_IF_ERROR(client()
                             .DeleteCollection(ctx, kind, everything)
                             .Wrapped("deleting " + std::string(kind.resource)));
  // The template of the example is the user's; the webhook's own are for the cleanup.
  return IgnoreNotFound(
      client().Delete<api::ResourceClaimTemplate>(ctx, {kDemoNamespace, "half-gpu"}));
}

Status DemoCluster::NothingLeft(const Context& ctx) const {
  runtime::ListOptions everything;
  everything.namespace_ = kDemoNamespace;
  DRAY_ASSIGN_OR_RETURN(auto pods, client().List<api::Pod>(ctx, everything));
  if (!pods.items.empty())
    return StillThere("Pod " + pods.items[0].metadata.name + ", " + Situation(pods.items[0]));
  DRAY_ASSIGN_OR_RETURN(auto claims, client().List<api::ResourceClaim>(ctx, everything));
  if (!claims.items.empty()) return StillThere("ResourceClaim " + claims.items[0].metadata.name);
  DRAY_ASSIGN_OR_RETURN(auto templates, client().List<api::ResourceClaimTemplate>(ctx, everything));
  if (!templates.items.empty())
    return StillThere("ResourceClaimTemplate " + templates.items[0].metadata.name);

  namespace fs = std::filesystem;
  std::error_code error;
  for (const MockNode& node : cluster_.options().nodes) {
    const std::string root = cluster_.dir() + "/nodes/" + node.name;
    for (const auto& file : fs::directory_iterator(root + "/cdi", error))
      if (file.path().string().find("-claim_") != std::string::npos)
        return StillThere("CDI file " + file.path().string());
    for (const auto& pod : fs::directory_iterator(root + "/pods", error))
      return StillThere("directory " + pod.path().string());
    for (const auto& driver : fs::directory_iterator(root + "/plugins", error)) {
      const std::string state = driver.path().string();
      for (const auto& claim : fs::directory_iterator(state + "/claims", error))
        return StillThere("directory " + claim.path().string());
      Result<std::string> ledger = runtime::ReadFile(state + "/ledger.json");
      if (!ledger.ok()) return ledger.status();
      const Json document = Json::parse(*ledger, nullptr, false);
      const Json::json_pointer claims("/data/claims");
      if (!document.is_object() || !document.contains(claims))
        return Status(Reason::kInternal, state + "/ledger.json has no claims: not a ledger");
      if (!document.at(claims).empty())
        return StillThere("ledger entries in " + state + "/ledger.json");
    }
  }
  return {};
}

}  // namespace dray::cli
