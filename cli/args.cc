#include "cli/args.h"

#include "dray/base/nearest.h"

namespace dray::cli {

Result<Args> Args::Parse(std::span<const std::string> args, std::span<const Flag> flags) {
  Args parsed;
  for (const Flag& flag : flags)
    parsed.fallbacks_[std::string(flag.name)] = std::string(flag.fallback);
  auto unknown = [&](const std::string& text, std::string_view name) {
    std::vector<std::string_view> names;
    for (const Flag& flag : flags) names.push_back(flag.name);
    const std::string near(Nearest(name, names));
    return Status(Reason::kBadRequest,
                  "unknown flag " + text + (near.empty() ? "" : ": did you mean --" + near + "?"));
  };
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--") {
      parsed.words_.insert(parsed.words_.end(), args.begin() + static_cast<long>(i) + 1,
                           args.end());
      break;
    }
    if (arg.size() < 2 || arg[0] != '-') {  // "-" alone is standard input
      parsed.words_.push_back(arg);
      continue;
    }
    const bool is_long = arg.starts_with("--");
    const size_t equals = arg.find('=');
    std::string_view name =
        is_long ? std::string_view(arg).substr(2, equals == std::string::npos ? equals : equals - 2)
                : std::string_view(arg).substr(1, 1);
    const Flag* found = nullptr;
    for (const Flag& flag : flags)
      if (is_long ? flag.name == name : flag.letter != 0 && flag.letter == name[0]) found = &flag;
    if (found == nullptr) return unknown(is_long ? "--" + std::string(name) : arg, name);

    std::optional<std::string> attached;
    if (is_long && equals != std::string::npos) attached = arg.substr(equals + 1);
    if (!is_long && arg.size() > 2) attached = arg.substr(arg[2] == '=' ? 3 : 2);
    std::string value = "true";
    if (found->value.empty()) {
      if (attached && *attached != "true" && *attached != "false")
        return Status(Reason::kBadRequest, "--" + std::string(found->name) +
                                               " takes no value, got \"" + *attached + "\"");
      if (attached) value = *attached;
    } else if (attached) {
      value = *attached;
    } else if (i + 1 < args.size()) {
      value = args[++i];
    } else {
      return Status(Reason::kBadRequest, "--" + std::string(found->name) +
                                             " needs a value: " + std::string(found->value));
    }
    parsed.values_[std::string(found->name)].push_back(std::move(value));
  }
  return parsed;
}

const std::string& Args::Get(std::string_view flag) const {
  auto found = values_.find(flag);
  return found == values_.end() ? fallbacks_.find(flag)->second : found->second.back();
}

std::vector<std::string> Args::All(std::string_view flag) const {
  auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

bool Args::Given(std::string_view flag) const {
  auto found = values_.find(flag);
  return found != values_.end() && found->second.back() != "false";
}

std::string FlagHelp(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags) {
    std::string left = flag.letter != 0 ? std::string("  -") + flag.letter + ", --" : "      --";
    left += flag.name;
    if (!flag.value.empty()) left += "=" + std::string(flag.value);
    left.resize(std::max<size_t>(left.size() + 2, 32), ' ');
    text += left + std::string(flag.help);
    if (!flag.fallback.empty()) text += " (" + std::string(flag.fallback) + ")";
    text += "\n";
  }
  return text;
}

}  // namespace dray::cli
