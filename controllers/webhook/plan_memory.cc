#include "controllers/webhook/plan_memory.h"

namespace dray::controllers {
namespace {

// A namespace holds no '/'.
std::string KeyOfQuestion(const PlanMemory::Question& question) {
  std::string key;
  key.reserve(question.namespace_.size() + 1 + question.pod.size());
  key.append(question.namespace_).append("/").append(question.pod);
  return key;
}

}  // namespace

PlanMemory::Plan PlanMemory::Find(const Question& question) const {
  if (question.pod.size() > kLongestText) return nullptr;
  const std::string key = KeyOfQuestion(question);
  return entries_.With([&](Entries& entries) -> Plan {
    if (entries.config != question.config || entries.inventory != question.inventory)
      return nullptr;
    const auto found = entries.by_key.find(key);
    if (found == entries.by_key.end()) return nullptr;
    entries.by_use.splice(entries.by_use.begin(), entries.by_use, found->second);
    return found->second->plan;
  });
}

void PlanMemory::Keep(const Question& question, Plan plan) {
  if (question.pod.size() > kLongestText) return;
  std::string key = KeyOfQuestion(question);
  entries_.With([&](Entries& entries) {
    if (entries.config != question.config || entries.inventory != question.inventory) {
      entries.by_key.clear();
      entries.by_use.clear();
      entries.config = question.config;
      entries.inventory = question.inventory;
    }
    if (entries.by_key.contains(key)) return;  // another thread was faster
    entries.by_use.push_front({std::move(key), std::move(plan)});
    entries.by_key.emplace(entries.by_use.front().key, entries.by_use.begin());
    if (entries.by_use.size() <= kMostPlans) return;
    entries.by_key.erase(entries.by_use.back().key);
    entries.by_use.pop_back();
  });
}

size_t PlanMemory::size() const {
  return entries_.With([](Entries& entries) { return entries.by_use.size(); });
}

}  // namespace dray::controllers
