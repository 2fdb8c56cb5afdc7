#include "api/alloc/result.h"

#include <algorithm>
#include <set>

namespace dray::alloc {
namespace {

api::DeviceRequestAllocationResult MakeDevice(const Chosen& chosen, const Options& options) {
  const DeviceInfo& device = *chosen.candidate->device;
  api::DeviceRequestAllocationResult result;
  result.request = chosen.alternative->FullName();
  result.driver = chosen.candidate->pool->pool->driver;
  result.pool = chosen.candidate->pool->pool->name;
  result.device = device.device->name;
  if (chosen.alternative->admin) result.admin_access = true;
  result.tolerations = *chosen.alternative->tolerations;
  result.binding_conditions = device.device->binding_conditions;
  result.binding_failure_conditions = device.device->binding_failure_conditions;
  if (device.shared)
    result.share_id = options.new_share_id ? options.new_share_id() : std::string();
  for (size_t i = 0; i < chosen.consumed.size(); ++i) {
    result.consumed_capacity[*device.capacities[i].text] = chosen.consumed[i];
  }
  return result;
}

bool Lists(const std::vector<std::string>& requests, const std::string& name) {
  return std::find(requests.begin(), requests.end(), name) != requests.end();
}

// Configuration of the classes, once per class with the requests that use it, then of the claim. An
// entry of the claim that lists several requests stands once for each of them, as in Kubernetes.
std::vector<api::DeviceAllocationConfiguration> MakeConfig(const Search& search,
                                                           const PreparedClaim& claim,
                                                           size_t index) {
  std::vector<api::DeviceAllocationConfiguration> config;
  std::map<std::string, std::pair<size_t, size_t>> of_class;  // first and past the last entry
  for (size_t r = 0; r < claim.requests.size(); ++r) {
    const Alternative& alternative = search.Selected(index, r);
    if (alternative.device_class->spec.config.empty()) continue;
    const std::string& name = alternative.device_class->metadata.name;
    if (auto known = of_class.find(name); known != of_class.end()) {
      for (size_t i = known->second.first; i < known->second.second; ++i) {
        config[i].requests.push_back(alternative.FullName());
      }
      continue;
    }
    const size_t first = config.size();
    for (const api::DeviceClassConfiguration& entry : alternative.device_class->spec.config) {
      config.push_back({"FromClass", {alternative.FullName()}, entry.opaque});
    }
    of_class[name] = {first, config.size()};
  }
  for (const api::DeviceClaimConfiguration& entry : claim.claim->spec.devices.config) {
    if (entry.requests.empty()) {
      config.push_back({"FromClaim", {}, entry.opaque});
      continue;
    }
    for (size_t r = 0; r < claim.requests.size(); ++r) {
      const Alternative& alternative = search.Selected(index, r);
      if (Lists(entry.requests, *alternative.request) ||
          Lists(entry.requests, alternative.FullName())) {
        config.push_back({"FromClaim", entry.requests, entry.opaque});
      }
    }
  }
  return config;
}

bool Same(const api::NodeSelectorRequirement& a, const api::NodeSelectorRequirement& b) {
  return a.key == b.key && a.op == b.op &&
         std::set(a.values.begin(), a.values.end()) == std::set(b.values.begin(), b.values.end());
}

void AddNew(const std::vector<api::NodeSelectorRequirement>& from,
            std::vector<api::NodeSelectorRequirement>& to) {
  for (const api::NodeSelectorRequirement& requirement : from) {
    if (std::none_of(to.begin(), to.end(), [&](auto& known) { return Same(known, requirement); })) {
      to.push_back(requirement);
    }
  }
}

// Where the allocation can be used: this node, if one device is bound to a node; else wherever all
// devices are; everywhere when nothing is asked for.
Result<std::optional<api::NodeSelector>> MakeNodeSelector(const Search& search, size_t claim,
                                                          const api::Node& node) {
  std::optional<api::NodeSelector> selector;
  api::NodeSelectorTerm term;
  for (const Chosen& chosen : search.chosen()) {
    if (chosen.claim != claim) continue;
    const api::Device& device = *chosen.candidate->device->device;
    const SliceInfo& slice = *chosen.candidate->device->slice;
    const bool own = slice.per_device();
    if ((own ? device.node_name : slice.spec().node_name) || device.binds_to_node.value_or(false)) {
      api::NodeSelectorRequirement& name =
          selector.emplace().node_selector_terms.emplace_back().match_fields.emplace_back();
      name.key = "metadata.name";
      name.op = "In";
      name.values.push_back(node.metadata.name);
      return selector;
    }
    const std::optional<api::NodeSelector>& where =
        own ? device.node_selector : slice.spec().node_selector;
    if (!where || where->node_selector_terms.empty()) continue;
    if (where->node_selector_terms.size() > 1) {
      return Status(Reason::kInvalid, "device " + device.name + ": a node selector with " +
                                          std::to_string(where->node_selector_terms.size()) +
                                          " terms");
    }
    AddNew(where->node_selector_terms[0].match_fields, term.match_fields);
    AddNew(where->node_selector_terms[0].match_expressions, term.match_expressions);
  }
  if (!term.match_fields.empty() || !term.match_expressions.empty())
    selector.emplace().node_selector_terms.push_back(std::move(term));
  return selector;
}

}  // namespace

Result<std::vector<api::AllocationResult>> MakeResults(const Search& search,
                                                       const std::vector<PreparedClaim>& claims,
                                                       const api::Node& node,
                                                       const Options& options) {
  std::vector<api::AllocationResult> results(claims.size());
  for (const Chosen& chosen : search.chosen()) {
    results[chosen.claim].devices.results.push_back(MakeDevice(chosen, options));
  }
  for (size_t c = 0; c < claims.size(); ++c) {
    results[c].devices.config = MakeConfig(search, claims[c], c);
    auto selector = MakeNodeSelector(search, c, node);
    if (!selector.ok()) return selector.status().Wrapped(Describe(*claims[c].claim));
    results[c].node_selector = std::move(selector).value();
  }
  return results;
}

}  // namespace dray::alloc
