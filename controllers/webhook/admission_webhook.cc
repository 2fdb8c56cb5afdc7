// Life of a claim, stop 1 of 8: admit the Pod. The effect: a minimal patch in the answer, and the template it refers to.
#include "controllers/webhook/admission_webhook.h"

#include <nlohmann/json.hpp>

#include "dray/base/log.h"

namespace dray::controllers {
namespace {

constexpr char kAdmissions[] = "dray_admissions_total";
constexpr char kAdmissionsHelp[] = "Pods reviewed by the webhook, by outcome.";
constexpr char kSeconds[] = "dray_admission_duration_seconds";
constexpr char kSecondsHelp[] = "Time to answer one admission review.";

}  // namespace

AdmissionWebhook::AdmissionWebhook(Options options, admission::DeviceConfig config)
    : options_(std::move(options)), config_(std::make_shared<const admission::DeviceConfig>(std::move(config))) {
  for (const char* outcome : {"converted", "unchanged", "refused", "failed"})
    options_.metrics->Add(kAdmissions, kAdmissionsHelp, {{"outcome", outcome}}, 0);
}

void AdmissionWebhook::SetConfig(admission::DeviceConfig config) {
  auto fresh = std::make_shared<const admission::DeviceConfig>(std::move(config));
  config_.With([&](auto& current) { current = std::move(fresh); });
}

admission::Inventory AdmissionWebhook::InventoryOf() const {
  admission::Inventory inventory;
  if (options_.slices == nullptr) return inventory;
  for (const auto& slice : options_.slices->List())
    for (const api::Device& device : slice->spec.devices)
      if (auto memory = device.capacity.find("memory"); memory != device.capacity.end())
        inventory.memory_sizes[slice->spec.driver].insert(memory->second.value);
  return inventory;
}

api::AdmissionResponse AdmissionWebhook::Review(const Context& ctx, const api::AdmissionRequest& request) const {
  api::AdmissionResponse response;
  response.uid = request.uid;
  response.allowed = true;
  auto count = [&](const char* outcome) { options_.metrics->Add(kAdmissions, kAdmissionsHelp, {{"outcome", outcome}}); };
  if (request.operation != "CREATE" || request.resource.resource != "pods" || !request.sub_resource.empty()) {
    count("unchanged");
    return response;
  }
  const Json pod = Json::parse(request.object, nullptr, /*allow_exceptions=*/false);
  const std::shared_ptr<const admission::DeviceConfig> config = config_.Copy();
  Result<admission::AdmissionPlan> plan =
      pod.is_object() ? admission::PlanAdmission(pod, request.namespace_, *config, InventoryOf())
                      : Status(Reason::kBadRequest, "the review's object is no JSON object");
  if (!plan.ok()) {
    count("refused");
    response.allowed = false;
    response.denial = plan.status();
    return response;
  }
  if (!plan->convert) {
    count("unchanged");
    return response;
  }
  if (plan->claim_template && !request.dry_run) {
    if (Status ensured = EnsureTemplate(ctx, *plan->claim_template); !ensured.ok()) {
      count("failed");
      LOG(WARNING) << "webhook: " << request.namespace_ << ": template " << plan->claim_template->metadata.name << ": "
                   << ensured;
      response.allowed = false;
      response.denial = Status(Reason::kInternal, "ResourceClaimTemplate " + plan->claim_template->metadata.name +
                                                      " could not be made: " + ensured.message());
      return response;
    }
  }
  count("converted");
  response.patch = std::move(plan->patch);
  response.warnings = std::move(plan->warnings);
  return response;
}

Status AdmissionWebhook::EnsureTemplate(const Context& ctx, const api::ResourceClaimTemplate& wanted) const {
  const api::ObjectKey key = api::KeyOf(wanted);
  const WallTime now = options_.clock->Now();
  const std::string stamp = api::FormatTime(api::ToTime(now));

  // Known and used recently: nothing to write. This is the path of every replica of a Deployment but the first.
  auto known = options_.templates == nullptr ? nullptr : options_.templates->Get(key);
  bool refresh = false;
  if (known != nullptr && !known->metadata.deletion_timestamp) {
    WallTime used = known->metadata.creation_timestamp ? WallTime(*known->metadata.creation_timestamp) : WallTime();
    if (auto found = known->metadata.annotations.find(std::string(kLastUsedAnnotation));
        found != known->metadata.annotations.end())
      if (Result<WallTime> parsed = api::ParseTime(found->second); parsed.ok()) used = std::max(used, *parsed);
    if (now - used < options_.template_grace / 2) return {};
    refresh = true;
  }
  if (refresh) {
    // The cleanup deletes with the resourceVersion it saw: this write makes a deletion under way fail.
    const Json patch = {{"metadata", {{"annotations", {{std::string(kLastUsedAnnotation), stamp}}}}}};
    Status touched =
        options_.client.Patch<api::ResourceClaimTemplate>(ctx, key, runtime::PatchType::kMerge, patch.dump()).status();
    if (!touched.Is(Reason::kNotFound)) return touched;
  }
  api::ResourceClaimTemplate made = wanted;
  made.metadata.annotations[std::string(kLastUsedAnnotation)] = stamp;
  Status created = options_.client.Create(ctx, made).status();
  return created.Is(Reason::kAlreadyExists) ? Ok() : created;
}

void AdmissionWebhook::Handle(const Context& ctx, const runtime::HttpRequest& request,
                              runtime::HttpResponder& responder) const {
  const SteadyTime start = options_.clock->Steady();
  runtime::HttpResponse response;
  if (request.path() != "/mutate") {
    response = {404, "want POST /mutate\n", "text/plain", {}};
  } else if (request.method != "POST") {
    response = {405, "want POST\n", "text/plain", {{"Allow", "POST"}}};
  } else if (Result<api::AdmissionRequest> review = api::DecodeAdmissionReview(request.body); !review.ok()) {
    response = {400, review.status().message() + "\n", "text/plain", {}};
  } else {
    response.body = api::EncodeAdmissionReview(Review(ctx.WithTimeout(std::chrono::seconds(8)), *review));
  }
  const std::chrono::duration<double> seconds = options_.clock->Steady() - start;
  options_.metrics->Observe(kSeconds, kSecondsHelp, {}, seconds.count());
  responder.Send(std::move(response));
}

}  // namespace dray::controllers
