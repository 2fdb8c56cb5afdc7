#include "dray/base/json_depth.h"

namespace dray {
namespace {

size_t Opened(std::string_view json) {
  // Blocks of a known size are counted many bytes at a time.
  constexpr size_t kBlock = 64;
  size_t opened = 0, at = 0;
  for (; json.size() - at >= kBlock; at += kBlock) {
    unsigned char in_block = 0;
    for (size_t i = 0; i < kBlock; ++i) in_block += (json[at + i] | 0x20) == '{';
    opened += in_block;
  }
  for (; at < json.size(); ++at) opened += (json[at] | 0x20) == '{';
  return opened;
}

}  // namespace

bool NestedDeeper(std::string_view json, size_t levels) {
  // Most documents open fewer brackets than that in all ('[' and '{' differ in one bit).
  if (Opened(json) <= levels) return false;
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > levels) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace dray
