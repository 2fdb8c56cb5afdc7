#include "cli/live_inventory.h"

namespace dray::cli {
namespace {

const api::ObjectKey kManager{"dray-system", "dray-controller-manager"};

template <api::ApiObject T>
runtime::InformerOptions<T> OnlyTheManagers() {
  runtime::InformerOptions<T> options;
  options.list.namespace_ = kManager.namespace_;
  options.list.field_selector = "metadata.name=" + kManager.name;
  return options;
}

}  // namespace

LiveInventory::LiveInventory(const Context& ctx, runtime::Client client)
    : nodes_(client),
      pods_(client),
      slices_(client),
      classes_(client),
      claims_(client),
      leases_(client, OnlyTheManagers<api::Lease>()),
      deployments_(client, OnlyTheManagers<api::Deployment>()),
      link_(ctx.stop(), [this] { stop_.request_stop(); }) {
  const Context run = ctx.WithStop(stop_.get_token());
  Watch(run, nodes_);
  Watch(run, pods_);
  Watch(run, slices_);
  Watch(run, classes_);
  Watch(run, claims_);
  Watch(run, leases_);
  Watch(run, deployments_);
}

LiveInventory::~LiveInventory() {
  stop_.request_stop();
  threads_.clear();
}

template <api::ApiObject T>
void LiveInventory::Watch(const Context& ctx, runtime::Informer<T>& informer) {
  auto news = [this] {
    {
      std::lock_guard lock(mutex_);
      ++news_;
    }
    changed_.notify_all();
  };
  informer.AddHandler({[news](const auto&, const auto&) { news(); }});
  threads_.emplace_back([&informer, ctx] { (void)informer.Run(ctx); });  // ends with the stop
  // A list without objects changes nothing, and is news.
  threads_.emplace_back([&informer, ctx, news] {
    if (informer.WaitForSync(ctx).ok()) news();
  });
}

bool LiveInventory::Listed() const {
  return nodes_.HasSynced() && pods_.HasSynced() && slices_.HasSynced() && classes_.HasSynced() &&
         claims_.HasSynced();
}

Status LiveInventory::AwaitNews(const Context& ctx, Duration apart) {
  if (told_at_ != SteadyTime::min())
    DRAY_RETURN_IF_ERROR(ctx.Sleep(told_at_ + apart - ctx.clock().Steady()));
  std::unique_lock lock(mutex_);
  if (!ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                             [this] { return news_ != told_ && Listed(); }))
    return ctx.stopped() ? Status(Reason::kCancelled, "stopped")
                         : Status(Reason::kTimeout, "nothing has changed in time");
  told_ = news_;
  told_at_ = ctx.clock().Steady();
  return {};
}

Inventory LiveInventory::Now() const {
  Inventory now;
  for (const auto& node : nodes_.List()) now.nodes.push_back(*node);
  for (const auto& pod : pods_.List()) now.pods.push_back(*pod);
  now.slices = slices_.List();
  now.classes = classes_.List();
  now.claims = claims_.List();
  if (const auto lease = leases_.Get(kManager)) now.lease = *lease;
  if (const auto deployment = deployments_.Get(kManager)) now.deployment = *deployment;
  return now;
}

}  // namespace dray::cli
