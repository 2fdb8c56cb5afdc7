#include "dray/runtime/lease_candidate.h"

#include <nlohmann/json.hpp>

#include "dray/base/log.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kCandidateGroup = "coordination.k8s.io";
constexpr std::string_view kCandidateVersions[] = {"v1beta1", "v1alpha2"};  // best first
constexpr char kElectionStrategy[] = "OldestEmulationVersion";
constexpr auto kRenewEvery = 300s;
constexpr Duration kPingSilence = 30s;  // a watch that outlives its end by this is dead
constexpr Duration kPerCandidateCall = 5s;
constexpr Duration kAfterCandidateFailure = 2s;

api::KindInfo CandidateKind(std::string_view version) {
  return {kCandidateGroup, version, "LeaseCandidate", "leasecandidates", true};
}

std::optional<WallTime> CandidateTime(const Json& object, const char* path) {
  const auto at = Json::json_pointer(path);
  if (!object.contains(at) || !object[at].is_string()) return std::nullopt;
  Result<WallTime> time = api::ParseTime(object[at].get<std::string>());
  return time.ok() ? std::optional<WallTime>(*time) : std::nullopt;
}

// The server asks whether we are there, and has not been answered yet.
bool Pinged(const Json& candidate) {
  const auto ping = CandidateTime(candidate, "/spec/pingTime");
  const auto renewed = CandidateTime(candidate, "/spec/renewTime");
  return ping && (!renewed || *ping > *renewed);
}

}  // namespace

Result<bool> LeaseCandidate::Served(const Context& ctx) {
  for (std::string_view version : kCandidateVersions) {
    ApiRequest request;
    request.path = "/apis/" + std::string(kCandidateGroup) + "/" + std::string(version);
    DRAY_ASSIGN_OR_RETURN(ApiResponse response, options_.client.transport().Do(ctx, request));
    if (response.code == 404) continue;
    if (response.code != 200)
      return Status(Reason::kUnavailable, "discovery of " + request.path + " was answered with " +
                                              std::to_string(response.code));
    const Json list = Json::parse(response.body, nullptr, false);
    if (!list.is_object() || !list.contains("resources") || !list["resources"].is_array()) continue;
    for (const Json& resource : list["resources"])
      if (resource.is_object() && resource.value("name", "") == "leasecandidates") {
        served_ = version;
        return true;
      }
  }
  return false;
}

Status LeaseCandidate::Run(const Context& ctx) {
  while (!ctx.stopped()) {
    Status outcome = Renew(ctx.WithTimeout(kPerCandidateCall));
    if (outcome.ok()) outcome = AwaitPing(ctx);
    if (outcome.ok() || ctx.stopped()) continue;
    if (outcome.Is(Reason::kConflict) || outcome.Is(Reason::kAlreadyExists)) continue;
    LOG(WARNING) << "lease candidate " << options_.name << ": " << outcome;
    (void)ctx.Sleep(kAfterCandidateFailure);  // a stop is seen by the loop
  }
  Withdraw(ctx.clock());
  return {};
}

// Creates the candidate, or says that it is still there.
Status LeaseCandidate::Renew(const Context& ctx) {
  const api::KindInfo kind = CandidateKind(served_);
  const api::ObjectKey key{options_.lease.namespace_, options_.name};
  Result<std::string> body = options_.client.GetRaw(ctx, kind, key);
  const WallTime now = ctx.clock().Now();
  if (body.Is(Reason::kNotFound)) {
    const Json fresh = {{"apiVersion", kind.ApiVersion()},
                        {"kind", kind.kind},
                        {"metadata", {{"name", key.name}, {"namespace", key.namespace_}}},
                        {"spec",
                         {{"leaseName", options_.lease.name},
                          {"binaryVersion", options_.version},
                          {"emulationVersion", options_.version},
                          {"strategy", kElectionStrategy},
                          {"renewTime", api::FormatMicroTime(api::ToMicroTime(now))}}}};
    return options_.client.CreateRaw(ctx, kind, key.namespace_, fresh.dump(), false).status();
  }
  if (!body.ok()) return body.status();
  Json candidate = Json::parse(*body, nullptr, false);
  if (!candidate.is_object()) return Status(Reason::kInternal, "the candidate cannot be read");
  // Whose clock is behind the server's would never answer a ping.
  const WallTime renewed = std::max(now, CandidateTime(candidate, "/spec/pingTime").value_or(now));
  candidate["spec"]["renewTime"] = api::FormatMicroTime(api::ToMicroTime(renewed));
  return options_.client.UpdateRaw(ctx, kind, key, "", candidate.dump()).status();
}

// ok: it is time to renew.
Status LeaseCandidate::AwaitPing(const Context& ctx) {
  ListOptions options;
  options.namespace_ = options_.lease.namespace_;
  options.field_selector = "metadata.name=" + options_.name;
  options.timeout_seconds = kRenewEvery.count();
  bool gone = false, pinged = false;
  const SteadyTime began = ctx.clock().Steady();
  // Without a resource version the watch begins with what is there.
  Status ended =
      options_.client.WatchRaw(ctx.WithTimeout(kRenewEvery + kPingSilence), CandidateKind(served_),
                               options, false, [&](std::string_view line) {
                                 const Json event = Json::parse(line, nullptr, false);
                                 if (!event.is_object()) return false;
                                 const std::string type = event.value("type", "");
                                 gone = type == "DELETED";
                                 pinged = (type == "ADDED" || type == "MODIFIED") &&
                                          event.contains("object") && Pinged(event["object"]);
                                 return !gone && !pinged && type != "ERROR";
                               });
  if (pinged || gone || ended.Is(Reason::kTimeout)) return {};
  if (ended.ok() && ctx.clock().Steady() - began < kAfterCandidateFailure)
    return Status(Reason::kUnavailable, "the watch ended at once");
  return ended;
}

// Nobody is to elect us any more. What cannot be said now, the server finds out by a ping.
void LeaseCandidate::Withdraw(Clock& clock) {
  const Context ctx = Context(clock, {}).WithTimeout(kPerCandidateCall);
  const Status gone = options_.client.DeleteRaw(ctx, CandidateKind(served_),
                                                {options_.lease.namespace_, options_.name}, {});
  if (!gone.ok() && !gone.Is(Reason::kNotFound))
    LOG(WARNING) << "lease candidate " << options_.name << " is left behind: " << gone;
}

}  // namespace dray::runtime
