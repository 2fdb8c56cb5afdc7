#include "devcluster/apiserver/metadata.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/strategy.h"
#include "dray/api/types/meta.h"
#include "dray/runtime/pki.h"

namespace dray::devcluster {
namespace {

// What only the server sets.
constexpr const char* kServerFields[] = {
    "uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "generation", "selfLink"};

bool Same(const Json& a, const Json& b, const std::string& member) {
  auto left = a.find(member), right = b.find(member);
  bool has_left = left != a.end() && !left->is_null(),
       has_right = right != b.end() && !right->is_null();
  return has_left == has_right && (!has_left || *left == *right);
}

// Any member other than metadata and status differs.
bool SpecChanged(const Json& stored, const Json& object) {
  auto differs = [](const Json& from, const Json& to) {
    for (const auto& [member, value] : from.items())
      if (member != "metadata" && member != "status" && !Same(from, to, member)) return true;
    return false;
  };
  return differs(stored, object) || differs(object, stored);
}

Json WithoutTimes(const Json& object) {
  Json plain = object;
  Erase(plain, "metadata.resourceVersion");
  if (Json* entries = FindArray(plain, "metadata.managedFields"))
    for (Json& entry : *entries) Erase(entry, "time");
  return plain;
}

}  // namespace

std::string FormatNow(WallTime now) {
  return api::FormatTime(api::ToTime(now));
}

Status CheckIdentity(const Call& call, Json& object) {
  const Resource& resource = *call.resource;
  std::string kind = StringAt(object, "kind"), version = StringAt(object, "apiVersion");
  std::string want_version = resource.ApiVersion(call.path.version);
  if (!kind.empty() && kind != resource.kind)
    return Status(Reason::kBadRequest, "the kind in the data (" + kind +
                                           ") does not match the expected kind (" + resource.kind +
                                           ")");
  if (!version.empty() && version != want_version)
    return Status(Reason::kBadRequest, "the API version in the data (" + version +
                                           ") does not match the expected API version (" +
                                           want_version + ")");
  object["kind"] = resource.kind;
  object["apiVersion"] = want_version;
  if (const Json* metadata = Find(object, "metadata");
      metadata && !metadata->is_object() && !metadata->is_null())
    return Status(Reason::kBadRequest,
                  resource.kind + " cannot be handled: metadata: want an object");
  Json& metadata = ObjectAt(object, "metadata");
  for (const char* member : {"name", "generateName", "namespace", "uid", "resourceVersion"})
    if (auto found = metadata.find(member);
        found != metadata.end() && !found->is_string() && !found->is_null())
      return Status(Reason::kBadRequest,
                    resource.kind + " cannot be handled: metadata." + member + ": want a string");
  std::string namespace_ = StringAt(metadata, "namespace");
  if (resource.namespaced) {
    if (!namespace_.empty() && namespace_ != call.path.namespace_)
      return Status(Reason::kBadRequest,
                    "the namespace of the provided object does not match the namespace sent on "
                    "the request");
    metadata["namespace"] = call.path.namespace_;
  } else if (namespace_.empty()) {
    metadata.erase("namespace");
  }
  if (resource.to_stored) object = resource.to_stored(object);
  return Ok();
}

void StampNew(const Resource& resource, Json& object, WallTime now) {
  Json& metadata = ObjectAt(object, "metadata");
  for (const char* member : kServerFields) metadata.erase(member);
  metadata.erase("resourceVersion");
  metadata["uid"] = runtime::NewUuid();
  metadata["creationTimestamp"] = FormatNow(now);
  if (resource.generation != GenerationRule::kNone) metadata["generation"] = 1;
  if (resource.HasStatus()) object["status"] = Json::object();
}

std::string GenerateName(const std::string& base) {
  constexpr size_t kLongestBase = 58;
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::string name = base.substr(0, kLongestBase);
  for (int i = 0; i < 5; ++i)
    name += kLetters[std::uniform_int_distribution<size_t>(0, kLetters.size() - 1)(random)];
  return name;
}

Status CarryOver(const Resource& resource, const std::string& subresource, const Json& stored,
                 Json& object) {
  const Json& old = stored.at("metadata");
  bool status = subresource == "status";
  if (status) {
    Json written = object.value("status", Json::object());
    Json metadata = object.value("metadata", Json::object());
    object = stored;
    object["status"] = std::move(written);
    if (!resource.status_keeps_metadata)
      object["metadata"] = std::move(metadata);
    else if (auto fields = metadata.find("managedFields"); fields != metadata.end())
      object["metadata"]["managedFields"] = *fields;
  } else if (resource.HasStatus()) {
    if (auto kept = stored.find("status"); kept != stored.end())
      object["status"] = *kept;
    else
      object.erase("status");
  }

  Json& metadata = ObjectAt(object, "metadata");
  for (const char* member : kServerFields) {
    auto kept = old.find(member);
    if (kept != old.end())
      metadata[member] = *kept;
    else
      metadata.erase(member);
  }
  for (const char* member : {"name", "namespace", "generateName"})
    if (auto kept = old.find(member); kept != old.end()) metadata[member] = *kept;
  metadata["resourceVersion"] = old.at("resourceVersion");
  for (const char* member : {"labels", "annotations", "ownerReferences", "finalizers"})
    if (auto found = metadata.find(member); found != metadata.end() && Empty(&*found))
      metadata.erase(found);

  if (!old.contains("deletionTimestamp")) return Ok();
  const Json* before = FindArray(old, "finalizers");
  if (const Json* after = FindArray(metadata, "finalizers"))
    for (const Json& finalizer : *after)
      if (!before || std::find(before->begin(), before->end(), finalizer) == before->end())
        return InvalidField(object, "metadata.finalizers", "FieldValueForbidden",
                            "Forbidden: no new finalizers can be added if the object is being "
                            "deleted, found new finalizers []string{" +
                                Dump(finalizer) + "}");
  return Ok();
}

void UpdateGeneration(const Resource& resource, const Json& stored, Json& object) {
  if (resource.generation == GenerationRule::kNone) return;
  bool changed = SpecChanged(stored, object);
  if (resource.generation == GenerationRule::kSpecOrAnnotations)
    changed = changed || !Same(stored["metadata"], object["metadata"], "annotations");
  int64_t generation = IntAt(stored, "metadata.generation").value_or(0);
  object["metadata"]["generation"] = generation + (changed ? 1 : 0);
}

bool SameButForTimes(const Json& a, const Json& b) {
  return WithoutTimes(a) == WithoutTimes(b);
}

}  // namespace dray::devcluster
