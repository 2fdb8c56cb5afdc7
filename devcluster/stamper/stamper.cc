#include "devcluster/stamper/stamper.h"

#include "devcluster/stamper/release_reconciler.h"
#include "devcluster/stamper/stamp_reconciler.h"
#include "dray/api/claims.h"
#include "dray/runtime/controller.h"

namespace dray::devcluster {

struct Stamper::State {
  State(runtime::Client client, Clock& clock)
      : pods(client, PodOptions()),
        claims(client),
        templates(client),
        events(client, clock, "resourceclaim-controller") {
    controllers.push_back(std::make_unique<runtime::Controller>(
        clock, "claim-stamper",
        std::make_unique<StampReconciler>(client, pods, claims, templates, events, clock.Now())));
    controllers.push_back(std::make_unique<runtime::Controller>(
        clock, "claim-release", std::make_unique<ReleaseReconciler>(client, claims, pods)));
    auto* stamps = &controllers[0]->queue;
    auto* releases = &controllers[1]->queue;
    runtime::OnChange<api::ResourceClaim>(claims, [=](const api::ResourceClaim& claim) {
      releases->Add(api::KeyOf(claim));
      if (const api::OwnerReference* owner = api::ControllerOf(claim.metadata);
          owner != nullptr && owner->kind == "Pod")
        stamps->Add({claim.metadata.namespace_, owner->name});
    });
    runtime::OnChange<api::Pod>(pods, [=](const api::Pod& pod) {
      if (pod.spec.resource_claims.empty()) return;
      stamps->Add(api::KeyOf(pod));
      for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
        if (auto name = claims::ClaimNameFor(pod, entry); name && !name->empty())
          releases->Add({pod.metadata.namespace_, *name});
    });
    // A template that arrives after its Pod.
    runtime::OnChange<api::ResourceClaimTemplate>(
        templates, [this, stamps](const api::ResourceClaimTemplate& one) {
          for (const auto& pod : pods.By("template", api::KeyOf(one).ToString()))
            stamps->Add(api::KeyOf(*pod));
        });
  }

  static runtime::InformerOptions<api::Pod> PodOptions() {
    runtime::InformerOptions<api::Pod> options;
    options.indexes["template"] = [](const api::Pod& pod) {
      std::vector<std::string> keys;
      for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
        if (entry.resource_claim_template_name)
          keys.push_back(pod.metadata.namespace_ + "/" + *entry.resource_claim_template_name);
      return keys;
    };
    return options;
  }

  runtime::Informer<api::Pod> pods;
  runtime::Informer<api::ResourceClaim> claims;
  runtime::Informer<api::ResourceClaimTemplate> templates;
  runtime::EventRecorder events;
  std::vector<std::unique_ptr<runtime::Controller>> controllers;
};

Stamper::Stamper(runtime::Client client, Clock& clock)
    : state_(std::make_unique<State>(std::move(client), clock)) {}
Stamper::~Stamper() = default;

void Stamper::AddTo(runtime::Manager& manager) {
  runtime::AddCache(manager, state_->pods);
  runtime::AddCache(manager, state_->claims);
  runtime::AddCache(manager, state_->templates);
  manager.Add(runtime::Stage::kEveryone, {"claim stamper",
                                          [this](const Context& ctx) {
                                            runtime::RunControllers(ctx, state_->controllers, 2);
                                            return Ok();
                                          },
                                          nullptr});
}

}  // namespace dray::devcluster
