#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dray/api/alloc.h"

// What a node sees, written down literally: see plain_allocator.h.
namespace dray::alloc::plain {

using Nanos = api::Quantity::Nanos;
using Amounts = std::map<std::string, Nanos>;

struct Failure {};  // the scheduler would abort the Pod

struct Pool {
  std::string driver, name;
  bool incomplete = false, invalid = false;
  std::vector<const api::ResourceSlice*> here, elsewhere;
  Amounts counters;  // "set/counter"
  bool binds() const {
    for (auto* slice : here)
      for (auto& device : slice->spec.devices)
        if (!device.binding_conditions.empty()) return true;
    return false;
  }
};

inline bool Fits(const api::Node& node, const std::optional<std::string>& name,
                 const std::optional<bool>& all, const std::optional<api::NodeSelector>& selector) {
  if (name && !name->empty()) return *name == node.metadata.name;
  if (all && *all) return true;
  if (!selector) return false;
  Result<bool> match = MatchNode(*selector, node);
  if (!match.ok()) throw Failure();
  return *match;
}

inline void Build(Pool& pool, std::vector<const api::ResourceSlice*> slices,
                  const std::vector<const api::ResourceSlice*>& all) {
  std::sort(slices.begin(), slices.end(),
            [](auto* a, auto* b) { return a->metadata.name < b->metadata.name; });
  std::set<std::string> names, sets;
  for (auto* slice : slices) {
    for (const auto& set : slice->spec.shared_counters) {
      if (!sets.insert(set.name).second) pool.invalid = true;
      for (const auto& [name, counter] : set.counters)
        pool.counters[set.name + "/" + name] = counter.value.nanos();
    }
    if (!slice->spec.shared_counters.empty()) continue;
    for (const auto& device : slice->spec.devices) {
      if (!names.insert(device.name).second) pool.invalid = true;
    }
    pool.here.push_back(slice);
  }
  for (auto* slice : all) {
    if (std::find(slices.begin(), slices.end(), slice) == slices.end())
      pool.elsewhere.push_back(slice);
    for (const auto& device : slice->spec.devices) {
      for (const auto& use : device.consumes_counters) {
        if (!sets.contains(use.counter_set)) pool.invalid = true;
        for (const auto& [name, counter] : use.counters) {
          if (!pool.counters.contains(use.counter_set + "/" + name)) pool.invalid = true;
        }
      }
    }
  }
  if (pool.invalid) pool.here.clear();
}

// The pools that the node sees, in order.
inline std::vector<Pool> PoolsOf(const std::vector<const api::ResourceSlice*>& all_slices,
                                 const api::Node& node) {
  std::map<std::pair<std::string, std::string>, std::vector<const api::ResourceSlice*>> found;
  std::vector<const api::ResourceSlice*> order;  // those of the node first
  for (int shared = 0; shared < 2; ++shared) {
    for (auto* slice : all_slices) {
      const std::string own = slice->spec.node_name.value_or("");
      const bool many = own.empty() || !slice->spec.shared_counters.empty();
      if (many ? shared == 1 : shared == 0 && own == node.metadata.name) order.push_back(slice);
    }
  }
  for (auto* slice : order) {
    const auto& spec = slice->spec;
    bool relevant = !spec.shared_counters.empty();
    if (!relevant && (!spec.node_name.value_or("").empty() || spec.all_nodes.value_or(false) ||
                      spec.node_selector)) {
      relevant = Fits(node, spec.node_name, spec.all_nodes, spec.node_selector);
    } else if (!relevant && spec.per_device_node_selection.value_or(false)) {
      for (const auto& device : spec.devices) {
        relevant = relevant || Fits(node, device.node_name, device.all_nodes, device.node_selector);
      }
    }
    if (!relevant) continue;
    auto& pool = found[{spec.driver, spec.pool.name}];
    if (!pool.empty() && spec.pool.generation < pool[0]->spec.pool.generation) continue;
    if (!pool.empty() && spec.pool.generation > pool[0]->spec.pool.generation) pool.clear();
    pool.push_back(slice);
  }
  std::vector<Pool> pools, late;
  for (auto& [id, slices] : found) {
    Pool pool{id.first, id.second, false, false, {}, {}, {}};
    const int64_t count = slices[0]->spec.pool.resource_slice_count,
                  generation = slices[0]->spec.pool.generation;
    std::vector<const api::ResourceSlice*> all = slices;
    if (static_cast<int64_t>(slices.size()) != count) {
      all.clear();
      bool obsolete = false;
      for (auto* slice : all_slices) {
        if (slice->spec.driver != id.first || slice->spec.pool.name != id.second) continue;
        obsolete = obsolete || slice->spec.pool.generation > generation;
        if (slice->spec.pool.generation == generation) all.push_back(slice);
      }
      if (obsolete) continue;
      pool.incomplete = static_cast<int64_t>(all.size()) != count;
    }
    if (!pool.incomplete) Build(pool, slices, all);
    (pool.binds() ? late : pools).push_back(pool);
  }
  pools.insert(pools.end(), late.begin(), late.end());
  return pools;
}

}  // namespace dray::alloc::plain
