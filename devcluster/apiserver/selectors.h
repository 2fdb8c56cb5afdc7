#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

using LabelMap = std::map<std::string, std::string, std::less<>>;

// One requirement of a selector on labels: `k in (a,b)`, `!k`, `k>1`...
struct LabelRequirement {
  enum class Op { kIn, kNotIn, kExists, kAbsent, kGreater, kLess };
  std::string key;
  Op op = Op::kExists;
  std::vector<std::string> values;
};

class LabelFilter {
 public:
  LabelFilter() = default;  // matches everything

  // The text form of `?labelSelector=`. kBadRequest.
  static Result<LabelFilter> Parse(std::string_view text);
  // A metav1.LabelSelector. Absent or empty matches everything; kInvalid for an unknown operator.
  static Result<LabelFilter> FromSelector(const Json* selector);

  bool Matches(const LabelMap& labels) const;
  bool empty() const { return requirements_.empty(); }

 private:
  std::vector<LabelRequirement> requirements_;
};

// `?fieldSelector=`: every term must hold.
class FieldFilter {
 public:
  // `value_of(i)` in Matches() is the i-th of `known`. kBadRequest for a field that is not known.
  static Result<FieldFilter> Parse(std::string_view text, const std::vector<std::string>& known);

  bool Matches(const std::function<std::string_view(size_t)>& value_of) const;
  bool empty() const { return terms_.empty(); }
  // The value that an object's `known[index]` must have, when one term says so.
  std::optional<std::string> Required(size_t index) const;

 private:
  struct Term {
    size_t field;
    bool equal;
    std::string value;
  };
  std::vector<Term> terms_;
};

// metadata.labels of a document.
LabelMap LabelsOf(const Json& object);

}  // namespace dray::devcluster
