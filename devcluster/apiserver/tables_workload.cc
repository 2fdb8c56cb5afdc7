#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/tables.h"
#include "dray/api/types/meta.h"

namespace dray::devcluster {
namespace {

std::string WorkloadAge(const Json& object, WallTime now) {
  return AgeOf(StringAt(object, "metadata.creationTimestamp"), now);
}
int64_t Count(const Json& object, std::string_view path, int64_t otherwise = 0) {
  return IntAt(object, path).value_or(otherwise);
}

// "name,name" or "image,image" of the template's containers.
std::string OfContainers(const Json& object, const char* field) {
  std::string joined;
  if (const Json* containers = FindArray(object, "spec.template.spec.containers"))
    for (const Json& container : *containers) {
      if (!joined.empty()) joined += ",";
      joined += StringAt(container, field);
    }
  return joined;
}

std::string SelectorText(const Json& object) {
  std::string text;
  auto add = [&](const std::string& term) { text += (text.empty() ? "" : ",") + term; };
  if (const Json* labels = FindObject(object, "spec.selector.matchLabels"))
    for (const auto& [key, value] : labels->items())
      add(key + "=" + (value.is_string() ? value.get<std::string>() : ""));
  if (const Json* expressions = FindArray(object, "spec.selector.matchExpressions"))
    for (const Json& expression : *expressions) {
      std::string key = StringAt(expression, "key"), op = StringAt(expression, "operator"), values;
      if (const Json* list = FindArray(expression, "values"))
        for (const Json& value : *list)
          values +=
              (values.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : "");
      if (op == "In") add(key + " in (" + values + ")");
      if (op == "NotIn") add(key + " notin (" + values + ")");
      if (op == "Exists") add(key);
      if (op == "DoesNotExist") add("!" + key);
    }
  return text.empty() ? "<none>" : text;
}

std::vector<Column> WithWide(std::vector<Column> columns) {
  columns.push_back({"Containers", "string", "", 1, "Names of the containers in the template."});
  columns.push_back({"Images", "string", "", 1, "Images of the containers in the template."});
  columns.push_back({"Selector", "string", "", 1, "Label selector of the pods."});
  return columns;
}

std::string JobStatus(const Json& job) {
  auto holds = [&](std::string_view type) {
    if (const Json* conditions = FindArray(job, "status.conditions"))
      for (const Json& condition : *conditions)
        if (StringAt(condition, "type") == type) return StringAt(condition, "status") == "True";
    return false;
  };
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (!StringAt(job, "metadata.deletionTimestamp").empty()) return "Terminating";
  if (holds("Suspended")) return "Suspended";
  if (holds("FailureTarget")) return "FailureTarget";
  if (holds("SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return "Running";
}

std::string JobDuration(const Json& job, WallTime now) {
  Result<WallTime> start = api::ParseTime(StringAt(job, "status.startTime"));
  if (!start.ok()) return "";
  Result<WallTime> end = api::ParseTime(StringAt(job, "status.completionTime"));
  return HumanDuration(std::chrono::duration_cast<Duration>((end.ok() ? *end : now) - *start));
}

}  // namespace

std::vector<Column> DeploymentColumns() {
  return WithWide({{"Name", "string", "name", 0, "Name of the deployment."},
                   {"Ready", "string", "", 0, "Ready replicas of the wanted ones."},
                   {"Up-to-date", "integer", "", 0, "Replicas of the present template."},
                   {"Available", "integer", "", 0, "Replicas that are available."},
                   {"Age", "string", "", 0, "Time since the deployment was created."}});
}
Json DeploymentCells(const Json& object, WallTime now) {
  return {StringAt(object, "metadata.name"),
          std::to_string(Count(object, "status.readyReplicas")) + "/" +
              std::to_string(Count(object, "spec.replicas", 1)),
          Count(object, "status.updatedReplicas"),
          Count(object, "status.availableReplicas"),
          WorkloadAge(object, now),
          OfContainers(object, "name"),
          OfContainers(object, "image"),
          SelectorText(object)};
}

std::vector<Column> ReplicaSetColumns() {
  return WithWide({{"Name", "string", "name", 0, "Name of the replica set."},
                   {"Desired", "integer", "", 0, "Replicas wanted."},
                   {"Current", "integer", "", 0, "Replicas that exist."},
                   {"Ready", "integer", "", 0, "Replicas that are ready."},
                   {"Age", "string", "", 0, "Time since the replica set was created."}});
}
Json ReplicaSetCells(const Json& object, WallTime now) {
  return {StringAt(object, "metadata.name"), Count(object, "spec.replicas", 1),
          Count(object, "status.replicas"),  Count(object, "status.readyReplicas"),
          WorkloadAge(object, now),          OfContainers(object, "name"),
          OfContainers(object, "image"),     SelectorText(object)};
}

std::vector<Column> JobColumns() {
  return WithWide({{"Name", "string", "name", 0, "Name of the job."},
                   {"Status", "string", "", 0, "Where the job stands."},
                   {"Completions", "string", "", 0, "Successful pods of the wanted ones."},
                   {"Duration", "string", "", 0, "How long the job has run."},
                   {"Age", "string", "", 0, "Time since the job was created."}});
}
Json JobCells(const Json& job, WallTime now) {
  std::string completions = std::to_string(Count(job, "status.succeeded")) + "/";
  std::optional<int64_t> wanted = IntAt(job, "spec.completions");
  int64_t parallelism = Count(job, "spec.parallelism");
  if (wanted)
    completions += std::to_string(*wanted);
  else
    completions += parallelism > 1 ? "1 of " + std::to_string(parallelism) : "1";
  return {StringAt(job, "metadata.name"), JobStatus(job),        completions,
          JobDuration(job, now),          WorkloadAge(job, now), OfContainers(job, "name"),
          OfContainers(job, "image"),     SelectorText(job)};
}

}  // namespace dray::devcluster
