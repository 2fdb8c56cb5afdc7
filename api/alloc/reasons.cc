#include "api/alloc/reasons.h"

#include <algorithm>

#include "api/alloc/taints.h"

namespace dray::alloc {
namespace {

constexpr size_t kLongestExpression = 80;

// Names of rules in RequestReason::ruled_out.
constexpr char kInUse[] = "in use";
constexpr char kClass[] = "class selector";
constexpr char kNode[] = "other node";
constexpr char kCounters[] = "shared counters";

std::string Shortened(const std::string& text) {
  return text.size() <= kLongestExpression ? text : text.substr(0, kLongestExpression - 3) + "...";
}

struct Judged {
  RequestReason reason;
  int of_class = 0;    // devices that the class selects
  int selected = 0;    // of them, devices that the request selects too
  int fitting = 0;
  std::string selector;  // one that said no
  std::string taint;
  std::string missing;   // a capacity that devices lack
  std::string refused;   // an amount that a policy does not grant: "90Gi memory"
};

const CapacityInfo* Find(const DeviceInfo& device, const CapacityAsk& ask) {
  for (const CapacityInfo& capacity : device.capacities) {
    if (capacity.name == ask.name) return &capacity;
  }
  return nullptr;
}

// The rule that a lack of room comes under: the name of the capacity. "" when there is room.
std::string JudgeRoom(const Alternative& alternative, const DeviceInfo& device, const Usage& used, Judged& judged) {
  for (const CapacityAsk& ask : alternative.capacities) {
    if (Find(device, ask) == nullptr) return judged.missing = *ask.text;
  }
  for (const CapacityInfo& capacity : device.capacities) {
    const api::Quantity* asked = nullptr;
    for (const CapacityAsk& ask : alternative.capacities) {
      if (ask.name == capacity.name) asked = ask.amount;
    }
    std::optional<api::Quantity> amount = Consumption(asked, *capacity.capacity);
    const api::Quantity& value = capacity.capacity->value;
    const api::Quantity free = api::Quantity::FromNanos(value.nanos() - used.ConsumedOf(capacity.name), value.format());
    if (amount && *amount <= free) continue;
    if (!amount) {
      judged.refused = (asked != nullptr ? *asked : value).ToString() + " " + *capacity.text;
      return *capacity.text + " policy";
    }
    const api::Quantity& wanted = *amount;
    auto [entry, added] = judged.reason.short_of.try_emplace(*capacity.text, wanted, free);
    if (!added) {
      entry->second.first = std::max(entry->second.first, wanted);
      entry->second.second = std::max(entry->second.second, free);
    }
    return *capacity.text;
  }
  return "";
}

bool CountersLeft(const PoolView& pool, const Snapshot::State& state, const DeviceInfo& device);

void AddHolder(const Usage& used, RequestReason& reason) {
  if (used.holder == nullptr) return;
  if (std::find(reason.holders.begin(), reason.holders.end(), *used.holder) != reason.holders.end()) return;
  if (reason.holders.size() < RequestReason::kHolders) reason.holders.push_back(*used.holder);
}

// " (in use by a, b and others)", or nothing when nobody is known.
std::string HeldBy(const RequestReason& reason) {
  if (reason.holders.empty()) return "";
  std::string text = " (in use by ";
  for (size_t i = 0; i < reason.holders.size(); ++i) text += (i > 0 ? ", " : "") + reason.holders[i];
  return text + (reason.holders.size() == RequestReason::kHolders ? " and others)" : ")");
}

void JudgeDevice(const Snapshot::State& state, const Alternative& alternative, const Candidate& candidate,
                 Judged& judged) {
  const DeviceInfo& device = *candidate.device;
  const Usage& used = state.UsageOf(device);
  auto rule_out = [&](const std::string& rule) { ++judged.reason.ruled_out[rule]; };
  ++judged.reason.devices;
  if (candidate.fit != Candidate::Fit::kYes) return rule_out(kNode);
  for (const auto& selector : alternative.class_selectors) {
    if (selector->On(device) != Selector::Answer::kYes) return rule_out(kClass);
  }
  ++judged.of_class;
  for (const auto& selector : alternative.selectors) {
    if (selector->On(device) == Selector::Answer::kYes) continue;
    judged.selector = Shortened(selector->Failing(device));
    return rule_out("request selector: " + judged.selector);
  }
  ++judged.selected;
  if (used.exclusive > 0 && !alternative.admin) {
    AddHolder(used, judged.reason);
    return rule_out(kInUse);
  }
  if (std::string room = JudgeRoom(alternative, device, used, judged); !room.empty()) return rule_out(room);
  if (!CountersLeft(*candidate.pool, state, device)) return rule_out(kCounters);
  if (const api::DeviceTaint* taint = BlockingTaint(*device.device, *alternative.tolerations)) {
    judged.taint = taint->key + (taint->value.empty() ? "" : "=" + taint->value);
    return rule_out("taint " + judged.taint);
  }
  ++judged.fitting;
}

bool CountersLeft(const PoolView& pool, const Snapshot::State& state, const DeviceInfo& device) {
  if (device.counters.empty() || (device.shared && state.UsageOf(device).measured > 0)) return true;
  Ledger ledger;
  ledger.Open(state, pool);
  return CounterTally().Take(ledger, device);
}

// One clause for people: "had no device with 16Gi memory free (largest: 10Gi)".
std::string Clause(const Judged& judged) {
  const RequestReason& reason = judged.reason;
  if (reason.devices == 0) return "had no devices";
  if (judged.of_class == 0) return "had no device of class " + reason.device_class;
  if (judged.selected == 0) {
    return "had no device of class " + reason.device_class + " that matches " + judged.selector;
  }
  const std::string few = judged.fitting == 0 ? "no device"
                                              : "only " + std::to_string(judged.fitting) + " of " +
                                                    std::to_string(reason.wanted) + " wanted devices";
  if (!reason.short_of.empty()) {
    // The capacity that rules out most devices.
    auto worst = std::max_element(
        reason.short_of.begin(), reason.short_of.end(), [&](const auto& a, const auto& b) {
          return reason.ruled_out.at(a.first) < reason.ruled_out.at(b.first);
        });
    return "had " + few + " with " + worst->second.first.ToString() + " " + worst->first +
           " free (largest: " + worst->second.second.ToString() + ")";
  }
  if (!judged.refused.empty()) return "had " + few + " whose policy grants " + judged.refused;
  if (!judged.missing.empty()) return "had " + few + " with capacity " + judged.missing;
  if (!judged.taint.empty()) return "had " + few + " without taint " + judged.taint + " that is not tolerated";
  if (reason.ruled_out.contains(kCounters)) return "had " + few + " with shared counters left";
  return "had " + few + " of class " + reason.device_class + " free" + HeldBy(reason);
}

// When every request alone would be satisfied.
std::string TogetherClause(const std::vector<PreparedClaim>& claims) {
  for (const PreparedClaim& claim : claims) {
    for (const api::DeviceConstraint& constraint : claim.claim->spec.devices.constraints) {
      if (constraint.match_attribute) return "had no devices that agree in " + *constraint.match_attribute;
      if (constraint.distinct_attribute) return "had no devices that differ in " + *constraint.distinct_attribute;
    }
  }
  return "had devices for each request, but not for all of them together";
}

std::string PoolsInDoubt(const NodeView& view) {
  for (const PoolView& pool : view.pools) {
    const std::string id = pool.pool->driver + "/" + pool.pool->name;
    if (!pool.invalid.empty()) return "had an invalid resource pool (" + id + ": " + pool.invalid + ")";
    if (pool.incomplete) return "had a resource pool that is being updated (" + id + ")";
  }
  return "";
}

}  // namespace

void ExplainNode(const Snapshot::State& state, const NodeView& view, const std::vector<PreparedClaim>& claims,
                 NodeAnswer& answer) {
  for (const PreparedClaim& claim : claims) {
    for (const PreparedRequest& request : claim.requests) {
      std::string clause;
      bool fits = false;
      for (const Alternative& alternative : request.alternatives) {
        Judged judged;
        judged.reason.claim = claim.claim->metadata.name;
        judged.reason.request = alternative.FullName();
        judged.reason.device_class = alternative.device_class->metadata.name;
        judged.reason.wanted = static_cast<int>(std::min<int64_t>(alternative.count, 1 << 20));
        for (const Candidate& candidate : view.candidates) JudgeDevice(state, alternative, candidate, judged);
        if (alternative.all) judged.reason.wanted = std::max(judged.selected, 1);
        fits = fits || judged.fitting >= judged.reason.wanted;
        if (clause.empty()) clause = Clause(judged);  // the first choice stands for the others
        answer.reasons.push_back(std::move(judged.reason));
      }
      if (!fits && answer.reason.empty()) answer.reason = clause;
    }
  }
  const std::string doubt = PoolsInDoubt(view);
  if (!doubt.empty() && (answer.reason.empty() || view.candidates.empty())) answer.reason = doubt;
  if (answer.reason.empty()) answer.reason = TogetherClause(claims);
}

}  // namespace dray::alloc
