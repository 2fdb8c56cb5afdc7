// What drivers and nodes that are gone have left in the API.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "controllers/cleanup/deletion.h"

namespace dray::controllers {
namespace {

// Dray's own words on a Node. The programs of this version say none there themselves (a device
// plugin's counts are written by the kubelet); an older one may have. All else under dray.dev/ is a
// setting: dray.dev/mock-profile is the user's word where mock nodes shall be.
constexpr std::string_view kOurLabels[] = {"dray.dev/profile"};
constexpr std::string_view kOurAnnotations[] = {"dray.dev/devices"};
constexpr std::string_view kOurResources = "dray.dev/";  // and the kubelet says zero

Json Nulls(const api::Labels& entries, std::span<const std::string_view> ours) {
  Json nulls = Json::object();
  for (std::string_view key : ours)
    if (entries.contains(std::string(key))) nulls[std::string(key)] = nullptr;
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

SliceCleanup::Fault SliceCleanup::FaultOf(const api::ResourceSlice& slice) const {
  const api::ResourceSliceSpec& spec = slice.spec;
  if (spec.node_name && nodes_->Get({"", *spec.node_name}) == nullptr)
    return {Fault::Kind::kNodeGone, "its node " + *spec.node_name + " is gone"};
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
      return {Fault::Kind::kOutdated, "its pool " + spec.pool.name + " is complete in generation " +
                                          std::to_string(generation) + ", this is " +
                                          std::to_string(spec.pool.generation)};
  return {};
}

Result<runtime::Requeue> SliceCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto slice = slices_->Get(key);
  const Fault fault =
      slice == nullptr || slice->metadata.deletion_timestamp ? Fault() : FaultOf(*slice);
  if (fault.kind == Fault::Kind::kNone) {
    seen_.Forget(key.name);
    return runtime::Requeue{};
  }
  const Duration since =
      seen_.For(key.name, slice->metadata.uid + " " + fault.sentence, ctx.clock().Steady());
  const Duration age = std::min<Duration>(since, ctx.clock().Now() - CreatedAt(slice->metadata));
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  Turn turn(ctx, options_, ToDelete(*slice));
  if (auto wait = turn.NotYet()) return *wait;
  if (fault.kind == Fault::Kind::kNodeGone) {
    Result<api::Node> live = options_.client.Get<api::Node>(ctx, {"", *slice->spec.node_name});
    if (live.ok()) return runtime::Requeue{options_.grace};  // the cache lags behind
    if (!live.Is(Reason::kNotFound)) return live.status();
  }
  return DeleteExactly(ctx, options_, turn, *slice, fault.sentence);
}

NodeCleanup::NodeCleanup(CleanupOptions options, const runtime::Lister<api::Node>* nodes,
                         const runtime::Lister<api::ResourceSlice>* slices)
    : options_(std::move(options)), nodes_(nodes), slices_(slices) {}

Result<runtime::Requeue> NodeCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto node = nodes_->Get(key);
  Json labels = node == nullptr ? Json::object() : Nulls(node->metadata.labels, kOurLabels);
  Json annotations =
      node == nullptr ? Json::object() : Nulls(node->metadata.annotations, kOurAnnotations);
  Json capacity = Json::object();
  if (node != nullptr)
    for (const auto& [name, amount] : node->status.capacity)
      if (name.starts_with(kOurResources) && amount == api::Quantity()) capacity[name] = nullptr;
  const bool clean = labels.empty() && annotations.empty() && capacity.empty();
  if (clean || node->metadata.deletion_timestamp || slices_->Has("node", key.name)) {
    seen_.Forget(key.name);
    return runtime::Requeue{};
  }
  const Duration since = seen_.For(key.name, node->metadata.uid, ctx.clock().Steady());
  if (since < options_.grace) return runtime::Requeue{options_.grace - since};
  Turn turn(ctx, options_, "take what is left of Dray from node " + key.name);
  if (auto wait = turn.NotYet()) return *wait;
  runtime::ListOptions there;
  there.field_selector = "spec.nodeName=" + key.name;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::ResourceSlice> live,
                        options_.client.List<api::ResourceSlice>(ctx, there));
  if (!live.items.empty()) return runtime::Requeue{options_.grace};
  const std::string why = "no driver has published a device of this node for " +
                          std::to_string(std::chrono::ceil<std::chrono::minutes>(since).count()) +
                          " min";
  if (!turn.Use(why)) return runtime::Requeue{};
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
  LOG(INFO) << "cleanup: took what was left of Dray from node " << key.name << ": " << why;
  return runtime::Requeue{};
}

}  // namespace dray::controllers
