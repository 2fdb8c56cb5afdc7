#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dray/api/admission.h"
#include "dray/base/guarded.h"

namespace dray::controllers {

// The last plans that were made, for the replicas of a workload: their Pods ask for the same. Any
// thread; holds at most kMostPlans, of Pods of at most kLongestText.
class PlanMemory {
 public:
  using Plan = std::shared_ptr<const admission::AdmissionPlan>;
  static constexpr size_t kMostPlans = 64, kLongestText = 8192;

  // What a plan is made from: the rules by identity, the Pod by its text.
  struct Question {
    std::shared_ptr<const void> config;
    std::shared_ptr<const admission::Inventory> inventory;
    std::string_view namespace_, pod;
  };
  // Null when it is not remembered.
  Plan Find(const Question& question) const;
  void Keep(const Question& question, Plan plan);
  size_t size() const;

 private:
  struct Entry {
    std::string key;
    Plan plan;
  };
  struct Entries {
    std::list<Entry> by_use;                                                  // the latest first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;  // views of by_use
    std::shared_ptr<const void> config;  // what all of them were made with
    std::shared_ptr<const admission::Inventory> inventory;
  };

  mutable Guarded<Entries> entries_;
};

}  // namespace dray::controllers
