// Life of a claim, stop 1 of 8: admit the Pod. The effect: a minimal patch in the answer, and the
// template it refers to.
#include "controllers/webhook/admission_webhook.h"

#include <nlohmann/json.hpp>

#include "dray/base/duration.h"
#include "dray/base/log.h"

namespace dray::controllers {
namespace {

// The label for a Pod that asks for these: bounded, whatever users write.
std::string VendorLabel(const std::set<std::string>& vendors) {
  return vendors.empty() ? "none" : vendors.size() == 1 ? *vendors.begin() : "several";
}

// Going through every device of a large cluster takes milliseconds: once a second is enough.
constexpr Duration kInventoryAge = std::chrono::seconds(1);

// Below the timeoutSeconds of our configuration (10 s), so that the caller hears a reason and not a
// timeout.
constexpr Duration kLongest = std::chrono::seconds(8);

bool AsksForCapacity(const api::ResourceClaimTemplate& wanted) {
  auto asks = [](const auto& request) { return request.capacity.has_value(); };
  const auto& requests = wanted.spec.spec.devices.requests;
  return std::any_of(requests.begin(), requests.end(), [&](const api::DeviceRequest& request) {
    return (request.exactly && asks(*request.exactly)) ||
           std::any_of(request.first_available.begin(), request.first_available.end(), asks);
  });
}

bool IsJson(const runtime::HttpRequest& request) {
  auto header = request.headers.find("content-type");
  if (header == request.headers.end()) return false;
  std::string type = header->second.substr(0, header->second.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return type == "application/json";
}

}  // namespace

WallTime LastUsed(const api::ResourceClaimTemplate& known, WallTime now, Duration grace) {
  WallTime used =
      known.metadata.creation_timestamp ? WallTime(*known.metadata.creation_timestamp) : WallTime();
  if (auto found = known.metadata.annotations.find(std::string(kLastUsedAnnotation));
      found != known.metadata.annotations.end())
    if (Result<WallTime> parsed = api::ParseTime(found->second);
        parsed.ok() && *parsed <= now + grace)
      used = std::max(used, *parsed);
  return used;
}

// kube-apiserver names its own patience: POST /mutate?timeout=10s. A fifth of it is left for the
// way back.
Duration AdmissionWebhook::TimeFor(const runtime::HttpRequest& request) {
  static constexpr std::string_view kTimeout = "timeout=";
  std::string_view query = request.target;
  const size_t mark = query.find('?');
  query = mark == std::string_view::npos ? "" : query.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (!one.starts_with(kTimeout)) continue;
    Result<Duration> given = ParseDuration(one.substr(kTimeout.size()));
    if (given.ok() && *given > Duration::zero()) return std::min(kLongest, *given / 5 * 4);
  }
  return kLongest;
}

AdmissionWebhook::AdmissionWebhook(Options options, admission::DeviceConfig config)
    : options_(std::move(options)), counts_(*options_.metrics) {
  SetConfig(std::move(config));
}

void AdmissionWebhook::SetConfig(admission::DeviceConfig config) {
  std::vector<std::string> domains = admission::ResourceDomains(config);
  auto fresh =
      std::make_shared<const KnownConfig>(KnownConfig{std::move(config), std::move(domains)});
  config_.With([&](auto& current) { current = std::move(fresh); });
}

std::shared_ptr<const admission::Inventory> AdmissionWebhook::InventoryNow() const {
  const SteadyTime now = options_.clock->Steady();
  uint64_t version = options_.slices == nullptr ? 0 : options_.slices->Version();
  if (version != 0 && options_.classes != nullptr) version += options_.classes->Version();
  KnownInventory known = inventory_.Copy();
  const bool unchanged = version != 0 && known.version == version;
  if (known.inventory != nullptr && (unchanged || now - known.at < kInventoryAge))
    return known.inventory;
  auto looked = std::make_shared<admission::Inventory>();
  if (options_.slices != nullptr) {
    options_.slices->ForEach(
        [&](const api::ResourceSlice& slice) { admission::AddToInventory(slice, *looked); });
    looked->complete = true;
  }
  if (options_.classes != nullptr)
    for (const auto& one : options_.classes->List()) admission::AddToInventory(*one, *looked);
  // The same devices stay the same object: plans are remembered by it.
  const bool same = known.inventory != nullptr && *known.inventory == *looked;
  const std::shared_ptr<const admission::Inventory> fresh =
      same ? known.inventory : std::shared_ptr<const admission::Inventory>(std::move(looked));
  inventory_.With([&](auto& current) { current = {version, now, fresh}; });
  return fresh;
}

api::AdmissionResponse AdmissionWebhook::Review(const Context& ctx,
                                                const api::AdmissionRequest& request) const {
  return *Decide(&ctx, request);
}

std::optional<api::AdmissionResponse> AdmissionWebhook::Decide(
    const Context* ctx, const api::AdmissionRequest& request) const {
  api::AdmissionResponse response;
  response.uid = request.uid;
  response.allowed = true;
  const bool create = request.operation == "CREATE", update = request.operation == "UPDATE";
  if ((!create && !update) || !request.resource.group.empty() ||
      request.resource.resource != "pods" || !request.sub_resource.empty()) {
    counts_.Count("unchanged");
    return response;
  }
  const Result<PlanMemory::Plan> planned = create ? PlanCreate(request) : PlanUpdate(request);
  if (!planned.ok()) {
    const Json pod = Json::parse(request.object, nullptr, /*allow_exceptions=*/false);
    counts_.Count("refused", ReasonName(planned.status().reason()),
                  VendorLabel(admission::VendorsOf(pod, config_.Copy()->config)));
    response.allowed = false;
    response.denial = planned.status();
    return response;
  }
  const PlanMemory::Plan& plan = *planned;
  if (!plan->convert) {
    counts_.Count("unchanged");
    return response;
  }
  if (plan->claim_template && !request.dry_run && !KnownAndFresh(*plan->claim_template)) {
    if (ctx == nullptr) return std::nullopt;
    if (Status ensured = EnsureTemplate(*ctx, *plan->claim_template, response.warnings);
        !ensured.ok()) {
      counts_.Count("failed", ReasonName(ensured.reason()), VendorLabel(plan->vendors));
      LOG(WARNING) << "webhook: " << request.namespace_ << ": template "
                   << plan->claim_template->metadata.name << ": " << ensured;
      response.allowed = false;
      const bool again = Retryable(ensured) || ensured.Is(Reason::kCancelled);
      response.denial =
          Status(again ? Reason::kUnavailable : ensured.reason(),
                 "ResourceClaimTemplate " + plan->claim_template->metadata.name +
                     " could not be made: " + ensured.message() + (again ? ": try again" : ""));
      return response;
    }
  }
  counts_.Count("converted", "", VendorLabel(plan->vendors));
  response.patch = plan->patch;
  response.warnings.insert(response.warnings.begin(), plan->warnings.begin(), plan->warnings.end());
  return response;
}

api::AdmissionResponse AdmissionWebhook::Validate(const api::AdmissionRequest& request) const {
  api::AdmissionResponse response;
  response.uid = request.uid;
  response.allowed = true;
  const bool pod = request.resource.group.empty() && request.resource.resource == "pods";
  const bool claim = request.resource.group == "resource.k8s.io";
  if ((!pod && !claim) || !request.sub_resource.empty() ||
      (request.operation != "CREATE" && request.operation != "UPDATE")) {
    counts_.Count("unchanged");
    return response;
  }
  const Json object = Json::parse(request.object, nullptr, /*allow_exceptions=*/false);
  if (request.operation == "UPDATE" && object.is_object()) {
    const Json before = Json::parse(request.old_object, nullptr, /*allow_exceptions=*/false);
    if (before.is_object() && before.value("spec", Json()) == object.value("spec", Json())) {
      counts_.Count("unchanged");
      return response;
    }
  }
  const std::shared_ptr<const KnownConfig> known = config_.Copy();
  admission::ClaimFindings found =
      !object.is_object()
          ? admission::ClaimFindings{Status(Reason::kBadRequest,
                                            "the review's object is no JSON object"),
                                     {}}
      : pod ? admission::CheckPodMark(object, known->config)
            : admission::CheckClaimObject(object, known->config);
  response.warnings = std::move(found.warnings);
  if (found.status.ok()) {
    counts_.Count("valid");
  } else {
    counts_.Count("refused", ReasonName(found.status.reason()));
    response.allowed = false;
    response.denial = std::move(found.status);
  }
  return response;
}

Result<PlanMemory::Plan> AdmissionWebhook::PlanCreate(const api::AdmissionRequest& request) const {
  const std::shared_ptr<const KnownConfig> known = config_.Copy();
  // Most Pods ask for nothing of ours.
  static const PlanMemory::Plan kNothing = std::make_shared<const admission::AdmissionPlan>();
  if (request.object.starts_with('{') && !admission::MayConcern(request.object, known->domains))
    return kNothing;
  const std::string text = admission::PodForAdmission(request.object);
  const PlanMemory::Question question{known, InventoryNow(), request.namespace_, text};
  if (PlanMemory::Plan remembered = plans_.Find(question)) {
    // What is remembered is a Pod without its name.
    DRAY_RETURN_IF_ERROR(admission::CheckPodName(request.name, *remembered));
    return remembered;
  }
  const Json pod = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!pod.is_object()) return Status(Reason::kBadRequest, "the review's object is no JSON object");
  if (options_.slices != nullptr && !options_.slices->HasSynced() &&
      !admission::VendorsOf(pod, known->config).empty())
    return Status(Reason::kUnavailable,
                  "this replica has not seen the cluster's ResourceSlices yet: try again");
  DRAY_ASSIGN_OR_RETURN(
      admission::AdmissionPlan plan,
      admission::PlanAdmission(pod, request.namespace_, known->config, *question.inventory));
  auto made = std::make_shared<const admission::AdmissionPlan>(std::move(plan));
  plans_.Keep(question, made);
  DRAY_RETURN_IF_ERROR(admission::CheckPodName(request.name, *made));
  return PlanMemory::Plan(std::move(made));
}

