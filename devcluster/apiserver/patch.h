#pragma once

#include <memory>

#include "devcluster/apiserver/server.h"

namespace dray::devcluster {

// The body of a PATCH, read once, applied to whatever version is stored.
struct PatchBody {
  enum class Type { kJson, kMerge, kStrategic, kApply };
  Type type = Type::kMerge;
  std::shared_ptr<const Json> document;

  // kUnsupportedMediaType, kBadRequest, kTooLarge.
  static Result<PatchBody> Read(const Call& call);
  // Not for kApply.
  Result<Json> ApplyTo(std::string_view group, std::string_view kind, Json target) const;
};

// PATCH on an object or its status: 200, or 201 where an apply made it.
Result<Answer> PatchObject(Server& server, Call& call);

}  // namespace dray::devcluster
