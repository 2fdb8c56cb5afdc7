#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/patch/json_pointer.h"
#include "dray/api/patch.h"

namespace dray::api {
namespace {

constexpr size_t kMostOperations = 10000;
constexpr size_t kMostCopiedBytes = 3
                                    << 20;  // a list of copies could double the document each time

using Tokens = std::vector<std::string>;

// One operation on the way: fails with kInvalid and its own number and text.
class Operation {
 public:
  Operation(const Json& json, size_t index) : json_(json), index_(index) {}

  // `copied` counts the bytes of all copies in the patch.
  Status Apply(Json& document, size_t& copied) {
    if (!json_.is_object()) return Malformed("want an object");
    DRAY_ASSIGN_OR_RETURN(op_, Text("op"));
    DRAY_ASSIGN_OR_RETURN(path_text_, Text("path"));
    DRAY_ASSIGN_OR_RETURN(Tokens path, Pointer(path_text_));
    if (op_ == "remove") return Remove(document, path);
    if (op_ == "add" || op_ == "replace" || op_ == "test") {
      auto value = json_.find("value");
      if (value == json_.end()) return Malformed("value is missing");
      if (op_ == "add") return Add(document, path, *value);
      Json* at = FindValue(document, path);
      if (at == nullptr) return Failed("there is no such path");
      if (op_ == "replace")
        *at = *value;
      else if (*at != *value)
        return Failed("the value differs");
      return Ok();
    }
    if (op_ != "move" && op_ != "copy") return Malformed("op \"" + op_ + "\" is unknown");
    DRAY_ASSIGN_OR_RETURN(std::string from_text, Text("from"));
    DRAY_ASSIGN_OR_RETURN(Tokens from, Pointer(from_text));
    Json* source = FindValue(document, from);
    if (source == nullptr) return Failed("there is nothing at \"" + from_text + "\"");
    if (op_ == "copy") {
      copied += source->dump(-1, ' ', false, Json::error_handler_t::replace).size();
      if (copied > kMostCopiedBytes) return Failed("the patch copies too much");
      return Add(document, path, Json(*source));
    }
    if (from == path) return Ok();
    if (path.size() > from.size() && std::equal(from.begin(), from.end(), path.begin()))
      return Failed("a value cannot be moved into itself");
    Json moved = std::move(*source);
    DRAY_RETURN_IF_ERROR(Remove(document, from));
    return Add(document, path, std::move(moved));
  }

 private:
  Status Malformed(std::string_view why) const {
    return Status(Reason::kBadRequest,
                  "JSON patch, operation " + std::to_string(index_) + ": " + std::string(why));
  }
  Status Failed(std::string_view why) const {
    return Status(Reason::kInvalid, "JSON patch, operation " + std::to_string(index_) + " (" + op_ +
                                        " \"" + path_text_ + "\"): " + std::string(why));
  }
  Result<std::string> Text(const char* member) const {
    auto found = json_.find(member);
    if (found == json_.end() || !found->is_string())
      return Malformed(std::string(member) + " is missing");
    return found->get<std::string>();
  }
  Result<Tokens> Pointer(const std::string& text) const {
    Result<Tokens> tokens = ParsePointer(text);
    if (!tokens.ok()) return Malformed(tokens.status().message());
    return tokens;
  }

  Status Add(Json& document, const Tokens& path, Json value) const {
    if (path.empty()) {
      document = std::move(value);
      return Ok();
    }
    Json* parent = FindValue(document, Tokens(path.begin(), path.end() - 1));
    if (parent == nullptr) return Failed("there is nothing to add to");
    if (parent->is_object()) {
      (*parent)[path.back()] = std::move(value);
      return Ok();
    }
    if (!parent->is_array()) return Failed("only objects and lists can be added to");
    if (path.back() == "-") {
      parent->push_back(std::move(value));
      return Ok();
    }
    std::optional<size_t> index = ParseIndex(path.back(), parent->size() + 1);
    if (!index) return Failed("the list has no such index");
    parent->insert(parent->begin() + static_cast<Json::difference_type>(*index), std::move(value));
    return Ok();
  }

  Status Remove(Json& document, const Tokens& path) const {
    if (path.empty()) return Failed("the whole document cannot be removed");
    Json* parent = FindValue(document, Tokens(path.begin(), path.end() - 1));
    if (parent != nullptr && parent->is_object() && parent->erase(path.back()) == 1) return Ok();
    if (parent != nullptr && parent->is_array())
      if (std::optional<size_t> index = ParseIndex(path.back(), parent->size())) {
        parent->erase(*index);
        return Ok();
      }
    return Failed("there is no such path");
  }

  const Json& json_;
  size_t index_;
  std::string op_, path_text_;
};

void AddOperation(Json& patch, const char* op, const std::string& path,
                  const Json* value = nullptr) {
  Json& operation = patch.emplace_back(Json::object());
  operation["op"] = op;
  operation["path"] = path;
  if (value != nullptr) operation["value"] = *value;
}

// `path` leads to both; as it was when this returns.
void Diff(const Json& before, const Json& after, std::string& path, Json& patch) {
  const size_t here = path.size();
  if (before.is_object() && after.is_object()) {
    for (const auto& [key, value] : before.items()) {
      if (after.contains(key)) continue;
      path += PointerToken(key);
      AddOperation(patch, "remove", path);
      path.resize(here);
    }
    for (const auto& [key, value] : after.items()) {
      const auto old = before.find(key);
      path += PointerToken(key);
      if (old == before.end())
        AddOperation(patch, "add", path, &value);
      else
        Diff(*old, value, path, patch);
      path.resize(here);
    }
  } else if (before.is_array() && after.is_array()) {
    auto at = [&](size_t index) -> std::string& {
      path.resize(here);
      return path.append("/").append(std::to_string(index));
    };
    const size_t common = std::min(before.size(), after.size());
    for (size_t i = 0; i < common; ++i) Diff(before[i], after[i], at(i), patch);
    for (size_t i = before.size(); i > common; --i) AddOperation(patch, "remove", at(i - 1));
    for (size_t i = common; i < after.size(); ++i) AddOperation(patch, "add", at(i), &after[i]);
    path.resize(here);
  } else if (before != after) {
    AddOperation(patch, "replace", path, &after);
  }
}

}  // namespace

Result<Json> ApplyJsonPatch(Json document, const Json& patch) {
  if (!patch.is_array())
    return Status(Reason::kBadRequest, "JSON patch: want a list of operations");
  if (patch.size() > kMostOperations)
    return Status(Reason::kTooLarge, "JSON patch: at most " + std::to_string(kMostOperations) +
                                         " operations are allowed, got " +
                                         std::to_string(patch.size()));
  size_t copied = 0;
  for (size_t i = 0; i < patch.size(); ++i)
    DRAY_RETURN_IF_ERROR(Operation(patch[i], i).Apply(document, copied));
  return document;
}

Json DiffJsonPatch(const Json& before, const Json& after) {
  Json patch = Json::array();
  std::string path;
  Diff(before, after, path, patch);
  return patch;
}

}  // namespace dray::api
