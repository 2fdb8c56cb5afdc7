#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/strategy.h"

namespace dray::devcluster {
namespace {

bool SameAt(const Json& a, const Json& b, std::string_view path) {
  const Json* left = Find(a, path);
  const Json* right = Find(b, path);
  if (Empty(left) && Empty(right)) return true;
  return left && right && *left == *right;
}

// Moves a member under another name, or drops the target when the source is absent.
void Rename(Json& object, const char* from, const char* to) {
  auto found = object.find(from);
  if (found == object.end()) return;
  Json value = std::move(*found);
  object.erase(found);
  object[to] = std::move(value);
}

}  // namespace

std::string Described(const Json& object) {
  std::string kind = StringAt(object, "kind"), version = StringAt(object, "apiVersion");
  if (size_t slash = version.find('/'); slash != std::string::npos)
    kind += "." + version.substr(0, slash);
  return kind + " \"" + StringAt(object, "metadata.name") + "\"";
}

Status InvalidField(const Json& object, std::string_view field, std::string_view reason,
                    const std::string& message) {
  Status status(Reason::kInvalid,
                Described(object) + " is invalid: " + std::string(field) + ": " + message);
  status.causes.push_back({std::string(reason), message, std::string(field)});
  return status;
}

void CreatePod(Json& pod) {
  pod["status"] = {{"phase", "Pending"}, {"qosClass", QosClassOf(pod)}};
}

Status CheckPodUpdate(const Json& pod, const Json& stored) {
  // What may change is taken from the new version; everything else must be as stored.
  Json expected = stored.value("spec", Json::object());
  const Json* spec = FindObject(pod, "spec");
  if (!spec) return Ok();
  for (const char* list : {"containers", "initContainers"}) {
    Json* before = FindArray(expected, list);
    const Json* after = FindArray(*spec, list);
    if (!before || !after || before->size() != after->size()) continue;
    for (size_t i = 0; i < after->size(); ++i)
      if (const Json* image = Find((*after)[i], "image"); image && (*before)[i].is_object())
        (*before)[i]["image"] = *image;
  }
  auto take = [&](const char* member) {
    if (const Json* value = Find(*spec, member))
      expected[member] = *value;
    else
      expected.erase(member);
  };
  take("activeDeadlineSeconds");
  const Json* gates = FindArray(stored, "spec.schedulingGates");
  const Json* left = FindArray(*spec, "schedulingGates");
  if (!Empty(gates)) {
    bool only_removed = true;
    if (left)
      for (const Json& gate : *left)
        only_removed =
            only_removed && std::find(gates->begin(), gates->end(), gate) != gates->end();
    if (only_removed) {
      take("schedulingGates");
      for (const char* member : {"nodeSelector", "affinity"}) take(member);
    }
  }
  // Tolerations may be added, never taken away.
  const Json* had = FindArray(stored, "spec.tolerations");
  const Json* has = FindArray(*spec, "tolerations");
  bool kept = true;
  if (had)
    for (const Json& toleration : *had)
      kept = kept && has && std::find(has->begin(), has->end(), toleration) != has->end();
  if (kept) take("tolerations");
  if (expected == *spec) return Ok();
  return InvalidField(pod, "spec", "FieldValueForbidden",
                      "Forbidden: pod updates may not change fields other than "
                      "`spec.containers[*].image`,`spec.initContainers[*].image`,"
                      "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
                      "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 "
                      "if it was previously negative)");
}

void UpdatePodStatus(Json& pod, const Json& stored) {
  // Labels and annotations sent to pods/status are stored; owners are not.
  if (const Json* owners = Find(stored, "metadata.ownerReferences"))
    pod["metadata"]["ownerReferences"] = *owners;
  else
    Erase(pod, "metadata.ownerReferences");
  if (!Find(pod, "status.qosClass"))
    if (const Json* qos = Find(stored, "status.qosClass"))
      ObjectAt(pod, "status")["qosClass"] = *qos;
}

void CreateNamespace(Json& namespace_) {
  namespace_["spec"] = {{"finalizers", {"kubernetes"}}};
  namespace_["status"] = {{"phase", "Active"}};
}

void UpdateNamespace(Json& namespace_, const Json& stored) {
  // spec.finalizers change through namespaces/finalize alone.
  if (const Json* spec = Find(stored, "spec")) namespace_["spec"] = *spec;
}

Status CheckImmutableData(const Json& object, const Json& stored) {
  if (!BoolAt(stored, "immutable")) return Ok();
  if (!BoolAt(object, "immutable"))
    return InvalidField(object, "immutable", "FieldValueForbidden",
                        "Forbidden: field is immutable when `immutable` is set");
  for (const char* member : {"data", "binaryData"})
    if (!SameAt(object, stored, member))
      return InvalidField(object, member, "FieldValueForbidden",
                          "Forbidden: field is immutable when `immutable` is set");
  return Ok();
}

Status CheckSelectorUpdate(const Json& object, const Json& stored) {
  if (SameAt(object, stored, "spec.selector")) return Ok();
  const Json* selector = Find(object, "spec.selector");
  return InvalidField(object, "spec.selector", "FieldValueInvalid",
                      "Invalid value: " + (selector ? Dump(*selector) : std::string("null")) +
                          ": field is immutable");
}

void CreateJob(Json& job) {
  Json& spec = ObjectAt(job, "spec");
  if (BoolAt(spec, "manualSelector")) return;
  std::string uid = StringAt(job, "metadata.uid"), name = StringAt(job, "metadata.name");
  Json& labels = ObjectAt(spec, "template.metadata.labels");
  for (const char* key : {"controller-uid", "batch.kubernetes.io/controller-uid"})
    labels[key] = uid;
  for (const char* key : {"job-name", "batch.kubernetes.io/job-name"}) labels[key] = name;
  ObjectAt(spec, "selector.matchLabels")["batch.kubernetes.io/controller-uid"] = uid;
}

Status CheckJobUpdate(const Json& job, const Json& stored) {
  // Of an unstarted (suspended) job the template's placement may still change.
  bool unstarted = BoolAt(stored, "spec.suspend") && !Find(stored, "status.startTime");
  for (const char* field : {"spec.completions", "spec.selector", "spec.completionMode",
                            "spec.podFailurePolicy", "spec.template"}) {
    if (SameAt(job, stored, field)) continue;
    if (unstarted && std::string_view(field) == "spec.template") continue;
    return InvalidField(job, field, "FieldValueInvalid", "Invalid value: field is immutable");
  }
  return Ok();
}

void UpdateClaimStatus(Json& claim, const Json&) {
  Json* devices = FindArray(claim, "status.devices");
  if (!devices) return;
  const Json* results = FindArray(claim, "status.allocation.devices.results");
  auto allocated = [&](const Json& device) {
    if (!results) return false;
    for (const Json& result : *results) {
      bool same = true;
      for (const char* member : {"driver", "pool", "device", "shareID"})
        same = same && StringAt(result, member) == StringAt(device, member);
      if (same) return true;
    }
    return false;
  };
  Json kept = Json::array();
  for (const Json& device : *devices)
    if (allocated(device)) kept.push_back(device);
  if (kept.empty())
    Erase(claim, "status.devices");
  else
    *devices = std::move(kept);
}

Json EventToNew(const Json& core_event) {
  Json event = core_event;
  event["apiVersion"] = "events.k8s.io/v1";
  Rename(event, "involvedObject", "regarding");
  Rename(event, "message", "note");
  Rename(event, "reportingComponent", "reportingController");
  Rename(event, "source", "deprecatedSource");
  Rename(event, "firstTimestamp", "deprecatedFirstTimestamp");
  Rename(event, "lastTimestamp", "deprecatedLastTimestamp");
  Rename(event, "count", "deprecatedCount");
  return event;
}

Json EventToCore(const Json& new_event) {
  Json event = new_event;
  event["apiVersion"] = "v1";
  Rename(event, "regarding", "involvedObject");
  Rename(event, "note", "message");
  Rename(event, "reportingController", "reportingComponent");
  Rename(event, "deprecatedSource", "source");
  Rename(event, "deprecatedFirstTimestamp", "firstTimestamp");
  Rename(event, "deprecatedLastTimestamp", "lastTimestamp");
  Rename(event, "deprecatedCount", "count");
  return event;
}

}  // namespace dray::devcluster
