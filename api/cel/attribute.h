#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/cel/evaluation.h"

namespace dray::cel {

class Node;
struct Attribute;
struct DevicePath;

// One step from a value to a part of it: .name, [index], .?name, [?index].
struct Qualifier {
  Value constant;                      // the key, when it is known at compile time
  std::unique_ptr<Attribute> dynamic;  // gives it otherwise
  bool optional = false;
  bool test_only = false;  // the last step inside has(): gives whether the part is there

  // Applies the step and charges it.
  Value Apply(Evaluation& evaluation, const Value& object) const;
  // The same for a step that may find nothing: `present` tells. A miss costs nothing.
  Value ApplyIfPresent(Evaluation& evaluation, const Value& object, bool& present) const;

 private:
  Value Key(Evaluation& evaluation) const;
};

// A value and the steps that lead into it. Steps after a conditional belong to both branches.
struct Attribute {
  enum class Root { kDevice, kAccumulator, kItem, kItem2, kOperand, kConditional };

  Attribute();
  ~Attribute();

  Root root = Root::kDevice;
  size_t slot = 0;                     // of the loop whose variable this is
  std::unique_ptr<Node> operand;       // kOperand; the condition of kConditional
  std::unique_ptr<Attribute> yes, no;  // kConditional
  std::vector<std::shared_ptr<const Qualifier>> qualifiers;

  void Add(std::shared_ptr<const Qualifier> qualifier);
  // Recognises device.attributes["domain"].name and the like, to be looked up directly. Call when
  // complete.
  void Prepare();
  Value Resolve(Evaluation& evaluation) const;

 private:
  enum class Direct { kNone, kDriver, kAllowMultipleAllocations, kAttribute, kCapacity };

  Value ResolveRoot(Evaluation& evaluation) const;
  Value ResolveDirect(Evaluation& evaluation, size_t& used) const;
  Value ApplyAll(Evaluation& evaluation, Value object, size_t from) const;

  Direct direct_ = Direct::kNone;
  std::unique_ptr<const DevicePath> path_;  // of kAttribute and kCapacity
};

}  // namespace dray::cel
