#pragma once

#include "api/cel/device_data.h"
#include "api/cel/evaluation.h"

namespace dray::cel {

class Node;
struct Attribute;

// One step from a value to a part of it: .name, [index], .?name, [?index].
struct Qualifier {
  Value constant;                      // the key, when it is known at compile time
  const Attribute* dynamic = nullptr;  // gives it otherwise
  bool optional = false;
  bool test_only = false;  // the last step inside has(): gives whether the part is there

  // Applies the step and charges it.
  Value Apply(Evaluation& evaluation, const Value& object) const;
  // The same for a step that may find nothing: `present` tells. A miss costs nothing.
  Value ApplyIfPresent(Evaluation& evaluation, const Value& object, bool& present) const;

  // A name, without question marks.
  bool IsPlain() const {
    return dynamic == nullptr && !optional && !test_only && constant.is(Kind::kString);
  }

 private:
  Value Key(Evaluation& evaluation) const;
};

// A value and the steps that lead into it. Steps after a conditional belong to both branches.
struct Attribute {
  enum class Root : uint8_t { kDevice, kAccumulator, kItem, kItem2, kOperand, kConditional };

  Root root = Root::kDevice;
  size_t slot = 0;                          // of the loop whose variable this is
  const Node* operand = nullptr;            // kOperand; the condition of kConditional
  Attribute *yes = nullptr, *no = nullptr;  // kConditional
  PoolVector<const Qualifier*> qualifiers;

  void Add(const Qualifier* qualifier);
  Value Resolve(Evaluation& evaluation) const;

  // device.attributes["domain"].name or device.capacity["domain"].name, which are looked up
  // directly; `attribute` tells which. False for anything else.
  bool IsDevicePath(DevicePath& path, bool& attribute) const;
  // A lone field of the device.
  bool IsDeviceField(std::string_view name) const {
    return root == Root::kDevice && qualifiers.size() == 1 && qualifiers[0]->IsPlain() &&
           qualifiers[0]->constant.as_string() == name;
  }

 private:
  Value ResolveRoot(Evaluation& evaluation) const;
  Value ApplyAll(Evaluation& evaluation, Value object) const;
};

// An optional, when it is read through a variable: what it holds has been through Go's types.
Value ReadOptional(const Value& optional);

}  // namespace dray::cel
