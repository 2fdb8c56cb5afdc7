#include "devcluster/apiserver/tables.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "dray/api/types/meta.h"

namespace dray::devcluster {

std::string HumanDuration(Duration age) {
  using std::to_string;
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  auto pair = [](int64_t major, char unit, int64_t minor, char small) {
    return to_string(major) + unit + (minor == 0 ? "" : to_string(minor) + small);
  };
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return to_string(seconds) + "s";
  int64_t minutes = seconds / 60;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return to_string(minutes) + "m";
  int64_t hours = minutes / 60;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return to_string(hours) + "h";
  int64_t days = hours / 24;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return to_string(days) + "d";
  if (days < 8 * 365) return pair(days / 365, 'y', days % 365, 'd');
  return to_string(days / 365) + "y";
}

std::string AgeOf(std::string_view timestamp, WallTime now) {
  if (timestamp.empty()) return "<unknown>";
  Result<WallTime> then = api::ParseTime(timestamp);
  if (!then.ok()) return "<unknown>";
  return HumanDuration(std::chrono::duration_cast<Duration>(now - *then));
}

Json PartialMetadataOf(const Json& object) {
  Json partial = {{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/v1"}};
  const Json* metadata = FindObject(object, "metadata");
  partial["metadata"] = metadata ? *metadata : Json::object();
  return partial;
}

Json TableFor(const Resource& resource, Json list_metadata, bool with_columns) {
  static const std::vector<Column> name_and_age = {
      {"Name", "string", "name", 0, "Name must be unique within a namespace."},
      {"Age", "string", "", 0, "Time since the object was created."}};
  Json table = {{"kind", "Table"},
                {"apiVersion", "meta.k8s.io/v1"},
                {"metadata", std::move(list_metadata)},
                {"columnDefinitions", Json::array()},
                {"rows", Json::array()}};
  if (!with_columns) return table;
  for (const Column& column : resource.columns.empty() ? name_and_age : resource.columns)
    table["columnDefinitions"].push_back({{"name", column.name},
                                          {"type", column.type},
                                          {"format", column.format},
                                          {"description", column.description},
                                          {"priority", column.priority}});
  return table;
}

Json RowFor(const Resource& resource, const Json& object, IncludeObject include, WallTime now) {
  Json row = Json::object();
  if (resource.cells)
    row["cells"] = resource.cells(object, now);
  else
    row["cells"] = {StringAt(object, "metadata.name"),
                    AgeOf(StringAt(object, "metadata.creationTimestamp"), now)};
  if (include == IncludeObject::kMetadata) row["object"] = PartialMetadataOf(object);
  if (include == IncludeObject::kObject) row["object"] = object;
  std::string phase = resource.kind == "Pod" ? StringAt(object, "status.phase") : "";
  if (phase == "Succeeded" || phase == "Failed")
    row["conditions"] =
        Json::array({{{"type", "Completed"},
                      {"status", "True"},
                      {"reason", phase},
                      {"message", phase == "Succeeded" ? "The pod has completed successfully."
                                                       : "The pod failed."}}});
  return row;
}

}  // namespace dray::devcluster
