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

// What is counted while devices are looked at, in numbers: names are written down once per node.
struct Judged {
  RequestReason reason;
  int of_class = 0;  // devices that the class selects
  int selected = 0;  // of them, devices that the request selects too
  int fitting = 0;
  int in_use = 0, not_of_class = 0, elsewhere = 0, without_counters = 0;

  struct Shortage {  // of one capacity
    const CapacityInfo* capacity = nullptr;
    int devices = 0;       // with too little of it
    api::Quantity wanted;  // the most that was wanted of them
    Nanos free = 0;        // the most that one of them had
    int refused = 0;       // devices whose policy does not grant the amount
  };
  std::vector<Shortage> shortages;  // by name of the capacity
  struct Tainted {
    const api::DeviceTaint* taint = nullptr;
    int devices = 0;
  };
  std::vector<Tainted> tainted;  // by key and value
  std::vector<std::pair<const std::string*, int>>
      unselected;                        // failing part of a selector -> devices
  std::string refused;                   // an amount that a policy does not grant: "90Gi memory"
  const std::string* missing = nullptr;  // a capacity that devices lack
  std::vector<std::pair<const std::string*, int>> lacking;  // such capacities -> devices
};

void CountText(const std::string& text, std::vector<std::pair<const std::string*, int>>& counts) {
  for (auto& [known, devices] : counts) {
    if (known == &text || *known == text) {
      ++devices;
      return;
    }
  }
  counts.emplace_back(&text, 1);
}

const CapacityInfo* Find(const DeviceInfo& device, const CapacityAsk& ask) {
  for (const CapacityInfo& capacity : device.capacities) {
    if (capacity.name == ask.name) return &capacity;
  }
  return nullptr;
}

Judged::Shortage& ShortageOf(const CapacityInfo& capacity, Judged& judged) {
  for (Judged::Shortage& shortage : judged.shortages) {
    if (shortage.capacity->name == capacity.name) return shortage;
  }
  return judged.shortages.emplace_back(Judged::Shortage{.capacity = &capacity});
}

// False when capacities rule the device out, each of which is counted.
bool JudgeRoom(const Alternative& alternative, const DeviceInfo& device, const Usage& used,
               Judged& judged) {
  bool fits = true;
  for (const CapacityAsk& ask : alternative.capacities) {
    if (Find(device, ask) != nullptr) continue;
    if (fits) judged.missing = ask.text;
    CountText(*ask.text, judged.lacking);
    fits = false;
  }
  for (const CapacityInfo& capacity : device.capacities) {
    const CapacityAsk* ask = nullptr;
    for (const CapacityAsk& other : alternative.capacities) {
      if (other.name == capacity.name) ask = &other;
    }
    const api::DeviceCapacity& described = *capacity.capacity;
    const api::Quantity* amount = ask != nullptr ? ask->amount : &described.value;
    Nanos wanted = ask != nullptr ? ask->nanos : capacity.value;
    std::optional<api::Quantity> by_policy;
    if (described.request_policy) {
      by_policy = Consumption(ask != nullptr ? ask->amount : nullptr, described);
      if (!by_policy) {
        judged.refused = amount->ToString() + " " + *capacity.text;
        ++ShortageOf(capacity, judged).refused;
        fits = false;
        continue;
      }
      amount = &*by_policy;
      wanted = by_policy->nanos();
    }
    const Nanos free = capacity.value - used.ConsumedOf(capacity.name);
    if (wanted <= free) continue;
    Judged::Shortage& shortage = ShortageOf(capacity, judged);
    if (shortage.devices == 0) {
      shortage.wanted = *amount;
      shortage.free = free;
    } else {
      if (*amount > shortage.wanted) shortage.wanted = *amount;
      shortage.free = std::max(shortage.free, free);
    }
    ++shortage.devices;
    fits = false;
  }
  return fits;
}

// The counters of a node's pools, each opened when the first device needs it.
using Ledgers = std::vector<std::pair<const PoolView*, Ledger>>;

bool CountersLeft(const PoolView& pool, const Snapshot::State& state, const DeviceInfo& device,
                  Ledgers& ledgers) {
  if (device.counters.empty() || (device.shared && state.UsageOf(device).measured > 0)) return true;
  auto known = std::find_if(ledgers.begin(), ledgers.end(),
                            [&](const auto& entry) { return entry.first == &pool; });
  if (known == ledgers.end()) {
    known = ledgers.insert(known, {&pool, Ledger()});
    known->second.Open(state, pool);
  }
  return CounterTally().Take(known->second, device);
}

void AddHolder(const Usage& used, RequestReason& reason) {
  if (used.holder == nullptr) return;
  if (std::find(reason.holders.begin(), reason.holders.end(), *used.holder) != reason.holders.end())
    return;
  if (reason.holders.size() < RequestReason::kHolders) reason.holders.push_back(*used.holder);
}

// " (in use by a, b and others)", or nothing when nobody is known.
std::string HeldBy(const RequestReason& reason) {
  if (reason.holders.empty()) return "";
  std::string text = " (in use by ";
  for (size_t i = 0; i < reason.holders.size(); ++i)
    text += (i > 0 ? ", " : "") + reason.holders[i];
  return text + (reason.holders.size() == RequestReason::kHolders ? " and others)" : ")");
}

