#include "api/alloc/pools.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "api/alloc/node_match.h"
#include "api/alloc/snapshot.h"

namespace dray::alloc {
namespace {

Result<bool> ForNode(const SliceInfo& slice, const api::Node& node) {
  const api::ResourceSliceSpec& spec = slice.spec();
  if (!spec.node_name.value_or("").empty() || spec.all_nodes.value_or(false) ||
      spec.node_selector) {
    return SelectsNode(spec.node_name, spec.all_nodes, spec.node_selector, node);
  }
  if (!slice.per_device()) return false;
  for (const api::Device& device : spec.devices) {
    DRAY_ASSIGN_OR_RETURN(
        bool match, SelectsNode(device.node_name, device.all_nodes, device.node_selector, node));
    if (match) return true;
  }
  return false;
}

// The relevant slices of one pool in its newest generation among them. The first one's count of
// slices is believed: those of the node alone come first, then the others, each in the order given.
struct Gathered {
  const PoolInfo* info = nullptr;
  std::vector<const SliceInfo*> slices;
  const api::ResourcePool& pool() const { return slices[0]->spec().pool; }

  void AddCounters() {
    if (info->counter_slices.empty()) return;
    slices.insert(slices.end(), info->counter_slices.begin(), info->counter_slices.end());
    std::sort(slices.begin(), slices.end(), [](const SliceInfo* a, const SliceInfo* b) {
      return std::pair(!a->of_one_node(), a->index) < std::pair(!b->of_one_node(), b->index);
    });
  }
  void KeepNewest() {
    int64_t newest = 0;
    for (const SliceInfo* slice : slices) newest = std::max(newest, slice->spec().pool.generation);
    std::erase_if(slices,
                  [&](const SliceInfo* slice) { return slice->spec().pool.generation < newest; });
  }
};

// The pools with devices for the node, in no particular order. (Slices with counters alone belong
// to every node, but then there is nothing to allocate: see DoubtsElsewhere.)
Result<std::vector<Gathered>> Gather(const Snapshot::State& state, const api::Node& node) {
  std::vector<Gathered> gathered;
  std::unordered_map<const PoolInfo*, size_t> places;
  auto add = [&](const SliceInfo& slice) -> Status {
    Result<bool> relevant = ForNode(slice, node);
    if (!relevant.ok()) return relevant.status().Wrapped("slice " + slice.slice->metadata.name);
    if (!*relevant) return Ok();
    const size_t place = places.try_emplace(slice.pool, gathered.size()).first->second;
    if (place == gathered.size()) gathered.push_back({slice.pool, {}});
    gathered[place].slices.push_back(&slice);
    return Ok();
  };
  if (auto own = state.on_node.find(node.metadata.name); own != state.on_node.end()) {
    for (const SliceInfo* slice : own->second) DRAY_RETURN_IF_ERROR(add(*slice));
  }
  for (const SliceInfo* slice : state.on_many) DRAY_RETURN_IF_ERROR(add(*slice));
  for (Gathered& pool : gathered) {
    pool.AddCounters();
    pool.KeepNewest();
  }
  return gathered;
}

std::string DuplicateDevice(const std::vector<const SliceInfo*>& slices) {
  std::vector<std::string_view> names;
  for (const SliceInfo* slice : slices) {
    for (const api::Device& device : slice->spec().devices) names.push_back(device.name);
  }
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? "" : "duplicate device name " + std::string(*twice);
}

std::string UnknownCounter(const std::vector<const api::CounterSet*>& sets,
                           const std::vector<const SliceInfo*>& slices) {
  for (const SliceInfo* slice : slices) {
    if (!slice->consumes) continue;
    for (const api::Device& device : slice->spec().devices) {
      for (const api::DeviceCounterConsumption& consumption : device.consumes_counters) {
        auto set = std::find_if(sets.begin(), sets.end(), [&](const api::CounterSet* s) {
          return s->name == consumption.counter_set;
        });
        if (set == sets.end()) return "counter set " + consumption.counter_set + " not found";
        for (const auto& [name, counter] : consumption.counters) {
          if (!(*set)->counters.contains(name)) {
            return "counter " + name + " not found in counter set " + (*set)->name;
          }
        }
      }
    }
  }
  return "";
}

// Fills a complete pool, or says why it is invalid. `all`: every slice of its generation.
void Fill(PoolView& view, std::vector<const SliceInfo*> slices,
          const std::vector<const SliceInfo*>& all) {
  auto by_name = [](const SliceInfo* a, const SliceInfo* b) {
    return a->slice->metadata.name < b->slice->metadata.name;
  };
  std::stable_sort(slices.begin(), slices.end(), by_name);
  std::vector<const SliceInfo*> with_devices;
  for (const SliceInfo* slice : slices) {
    if (slice->spec().shared_counters.empty()) with_devices.push_back(slice);
  }
  if (view.invalid = DuplicateDevice(with_devices); !view.invalid.empty()) return;
  std::vector<const api::CounterSet*> sets;
  for (const SliceInfo* slice : slices) {
    for (const api::CounterSet& set : slice->spec().shared_counters) {
      for (const api::CounterSet* other : sets) {
        if (other->name == set.name) {
          view.invalid = "duplicate counter set name " + set.name;
          return;
        }
      }
      sets.push_back(&set);
    }
  }
  if (view.invalid = UnknownCounter(sets, slices); !view.invalid.empty()) return;
  std::vector<const SliceInfo*> elsewhere;
  for (const SliceInfo* slice : all) {
    if (std::find(slices.begin(), slices.end(), slice) == slices.end()) elsewhere.push_back(slice);
  }
  if (view.invalid = UnknownCounter(sets, elsewhere); !view.invalid.empty()) return;
  view.slices = std::move(with_devices);
  if (!sets.empty()) view.elsewhere = std::move(elsewhere);  // only their counters matter
  view.counter_sets = std::move(sets);
}

// Nothing when the pool is obsolete on this node: a newer generation has no slice for it.
std::optional<PoolView> MakePool(const Snapshot::State& state, const Gathered& gathered) {
  const PoolInfo& pool = *gathered.info;
  state.Open(pool);
  PoolView view;
  view.pool = &pool;
  const api::ResourcePool& generation = gathered.pool();
  if (static_cast<int64_t>(gathered.slices.size()) == generation.resource_slice_count) {
    Fill(view, gathered.slices, {});
    return view;
  }
  std::vector<const SliceInfo*> all;
  for (const SliceInfo* slice : pool.slices) {
    if (slice->spec().pool.generation > generation.generation) return std::nullopt;
    if (slice->spec().pool.generation == generation.generation) all.push_back(slice);
  }
  view.incomplete = static_cast<int64_t>(all.size()) != generation.resource_slice_count;
  if (!view.incomplete) Fill(view, gathered.slices, all);
  return view;
}

bool HasBindingConditions(const PoolView& view) {
  return std::any_of(view.slices.begin(), view.slices.end(),
                     [](const SliceInfo* slice) { return slice->binds; });
}

// Pools of which a node without devices of theirs sees the counters, and sees that they are
// incomplete or invalid: that matters to requests for all devices. The same for every such node.
const std::vector<PoolView>& DoubtsElsewhere(const Snapshot::State& state) {
  if (state.doubts) return *state.doubts;
  state.doubts.emplace();
  for (const PoolInfo& pool : state.pools) {
    if (pool.counter_slices.empty()) continue;
    Gathered counters{&pool, {}};
    counters.AddCounters();
    counters.KeepNewest();
    std::optional<PoolView> view = MakePool(state, counters);
    if (view && (view->incomplete || !view->invalid.empty()))
      state.doubts->push_back(std::move(*view));
  }
  return *state.doubts;
}

void AddCandidates(const api::Node& node, NodeView& view) {
  for (PoolView& pool : view.pools) {
    view.invalid_pools |= !pool.invalid.empty();
    pool.first = view.candidates.size();
    for (const SliceInfo* slice : pool.slices) {
      view.counters |= slice->consumes;
      for (const DeviceInfo& device : slice->devices) {
        Candidate candidate{&device, &pool};
        if (slice->per_device()) {
          Result<bool> fit = SelectsNode(device.device->node_name, device.device->all_nodes,
                                         device.device->node_selector, node);
          candidate.fit = !fit.ok() ? Candidate::Fit::kUnreadable
                          : *fit    ? Candidate::Fit::kYes
                                    : Candidate::Fit::kNo;
        }
        view.candidates.push_back(candidate);
      }
    }
    pool.end = view.candidates.size();
  }
}

}  // namespace

std::shared_ptr<const NodeView> MakeView(const Snapshot::State& state, const api::Node& node) {
  auto view = std::make_shared<NodeView>();
  view->state = &state;
  view->labels = node.metadata.labels;
  Result<std::vector<Gathered>> gathered = Gather(state, node);
  if (!gathered.ok()) {
    view->unreadable = gathered.status();
    return view;
  }
  std::vector<PoolView> late;
  auto add = [&](std::optional<PoolView> pool) {
    if (!pool || (pool->slices.empty() && !pool->incomplete && pool->invalid.empty())) return;
    (HasBindingConditions(*pool) ? late : view->pools).push_back(std::move(*pool));
  };
  for (const Gathered& pool : *gathered) add(MakePool(state, pool));
  for (const PoolView& doubt : DoubtsElsewhere(state)) {
    if (std::none_of(gathered->begin(), gathered->end(),
                     [&](const Gathered& g) { return g.info == doubt.pool; }))
      add(doubt);
  }
  auto by_id = [](const PoolView& a, const PoolView& b) {
    return std::tie(a.pool->driver, a.pool->name) < std::tie(b.pool->driver, b.pool->name);
  };
  std::sort(view->pools.begin(), view->pools.end(), by_id);
  std::sort(late.begin(), late.end(), by_id);
  std::move(late.begin(), late.end(), std::back_inserter(view->pools));
  AddCandidates(node, *view);
  // Two pools that count into one book: the answer depends on which is asked for first, perhaps on
  // another node.
  view->repeatable = !view->counters ||
                     std::all_of(view->pools.begin(), view->pools.end(), [&](const PoolView& pool) {
                       return state.pools_of_ledger[pool.pool->ledger] == 1;
                     });
  return view;
}

uint64_t NodeView::Version() const {
  uint64_t version = 1;
  for (const PoolView& pool : pools) version += pool.pool->changes;
  return version;
}

namespace {

// The node's slot with an up-to-date view. Under the lock.
NodeSlot& SlotOf(const Snapshot::State& state, const api::Node& node) {
  NodeSlot& slot = state.nodes[node.metadata.name];
  if (slot.view == nullptr || slot.view->labels != node.metadata.labels) {
    slot.view = MakeView(state, node);
    slot.refusals = {};
  }
  return slot;
}

}  // namespace

std::shared_ptr<const NodeView> ViewOf(const Snapshot::State& state, const api::Node& node) {
  std::lock_guard lock(state.nodes_mutex);
  return SlotOf(state, node).view;
}

Visit VisitNode(const Snapshot::State& state, const api::Node& node, uint64_t shape) {
  std::lock_guard lock(state.nodes_mutex);
  const NodeSlot& slot = SlotOf(state, node);
  const uint64_t version = slot.view->Version();
  const NodeSlot::Refusal& refusal = slot.refusals[shape % slot.refusals.size()];
  if (refusal.shape == shape && refusal.version == version)
    return {true, slot.view->invalid_pools, version, nullptr};
  return {false, slot.view->invalid_pools, version, slot.view};
}

void NoteRefusal(const Snapshot::State& state, const api::Node& node, const Visit& visit,
                 uint64_t shape) {
  if (!visit.view->repeatable) return;
  std::lock_guard lock(state.nodes_mutex);
  auto slot = state.nodes.find(node.metadata.name);
  if (slot == state.nodes.end() || slot->second.view != visit.view)
    return;  // another thread saw other labels
  slot->second.refusals[shape % slot->second.refusals.size()] = {shape, visit.version};
}

}  // namespace dray::alloc
