#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dray/base/status.h"

namespace dray::devcluster {

// Where a list in pages goes on: ?continue=, opaque to clients.
struct ContinueToken {
  int64_t version = 0;         // of the state that the first page showed; -1: whatever is present
  std::string start;           // first key of the next page
  std::optional<size_t> left;  // objects from `start` on, when they were counted
};

std::string EncodeContinue(const ContinueToken& token);
// kBadRequest.
Result<ContinueToken> DecodeContinue(const std::string& text);

}  // namespace dray::devcluster
