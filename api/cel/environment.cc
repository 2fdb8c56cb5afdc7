#include "api/cel/environment.h"

#include <array>

namespace dray::cel {
namespace {

using Declared = Environment::Variable;

constexpr StaticType Struct(std::string_view name) {
  return {TypeKind::kStruct, name, {}};
}
constexpr StaticType ListOf(const StaticType* element) {
  return {TypeKind::kList, "list", {element}};
}

// The types of AdmissionRequest and Namespace as conditions see them. Everything in them is found
// by its name when the expression runs: they only say what may be asked for.
struct AdmissionTypes {
  StaticType request = Struct("kubernetes.AdmissionRequest"),
             kind = Struct("kubernetes.GroupVersionKind"),
             resource = Struct("kubernetes.GroupVersionResource"),
             user = Struct("kubernetes.UserInfo"), space = Struct("kubernetes.Namespace"),
             metadata = Struct("kubernetes.NamespaceMetadata"),
             spec = Struct("kubernetes.NamespaceSpec"),
             status = Struct("kubernetes.NamespaceStatus"),
             condition = Struct("kubernetes.NamespaceCondition");
  StaticType texts = ListOf(&types::kString), conditions = ListOf(&condition);
  StaticType labels{TypeKind::kMap, "map", {&types::kString, &types::kString}},
      extra{TypeKind::kMap, "map", {&types::kString, &texts}};

  std::array<Declared, 4> variables = {{{"object", &types::kDyn},
                                        {"oldObject", &types::kDyn},
                                        {"request", &request},
                                        {"namespaceObject", &space}}};

  std::array<Declared, 12> request_fields = {{{"kind", &kind},
                                              {"resource", &resource},
                                              {"subResource", &types::kString},
                                              {"requestKind", &kind},
                                              {"requestResource", &resource},
                                              {"requestSubResource", &types::kString},
                                              {"name", &types::kString},
                                              {"namespace", &types::kString},
                                              {"operation", &types::kString},
                                              {"userInfo", &user},
                                              {"dryRun", &types::kBool},
                                              {"options", &types::kDyn}}};
  std::array<Declared, 3> kind_fields = {
      {{"group", &types::kString}, {"version", &types::kString}, {"kind", &types::kString}}};
  std::array<Declared, 3> resource_fields = {
      {{"group", &types::kString}, {"version", &types::kString}, {"resource", &types::kString}}};
  std::array<Declared, 4> user_fields = {{{"username", &types::kString},
                                          {"uid", &types::kString},
                                          {"groups", &texts},
                                          {"extra", &extra}}};
  std::array<Declared, 3> space_fields = {
      {{"metadata", &metadata}, {"spec", &spec}, {"status", &status}}};
  std::array<Declared, 12> metadata_fields = {{{"name", &types::kString},
                                               {"generateName", &types::kString},
                                               {"namespace", &types::kString},
                                               {"labels", &labels},
                                               {"annotations", &labels},
                                               {"UID", &types::kString},
                                               {"creationTimestamp", &types::kTimestamp},
                                               {"deletionGracePeriodSeconds", &types::kInt},
                                               {"deletionTimestamp", &types::kTimestamp},
                                               {"generation", &types::kInt},
                                               {"resourceVersion", &types::kString},
                                               {"finalizers", &texts}}};
  std::array<Declared, 1> spec_fields = {{{"finalizers", &texts}}};
  std::array<Declared, 2> status_fields = {
      {{"conditions", &conditions}, {"phase", &types::kString}}};
  std::array<Declared, 5> condition_fields = {{{"status", &types::kString},
                                               {"type", &types::kString},
                                               {"lastTransitionTime", &types::kTimestamp},
                                               {"message", &types::kString},
                                               {"reason", &types::kString}}};

  struct Entry {
    const StaticType* type;
    std::span<const Declared> fields;
  };
  std::array<Entry, 9> structs = {{{&request, request_fields},
                                   {&kind, kind_fields},
                                   {&resource, resource_fields},
                                   {&user, user_fields},
                                   {&space, space_fields},
                                   {&metadata, metadata_fields},
                                   {&spec, spec_fields},
                                   {&status, status_fields},
                                   {&condition, condition_fields}}};

  AdmissionTypes() = default;
  AdmissionTypes(const AdmissionTypes&) = delete;
  AdmissionTypes& operator=(const AdmissionTypes&) = delete;
  static const AdmissionTypes& Get() {
    static const auto* const types = new AdmissionTypes;
    return *types;
  }
};

}  // namespace

const Environment& DeviceEnvironment() {
  static constexpr Declared kDevice[] = {{"device", &types::kDevice}};
  static constexpr Environment kEnvironment{kDevice, true};
  return kEnvironment;
}

const Environment& ConditionEnvironment() {
  static const Environment environment{AdmissionTypes::Get().variables, false};
  return environment;
}

std::string_view WhyAbsent(const Environment& environment, std::string_view variable) {
  return !environment.devices && variable == "authorizer"
             ? "'authorizer' is not available here: conditions run without an authorizer"
             : "";
}

std::span<const Environment::Variable> FieldsOf(const StaticType* type) {
  for (const AdmissionTypes::Entry& entry : AdmissionTypes::Get().structs)
    if (entry.type == type) return entry.fields;
  return {};
}

}  // namespace dray::cel
