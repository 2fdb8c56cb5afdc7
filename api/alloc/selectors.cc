#include "api/alloc/selectors.h"

#include "api/alloc/snapshot.h"

namespace dray::alloc {

Selector::Selector(const std::string& expression, const Features& features, size_t devices)
    : expression_(expression),
      program_(cel::Program::Compile(expression, {.list_attributes = features.list_type_attributes})),
      answers_(std::make_unique<std::atomic<Answer>[]>(devices)) {}

Selector::Answer Selector::On(const DeviceInfo& device) const {
  if (!program_.ok()) return Answer::kError;
  std::atomic<Answer>& kept = answers_[device.index];
  Answer answer = kept.load(std::memory_order_relaxed);
  if (answer != Answer::kUnknown) return answer;
  Result<bool> matches = (*program_)->Matches(device.View());
  answer = !matches.ok() ? Answer::kError : *matches ? Answer::kYes : Answer::kNo;
  kept.store(answer, std::memory_order_relaxed);
  return answer;
}

std::string Selector::ErrorOn(const DeviceInfo& device) const {
  if (!program_.ok()) return "CEL compile error: " + program_.status().message();
  return "CEL runtime error: " + (*program_)->Matches(device.View()).status().message();
}

std::shared_ptr<const Selector> Selectors::Get(const std::string& expression, const Features& features,
                                               size_t devices) {
  std::lock_guard lock(mutex_);
  auto found = kept_.find(expression);
  if (found != kept_.end()) return found->second;
  if (kept_.size() >= kKept) kept_.clear();
  return kept_[expression] = std::make_shared<const Selector>(expression, features, devices);
}

}  // namespace dray::alloc
