#pragma once

#include <string>

#include "dray/api/types/resource.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/work_queue.h"

namespace dray::controllers {

// What both cleanups share. Deletions carry UID and resourceVersion of what was looked at, so that an object of the same name
// or one that changed meanwhile stays.
struct CleanupOptions {
  runtime::Client client;
  const runtime::Lister<api::Pod>* pods = nullptr;  // indexed "claim" (ClaimsOfPod) and "template" (TemplatesOfPod)
  runtime::Metrics* metrics = nullptr;
  Duration grace = std::chrono::minutes(10);        // nothing younger is touched
  bool dry_run = false;                             // only logs what it would delete
};

// "ns/name" of every claim template that a Pod's entries name: the index "template".
std::vector<std::string> TemplatesOfPod(const api::Pod& pod);

// Deletes templates that the webhook made (label managed-by: dray) and that no Pod has named for the grace age.
class TemplateCleanup : public runtime::Reconciler {
 public:
  TemplateCleanup(CleanupOptions options, const runtime::Lister<api::ResourceClaimTemplate>* templates);
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  CleanupOptions options_;
  const runtime::Lister<api::ResourceClaimTemplate>* templates_;
};

// Deletes claims stamped from our templates whose Pod is gone (by UID, not by name) although the garbage collector should
// have taken them: force deletions, a restored backup, a collector that is down.
class ClaimCleanup : public runtime::Reconciler {
 public:
  ClaimCleanup(CleanupOptions options, const runtime::Lister<api::ResourceClaim>* claims);
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  CleanupOptions options_;
  const runtime::Lister<api::ResourceClaim>* claims_;
};

}  // namespace dray::controllers
