#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dray/api/alloc.h"
#include "dray/api/cel.h"
#include "tests/api/alloc/plain_pools.h"

// The rules of facts/dra.md (B.1 to B.3, A.4) as literally as they can be written down: every
// combination is tried, nothing is counted, remembered or skipped, names are strings. Slow and
// short, to check the allocator against.
namespace dray::alloc::plain {

struct Picked {
  std::string request, driver, pool, device;
  bool admin = false, shared = false;
  Amounts consumed;
  bool operator==(const Picked&) const = default;
};

// What is taken by allocations that exist.
struct Taken {
  std::set<std::string> exclusive, shared;  // driver/pool/device
  std::map<std::string, Amounts> consumed;

  void Add(const std::vector<Picked>& devices) {
    for (const Picked& picked : devices) {
      if (picked.admin) continue;
      const std::string id = picked.driver + "/" + picked.pool + "/" + picked.device;
      (picked.shared ? shared : exclusive).insert(id);
      if (!picked.shared || picked.consumed.empty()) continue;
      for (const auto& [name, amount] : picked.consumed) consumed[id][name] += amount;
    }
  }
};

struct Verdict {
  Outcome outcome = Outcome::kUnsatisfiable;
  std::vector<std::vector<Picked>> picked;  // by claim
};

struct TooMany {};  // more results than a claim may have

class Allocator {
 public:
  Allocator(std::vector<const api::ResourceSlice*> slices,
            std::map<std::string, const api::DeviceClass*> classes)
      : slices_(std::move(slices)), classes_(std::move(classes)) {}

  Taken taken;
  int64_t steps = 0;  // of the last node; the answer is worth nothing beyond kMostSteps
  static constexpr int64_t kMostSteps = 20'000;

  // One cycle: the first node that can take all the claims.
  std::pair<Verdict, std::string> Run(const std::vector<api::Node>& nodes,
                                      const std::vector<const api::ResourceClaim*>& claims) {
    available_.clear();
    Verdict verdict;
    for (const api::Node& node : nodes) {
      verdict = Try(node, claims);
      if (verdict.outcome != Outcome::kUnsatisfiable) return {verdict, node.metadata.name};
    }
    return {verdict, ""};
  }

 private:
  struct Ask {  // a request or one of its alternatives
    std::string request, sub, device_class, mode;
    int64_t count = 0;
    bool admin = false;
    const std::vector<api::DeviceSelector>* selectors = nullptr;
    const std::vector<api::DeviceToleration>* tolerations = nullptr;
    const std::optional<api::CapacityRequirements>* capacity = nullptr;
    std::vector<std::pair<const Pool*, std::pair<const api::ResourceSlice*, const api::Device*>>>
        all;
  };
  struct Rule {
    const api::DeviceConstraint* constraint;
    int devices = 0;
    const api::DeviceAttribute* first = nullptr;
    std::map<std::string, const api::DeviceAttribute*> last;
  };
  struct Place {
    const Pool* pool;
    const api::ResourceSlice* slice;
    const api::Device* device;
    std::string id() const { return pool->driver + "/" + pool->name + "/" + device->name; }
  };

  Verdict Try(const api::Node& node, const std::vector<const api::ResourceClaim*>& claims) {
    node_ = &node;
    claims_ = claims;
    steps = 0;
    asks_.clear();
    rules_.assign(claims.size(), {});
    picked_.assign(claims.size(), {});
    consumed_.clear();
    picking_.clear();
    shares_.clear();
    try {
      pools_ = PoolsOf(slices_, node);
      for (size_t c = 0; c < claims.size(); ++c) Check(c);
      if (!From(0, 0)) return {};
      return {Outcome::kAllocated, picked_};
    } catch (const Failure&) {
    } catch (const TooMany&) {
    }
    return {Outcome::kError, {}};
  }