void JudgeDevice(const Snapshot::State& state, const Alternative& alternative,
                 const Candidate& candidate, Ledgers& ledgers, Judged& judged) {
  const DeviceInfo& device = *candidate.device;
  const Usage& used = state.UsageOf(device);
  ++judged.reason.devices;
  if (candidate.fit != Candidate::Fit::kYes) {
    ++judged.elsewhere;
    return;
  }
  for (const auto& selector : alternative.class_selectors) {
    if (selector->On(device) == Selector::Answer::kYes) continue;
    ++judged.not_of_class;
    return;
  }
  ++judged.of_class;
  for (const auto& selector : alternative.selectors) {
    if (selector->On(device) == Selector::Answer::kYes) continue;
    return CountText(selector->Failing(device), judged.unselected);
  }
  ++judged.selected;
  if (used.exclusive > 0 && !alternative.admin) {
    ++judged.in_use;
    return AddHolder(used, judged.reason);
  }
  if (!JudgeRoom(alternative, device, used, judged)) return;
  if (!CountersLeft(*candidate.pool, state, device, ledgers)) {
    ++judged.without_counters;
    return;
  }
  if (const api::DeviceTaint* taint = BlockingTaint(*device.device, *alternative.tolerations)) {
    for (Judged::Tainted& known : judged.tainted) {
      if (known.taint->key != taint->key || known.taint->value != taint->value) continue;
      ++known.devices;
      return;
    }
    judged.tainted.push_back({taint, 1});
    return;
  }
  ++judged.fitting;
}

std::string Spell(const api::DeviceTaint& taint) {
  return taint.key + (taint.value.empty() ? "" : "=" + taint.value);
}

// Writes down by name what was counted.
void NameRules(Judged& judged) {
  std::map<std::string, int>& rules = judged.reason.ruled_out;
  auto add = [&](const std::string& rule, int devices) {
    if (devices > 0) rules[rule] += devices;
  };
  add(kNode, judged.elsewhere);
  add(kClass, judged.not_of_class);
  add(kInUse, judged.in_use);
  add(kCounters, judged.without_counters);
  for (const auto& [part, devices] : judged.unselected)
    add("request selector: " + Shortened(*part), devices);
  for (const auto& [capacity, devices] : judged.lacking) add(*capacity, devices);
  for (const Judged::Tainted& tainted : judged.tainted)
    add("taint " + Spell(*tainted.taint), tainted.devices);
  for (const Judged::Shortage& shortage : judged.shortages) {
    const std::string& name = *shortage.capacity->text;
    add(name, shortage.devices);
    add(name + " policy", shortage.refused);
    if (shortage.devices > 0) {
      judged.reason.short_of.try_emplace(
          name, shortage.wanted,
          api::Quantity::FromNanos(shortage.free, shortage.capacity->capacity->value.format()));
    }
  }
}

// "16Gi memory and 50 cores free (largest: 10Gi, 20)": the capacities that rule out most devices.
std::string Shortages(const RequestReason& reason) {
  constexpr size_t kNamed = 3;
  std::vector<std::map<std::string, std::pair<api::Quantity, api::Quantity>>::const_iterator> order;
  for (auto it = reason.short_of.begin(); it != reason.short_of.end(); ++it) order.push_back(it);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return reason.ruled_out.at(a->first) > reason.ruled_out.at(b->first);
  });
  if (order.size() > kNamed) order.resize(kNamed);
  std::string wanted, largest;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0) wanted += i + 1 < order.size() ? ", " : " and ";
    wanted += order[i]->second.first.ToString() + " " + order[i]->first;
    largest += (i > 0 ? ", " : "") + order[i]->second.second.ToString();
  }
  return wanted + " free (largest: " + largest + ")";
}

// One clause for people: "had no device with 16Gi memory free (largest: 10Gi)".
std::string Clause(const Judged& judged) {
  const RequestReason& reason = judged.reason;
  if (reason.devices == 0) return "had no devices";
  if (judged.of_class == 0) return "had no device of class " + reason.device_class;
  if (judged.selected == 0) {
    return "had no device of class " + reason.device_class + " that matches " +
           Shortened(*judged.unselected.back().first);
  }
  const std::string few = judged.fitting == 0
                              ? "no device"
                              : "only " + std::to_string(judged.fitting) + " of " +
                                    std::to_string(reason.wanted) + " wanted devices";
  if (!reason.short_of.empty()) {
    return "had " + few + " with " + Shortages(reason);
  }
  if (!judged.refused.empty()) return "had " + few + " whose policy grants " + judged.refused;
  if (judged.missing != nullptr) return "had " + few + " with capacity " + *judged.missing;
  if (!judged.tainted.empty()) {
    return "had " + few + " without taint " + Spell(*judged.tainted.back().taint) +
           " that is not tolerated";
  }
  if (reason.ruled_out.contains(kCounters)) return "had " + few + " with shared counters left";
  return "had " + few + " of class " + reason.device_class + " free" + HeldBy(reason);
}

// When every request alone would be satisfied.
std::string TogetherClause(const std::vector<PreparedClaim>& claims) {
  for (const PreparedClaim& claim : claims) {
    for (const api::DeviceConstraint& constraint : claim.claim->spec.devices.constraints) {
      if (constraint.match_attribute)
        return "had no devices that agree in " + *constraint.match_attribute;
      if (constraint.distinct_attribute)
        return "had no devices that differ in " + *constraint.distinct_attribute;
    }
  }
  return "had devices for each request, but not for all of them together";
}

std::string PoolsInDoubt(const NodeView& view) {
  for (const PoolView& pool : view.pools) {
    const std::string id = pool.pool->driver + "/" + pool.pool->name;
    if (!pool.invalid.empty())
      return "had an invalid resource pool (" + id + ": " + pool.invalid + ")";
    if (pool.incomplete) return "had a resource pool that is being updated (" + id + ")";
  }
  return "";
}

}  // namespace

void ExplainNode(const Snapshot::State& state, const NodeView& view,
                 const std::vector<PreparedClaim>& claims, NodeAnswer& answer) {
  Ledgers ledgers;
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
        for (const Candidate& candidate : view.candidates)
          JudgeDevice(state, alternative, candidate, ledgers, judged);
        NameRules(judged);
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
