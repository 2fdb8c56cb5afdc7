#include "devcluster/apiserver/continue_token.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "dray/base/base64.h"

namespace dray::devcluster {

std::string EncodeContinue(const ContinueToken& token) {
  Json json = {{"v", "meta.k8s.io/v1"}, {"rv", token.version}, {"start", token.start}};
  if (token.left) json["left"] = *token.left;
  std::string text = EncodeBase64(Dump(json));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

Result<ContinueToken> DecodeContinue(const std::string& text) {
  Status bad(Reason::kBadRequest, "continue key is not valid: \"" + text + "\"");
  std::string padded = text;
  std::replace(padded.begin(), padded.end(), '-', '+');
  std::replace(padded.begin(), padded.end(), '_', '/');
  while (padded.size() % 4 != 0) padded += '=';
  std::optional<std::string> bytes = DecodeBase64(padded);
  if (!bytes) return bad;
  Json json = Json::parse(*bytes, nullptr, false);
  if (!json.is_object() || StringAt(json, "v") != "meta.k8s.io/v1" || !IntAt(json, "rv") ||
      StringAt(json, "start").empty())
    return bad;
  ContinueToken token;
  token.version = *IntAt(json, "rv");
  token.start = StringAt(json, "start");
  if (std::optional<int64_t> left = IntAt(json, "left"); left && *left >= 0)
    token.left = static_cast<size_t>(*left);
  return token;
}

}  // namespace dray::devcluster
