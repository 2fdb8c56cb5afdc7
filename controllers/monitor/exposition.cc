#include "controllers/monitor/exposition.h"

#include <charconv>
#include <cmath>

#include "dray/runtime/program.h"

namespace dray::controllers {
namespace {

constexpr size_t kCompressAt = 32u << 10;

}  // namespace

std::string LabelText(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels) {
    if (text.size() > 1) text += ',';
    text.append(name).append("=\"");
    for (char c : value) {
      if (c == '\n')
        text += "\\n";
      else if (c == '"' || c == '\\')
        text += {'\\', c};
      else
        text += c;
    }
    text += '"';
  }
  return text + "}";
}

size_t Exposition::Family(std::string_view name, std::string_view help) {
  families_.push_back({std::string(name), std::string(help), "", std::nullopt});
  return families_.size() - 1;
}

void Exposition::Sample(size_t family, std::string_view labels, double value) {
  Kept& kept = families_[family];
  char number[32];
  // Whole numbers are bytes and counts: as such, not as powers of ten.
  const bool whole = std::floor(value) == value && std::abs(value) < 9e15;
  const auto end =
      whole ? std::to_chars(number, number + sizeof number, static_cast<int64_t>(value)).ptr
            : std::to_chars(number, number + sizeof number, value).ptr;
  if (kept.samples.empty() && !kept.deflater)
    kept.samples.append("# HELP ")
        .append(kept.name)
        .append(" ")
        .append(kept.help)
        .append("\n# TYPE ")
        .append(kept.name)
        .append(" gauge\n");
  kept.samples.append(kept.name).append(labels).append(" ").append(number, end).append("\n");
  if (form_ == Form::kText || kept.samples.size() < kCompressAt) return;
  if (!kept.deflater) kept.deflater.emplace();
  kept.deflater->Append(kept.samples);
  kept.samples.clear();
}

std::string Exposition::Text() const {
  size_t size = 0;
  for (const Kept& kept : families_) size += kept.samples.size();
  std::string text;
  text.reserve(size);
  for (const Kept& kept : families_) text += kept.samples;
  return text;
}

DeflatedText Exposition::Deflated() {
  std::vector<DeflatedText> pieces;
  for (Kept& kept : families_) {
    if (kept.samples.empty() && !kept.deflater) continue;
    if (!kept.deflater) kept.deflater.emplace();
    kept.deflater->Append(kept.samples);
    pieces.push_back(kept.deflater->Finish());
    kept.deflater.reset();
    std::string().swap(kept.samples);
  }
  return Join(pieces);
}

std::string BuildInfoText() {
  std::string_view version = runtime::Version();
  version.remove_prefix(std::min(version.size(), version.rfind(' ') + 1));
#if defined(__x86_64__)
  constexpr std::string_view kPlatform = "linux/amd64";
#elif defined(__aarch64__)
  constexpr std::string_view kPlatform = "linux/arm64";
#else
  constexpr std::string_view kPlatform = "linux";
#endif
  constexpr std::string_view kCompiler = "g++ " __VERSION__;
  Exposition info;
  // HAMi's labels; nothing here is built by Go, and the build does not know its commit or its day.
  info.Sample(info.Family("hami_build_info", "Build of the program that serves HAMi's metrics."),
              LabelText({{"build_date", ""},
                         {"compiler", kCompiler},
                         {"go_version", ""},
                         {"platform", kPlatform},
                         {"revision", ""},
                         {"version", version}}),
              1);
  info.Sample(info.Family("dray_build_info", "Build of Dray."),
              LabelText({{"compiler", kCompiler}, {"platform", kPlatform}, {"version", version}}),
              1);
  return info.Text();
}

}  // namespace dray::controllers
