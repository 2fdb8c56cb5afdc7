#include <nlohmann/json.hpp>

#include "dray/api/codec.h"

namespace dray::api {
namespace {

std::string Text(const Json& parent, const char* name) {
  auto found = parent.find(name);
  return found != parent.end() && found->is_string() ? found->get<std::string>() : "";
}

// Reasons that one of ours stands for, besides those with the same name.
std::optional<Reason> ReasonFromName(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Reason::kCancelled); ++i)
    if (Reason reason = static_cast<Reason>(i); !name.empty() && ReasonName(reason) == name)
      return reason;
  if (name == "Gone") return Reason::kGone;
  if (name == "ServerTimeout") return Reason::kTimeout;
  return std::nullopt;
}

// A body that is no Status: its beginning on one line, if it is text.
std::string Excerpt(std::string_view body) {
  constexpr size_t kLongest = 300;
  std::string line;
  for (char c : body.substr(0, kLongest)) {
    bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank)
      line.push_back(c);
    else if (!line.empty() && line.back() != ' ')
      line.push_back(' ');
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

Status DecodeStatus(int http_code, std::string_view body) {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || json.value("kind", Json()) != "Status") {
    Reason reason = ReasonFromHttp(http_code);
    if (reason == Reason::kOk) return Ok();
    std::string text = Excerpt(body);
    std::string message = "the server answered " + std::to_string(http_code);
    return Status(reason, text.empty() ? message : message + ": " + text);
  }
  auto code = json.find("code");
  int own_code = code != json.end() && code->is_number_integer() ? code->get<int>() : 0;
  int effective = http_code != 0 && (http_code < 200 || http_code > 299) ? http_code : own_code;
  if (Text(json, "status") == "Success") return Ok();

  Reason by_code = effective == 0 ? Reason::kInternal : ReasonFromHttp(effective);
  if (by_code == Reason::kOk) by_code = Reason::kInternal;  // a Failure says so whatever its code
  Status status(ReasonFromName(Text(json, "reason")).value_or(by_code), Text(json, "message"));
  auto details = json.find("details");
  if (details == json.end() || !details->is_object()) return status;
  auto seconds = details->find("retryAfterSeconds");
  if (seconds != details->end() && seconds->is_number_integer() && seconds->get<int64_t>() > 0)
    status.retry_after = std::chrono::seconds(seconds->get<int64_t>());
  auto causes = details->find("causes");
  if (causes != details->end() && causes->is_array())
    for (const Json& cause : *causes)
      if (cause.is_object())
        status.causes.push_back(
            {Text(cause, "reason"), Text(cause, "message"), Text(cause, "field")});
  return status;
}

Json EncodeStatus(const Status& status, std::string_view group, std::string_view resource,
                  std::string_view name) {
  Json json = {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}};
  Json details = Json::object();
  if (!name.empty()) details["name"] = name;
  if (!group.empty()) details["group"] = group;
  if (!resource.empty()) details["kind"] = resource;
  json["status"] = status.ok() ? "Success" : "Failure";
  if (!status.ok()) {
    json["message"] = status.message();
    json["reason"] = ReasonName(status.reason());
    for (const Cause& cause : status.causes) {
      Json line = Json::object();
      if (!cause.reason.empty()) line["reason"] = cause.reason;
      if (!cause.message.empty()) line["message"] = cause.message;
      if (!cause.field.empty()) line["field"] = cause.field;
      details["causes"].push_back(std::move(line));
    }
    if (status.retry_after) details["retryAfterSeconds"] = status.retry_after->count();
  }
  json["code"] = HttpCode(status.reason());
  if (!details.empty()) json["details"] = std::move(details);
  return json;
}

}  // namespace dray::api
