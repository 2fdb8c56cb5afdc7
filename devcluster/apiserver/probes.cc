#include <nlohmann/json.hpp>

#include "devcluster/apiserver/discovery.h"
#include "devcluster/apiserver/json_access.h"

namespace dray::devcluster {
namespace {

Answer PlainText(int code, std::string body) {
  Answer answer;
  answer.code = code;
  answer.body = std::move(body);
  answer.content_type = "text/plain; charset=utf-8";
  return answer;
}

Answer VersionAnswer() {
  Answer answer;
  answer.body = Dump(Json{{"major", "1"},
                          {"minor", "36"},
                          {"emulationMajor", "1"},
                          {"emulationMinor", "36"},
                          {"minCompatibilityMajor", "1"},
                          {"minCompatibilityMinor", "35"},
                          {"gitVersion", kGitVersion},
                          {"gitCommit", ""},
                          {"gitTreeState", "clean"},
                          {"buildDate", "1970-01-01T00:00:00Z"},
                          {"goVersion", "none"},
                          {"compiler", "gcc"},
                          {"platform", "linux/amd64"}});
  return answer;
}

}  // namespace

std::optional<Answer> ServeProbes(std::string_view path, const Query& query) {
  if (path == "/version" || path == "/version/") return VersionAnswer();
  for (std::string_view probe : {"healthz", "livez", "readyz"}) {
    if (!path.substr(std::min<size_t>(1, path.size())).starts_with(probe)) continue;
    std::string_view rest = path.substr(1 + probe.size());
    // The store is memory: who can answer at all is healthy.
    constexpr std::string_view kChecks[] = {"ping", "store"};
    if (!rest.empty() && rest != "/") {
      if (!rest.starts_with('/')) return std::nullopt;
      for (std::string_view check : kChecks)
        if (rest.substr(1) == check) return PlainText(200, "ok");
      return std::nullopt;
    }
    if (!query.Flag("verbose")) return PlainText(200, "ok");
    std::string lines;
    for (std::string_view check : kChecks)
      lines += "[+]" + std::string(check) +
               (query.Get("exclude") == check ? " excluded: ok\n" : " ok\n");
    return PlainText(200, lines + std::string(probe) + " check passed\n");
  }
  return std::nullopt;
}

}  // namespace dray::devcluster
