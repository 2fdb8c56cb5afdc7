// What drivers and nodes that are gone have left in the API.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "controllers/cleanup/deletion.h"

namespace dray::controllers {
namespace {

constexpr std::string_view kOurPrefix = "dray.dev/";

Json Nulls(const api::Labels& entries) {
  Json nulls = Json::object();
  for (const auto& [key, value] : entries)
    if (key.starts_with(kOurPrefix)) nulls[key] = nullptr;
  return nulls;
}

}  // namespace

std::vector<std::string> NodeOfSlice(const api::ResourceSlice& slice) {
  return slice.spec.node_name ? std::vector<std::string>{*slice.spec.node_name}
                              : std::vector<std::string>();
}

SliceCleanup::SliceCleanup(CleanupOptions options,
                           const runtime::Lister<api::ResourceSlice>* slices,
                           const runtime::Lister<api::Node>* nodes)
    : options_(std::move(options)), slices_(slices), nodes_(nodes) {
  options_.metrics->Add(kDeleted, kDeletedHelp, {{"kind", "ResourceSlice"}}, 0);
}

std::string SliceCleanup::Fault(const api::ResourceSlice& slice) const {
  const api::ResourceSliceSpec& spec = slice.spec;
  if (spec.node_name && nodes_->Get({"", *spec.node_name}) == nullptr)
    return "its node " + *spec.node_name + " is gone";
  std::map<int64_t, std::pair<int64_t, int64_t>>
      newer;  // generation -> how many there are, how many there should be
  for (const auto& other : slices_->By("pool", spec.driver + "/" + spec.pool.name))
    if (other->spec.pool.generation > spec.pool.generation) {
      auto& [there, wanted] = newer[other->spec.pool.generation];
      ++there;
      wanted = other->spec.pool.resource_slice_count;
    }
  for (const auto& [generation, counts] : newer)
    if (counts.first >= counts.second)
      return "its pool " + spec.pool.name + " is complete in generation " +
             std::to_string(generation) + ", this is " + std::to_string(spec.pool.generation);
  return "";
}

Result<runtime::Requeue> SliceCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto slice = slices_->Get(key);
  const std::string fault =
      slice == nullptr || slice->metadata.deletion_timestamp ? "" : Fault(*slice);
  if (fault.empty()) {
    seen_.Forget(key.name);
    return runtime::Requeue{};
  }
  const Duration since =
      seen_.For(key.name, slice->metadata.uid + " " + fault, ctx.clock().Steady());
  const Duration age = std::min<Duration>(since, ctx.clock().Now() - CreatedAt(slice->metadata));
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  if (slice->spec.node_name) {
    Result<api::Node> live = options_.client.Get<api::Node>(ctx, {"", *slice->spec.node_name});
    if (!live.ok() && !live.Is(Reason::kNotFound)) return live.status();
    if (live.ok() && fault.ends_with("is gone"))
      return runtime::Requeue{options_.grace};  // the cache lags behind
  }
  return DeleteExactly(ctx, options_, *slice, fault);
}

NodeCleanup::NodeCleanup(CleanupOptions options, const runtime::Lister<api::Node>* nodes,
                         const runtime::Lister<api::ResourceSlice>* slices)
    : options_(std::move(options)), nodes_(nodes), slices_(slices) {}

Result<runtime::Requeue> NodeCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto node = nodes_->Get(key);
  Json labels = node == nullptr ? Json::object() : Nulls(node->metadata.labels);
  Json annotations = node == nullptr ? Json::object() : Nulls(node->metadata.annotations);
  Json capacity = Json::object();
  if (node != nullptr)
    for (const auto& [name, amount] : node->status.capacity)
      if (name.starts_with(kOurPrefix)) capacity[name] = nullptr;
  const bool clean = labels.empty() && annotations.empty() && capacity.empty();
  if (clean || node->metadata.deletion_timestamp || !slices_->By("node", key.name).empty()) {
    seen_.Forget(key.name);
    return runtime::Requeue{};
  }
  const Duration since = seen_.For(key.name, node->metadata.uid, ctx.clock().Steady());
  if (since < options_.grace) return runtime::Requeue{options_.grace - since};
  runtime::ListOptions there;
  there.field_selector = "spec.nodeName=" + key.name;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::ResourceSlice> live,
                        options_.client.List<api::ResourceSlice>(ctx, there));
  if (!live.items.empty()) return runtime::Requeue{options_.grace};
  const std::string why = "no driver has published a device of this node for " +
                          std::to_string(std::chrono::ceil<std::chrono::minutes>(since).count()) +
                          " min";
  if (auto answer =
          MayNot(ctx, options_, "take what is left of dray.dev/ from node " + key.name, why))
    return *answer;
  // The uid guards against a node of the same name; the rest of the node is not touched.
  const Json meta = {{"uid", node->metadata.uid}};
  if (!labels.empty() || !annotations.empty()) {
    Json metadata = meta;
    metadata["labels"] = std::move(labels);
    metadata["annotations"] = std::move(annotations);
    Status patched = options_.client
                         .Patch<api::Node>(ctx, key, runtime::PatchType::kMerge,
                                           Json({{"metadata", metadata}}).dump())
                         .status();
    if (!patched.ok())
      return IgnoreNotFound(patched).ok() ? Result<runtime::Requeue>(runtime::Requeue{}) : patched;
  }
  if (!capacity.empty()) {
    runtime::PatchOptions to_status;
    to_status.subresource = "status";
    const Json patch = {{"metadata", meta},
                        {"status", {{"capacity", capacity}, {"allocatable", capacity}}}};
    Status patched =
        options_.client
            .Patch<api::Node>(ctx, key, runtime::PatchType::kMerge, patch.dump(), to_status)
            .status();
    if (!patched.ok())
      return IgnoreNotFound(patched).ok() ? Result<runtime::Requeue>(runtime::Requeue{}) : patched;
  }
  LOG(INFO) << "cleanup: took what was left of dray.dev/ from node " << key.name << ": " << why;
  return runtime::Requeue{};
}

}  // namespace dray::controllers
