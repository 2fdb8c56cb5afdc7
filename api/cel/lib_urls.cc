#include "api/cel/map_value.h"
#include "api/cel/registry.h"
#include "api/cel/url.h"

namespace dray::cel {
namespace {

Value UrlFromText(Evaluation&, Args args) {
  return ParseUrl(args[0].as_string());
}
Value IsUrl(Evaluation&, Args args) {
  return Value::Bool(RequestUriError(args[0].as_string()).empty());
}
Value GetScheme(Evaluation&, Args args) {
  return Value::String(args[0].as_url().scheme);
}
Value GetHost(Evaluation&, Args args) {
  return Value::String(args[0].as_url().host);
}
Value GetHostname(Evaluation&, Args args) {
  return Value::String(args[0].as_url().Hostname());
}
Value GetPort(Evaluation&, Args args) {
  return Value::String(args[0].as_url().Port());
}
Value GetEscapedPath(Evaluation&, Args args) {
  return Value::String(args[0].as_url().EscapedPath());
}

Value GetQuery(Evaluation&, Args args) {
  auto* map = Make<LiteralMap>();
  Value result = Value::Of(map);
  for (auto& [name, values] : args[0].as_url().Query()) {
    std::vector<Value> items;
    for (std::string& value : values) items.push_back(Value::String(std::move(value)));
    map->Put(Value::String(name), Value::ListOf(std::move(items)));
  }
  return result;
}

}  // namespace

void AddUrls(Registry& r) {
  r.Global("url", "string_to_url", "string -> url", UrlFromText);
  r.Global("isURL", "is_url_string", "string -> bool", IsUrl);
  r.Member("getScheme", "url_get_scheme", "url -> string", GetScheme);
  r.Member("getHost", "url_get_host", "url -> string", GetHost);
  r.Member("getHostname", "url_get_hostname", "url -> string", GetHostname);
  r.Member("getPort", "url_get_port", "url -> string", GetPort);
  r.Member("getEscapedPath", "url_get_escaped_path", "url -> string", GetEscapedPath);
  r.Member("getQuery", "url_get_query", "url -> map(string, list(string))", GetQuery);
}

}  // namespace dray::cel
