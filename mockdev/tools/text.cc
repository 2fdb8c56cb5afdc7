#include "mockdev/tools/text.h"

namespace dray::mockdev::tools {

std::string Left(std::string text, size_t width) {
  text.resize(width, ' ');
  return text;
}

std::string Right(std::string text, size_t width) {
  if (text.size() >= width) return text.substr(0, width);
  return std::string(width - text.size(), ' ') + text;
}

std::string Centre(std::string text, size_t width) {
  if (text.size() >= width) return text.substr(0, width);
  return Left(std::string((width - text.size()) / 2, ' ') + text, width);
}

}  // namespace dray::mockdev::tools
