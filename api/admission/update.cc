// Life of a claim, stop 1 of 8: admit the Pod, also when its owner applies the original manifest
// once more.
#include <nlohmann/json.hpp>

#include "dray/api/admission.h"
#include "dray/api/patch.h"
#include "dray/api/quantity.h"

namespace dray::admission {
namespace {

const Json kNothing;

const Json& At(const Json& document, std::initializer_list<std::string_view> path) {
  const Json* at = &document;
  for (std::string_view key : path) {
    if (!at->is_object()) return kNothing;
    auto found = at->find(key);
    if (found == at->end()) return kNothing;
    at = &*found;
  }
  return *at;
}

std::string Plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool SameQuantity(const Json& a, const Json& b) {
  Result<api::Quantity> left = api::Quantity::Parse(Plain(a)),
                        right = api::Quantity::Parse(Plain(b));
  return left.ok() && right.ok() && *left == *right;
}

const Json* ContainerNamed(const Json& containers, const Json& name) {
  if (!containers.is_array()) return nullptr;
  for (const Json& one : containers)
    if (At(one, {"name"}) == name) return &one;
  return nullptr;
}

// Takes what was converted out of `container` again, unless it stood there before the update as
// well.
Status TakeOut(Json& container, const Json& before, const Json& converted) {
  for (const char* list : {"limits", "requests"}) {
    for (const auto& [resource, value] : converted.items()) {
      const Json& now = At(container, {"resources", list, resource});
      if (now.is_null() || !At(before, {"resources", list, resource}).is_null()) continue;
      if (!SameQuantity(now, value))
        return Status(Reason::kForbidden,
                      "container " + Plain(container["name"]) + ": " + resource + ": " +
                          Plain(now) + ": a running Pod keeps the devices it was made with (" +
                          Plain(value) + "): delete it and create it again");
      container["resources"][list].erase(resource);
    }
    if (At(container, {"resources", list}) == Json::object() &&
        At(before, {"resources", list}).is_null())
      container["resources"].erase(list);
  }
  if (At(container, {"resources"}) == Json::object() && At(before, {"resources"}).is_null())
    container.erase("resources");
  return {};
}

}  // namespace

Result<AdmissionPlan> PlanUpdate(const Json& before, const Json& pod) {
  AdmissionPlan plan;
  const Json& mark = At(before, {"metadata", "annotations", kConvertedAnnotation});
  if (!mark.is_string() || !At(pod, {"spec"}).is_object()) return plan;
  const Json converted = Json::parse(mark.get<std::string>(), nullptr, /*allow_exceptions=*/false);
  if (!converted.is_object()) return plan;

  Json after = pod;
  Json& spec = after["spec"];
  for (const char* list : {"initContainers", "containers"}) {
    if (!At(spec, {list}).is_array()) continue;
    for (Json& container : spec[list]) {
      const Json& name = At(container, {"name"});
      const Json* former = ContainerNamed(At(before, {"spec", list}), name);
      if (former == nullptr || !name.is_string()) continue;
      const Json& resources = At(converted, {name.get<std::string>()});
      if (resources.is_object()) DRAY_RETURN_IF_ERROR(TakeOut(container, *former, resources));
    }
  }
  if (At(spec, {"schedulerName"}) == "hami-scheduler" &&
      At(before, {"spec", "schedulerName"}).is_string())
    spec["schedulerName"] = before["spec"]["schedulerName"];
  if (after == pod) return plan;
  plan.convert = true;
  plan.patch = api::DiffJsonPatch(pod, after).dump();
  plan.rules.push_back(
      "the Pod was converted before: the resources of the original manifest are taken out again");
  return plan;
}

}  // namespace dray::admission
