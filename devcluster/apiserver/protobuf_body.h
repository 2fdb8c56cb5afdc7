#pragma once

#include <string_view>

#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

inline constexpr std::string_view kProtobufType = "application/vnd.kubernetes.protobuf";

// A body of media type application/vnd.kubernetes.protobuf (an envelope with apiVersion, kind and
// the object's message, as typed client-go clients send by default) as the JSON document that a
// JSON client would have sent. kBadRequest when it is malformed or of a kind that the server does
// not know.
Result<Json> ParseProtobufBody(std::string_view body);

}  // namespace dray::devcluster
