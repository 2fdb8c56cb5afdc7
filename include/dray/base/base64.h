#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dray {

// RFC 4648, the standard alphabet with padding.
std::string EncodeBase64(std::string_view bytes);
// Line breaks are skipped, as in a kubeconfig; anything else outside the alphabet gives nothing.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace dray
