#include "devcluster/apiserver/json_access.h"

#include <nlohmann/json.hpp>

#include "dray/base/json_depth.h"

namespace dray::devcluster {
namespace {

// Deeper documents would only exercise the stack: the deepest Kubernetes type stays below 30.
constexpr size_t kDeepest = 250;

template <class Document>
Document* Walk(Document& document, std::string_view path) {
  Document* at = &document;
  while (!path.empty()) {
    size_t dot = path.find('.');
    if (!at->is_object()) return nullptr;
    auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) return nullptr;
    at = &*found;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

}  // namespace

const Json* Find(const Json& document, std::string_view path) {
  return Walk(document, path);
}
Json* Find(Json& document, std::string_view path) {
  return Walk(document, path);
}

const Json* FindObject(const Json& document, std::string_view path) {
  const Json* found = Walk(document, path);
  return found && found->is_object() ? found : nullptr;
}
const Json* FindArray(const Json& document, std::string_view path) {
  const Json* found = Walk(document, path);
  return found && found->is_array() ? found : nullptr;
}
Json* FindArray(Json& document, std::string_view path) {
  Json* found = Walk(document, path);
  return found && found->is_array() ? found : nullptr;
}

std::string StringAt(const Json& document, std::string_view path) {
  const Json* found = Walk(document, path);
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<int64_t> IntAt(const Json& document, std::string_view path) {
  const Json* found = Walk(document, path);
  if (!found || !found->is_number_integer()) return std::nullopt;
  return found->get<int64_t>();
}

bool BoolAt(const Json& document, std::string_view path, bool otherwise) {
  const Json* found = Walk(document, path);
  return found && found->is_boolean() ? found->get<bool>() : otherwise;
}

Json& ObjectAt(Json& document, std::string_view path) {
  Json* at = &document;
  if (!at->is_object()) *at = Json::object();
  while (!path.empty()) {
    size_t dot = path.find('.');
    at = &(*at)[std::string(path.substr(0, dot))];
    if (!at->is_object()) *at = Json::object();
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return *at;
}

void Default(Json& object, const char* member, Json value) {
  if (!object.is_object()) return;
  auto found = object.find(member);
  if (found == object.end() || found->is_null()) object[member] = std::move(value);
}

void Erase(Json& document, std::string_view path) {
  size_t dot = path.rfind('.');
  Json* parent = dot == std::string_view::npos ? &document : Walk(document, path.substr(0, dot));
  if (parent && parent->is_object())
    parent->erase(std::string(dot == std::string_view::npos ? path : path.substr(dot + 1)));
}

bool Empty(const Json* value) {
  return value == nullptr || value->is_null() || value->empty();
}

Result<Json> ParseJson(std::string_view text) {
  if (NestedDeeper(text, kDeepest))
    return Status(Reason::kBadRequest,
                  "the body is nested more than " + std::to_string(kDeepest) + " levels deep");
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    return Status(Reason::kBadRequest, std::string("the body is no JSON: ") + error.what());
  }
}

Result<Json> ParseBody(std::string_view body) {
  DRAY_ASSIGN_OR_RETURN(Json document, ParseJson(body));
  if (!document.is_object()) return Status(Reason::kBadRequest, "the body must be a JSON object");
  return document;
}

std::string Dump(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dray::devcluster
