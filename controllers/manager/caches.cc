#include "controllers/manager/caches.h"

#include <algorithm>

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "controllers/monitor/exposition.h"
#include "controllers/resourceclaim/resourceclaim_reconciler.h"
#include "controllers/webhook/admission_webhook.h"
#include "dray/api/admission.h"
#include "dray/runtime/controller.h"

namespace dray::controllers {
namespace {

runtime::InformerOptions<api::Pod> PodOptions() {
  runtime::InformerOptions<api::Pod> options;
  options.indexes = {{"claim", ClaimsOfPod}, {"template", TemplatesOfPod}};
  options.transform = KeepOfPod;
  options.packed = true;
  options.keep = UsesClaims;
  return options;
}

runtime::InformerOptions<api::Node> NodeOptions() {
  runtime::InformerOptions<api::Node> options;
  options.transform = KeepOfNode;
  options.packed = true;
  return options;
}

runtime::InformerOptions<api::ResourceClaim> ClaimOptions() {
  runtime::InformerOptions<api::ResourceClaim> options;
  options.indexes = {{"waits", [](const api::ResourceClaim& claim) {
                        return claim.status.allocation ? std::vector<std::string>()
                                                       : std::vector<std::string>{"yes"};
                      }}};
  options.transform = KeepOfClaim;
  options.packed = true;
  return options;
}

runtime::InformerOptions<api::ResourceClaimTemplate> TemplateOptions() {
  runtime::InformerOptions<api::ResourceClaimTemplate> options;
  options.transform = KeepOfTemplate;
  options.packed = true;
  return options;
}

runtime::InformerOptions<api::ResourceSlice> SliceOptions() {
  runtime::InformerOptions<api::ResourceSlice> options;
  options.indexes = {{"pool", PoolOfSlice}, {"node", NodeOfSlice}};
  options.packed = true;
  return options;
}

template <class T>
void Free(T& member) {
  T().swap(member);  // clear() keeps the memory
}

}  // namespace

bool UsesClaims(const api::Pod& pod) {
  return !pod.spec.resource_claims.empty() || pod.status.extended_resource_claim_status;
}

void KeepOfPod(api::Pod& pod) {
  Free(pod.spec.containers);
  Free(pod.spec.init_containers);
  Free(pod.spec.volumes);
  Free(pod.metadata.annotations);
  Free(pod.status.container_statuses);
  Free(pod.status.init_container_statuses);
}

void KeepOfNode(api::Node& node) {
  std::erase_if(node.metadata.annotations,
                [](const auto& one) { return !one.first.starts_with("dray.dev/"); });
  // Of what a node has, only what Dray once said of it is asked.
  std::erase_if(node.status.capacity,
                [](const auto& one) { return !one.first.starts_with("dray.dev/"); });
  node.spec = {};
  node.status = {std::move(node.status.capacity), {}, {}, {}, {}};
}

void KeepOfClaim(api::ResourceClaim& claim) {
  Free(claim.metadata.annotations);
  Free(claim.metadata.generate_name);
  // Only of a claim that nobody holds is it asked: the cleanup ends a release that broke off.
  if (claim.status.allocation || !claim.status.reserved_for.empty())
    Free(claim.metadata.finalizers);
  // Only of a claim that nobody has reserved is it asked whose it is.
  if (!claim.status.reserved_for.empty()) {
    Free(claim.metadata.labels);
    Free(claim.metadata.owner_references);
  }
  for (api::AllocatedDeviceStatus& device : claim.status.devices) {
    Free(device.data);
    device.network_data.reset();
  }
  if (!claim.status.allocation) return;
  // It has been searched for: what it asked for and where it may be used is read from the server
  // where that matters again.
  Free(claim.spec.devices.requests);
  Free(claim.spec.devices.config);
  Free(claim.spec.devices.constraints);
  Free(claim.status.allocation->devices.config);
  claim.status.allocation->node_selector.reset();
}

void KeepOfTemplate(api::ResourceClaimTemplate& claim_template) {
  std::erase_if(claim_template.metadata.annotations, [](const auto& one) {
    return one.first != admission::kRequestHashAnnotation && one.first != kLastUsedAnnotation;
  });
  // Of what it asks for only the classes are asked: which are in use.
  claim_template.spec.metadata = {};
  api::DeviceClaim& devices = claim_template.spec.spec.devices;
  Free(devices.constraints);
  Free(devices.config);
  auto trim = [](auto& request) {
    Free(request.selectors);
    Free(request.tolerations);
    request.capacity.reset();
  };
  for (api::DeviceRequest& request : devices.requests) {
    if (request.exactly) trim(*request.exactly);
    std::for_each(request.first_available.begin(), request.first_available.end(), trim);
  }
}

Caches::Caches(const runtime::Client& client)
    : pods(client, PodOptions()),
      nodes(client, NodeOptions()),
      claims(client, ClaimOptions()),
      templates(client, TemplateOptions()),
      slices(client, SliceOptions()),
      classes(client) {}

void Caches::AddTo(runtime::Manager& manager) {
  runtime::AddCache(manager, pods);
  runtime::AddCache(manager, nodes);
  runtime::AddCache(manager, claims);
  runtime::AddCache(manager, templates);
  runtime::AddCache(manager, slices);
  runtime::AddCache(manager, classes);
}

std::string Caches::Text(SteadyTime now) const {
  Exposition out;
  const size_t synced = out.Family("dray_cache_synced", "1 once a cache has listed everything.");
  const size_t silent = out.Family(
      "dray_cache_silent_seconds",
      "How long ago the API server last said something to a cache; bookmarks come once a minute.");
  auto show = [&](std::string_view resource, const auto& informer) {
    const std::string labels = LabelText({{"resource", resource}});
    out.Sample(synced, labels, informer.HasSynced());
    if (informer.LastHeard() != SteadyTime::min())
      out.Sample(silent, labels,
                 std::chrono::duration<double>(
                     std::chrono::round<std::chrono::milliseconds>(now - informer.LastHeard()))
                     .count());
  };
  show("pods", pods);
  show("nodes", nodes);
  show("resourceclaims", claims);
  show("resourceclaimtemplates", templates);
  show("resourceslices", slices);
  show("deviceclasses", classes);
  return out.Text();
}

}  // namespace dray::controllers