Result<PlanMemory::Plan> AdmissionWebhook::PlanUpdate(const api::AdmissionRequest& request) const {
  const Json before = Json::parse(request.old_object, nullptr, /*allow_exceptions=*/false);
  const Json pod = Json::parse(request.object, nullptr, /*allow_exceptions=*/false);
  if (!pod.is_object() || !before.is_object())
    return Status(Reason::kBadRequest, "the review's object or oldObject is no JSON object");
  DRAY_ASSIGN_OR_RETURN(admission::AdmissionPlan plan, admission::PlanUpdate(before, pod));
  return PlanMemory::Plan(std::make_shared<const admission::AdmissionPlan>(std::move(plan)));
}

bool AdmissionWebhook::KnownAndFresh(const api::ResourceClaimTemplate& wanted) const {
  // The path of every replica of a Deployment but the first.
  const auto cached =
      options_.templates == nullptr ? nullptr : options_.templates->Get(api::KeyOf(wanted));
  if (cached == nullptr || cached->metadata.deletion_timestamp) return false;
  const WallTime now = options_.clock->Now();
  return now - LastUsed(*cached, now, options_.template_grace) < options_.template_grace / 2;
}

Status AdmissionWebhook::EnsureTemplate(const Context& ctx,
                                        const api::ResourceClaimTemplate& wanted,
                                        std::vector<std::string>& warnings) const {
  const api::ObjectKey key = api::KeyOf(wanted);
  const WallTime now = options_.clock->Now();
  const std::string stamp = api::FormatTime(api::ToTime(now));
  auto fresh = [&](const api::ResourceClaimTemplate& known) {
    return now - LastUsed(known, now, options_.template_grace) < options_.template_grace / 2;
  };

  auto cached = options_.templates == nullptr ? nullptr : options_.templates->Get(key);
  bool there = cached != nullptr && !cached->metadata.deletion_timestamp;
  if (there && fresh(*cached)) return {};
  // Whether it is there may change between two calls: other replicas create, the cleanup deletes.
  for (int attempt = 0; attempt < 4; ++attempt) {
    if (there) {
      // The cleanup deletes with the resourceVersion it saw: this write makes a deletion under way
      // fail.
      const Json patch = {
          {"metadata", {{"annotations", {{std::string(kLastUsedAnnotation), stamp}}}}}};
      Status touched =
          options_.client
              .Patch<api::ResourceClaimTemplate>(ctx, key, runtime::PatchType::kMerge, patch.dump())
              .status();
      if (!touched.Is(Reason::kNotFound)) return touched;
    }
    api::ResourceClaimTemplate made = wanted;
    made.metadata.annotations[std::string(kLastUsedAnnotation)] = stamp;
    Result<api::ResourceClaimTemplate> created = options_.client.Create(ctx, made);
    if (created.ok() && AsksForCapacity(wanted) && !AsksForCapacity(*created))
      warnings.push_back(
          "this API server drops requests for a part of a device (feature gate "
          "DRAConsumableCapacity is off): the Pod gets whole devices");
    if (!created.Is(Reason::kAlreadyExists)) return created.status();
    // The cache did not know it: it may be new, or one that the cleanup is about to take.
    Result<api::ResourceClaimTemplate> live =
        options_.client.Get<api::ResourceClaimTemplate>(ctx, key);
    there = live.ok();
    if (live.Is(Reason::kNotFound)) continue;
    if (!live.ok()) return live.status();
    if (live->metadata.deletion_timestamp)
      return Status(Reason::kUnavailable, "one of that name is being deleted");
    if (fresh(*live)) return {};
  }
  return Status(Reason::kUnavailable, "it is created and deleted by turns");
}