  // The number of devices of each request, as far as it is known before the search.
  void Check(size_t c) {
    int64_t least_of_claim = 0;
    for (const api::DeviceRequest& request : claims_[c]->spec.devices.requests) {
      std::vector<Ask> asks;
      if (request.exactly) {
        const auto& e = *request.exactly;
        asks.push_back({request.name,
                        "",
                        e.device_class_name,
                        e.allocation_mode,
                        e.count,
                        e.admin_access.value_or(false),
                        &e.selectors,
                        &e.tolerations,
                        &e.capacity,
                        {}});
      }
      for (const auto& s : request.first_available) {
        asks.push_back({request.name,
                        s.name,
                        s.device_class_name,
                        s.allocation_mode,
                        s.count,
                        false,
                        &s.selectors,
                        &s.tolerations,
                        &s.capacity,
                        {}});
      }
      int64_t least = INT64_MAX;
      for (Ask& ask : asks) {
        if (!classes_.contains(ask.device_class)) throw Failure();
        if (ask.mode == "All") ListAll(ask);
        least = std::min(least, ask.count);
      }
      least_of_claim += least;
      asks_[{c, asks_of(c)}] = std::move(asks);
    }
    if (least_of_claim > api::kMaxAllocationResults) throw Failure();
    for (const auto& constraint : claims_[c]->spec.devices.constraints)
      rules_[c].push_back({&constraint, 0, nullptr, {}});
  }
  size_t asks_of(size_t c) const {
    size_t n = 0;
    while (asks_.contains({c, n})) ++n;
    return n;
  }

  void ListAll(Ask& ask) {
    for (const Pool& pool : pools_) {
      if (pool.incomplete || pool.invalid) throw Failure();
      for (auto* slice : pool.here) {
        for (const auto& device : slice->spec.devices) {
          const Place place{&pool, slice, &device};
          if (Selects(ask, place) && Room(ask, place)) ask.all.push_back({&pool, {slice, &device}});
        }
      }
    }
    ask.count = static_cast<int64_t>(ask.all.size());
  }

  bool Selects(const Ask& ask, const Place& place) {
    for (auto* selectors : {&classes_.at(ask.device_class)->spec.selectors, ask.selectors}) {
      for (const api::DeviceSelector& selector : *selectors) {
        std::optional<Result<bool>>& match = matches_[{selector.cel->expression, place.device}];
        if (!match) match = Match(selector.cel->expression, place);
        if (!match->ok()) throw Failure();
        if (!**match) return false;
      }
    }
    if (!place.slice->spec.per_device_node_selection.value_or(false)) return true;
    return Fits(*node_, place.device->node_name, place.device->all_nodes,
                place.device->node_selector);
  }

  static Result<bool> Match(const std::string& expression, const Place& place) {
    DRAY_ASSIGN_OR_RETURN(auto program, cel::Program::Compile(expression));
    return program->Matches(cel::DeviceView(*place.device, place.pool->driver));
  }

  // A.4, row by row; nothing when the policy has no answer.
  static std::optional<Nanos> Consumed(const api::Quantity* asked,
                                       const api::DeviceCapacity& capacity) {
    const auto& policy = capacity.request_policy;
    if (asked == nullptr)
      return policy && policy->default_ ? policy->default_->nanos() : capacity.value.nanos();
    if (!policy) return asked->nanos();
    if (policy->default_ && *asked == *policy->default_) return asked->nanos();
    if (policy->valid_range) {
      const auto& range = *policy->valid_range;
      api::Quantity amount = *asked;
      if (amount < *range.min) amount = *range.min;
      if (range.step && amount > *range.min) {
        const int64_t min = range.min->Value(), step = range.step->Value();
        const int64_t steps = (amount.Value() - min + step - 1) / step;
        amount = api::Quantity::FromInteger(min + steps * step);
      }
      if (range.max && amount > *range.max) return std::nullopt;
      return amount.nanos();
    }
    if (policy->valid_values.empty()) return asked->nanos();
    for (const auto& value : policy->valid_values) {
      if (*asked <= value) return value.nanos();
    }
    return std::nullopt;
  }

  bool Room(const Ask& ask, const Place& place) const {
    Amounts amounts;
    return Consumption(ask, place, amounts);
  }
  bool Consumption(const Ask& ask, const Place& place, Amounts& amounts) const {
    static const std::map<std::string, api::Quantity> kNothing;
    const auto& asked = *ask.capacity ? (*ask.capacity)->requests : kNothing;
    for (const auto& [name, amount] : asked) {
      if (!place.device->capacity.contains(name)) return false;
    }
    for (const auto& [name, capacity] : place.device->capacity) {
      auto named = asked.find(name);
      std::optional<Nanos> amount =
          Consumed(named == asked.end() ? nullptr : &named->second, capacity);
      if (!amount) return false;
      amounts[name] = *amount;
      Nanos sum = *amount;
      for (const auto* book : {&taken.consumed, &shares_}) {
        auto entry = book->find(place.id());
        if (entry != book->end() && entry->second.contains(name)) sum += entry->second.at(name);
      }
      if (sum > capacity.value.nanos()) return false;
    }
    return true;
  }

