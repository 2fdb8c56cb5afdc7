#include <nlohmann/json.hpp>

#include "devcluster/apiserver/deletion.h"
#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/metadata.h"
#include "devcluster/apiserver/subresources.h"
#include "devcluster/apiserver/write.h"

namespace dray::devcluster {
namespace {

// The error of a subresource: `Operation cannot be fulfilled on pods/binding "x": why`.
Status SubresourceConflict(const Call& call, const std::string& why) {
  return Status(Reason::kConflict, "Operation cannot be fulfilled on pods/" +
                                       call.path.subresource + " \"" + call.path.name +
                                       "\": " + why);
}

// Replaces or adds the condition of this type.
void SetCondition(Json& pod, const Json& condition) {
  Json& status = ObjectAt(pod, "status");
  if (!FindArray(status, "conditions")) status["conditions"] = Json::array();
  for (Json& present : status["conditions"])
    if (StringAt(present, "type") == StringAt(condition, "type")) {
      present = condition;
      return;
    }
  status["conditions"].push_back(condition);
}

Json Condition(const char* type, WallTime now) {
  return {{"type", type},
          {"status", "True"},
          {"lastProbeTime", nullptr},
          {"lastTransitionTime", FormatNow(now)}};
}

// Reads, changes and stores a Pod as a whole, until nobody else was faster. Its generation stays,
// also for a binding: nobody but the scheduler asked for that change of the spec.
Status ChangePod(Server& server, const Call& call, const std::function<Status(Json& pod)>& change) {
  for (;;) {
    ObjectPtr present = server.Find(*call.resource, call.Key());
    if (!present) return NotFoundError(call);
    Json pod = Json::parse(present->text);
    DRAY_RETURN_IF_ERROR(change(pod));
    if (call.dry_run) return Ok();
    if (server.store.Replace(call.resource->storage, present, std::move(pod), server.Now()).ok())
      return Ok();
  }
}

bool Done(const Json& pod) {
  std::string phase = StringAt(pod, "status.phase");
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace

Result<Answer> BindPod(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(Json binding, BodyOf(call));
  std::string node = StringAt(binding, "target.name"), kind = StringAt(binding, "target.kind");
  std::string uid = StringAt(binding, "metadata.uid");
  if (node.empty() || (!kind.empty() && kind != "Node")) {
    Status status(Reason::kInvalid, "Binding \"" + call.path.name +
                                        "\" is invalid: target.name: Required value: the name of "
                                        "a Node");
    status.causes.push_back({"FieldValueRequired", "Required value", "target.name"});
    return status;
  }
  AdmissionCall admission = AdmissionFor(call, "CREATE", call.path.name, "CreateOptions");
  admission.kind = {"", "v1", "Binding"};
  Json reviewed = binding;
  DRAY_RETURN_IF_ERROR(server.webhooks->Mutate(admission, reviewed, nullptr, call.warnings));
  DRAY_RETURN_IF_ERROR(server.webhooks->Validate(admission, reviewed, call.warnings));

  DRAY_RETURN_IF_ERROR(ChangePod(server, call, [&](Json& pod) -> Status {
    if (!uid.empty() && uid != StringAt(pod, "metadata.uid"))
      return SubresourceConflict(call,
                                 "Precondition failed: UID in precondition: " + uid +
                                     ", UID in object meta: " + StringAt(pod, "metadata.uid"));
    if (Find(pod, "metadata.deletionTimestamp"))
      return SubresourceConflict(
          call, "pod " + call.path.name + " is being deleted, cannot be assigned to a host");
    if (std::string present = StringAt(pod, "spec.nodeName"); !present.empty())
      return SubresourceConflict(
          call, "pod " + call.path.name + " is already assigned to node \"" + present + "\"");
    if (!Empty(Find(pod, "spec.schedulingGates")))
      return SubresourceConflict(call,
                                 "pod " + call.path.name + " has non-empty .spec.schedulingGates");
    ObjectAt(pod, "spec")["nodeName"] = node;
    for (const char* map : {"annotations", "labels"})
      if (const Json* given = FindObject(reviewed, std::string("metadata.") + map))
        for (const auto& [key, value] : given->items())
          ObjectAt(pod, std::string("metadata.") + map)[key] = value;
    Erase(pod, "status.nominatedNodeName");
    SetCondition(pod, Condition("PodScheduled", server.Now()));
    return Ok();
  }));
  return SuccessAnswer(call, 201, "");
}

Result<Answer> EvictPod(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(Json eviction, BodyOf(call));
  if (std::string name = StringAt(eviction, "metadata.name");
      !name.empty() && name != call.path.name)
    return Status(Reason::kBadRequest, "name in URL does not match name in Eviction object");
  const Json* given = FindObject(eviction, "deleteOptions");
  DRAY_ASSIGN_OR_RETURN(DeleteOptions options, DeleteOptionsFrom(given ? *given : Json::object()));
  options.dry_run = options.dry_run || call.dry_run;
  ObjectPtr present = server.Find(*call.resource, call.Key());
  if (!present) return NotFoundError(call);
  const Json pod = Json::parse(present->text);
  bool ends_anyway = Done(pod) || Find(pod, "metadata.deletionTimestamp");
  if (!ends_anyway && !options.dry_run)
    DRAY_RETURN_IF_ERROR(ChangePod(server, call, [&](Json& changed) {
      Json condition = Condition("DisruptionTarget", server.Now());
      condition["reason"] = "EvictionByEvictionAPI";
      condition["message"] = "Eviction API: evicting";
      SetCondition(changed, condition);
      return Ok();
    }));
  DRAY_RETURN_IF_ERROR(DeleteOne(server, call, options).status());
  return SuccessAnswer(call, 201, "");
}

Status ServeLog(const Server& server, const Call& call,
                const std::shared_ptr<runtime::HttpResponder>& responder) {
  ObjectPtr present = server.Find(*call.resource, call.Key());
  if (!present) return NotFoundError(call);
  const Json pod = Json::parse(present->text);
  LogRequest request;
  request.namespace_ = call.path.namespace_;
  request.pod = call.path.name;
  request.pod_uid = present->uid;
  request.node = StringAt(pod, "spec.nodeName");
  request.container = call.query.Get("container");
  request.follow = call.query.Flag("follow");
  request.previous = call.query.Flag("previous");
  request.timestamps = call.query.Flag("timestamps");
  DRAY_ASSIGN_OR_RETURN(request.tail_lines, call.query.Int("tailLines"));
  DRAY_ASSIGN_OR_RETURN(request.limit_bytes, call.query.Int("limitBytes"));
  DRAY_ASSIGN_OR_RETURN(request.since_seconds, call.query.Int("sinceSeconds"));

  std::vector<std::string> names, regular;
  for (const char* list : {"spec.initContainers", "spec.containers"})
    if (const Json* containers = FindArray(pod, list))
      for (const Json& container : *containers) {
        names.push_back(StringAt(container, "name"));
        if (std::string_view(list) == "spec.containers") regular.push_back(names.back());
      }
  if (request.container.empty()) {
    if (regular.size() != 1) {
      std::string choice;
      for (const std::string& name : regular) choice += (choice.empty() ? "" : " ") + name;
      return Status(Reason::kBadRequest, "a container name must be specified for pod " +
                                             call.path.name + ", choose one of: [" + choice + "]");
    }
    request.container = regular[0];
  } else if (std::find(names.begin(), names.end(), request.container) == names.end()) {
    return Status(Reason::kBadRequest,
                  "container " + request.container + " is not valid for pod " + call.path.name);
  }
  if (request.node.empty())
    return Status(Reason::kBadRequest, "pod " + call.path.name + " does not have a host assigned");
  LogSource source = server.logs.Copy();
  if (!source) return Status(Reason::kUnavailable, "no kubelet of this cluster serves logs");
  source(request, responder);
  return Ok();
}

}  // namespace dray::devcluster
