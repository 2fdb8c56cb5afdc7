#include "api/alloc/pools.h"

#include <algorithm>
#include <set>

#include "api/alloc/node_match.h"
#include "api/alloc/snapshot.h"

namespace dray::alloc {
namespace {

Result<bool> ForNode(const SliceInfo& slice, const api::Node& node) {
  const api::ResourceSliceSpec& spec = slice.spec();
  // Counters are needed wherever the pool is used.
  if (!spec.shared_counters.empty()) return true;
  if (!spec.node_name.value_or("").empty() || spec.all_nodes.value_or(false) || spec.node_selector) {
    return SelectsNode(spec.node_name, spec.all_nodes, spec.node_selector, node);
  }
  if (!slice.per_device()) return false;
  for (const api::Device& device : spec.devices) {
    DRAY_ASSIGN_OR_RETURN(bool match, SelectsNode(device.node_name, device.all_nodes, device.node_selector, node));
    if (match) return true;
  }
  return false;
}

// The relevant slices of one pool in its newest generation among them.
struct Gathered {
  std::vector<const SliceInfo*> slices;
  const api::ResourcePool& pool() const { return slices[0]->spec().pool; }
};

Result<std::map<const PoolInfo*, Gathered>> Gather(const Snapshot::State& state, const api::Node& node) {
  std::map<const PoolInfo*, Gathered> gathered;
  auto add = [&](const SliceInfo& slice) -> Status {
    Result<bool> relevant = ForNode(slice, node);
    if (!relevant.ok()) return relevant.status().Wrapped("slice " + slice.slice->metadata.name);
    if (!*relevant) return Ok();
    Gathered& pool = gathered[slice.pool];
    const int64_t generation = slice.spec().pool.generation;
    if (!pool.slices.empty() && generation < pool.pool().generation) return Ok();
    if (!pool.slices.empty() && generation > pool.pool().generation) pool.slices.clear();
    pool.slices.push_back(&slice);
    return Ok();
  };
  if (auto own = state.on_node.find(node.metadata.name); own != state.on_node.end()) {
    for (const SliceInfo* slice : own->second) DRAY_RETURN_IF_ERROR(add(*slice));
  }
  for (const SliceInfo* slice : state.on_many) DRAY_RETURN_IF_ERROR(add(*slice));
  return gathered;
}

std::string DuplicateDevice(const std::vector<const SliceInfo*>& slices) {
  std::set<std::string_view> seen;
  for (const SliceInfo* slice : slices) {
    for (const api::Device& device : slice->spec().devices) {
      if (!seen.insert(device.name).second) return "duplicate device name " + device.name;
    }
  }
  return "";
}

std::string UnknownCounter(const std::vector<const api::CounterSet*>& sets,
                           const std::vector<const SliceInfo*>& slices) {
  for (const SliceInfo* slice : slices) {
    for (const api::Device& device : slice->spec().devices) {
      for (const api::DeviceCounterConsumption& consumption : device.consumes_counters) {
        auto set = std::find_if(sets.begin(), sets.end(),
                                [&](const api::CounterSet* s) { return s->name == consumption.counter_set; });
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
void Fill(PoolView& view, std::vector<const SliceInfo*> slices, const std::vector<const SliceInfo*>& all) {
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
std::optional<PoolView> MakePool(const PoolInfo& pool, const Gathered& gathered) {
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
  for (const SliceInfo* slice : view.slices) {
    for (const api::Device& device : slice->spec().devices) {
      if (!device.binding_conditions.empty()) return true;
    }
  }
  return false;
}

std::shared_ptr<const NodeView> Make(const Snapshot::State& state, const api::Node& node) {
  auto view = std::make_shared<NodeView>();
  view->labels = node.metadata.labels;
  Result<std::map<const PoolInfo*, Gathered>> gathered = Gather(state, node);
  if (!gathered.ok()) {
    view->unreadable = gathered.status();
    return view;
  }
  std::vector<PoolView> late;
  for (const auto& [pool, slices] : *gathered) {
    std::optional<PoolView> made = MakePool(*pool, slices);
    if (!made) continue;
    (HasBindingConditions(*made) ? late : view->pools).push_back(std::move(*made));
  }
  auto by_id = [](const PoolView& a, const PoolView& b) {
    return std::tie(a.pool->driver, a.pool->name) < std::tie(b.pool->driver, b.pool->name);
  };
  std::sort(view->pools.begin(), view->pools.end(), by_id);
  std::sort(late.begin(), late.end(), by_id);
  std::move(late.begin(), late.end(), std::back_inserter(view->pools));

  for (PoolView& pool : view->pools) {
    view->invalid_pools |= !pool.invalid.empty();
    pool.first = view->candidates.size();
    for (const SliceInfo* slice : pool.slices) {
      for (const DeviceInfo& device : slice->devices) {
        Candidate candidate{&device, &pool};
        if (slice->per_device()) {
          Result<bool> fit = SelectsNode(device.device->node_name, device.device->all_nodes,
                                         device.device->node_selector, node);
          candidate.fit = !fit.ok() ? Candidate::Fit::kUnreadable : *fit ? Candidate::Fit::kYes : Candidate::Fit::kNo;
        }
        view->counters |= !device.device->consumes_counters.empty();
        view->candidates.push_back(candidate);
      }
    }
    pool.end = view->candidates.size();
  }
  return view;
}

}  // namespace

std::shared_ptr<const NodeView> ViewOf(const Snapshot::State& state, const api::Node& node) {
  std::lock_guard lock(state.views_mutex);
  std::shared_ptr<const NodeView>& view = state.views[node.metadata.name];
  if (view == nullptr || view->labels != node.metadata.labels) view = Make(state, node);
  return view;
}

}  // namespace dray::alloc