  bool InUse(const Ask& ask, size_t c, const Place& place) const {
    auto picking = picking_.find(place.id());
    if (ask.admin) return picking != picking_.end() && picking->second.contains(c);
    return taken.exclusive.contains(place.id()) ||
           (picking != picking_.end() && !picking->second.empty());
  }

  // The search: the rest of the claims from request `r` of claim `c` on.
  bool From(size_t c, size_t r) {
    if (c == claims_.size()) return true;
    if (!asks_.contains({c, r})) {
      try {
        return From(c + 1, 0);
      } catch (const TooMany&) {
        return false;
      }
    }
    const std::vector<Ask>& asks = asks_.at({c, r});
    if (asks[0].sub.empty()) return Device(c, r, asks[0], 0, 0);
    bool all_too_many = true;
    for (const Ask& ask : asks) {
      try {
        if (Device(c, r, ask, 0, 0)) return true;
        all_too_many = false;
      } catch (const TooMany&) {
      }
    }
    if (all_too_many) throw TooMany();
    return false;
  }

  // Device `i` of a request, among the devices from position `start` on.
  bool Device(size_t c, size_t r, const Ask& ask, int64_t i, size_t start) {
    const bool all = ask.mode == "All";
    if (all && ask.all.empty()) return false;
    if (i >= ask.count) return From(c, r + 1);
    if (static_cast<int64_t>(picked_[c].size()) + ask.count - i > api::kMaxAllocationResults)
      throw TooMany();
    if (all) {
      const auto& [pool, where] = ask.all[static_cast<size_t>(i)];
      return With(c, r, ask, i, 0, {pool, where.first, where.second});
    }
    size_t position = 0;
    for (const Pool& pool : pools_) {
      for (auto* slice : pool.here) {
        for (const auto& device : slice->spec.devices) {
          if (position++ < start) continue;
          if (++steps > kMostSteps) throw Failure();
          const Place place{&pool, slice, &device};
          if (InUse(ask, c, place) || !Selects(ask, place) || !Room(ask, place)) continue;
          if (With(c, r, ask, i, position, place)) return true;
        }
      }
    }
    return false;
  }

  // With this device taken; gives it back when the rest cannot be found. What is not given back is
  // what Kubernetes forgets.
  bool With(size_t c, size_t r, const Ask& ask, int64_t i, size_t next, const Place& place) {
    const std::string id = place.id();
    const bool shared = place.device->allow_multiple_allocations.value_or(false);
    if (InUse(ask, c, place) || !Count(place, shared) || Tainted(ask, place)) return false;
    std::vector<Rule>& rules = rules_[c];
    for (size_t n = 0; n < rules.size(); ++n) {
      if (Allows(rules[n], ask, place)) continue;
      if (ask.mode == "All") throw Failure();
      while (n-- > 0) Forget(rules[n], ask);
      return false;
    }
    Picked picked{ask.sub.empty() ? ask.request : ask.request + "/" + ask.sub,
                  place.pool->driver,
                  place.pool->name,
                  place.device->name,
                  ask.admin,
                  shared,
                  {}};
    Amounts amounts;
    if (!Consumption(ask, place, amounts)) return false;
    if (shared) {
      picked.consumed = amounts;
      Amounts& sum = shares_[id];
      for (const auto& [name, amount] : amounts) sum[name] += amount;
    } else {
      picking_[id].insert(c);
    }
    picked_[c].push_back(picked);
    auto undo = [&] {
      for (Rule& rule : rules) Forget(rule, ask);
      picked_[c].pop_back();
      if (!shared) {
        picking_[id].erase(c);
        for (const auto& use : place.device->consumes_counters) {
          for (const auto& [name, counter] : use.counters) {
            consumed_[place.pool->name][use.counter_set + "/" + name] -= counter.value.nanos();
          }
        }
        return;
      }
      auto sum = shares_.find(id);
      if (amounts.empty() || sum == shares_.end()) return;
      bool nothing = true;
      for (auto& [name, amount] : sum->second) {
        if (amounts.contains(name)) amount -= amounts[name];
        nothing = nothing && amount == 0;
      }
      if (nothing) shares_.erase(sum);
    };
    try {
      if (Device(c, r, ask, i + 1, next)) return true;
    } catch (const TooMany&) {
      undo();
      throw;
    }
    undo();
    return false;
  }

