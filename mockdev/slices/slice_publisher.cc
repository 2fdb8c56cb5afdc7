#include "mockdev/slices/slice_publisher.h"

#include "dray/base/log.h"

#include "dray/api/types/core.h"
#include "dray/base/guarded.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"
#include "mockdev/slices/plan.h"

namespace dray::mockdev {
namespace {

// Everything is looked at again this often, should an event ever be missed.
constexpr Duration kResync = std::chrono::minutes(5);
// After a write, once more: caches and admission of the server may answer late.
constexpr Duration kSecondLook = std::chrono::seconds(30);

}  // namespace

struct SlicePublisher::State : runtime::Reconciler {
  State(runtime::Client client_in, Clock& clock, std::string driver_in, std::string node_name_in,
        DeviceInventory& inventory_in)
      : client(std::move(client_in)),
        driver(std::move(driver_in)),
        node_name(std::move(node_name_in)),
        inventory(inventory_in),
        queue(clock, {.name = "resourceslices", .max_delay = std::chrono::seconds(30)}) {
    own.field_selector = "spec.driver=" + driver + ",spec.nodeName=" + node_name;
  }

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey&) override {
    Result<runtime::Requeue> next = Publish(ctx);
    std::string problem = next.status().message();
    if (!next.ok() && problem.empty()) problem = ReasonName(next.status().reason());
    standing.With([&](Standing& now) {
      now.published |= next.ok();
      now.problem = std::move(problem);
    });
    return next;
  }

  Result<runtime::Requeue> Publish(const Context& ctx) {
    Result<api::Node> node = client.Get<api::Node>(ctx, {"", node_name});
    if (!node.ok()) return node.status().Wrapped("slices wait for node " + node_name);
    // Straight from the server and not from the informer, which may still be behind our own last
    // write.
    DRAY_ASSIGN_OR_RETURN(api::ListOf<api::ResourceSlice> existing,
                          client.List<api::ResourceSlice>(ctx, own));
    for (api::ResourceSlice& slice : existing.items) {
      auto ours = written.find(slice.metadata.name);
      if (ours != written.end() && ours->second.version == slice.metadata.resource_version)
        slice.spec.devices = ours->second.sent;
    }
    SlicePlan plan =
        PlanSlices({driver, inventory.pool(), node_name, node->metadata.uid, inventory.Published()},
                   existing.items);
    for (const api::ResourceSlice& slice : plan.remove) {
      runtime::DeleteOptions only_this;
      only_this.uid = slice.metadata.uid;
      only_this.resource_version = slice.metadata.resource_version;
      DRAY_RETURN_IF_ERROR(
          IgnoreNotFound(client.Delete<api::ResourceSlice>(ctx, api::KeyOf(slice), only_this)));
      written.erase(slice.metadata.name);
    }
    for (const api::ResourceSlice& slice : plan.update) {
      DRAY_ASSIGN_OR_RETURN(api::ResourceSlice stored, client.Update(ctx, slice));
      Remember(slice, stored);
    }
    for (const api::ResourceSlice& slice : plan.create) {
      DRAY_ASSIGN_OR_RETURN(api::ResourceSlice stored, client.Create(ctx, slice));
      Remember(slice, stored);
      LOG(INFO) << "published " << stored.metadata.name << " with " << stored.spec.devices.size()
                << " devices";
    }
    return runtime::Requeue{plan.empty() ? kResync : kSecondLook};
  }

  void Remember(const api::ResourceSlice& sent, const api::ResourceSlice& stored) {
    written[stored.metadata.name] = {stored.metadata.resource_version, sent.spec.devices};
    std::string dropped = DroppedFields(sent, stored);
    if (dropped.empty() || reported.exchange(true)) return;
    LOG(ERROR) << "the API server dropped " << dropped
               << " of the ResourceSlices: devices cannot be shared as the "
               << "profile says until it is enabled";
  }

  const runtime::Client client;
  const std::string driver, node_name;
  DeviceInventory& inventory;
  runtime::ListOptions own;
  runtime::WorkQueue queue;
  // Of the worker: what was sent for the version that is stored. A server whose feature gates drop
  // fields never shows what was wanted; sending it again would change nothing but the generation.
  struct Written {
    std::string version;
    std::vector<api::Device> sent;
  };
  std::map<std::string, Written> written;  // by name
  struct Standing {
    bool published = false;
    std::string problem;
  };
  Guarded<Standing> standing;
  std::atomic<bool> reported = false;
};

SlicePublisher::SlicePublisher(runtime::Client client, Clock& clock, std::string driver,
                               std::string node_name, DeviceInventory& inventory)
    : state_(std::make_shared<State>(std::move(client), clock, std::move(driver),
                                     std::move(node_name), inventory)) {
  // The inventory keeps its watchers for longer than this publisher lives.
  inventory.OnChange([watching = std::weak_ptr(state_)] {
    if (auto state = watching.lock()) state->queue.Add({"", state->node_name});
  });
}

SlicePublisher::~SlicePublisher() = default;

Status SlicePublisher::Run(const Context& ctx) {
  runtime::InformerOptions<api::ResourceSlice> options;
  options.list = state_->own;
  // Only when slices come and go is asked; what is in them is read from the server.
  options.transform = [](api::ResourceSlice& slice) { slice.spec.devices.clear(); };
  runtime::Informer<api::ResourceSlice> informer(state_->client, std::move(options));
  informer.AddHandler({[this](const auto&, const auto&) {
    state_->queue.Add({"", state_->node_name});
  }});
  Status outcome;
  {
    std::jthread watching([&] { outcome = informer.Run(ctx); });
    // What is deleted after the first list is seen; what was deleted before it, the first look
    // makes again.
    if (informer.WaitForSync(ctx).ok()) state_->queue.Add({"", state_->node_name});
    runtime::RunWorkers(ctx, state_->queue, *state_, 1);
  }
  return ctx.stopped() ? Status() : outcome;
}

Status SlicePublisher::Published() const {
  State::Standing now = state_->standing.Copy();
  if (now.published) return {};
  return Status(Reason::kUnavailable, "driver " + state_->driver +
                                          " has not published its ResourceSlices yet" +
                                          (now.problem.empty() ? "" : ": " + now.problem));
}

}  // namespace dray::mockdev
