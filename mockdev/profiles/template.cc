#include "mockdev/profiles/template.h"

#include <functional>

namespace dray::mockdev {
namespace {

// Walks the text, handing literal runs and placeholder names to the callbacks.
Status Walk(std::string_view text, const std::function<void(std::string_view)>& literal,
            const std::function<Status(std::string_view)>& placeholder) {
  size_t at = 0;
  while (at < text.size()) {
    size_t brace = text.find_first_of("{}", at);
    if (brace == std::string_view::npos) {
      literal(text.substr(at));
      return {};
    }
    literal(text.substr(at, brace - at));
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      literal(text.substr(brace, 1));
      at = brace + 2;
      continue;
    }
    size_t end = text.find('}', brace);
    if (text[brace] == '}' || end == std::string_view::npos) {
      return Status(Reason::kInvalid, "\"" + std::string(text) +
                                          "\" has a brace without a partner (write {{ or }} for " +
                                          "the brace itself)");
    }
    DRAY_RETURN_IF_ERROR(placeholder(text.substr(brace + 1, end - brace - 1)));
    at = end + 1;
  }
  return {};
}

}  // namespace

Result<std::string> Expand(std::string_view text, const Variables& variables) {
  std::string out;
  DRAY_RETURN_IF_ERROR(Walk(
      text, [&](std::string_view part) { out += part; },
      [&](std::string_view name) -> Status {
        auto found = variables.find(std::string(name));
        if (found == variables.end()) {
          return Status(Reason::kInvalid, "\"" + std::string(text) + "\" uses {" +
                                              std::string(name) + "}, which has no value here");
        }
        out += found->second;
        return {};
      }));
  return out;
}

Result<std::set<std::string>> Placeholders(std::string_view text) {
  std::set<std::string> names;
  DRAY_RETURN_IF_ERROR(Walk(
      text, [](std::string_view) {},
      [&](std::string_view name) -> Status {
        names.emplace(name);
        return {};
      }));
  return names;
}

}  // namespace dray::mockdev
