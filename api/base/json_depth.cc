#include "dray/base/json_depth.h"

namespace dray {

bool NestedDeeper(std::string_view json, size_t levels) {
  // Most documents open fewer brackets than that in all ('[' and '{' differ in one bit).
  size_t opened = 0;
  for (const char c : json) opened += (c | 0x20) == '{';
  if (opened <= levels) return false;
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