  bool Count(const Place& place, bool shared) {
    const api::Device& device = *place.device;
    if (device.consumes_counters.empty()) return true;
    if (shared && (taken.consumed.contains(place.id()) || shares_.contains(place.id())))
      return true;
    const Pool& pool = *place.pool;
    if (!available_.contains(pool.name)) {
      Amounts& left = available_[pool.name] = pool.counters;
      for (auto* slices : {&pool.here, &pool.elsewhere}) {
        for (auto* slice : *slices) {
          for (const auto& other : slice->spec.devices) {
            const std::string id = pool.driver + "/" + pool.name + "/" + other.name;
            if (!taken.exclusive.contains(id) && !taken.shared.contains(id)) continue;
            for (const auto& use : other.consumes_counters) {
              for (const auto& [name, counter] : use.counters)
                left[use.counter_set + "/" + name] -= counter.value.nanos();
            }
          }
        }
      }
    }
    Amounts& used = consumed_[pool.name];
    auto add = [&](int sign) {
      for (const auto& use : device.consumes_counters) {
        for (const auto& [name, counter] : use.counters)
          used[use.counter_set + "/" + name] += sign * counter.value.nanos();
      }
    };
    add(1);
    for (const auto& [name, left] : available_[pool.name]) {
      if (left >= used[name]) continue;
      add(-1);
      return false;
    }
    return true;
  }

  static bool Tainted(const Ask& ask, const Place& place) {
    for (const auto& taint : place.device->taints) {
      if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
      bool tolerated = false;
      for (const auto& t : *ask.tolerations) {
        tolerated = tolerated || ((t.effect.empty() || t.effect == taint.effect) &&
                                  (t.key.empty() || t.key == taint.key) &&
                                  (t.op == "Exists" || t.value == taint.value));
      }
      if (!tolerated) return true;
    }
    return false;
  }

  static bool About(const Rule& rule, const Ask& ask) {
    const auto& names = rule.constraint->requests;
    if (names.empty()) return true;
    for (const auto& name : names) {
      if (name == ask.request || (!ask.sub.empty() && name == ask.request + "/" + ask.sub))
        return true;
    }
    return false;
  }
  static bool Allows(Rule& rule, const Ask& ask, const Place& place) {
    if (!About(rule, ask)) return true;
    const std::string name = rule.constraint->match_attribute
                                 ? *rule.constraint->match_attribute
                                 : *rule.constraint->distinct_attribute;
    const auto& attributes = place.device->attributes;
    auto found = attributes.find(name);
    if (found == attributes.end() && name.starts_with(place.pool->driver + "/")) {
      found = attributes.find(name.substr(place.pool->driver.size() + 1));
    }
    if (found == attributes.end()) return false;
    if (rule.devices > 0) {
      if (rule.constraint->match_attribute && !(found->second == *rule.first)) return false;
      for (const auto& [request, value] : rule.last) {
        if (found->second == *value) return false;
      }
    }
    if (!rule.constraint->match_attribute) rule.last[ask.request] = &found->second;
    if (rule.devices++ == 0) rule.first = &found->second;
    return true;
  }
  static void Forget(Rule& rule, const Ask& ask) {
    if (!About(rule, ask)) return;
    rule.last.erase(ask.request);
    --rule.devices;
  }

  std::vector<const api::ResourceSlice*> slices_;
  std::map<std::string, const api::DeviceClass*> classes_;
  std::map<std::string, Amounts> available_;  // by name of the pool: of one cycle
  std::map<std::pair<std::string, const api::Device*>, std::optional<Result<bool>>>
      matches_;  // only to be done sooner
  const api::Node* node_ = nullptr;
  std::vector<const api::ResourceClaim*> claims_;
  std::vector<Pool> pools_;
  std::map<std::pair<size_t, size_t>, std::vector<Ask>> asks_;  // by claim and request
  std::vector<std::vector<Rule>> rules_;
  std::vector<std::vector<Picked>> picked_;
  std::map<std::string, Amounts> consumed_, shares_;
  std::map<std::string, std::set<size_t>> picking_;
};

}  // namespace dray::alloc::plain
