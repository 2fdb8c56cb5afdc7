#include "dray/base/base64.h"

#include <array>
#include <cstdint>

namespace dray {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> kValues = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}();

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* out = text.data();
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group = uint32_t{static_cast<uint8_t>(bytes[i])} << 16 |
                           uint32_t{static_cast<uint8_t>(bytes[i + 1])} << 8 |
                           static_cast<uint8_t>(bytes[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = kAlphabet[group >> shift & 63];
  }
  if (const size_t left = bytes.size() - i; left > 0) {
    uint32_t group = uint32_t{static_cast<uint8_t>(bytes[i])} << 16;
    if (left == 2) group |= uint32_t{static_cast<uint8_t>(bytes[i + 1])} << 8;
    for (size_t k = 0; k <= left; ++k) *out++ = kAlphabet[group >> (18 - 6 * k) & 63];
  }
  return text;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  int symbols = 0, padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    int8_t value = kValues[static_cast<uint8_t>(c)];
    if (value < 0 || padding > 0) return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(value);
    if (++symbols % 4 == 0) {
      for (int shift : {16, 8, 0}) bytes.push_back(static_cast<char>(group >> shift & 255));
      group = 0;
    }
  }
  if ((symbols + padding) % 4 != 0 || padding > 2) return std::nullopt;
  if (symbols % 4 == 2) {
    bytes.push_back(static_cast<char>(group >> 4 & 255));
  } else if (symbols % 4 == 3) {
    bytes.push_back(static_cast<char>(group >> 10 & 255));
    bytes.push_back(static_cast<char>(group >> 2 & 255));
  }
  return bytes;
}

}  // namespace dray
