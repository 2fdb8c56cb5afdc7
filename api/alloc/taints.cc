#include "api/alloc/taints.h"

#include <algorithm>

namespace dray::alloc {
namespace {

bool Tolerates(const api::DeviceToleration& toleration, const api::DeviceTaint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.op == "Exists") return true;
  return (toleration.op.empty() || toleration.op == "Equal") && toleration.value == taint.value;
}

}  // namespace

const api::DeviceTaint* BlockingTaint(const api::Device& device,
                                      const std::vector<api::DeviceToleration>& tolerations) {
  for (const api::DeviceTaint& taint : device.taints) {
    if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
    if (std::none_of(tolerations.begin(), tolerations.end(),
                     [&](auto& t) { return Tolerates(t, taint); }))
      return &taint;
  }
  return nullptr;
}

}  // namespace dray::alloc