void AdmissionWebhook::Handle(const Context& ctx, const runtime::HttpRequest& request,
                              runtime::HttpResponder& responder) const {
  Answer(&ctx, request, responder);
}

bool AdmissionWebhook::TryHandle(const runtime::HttpRequest& request,
                                 runtime::HttpResponder& responder) const {
  return Answer(nullptr, request, responder);
}

bool AdmissionWebhook::Answer(const Context* ctx, const runtime::HttpRequest& request,
                              runtime::HttpResponder& responder) const {
  const SteadyTime start = options_.clock->Steady();
  runtime::HttpResponse response;
  const bool mutate = request.path() == "/mutate", validate = request.path() == "/validate";
  if (!mutate && !validate) {
    response = {404, "want POST /mutate or /validate\n", "text/plain", {}};
  } else if (request.method != "POST") {
    response = {405, "want POST\n", "text/plain", {{"Allow", "POST"}}};
  } else if (!IsJson(request)) {
    response = {415, "want a body of application/json\n", "text/plain", {}};
  } else if (Result<api::AdmissionRequest> review = api::DecodeAdmissionReview(request.body);
             !review.ok()) {
    response = {400, review.status().message() + "\n", "text/plain", {}};
  } else if (validate) {
    response.body = api::EncodeAdmissionReview(Validate(*review));
  } else {
    std::optional<Context> bounded;
    if (ctx != nullptr) bounded = ctx->WithTimeout(TimeFor(request));
    const std::optional<api::AdmissionResponse> decided =
        Decide(bounded ? &*bounded : nullptr, *review);
    if (!decided) return false;
    response.body = api::EncodeAdmissionReview(*decided);
  }
  if (response.code != 200) counts_.Count("malformed", std::to_string(response.code));
  counts_.Took(options_.clock->Steady() - start);
  responder.Send(std::move(response));
  return true;
}

}  // namespace dray::controllers
