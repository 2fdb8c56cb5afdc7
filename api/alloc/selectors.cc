#include "api/alloc/selectors.h"

#include "api/alloc/snapshot.h"

namespace dray::alloc {

Selector::Selector(const std::string& expression, const Features& features, size_t devices)
    : expression_(expression),
      program_(
          cel::Program::Compile(expression, {.list_attributes = features.list_type_attributes})),
      answers_(std::make_unique<std::atomic<Answer>[]>(devices)),
      list_attributes_(features.list_type_attributes) {}

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

void Selector::Split() const {
  for (std::string& text : Conjuncts(expression_)) {
    auto program = cel::Program::Compile(text, {.list_attributes = list_attributes_});
    if (!program.ok()) return parts_.clear();
    parts_.push_back({std::move(text), std::move(program).value()});
  }
}

const std::string& Selector::Failing(const DeviceInfo& device) const {
  std::call_once(split_, [this] { Split(); });
  for (const Part& part : parts_) {
    Result<bool> matches = part.program->Matches(device.View());
    if (matches.ok() && !*matches) return part.text;
  }
  return expression_;
}

std::vector<std::string> Conjuncts(const std::string& expression) {
  std::vector<std::string> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '"' || c == '\'') {
      // Raw strings and those in three quotes have rules of their own: such an expression stays
      // whole.
      if (i > 0 && (expression[i - 1] == 'r' || expression[i - 1] == 'R')) return {expression};
      if (expression.compare(i, 3, std::string(3, c)) == 0) return {expression};
      for (++i; i < expression.size() && expression[i] != c; ++i) {
        if (expression[i] == '\\') ++i;
      }
      continue;
    }
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c == '/' && expression.compare(i, 2, "//") == 0) return {expression};  // a comment
    if (depth > 0) continue;
    if (c == '|' || c == '?') return {expression};  // these bind less than &&
    if (expression.compare(i, 2, "&&") != 0) continue;
    parts.push_back(expression.substr(begin, i - begin));
    begin = i + 2;
    ++i;
  }
  parts.push_back(expression.substr(begin));
  for (std::string& part : parts) {
    const size_t from = part.find_first_not_of(" \t\r\n"), to = part.find_last_not_of(" \t\r\n");
    part = from == std::string::npos ? "" : part.substr(from, to - from + 1);
  }
  return parts;
}

std::shared_ptr<const Selector> Selectors::Get(const std::string& expression,
                                               const Features& features, size_t devices) {
  std::lock_guard lock(mutex_);
  auto found = kept_.find(expression);
  if (found != kept_.end()) return found->second;
  if (kept_.size() >= kKept) {
    kept_.clear();
    ++generation_;
  }
  return kept_[expression] = std::make_shared<const Selector>(expression, features, devices);
}

}  // namespace dray::alloc
