#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "dray/api/alloc.h"
#include "dray/api/cel.h"

namespace dray::alloc {

struct DeviceInfo;

// One CEL expression with its answer for every device of a snapshot, found at most once each. Any thread.
class Selector {
 public:
  enum class Answer : uint8_t { kUnknown, kNo, kYes, kError };

  Selector(const std::string& expression, const Features& features, size_t devices);

  Answer On(const DeviceInfo& device) const;
  // After kError: "CEL compile error: ..." or "CEL runtime error: ...".
  std::string ErrorOn(const DeviceInfo& device) const;
  const std::string& expression() const { return expression_; }

 private:
  std::string expression_;
  Result<std::shared_ptr<const cel::Program>> program_;
  std::unique_ptr<std::atomic<Answer>[]> answers_;  // by DeviceInfo::index
};

// The selectors of a snapshot by their text. Any thread.
class Selectors {
 public:
  // Shared with the cache, so that an answer is found once for all claims that ask alike.
  std::shared_ptr<const Selector> Get(const std::string& expression, const Features& features, size_t devices);

 private:
  // A claim may bring expressions that no other claim has: beyond this many the cache starts afresh.
  static constexpr size_t kKept = 512;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Selector>> kept_;
};

}  // namespace dray::alloc
