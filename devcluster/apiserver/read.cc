#include "devcluster/apiserver/read.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/continue_token.h"
#include "devcluster/apiserver/json_access.h"

namespace dray::devcluster {
namespace {

constexpr size_t kLargestWatchList = 8u << 20;

Status InvalidListOptions(const std::string& field, const std::string& message) {
  Status status(Reason::kInvalid,
                "ListOptions.meta.k8s.io \"\" is invalid: " + field + ": " + message);
  status.causes.push_back({"FieldValueForbidden", message, field});
  return status;
}

// resourceVersion as a number; absent and "" give 0 with `given` false.
struct Version {
  bool given = false;
  uint64_t number = 0;
};
Result<Version> VersionOf(const Call& call) {
  std::string text = call.query.Get("resourceVersion");
  Version version;
  if (text.empty()) return version;
  version.given = true;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version.number);
  if (error != std::errc() || end != text.data() + text.size())
    return Status(Reason::kBadRequest, "Invalid value: \"" + text +
                                           "\": resourceVersion must be a "
                                           "decimal number");
  return version;
}

Status TooLargeVersion(uint64_t wanted, uint64_t present) {
  Status status(Reason::kTimeout, "Too large resource version: " + std::to_string(wanted) +
                                      ", current: " + std::to_string(present));
  status.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  status.retry_after = std::chrono::seconds(1);
  return status;
}

Status CheckMatch(const Call& call, const Version& version, bool list) {
  std::string match = call.query.Get("resourceVersionMatch");
  if (list && call.query.Has("sendInitialEvents"))
    return InvalidListOptions("sendInitialEvents",
                              "Forbidden: sendInitialEvents is forbidden for list");
  if (match.empty()) return Ok();
  if (match != "Exact" && match != "NotOlderThan")
    return InvalidListOptions(
        "resourceVersionMatch",
        "Unsupported value: \"" + match + "\": supported values: \"Exact\", \"NotOlderThan\"");
  if (!list) return Ok();
  if (!version.given)
    return InvalidListOptions("resourceVersionMatch",
                              "Forbidden: resourceVersionMatch is forbidden unless "
                              "resourceVersion is provided");
  if (call.query.Has("continue"))
    return InvalidListOptions(
        "resourceVersionMatch",
        "Forbidden: resourceVersionMatch is forbidden when continue is provided");
  if (match == "Exact" && version.number == 0)
    return InvalidListOptions("resourceVersionMatch",
                              "Forbidden: resourceVersionMatch \"exact\" is forbidden for "
                              "resourceVersion \"0\"");
  return Ok();
}

// The list's own metadata.
Json ListMetadata(const ListResult& page, const ContinueToken& next, std::optional<size_t> left) {
  Json metadata = {{"resourceVersion", std::to_string(page.version)}};
  if (!page.next.empty()) {
    metadata["continue"] = EncodeContinue(next);
    if (left) metadata["remainingItemCount"] = *left;
  }
  return metadata;
}

std::string PlainList(const Resource& resource, const Json& metadata,
                      const std::vector<ObjectPtr>& items) {
  size_t size = 200;
  for (const ObjectPtr& item : items) size += item->text.size() + 1;
  std::string body;
  body.reserve(size);
  body += "{\"kind\":\"" + resource.ListKind() + "\",\"apiVersion\":\"" +
          resource.ApiVersion(resource.versions[0]) + "\",\"metadata\":" + Dump(metadata) +
          ",\"items\":[";
  const char* separator = "";
  for (const ObjectPtr& item : items) {
    body += separator;
    separator = ",";
    if (resource.from_stored)
      body += Dump(resource.from_stored(Json::parse(item->text)));
    else
      body += item->text;
  }
  body += "]}";
  return body;
}

}  // namespace

IncludeObject IncludeOf(const Call& call) {
  std::string include = call.query.Get("includeObject");
  if (include == "None") return IncludeObject::kNone;
  return include == "Object" ? IncludeObject::kObject : IncludeObject::kMetadata;
}

Result<Selection> SelectionOf(const Call& call) {
  Selection selection;
  selection.namespace_ = call.path.namespace_;
  DRAY_ASSIGN_OR_RETURN(selection.labels, LabelFilter::Parse(call.query.Get("labelSelector")));
  std::string fields = call.query.Get("fieldSelector");
  if (!call.path.name.empty())  // a watch on one object
    fields += (fields.empty() ? "" : ",") + std::string("metadata.name=") + call.path.name;
  DRAY_ASSIGN_OR_RETURN(selection.fields, FieldFilter::Parse(fields, call.resource->FieldLabels()));
  // metadata.namespace is as good as a namespace in the path.
  if (selection.namespace_.empty() && call.resource->namespaced)
    selection.namespace_ = selection.fields.Required(1).value_or("");
  return selection;
}

Result<Answer> GetObject(const Server& server, const Call& call) {
  DRAY_ASSIGN_OR_RETURN(Version version, VersionOf(call));
  if (version.number > server.store.version())
    return TooLargeVersion(version.number, server.store.version());
  ObjectPtr found = server.Find(*call.resource, call.Key());
  if (!found) return NotFoundError(call);
  return ObjectAnswer(server, call, 200, found->text);
}

