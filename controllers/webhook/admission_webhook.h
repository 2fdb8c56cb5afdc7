#pragma once

#include <memory>
#include <optional>
#include <string>

#include "controllers/webhook/admission_metrics.h"
#include "controllers/webhook/plan_memory.h"
#include "dray/api/admission.h"
#include "dray/api/types/admission.h"
#include "dray/base/guarded.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"

namespace dray::controllers {

// When a template was last handed out, for the cleanup: RFC 3339, refreshed at most once per half
// grace age.
inline constexpr std::string_view kLastUsedAnnotation = "dray.dev/last-used";
// That time, or the template's creation where it is later. A stamp more than `grace` ahead of `now`
// (a clock that is wrong, a hand that wrote it) is no evidence.
WallTime LastUsed(const api::ResourceClaimTemplate& known, WallTime now, Duration grace);

// The mutating webhook for Pods and the validating one for Pods, claims, templates and classes.
// Runs on every replica; any thread.
class AdmissionWebhook {
 public:
  struct Options {
    runtime::Client client;
    Clock* clock = nullptr;
    // Read side of the caches; both may lag behind, correctness does not depend on them. Either may
    // be null.
    const runtime::Lister<api::ResourceClaimTemplate>* templates = nullptr;
    const runtime::Lister<api::ResourceSlice>* slices = nullptr;
    Duration template_grace =
        std::chrono::minutes(10);  // the cleanup's grace age for unused templates
    runtime::Metrics* metrics = nullptr;
    // As the other two: which resources DeviceClasses serve by themselves.
    const runtime::Lister<api::DeviceClass>* classes = nullptr;
  };
  AdmissionWebhook(Options options, admission::DeviceConfig config);

  // Replaces the vendor configuration; requests under way keep the old one.
  void SetConfig(admission::DeviceConfig config);

  // How long the caller waits at most, less the way back: its ?timeout=, or 8 s.
  static Duration TimeFor(const runtime::HttpRequest& request);

  // POST /mutate or /validate with an AdmissionReview v1. Any decision is HTTP 200; 400 when the
  // body is no review, 415 when it is not JSON. Answers within 8 s, or four fifths of the caller's
  // ?timeout=.
  void Handle(const Context& ctx, const runtime::HttpRequest& request,
              runtime::HttpResponder& responder) const;
  // The same where the answer takes no call to the API server, which is nearly always; false, with
  // nothing answered or counted, where it does: then Handle, on a thread that may wait.
  bool TryHandle(const runtime::HttpRequest& request, runtime::HttpResponder& responder) const;

  // The decision alone: what Handle answers, without HTTP. Pods are converted when they are
  // created; an update of a converted Pod that brings the device-plugin resources back (kubectl
  // apply of the original file) is made one that changes nothing. Before the cluster's devices are
  // known, a Pod that asks for some is turned away with "try again".
  api::AdmissionResponse Review(const Context& ctx, const api::AdmissionRequest& request) const;
  // The decision of /validate: opaque configurations that their driver would refuse when a Pod
  // starts are refused here, with field paths; what is accepted but does less than it says gets a
  // warning. An update that leaves the spec alone is always fine: what is stored must stay
  // editable, its finalizers above all, whatever the rules are now. Writes nothing.
  api::AdmissionResponse Validate(const api::AdmissionRequest& request) const;

 private:
  // `ctx` null: no call to the API server; nothing where the answer takes one.
  std::optional<api::AdmissionResponse> Decide(const Context* ctx,
                                               const api::AdmissionRequest& request) const;
  bool Answer(const Context* ctx, const runtime::HttpRequest& request,
              runtime::HttpResponder& responder) const;
  // Used lately, as far as the cache knows: nothing to write.
  bool KnownAndFresh(const api::ResourceClaimTemplate& wanted) const;
  Result<PlanMemory::Plan> PlanCreate(const api::AdmissionRequest& request) const;
  Result<PlanMemory::Plan> PlanUpdate(const api::AdmissionRequest& request) const;
  // Creates the template, or says that it is still in use so that the cleanup leaves it alone. Safe
  // to repeat. Adds a warning where the API server did not keep all of it.
  Status EnsureTemplate(const Context& ctx, const api::ResourceClaimTemplate& wanted,
                        std::vector<std::string>& warnings) const;
  // The cluster's devices as of at most a second ago; nobody's yet where the cache is still empty.
  std::shared_ptr<const admission::Inventory> InventoryNow() const;

  struct KnownInventory {
    uint64_t version = 0;  // of the slices' cache; 0: it cannot tell
    SteadyTime at{};
    std::shared_ptr<const admission::Inventory> inventory;
  };

  Options options_;
  // A configuration and what is known about it at a glance.
  struct KnownConfig {
    admission::DeviceConfig config;
    std::vector<std::string> domains;
  };
  Guarded<std::shared_ptr<const KnownConfig>> config_;
  mutable Guarded<KnownInventory> inventory_;
  mutable PlanMemory plans_;
  mutable AdmissionMetrics counts_;
};

}  // namespace dray::controllers
