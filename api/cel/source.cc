#include "api/cel/source.h"

#include <algorithm>

#include "api/cel/text.h"

namespace dray::cel {
namespace {

constexpr size_t kMostMistakes = 100;

void RenderOne(std::string_view source, const Mistake& mistake, std::string& out) {
  size_t offset = std::min(mistake.offset, source.size());
  size_t begin = offset == 0 ? 0 : source.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
  size_t end = std::min(source.find('\n', begin), source.size());
  size_t line = std::count(source.begin(), source.begin() + begin, '\n') + 1;
  std::string_view before = source.substr(begin, offset - begin);
  out += "ERROR: <input>:" + std::to_string(line) + ':' + std::to_string(RuneCount(before) + 1) +
         ": " + mistake.message;
  std::string text(source.substr(begin, end - begin));
  std::replace(text.begin(), text.end(), '\t', ' ');
  out += "\n | " + text + "\n | ";
  // A wide character takes a wide dot, so that the caret stands below its place.
  for (size_t i = 0; i < before.size();) {
    size_t length = RuneAt(before, i).length;
    out += length > 1 ? "\uFF0E" : ".";
    i += length;
  }
  out += offset < end && RuneAt(source, offset).length > 1 ? "\uFF3E" : "^";
}

}  // namespace

std::string Render(std::string_view source, std::vector<Mistake> mistakes) {
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.offset < b.offset; });
  std::string out;
  for (size_t i = 0; i < mistakes.size(); ++i) {
    if (i > 0) out += '\n';
    if (i == kMostMistakes) {
      out += std::to_string(mistakes.size() - i) + " more errors were truncated";
      break;
    }
    RenderOne(source, mistakes[i], out);
  }
  return out;
}

}  // namespace dray::cel
