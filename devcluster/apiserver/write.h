#pragma once

#include <functional>
#include <optional>
#include <string>

#include "devcluster/apiserver/server.h"
#include "dray/base/json.h"

// Every way to change an object passes through here: defaults, admission webhooks, metadata,
// validation, store.
namespace dray::devcluster {

struct Written {
  std::string text;  // as stored, or as it would be for a dry run
  bool created = false;
  bool removed = false;  // the write took the last finalizer of an object that was being deleted
};

// POST on a collection: 201.
Result<Answer> PostObject(Server& server, Call& call);
// POST of a question (Resource::review): 201 with the answer, nothing is stored.
Result<Answer> PostReview(Server& server, Call& call);
// PUT on an object or its status.
Result<Answer> PutObject(Server& server, Call& call);

// The body as a document, JSON or YAML by its Content-Type. kUnsupportedMediaType says what would
// be right.
Result<Json> BodyOf(const Call& call);
// Stores a new object. `tracked`: managedFields are complete already (server-side apply).
Result<Written> Create(Server& server, Call& call, Json object, bool tracked);

struct Modification {
  std::string subresource;  // "", "status"
  // The new version from the stored one, in the form of the store. Called again after a conflict
  // when `retry`.
  std::function<Result<Json>(const Json& stored)> change;
  bool retry = false;
  bool tracked = false;
  bool admit = true;  // webhooks are asked
  const char* options_kind = "UpdateOptions";
};
Result<Written> Modify(Server& server, Call& call, const Modification& modification);

// 404 without the namespace, 403 while it is being deleted.
Status CheckNamespace(const Server& server, const Call& call, const std::string& name);
AdmissionCall AdmissionFor(const Call& call, const std::string& operation, const std::string& name,
                           const std::string& options_kind);

}  // namespace dray::devcluster