Result<Answer> ListObjects(const Server& server, const Call& call) {
  DRAY_ASSIGN_OR_RETURN(Version version, VersionOf(call));
  DRAY_RETURN_IF_ERROR(CheckMatch(call, version, true));
  DRAY_ASSIGN_OR_RETURN(Selection selection, SelectionOf(call));
  DRAY_ASSIGN_OR_RETURN(std::optional<int64_t> limit, call.query.Int("limit"));
  ContinueToken token;
  if (std::string text = call.query.Get("continue"); !text.empty()) {
    DRAY_ASSIGN_OR_RETURN(token, DecodeContinue(text));
  } else if (call.query.Get("resourceVersionMatch") == "Exact") {
    token.version = static_cast<int64_t>(version.number);
  }

  ListRequest request;
  request.prefix = selection.KeyPrefix();
  request.start = token.start;
  request.limit = static_cast<size_t>(std::max<int64_t>(limit.value_or(0), 0));
  request.at_version = token.version > 0 ? static_cast<uint64_t>(token.version) : 0;
  bool everything = selection.everything();
  request.count_remaining = everything && !token.left;
  if (!everything)
    request.wanted = [&](const StoredObject& object) { return selection.Matches(object); };
  if (version.number > server.store.version())
    return TooLargeVersion(version.number, server.store.version());
  Result<ListResult> page = server.store.List(call.resource->storage, request);
  if (!page.ok()) {
    if (!page.Is(Reason::kGone) || token.start.empty()) return page.status();
    // The client may go on from where it was, in the present state.
    Json body = Json::parse(FailureAnswer(call, page.status()).body);
    body["metadata"]["continue"] = EncodeContinue({.version = -1, .start = token.start});
    Answer answer;
    answer.code = 410;
    answer.body = Dump(body);
    return answer;
  }

  std::optional<size_t> left;
  if (everything)
    left = token.left ? *token.left - std::min(*token.left, page->items.size()) : page->remaining;
  Json metadata =
      ListMetadata(*page, {static_cast<int64_t>(page->version), page->next, left}, left);
  Answer answer;
  if (call.form == Form::kPlain) {
    answer.body = PlainList(*call.resource, metadata, page->items);
    return answer;
  }
  WallTime now = server.Now();
  if (call.form == Form::kTable) {
    Json table = TableFor(*call.resource, std::move(metadata), true);
    for (const ObjectPtr& item : page->items)
      table["rows"].push_back(
          RowFor(*call.resource, Json::parse(item->text), IncludeOf(call), now));
    answer.body = Dump(table);
  } else {
    Json list = {{"kind", "PartialObjectMetadataList"},
                 {"apiVersion", "meta.k8s.io/v1"},
                 {"metadata", std::move(metadata)},
                 {"items", Json::array()}};
    for (const ObjectPtr& item : page->items)
      list["items"].push_back(PartialMetadataOf(Json::parse(item->text)));
    answer.body = Dump(list);
  }
  return answer;
}

Status StartWatch(Server& server, const Call& call,
                  const std::shared_ptr<runtime::HttpResponder>& responder) {
  DRAY_ASSIGN_OR_RETURN(Version version, VersionOf(call));
  DRAY_RETURN_IF_ERROR(CheckMatch(call, version, false));
  DRAY_ASSIGN_OR_RETURN(Selection selection, SelectionOf(call));
  DRAY_ASSIGN_OR_RETURN(std::optional<int64_t> timeout, call.query.Int("timeoutSeconds"));
  bool initial = call.query.Flag("sendInitialEvents");
  if (call.query.Has("sendInitialEvents") &&
      call.query.Get("resourceVersionMatch") != "NotOlderThan")
    return InvalidListOptions("resourceVersionMatch",
                              "Forbidden: sendInitialEvents requires setting resourceVersionMatch "
                              "to NotOlderThan");
  if (version.number > server.store.version())
    return TooLargeVersion(version.number, server.store.version());

  WatchOptions options;
  options.resource = call.resource;
  options.form = call.form;
  options.include = IncludeOf(call);
  options.bookmarks = call.query.Flag("allowWatchBookmarks");
  options.after = version.number;
  Duration open_for = timeout.value_or(0) > 0 ? Duration(std::chrono::seconds(*timeout))
                                              : Duration(std::chrono::minutes(45));
  options.ends = server.clock.Steady() + open_for;

  bool from_present = initial || !version.given || version.number == 0;
  bool only_changes = call.query.Has("sendInitialEvents") && !initial && version.number == 0;
  ListResult present;
  if (from_present) {
    ListRequest request;
    request.prefix = selection.KeyPrefix();
    if (!selection.everything())
      request.wanted = [&](const StoredObject& object) { return selection.Matches(object); };
    DRAY_ASSIGN_OR_RETURN(present, server.store.List(call.resource->storage, request));
    if (only_changes) present.items.clear();
    size_t bytes = 0;
    for (const ObjectPtr& item : present.items) bytes += item->text.size();
    // A stream holds so much for a slow client and no more. Told so, clients list in pages and
    // watch from there.
    if (initial && bytes > kLargestWatchList)
      return InvalidListOptions("sendInitialEvents",
                                "Forbidden: " + std::to_string(present.items.size()) +
                                    " objects are too many for a watch list; list in pages");
  }
  options.selection = std::move(selection);
  auto watcher = std::make_unique<Watcher>(std::move(options),
                                           responder->StartStream(200, "application/json"));
  if (from_present) watcher->SendPresent(present, initial, server.Now());
  server.watches.Add(std::move(watcher));
  return Ok();
}

}  // namespace dray::devcluster
