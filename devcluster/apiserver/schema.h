#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// The members of every kind that the server knows: their names in JSON, their numbers in protobuf
// and their types, as k8s.io/api 1.36 has them. Unknown members, wrong types, protobuf bodies and
// `kubectl explain` all rest on it.
namespace dray::devcluster {

enum class ValueType {
  kString,
  kInt32,
  kInt64,
  kBool,
  kBytes,  // base64 in JSON
  kTime,   // metav1.Time
  kMicroTime,
  kQuantity,
  kIntOrString,
  kRaw,  // any JSON
  kMessage,
};
enum class ValueShape { kOne, kList, kMap };

struct SchemaMessage;

struct SchemaField {
  std::string name;  // "" when inlined
  uint32_t number = 0;
  ValueType type = ValueType::kString;
  ValueShape shape = ValueShape::kOne;
  const SchemaMessage* message = nullptr;  // of kMessage
  bool keeps_zero = false;                 // 0, false and "" say something else than absence
};

struct SchemaMessage {
  std::string name;                 // "PodSpec", "resource.ResourceClaim"
  std::string package;              // "io.k8s.api.core.v1"
  std::vector<SchemaField> fields;  // as in protobuf, an inlined message is one field
  std::map<std::string, const SchemaField*, std::less<>> members;  // as in JSON

  std::string ShortName() const { return name.substr(name.find('.') + 1); }
  std::string FullName() const { return package + "." + ShortName(); }
};

// Immutable once made; any thread.
class Schema {
 public:
  // The types of schema_tables.h.
  static const Schema& Kubernetes();

  // Null when there is none.
  const SchemaMessage* Find(std::string_view name) const;
  const SchemaMessage* ForKind(std::string_view group, std::string_view kind) const;

 private:
  Schema();
  void Read(std::string_view text);

  std::deque<SchemaMessage> messages_;
  std::map<std::string, SchemaMessage*, std::less<>> by_name_;
};

}  // namespace dray::devcluster
