#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/status.h"

namespace dray::cli {

// One flag of a command, kubectl style: "--output json", "--output=json", "-o json", "-ojson",
// "--watch".
struct Flag {
  std::string_view name;   // "output"
  char letter = 0;         // 'o'; 0: none
  std::string_view value;  // what the help calls the value ("FILE"); empty: a switch
  std::string_view help;
  std::string_view fallback = "";
};

// The arguments of one command after its name.
class Args {
 public:
  // kBadRequest: an unknown flag (with the nearest known one), or a flag without its value.
  static Result<Args> Parse(std::span<const std::string> args, std::span<const Flag> flags);

  const std::string& Get(
      std::string_view flag) const;  // the fallback when it was not given; the last when repeated
  std::vector<std::string> All(std::string_view flag) const;  // every value given
  bool Given(std::string_view flag) const;
  const std::vector<std::string>& words() const { return words_; }  // what is no flag

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> fallbacks_;
  std::vector<std::string> words_;
};

// "  -o, --output=FORMAT   help" lines.
std::string FlagHelp(std::span<const Flag> flags);

}  // namespace dray::cli
