#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/table.h"
#include "dray/base/embedded.h"
#include "dray/runtime/yaml.h"

namespace dray::cli {
namespace {

constexpr Flag kProfilesFlags[] = {{"help", 'h', "", "this text"}};
constexpr std::string_view kFolder = "config/profiles/";

std::string NameOf(std::string_view path) {
  path.remove_prefix(kFolder.size());
  return std::string(path.substr(0, path.rfind('.')));
}

}  // namespace

Status RunProfiles(const Context&, std::span<const std::string> words, Streams streams) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kProfilesFlags));
  if (args.Given("help")) {
    streams.out << "Lists the mock devices that dray-mockdev can invent without further files, or "
                   "prints one of them as the\n"
                   "YAML to start your own from.\n\n  dray profiles\n  dray profiles "
                   "nvidia-a100-80gb > mine.yaml\n";
    return {};
  }
  if (args.words().size() > 1) {
    return Status(Reason::kBadRequest, "dray profiles takes one name at most, got " +
                                           std::to_string(args.words().size()));
  }
  if (!args.words().empty()) {
    const std::string path = std::string(kFolder) + args.words().front() + ".yaml";
    std::optional<std::string_view> text = EmbeddedFile(path);
    if (!text)
      return Status(Reason::kBadRequest,
                    "there is no profile " + args.words().front() + ": 'dray profiles' lists them");
    streams.out << *text;
    return {};
  }
  Table table({"PROFILE", "DRIVER", "DEVICES", "DEVICE CLASS"});
  for (std::string_view path : EmbeddedFiles(kFolder)) {
    DRAY_ASSIGN_OR_RETURN(Json profile, runtime::ParseYaml(*EmbeddedFile(path), path));
    const Json& count = profile.value(Json::json_pointer("/devices/count"), Json());
    table.Add({NameOf(path), profile.value("driver", ""), count.dump(),
               profile.value("deviceClass", "")});
  }
  streams.out << table.Text();
  return {};
}

}  // namespace dray::cli
