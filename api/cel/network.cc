#include "api/cel/network.h"

#include <algorithm>

#include "api/cel/object_pool.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

std::optional<std::array<uint8_t, 4>> ParseV4(std::string_view text) {
  std::array<uint8_t, 4> bytes = {};
  for (int i = 0; i < 4; ++i) {
    size_t length = 0;
    int value = 0;
    while (length < text.size() && text[length] >= '0' && text[length] <= '9') {
      if (length == 1 && value == 0) return std::nullopt;  // a leading zero
      value = value * 10 + (text[length++] - '0');
      if (value > 255) return std::nullopt;
    }
    if (length == 0) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(value);
    text.remove_prefix(length);
    if (i == 3) break;
    if (text.empty() || text[0] != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return bytes;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
  return -1;
}

std::optional<std::array<uint8_t, 16>> ParseV6(std::string_view text) {
  std::array<uint8_t, 16> bytes = {};
  int gap = -1;  // where "::" stands
  size_t filled = 0;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
    if (text.empty()) return bytes;
  }
  while (filled < 16) {
    size_t length = 0;
    uint32_t value = 0;
    for (; length < text.size() && HexDigit(text[length]) >= 0; ++length) {
      if (length == 4) return std::nullopt;
      value = value << 4 | static_cast<uint32_t>(HexDigit(text[length]));
    }
    if (length == 0) return std::nullopt;
    if (length < text.size() && text[length] == '.') {  // an IPv4 tail
      if ((gap < 0 && filled != 12) || filled + 4 > 16) return std::nullopt;
      std::optional<std::array<uint8_t, 4>> tail = ParseV4(text);
      if (!tail) return std::nullopt;
      std::copy(tail->begin(), tail->end(), bytes.begin() + filled);
      text = {};
      filled += 4;
      break;
    }
    bytes[filled++] = static_cast<uint8_t>(value >> 8);
    bytes[filled++] = static_cast<uint8_t>(value);
    text.remove_prefix(length);
    if (text.empty()) break;
    if (text[0] != ':' || text.size() == 1) return std::nullopt;
    text.remove_prefix(1);
    if (text[0] == ':') {
      if (gap >= 0) return std::nullopt;
      gap = static_cast<int>(filled);
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  if (!text.empty()) return std::nullopt;
  if (filled < 16) {
    if (gap < 0) return std::nullopt;
    std::move_backward(bytes.begin() + gap, bytes.begin() + filled, bytes.end());
    std::fill(bytes.begin() + gap, bytes.begin() + gap + (16 - filled), 0);
  } else if (gap >= 0) {
    return std::nullopt;  // "::" has to stand for something
  }
  return bytes;
}

std::string Print(bool v4, const std::array<uint8_t, 16>& bytes) {
  if (v4) {
    return std::to_string(bytes[0]) + '.' + std::to_string(bytes[1]) + '.' +
           std::to_string(bytes[2]) + '.' + std::to_string(bytes[3]);
  }
  auto group = [&](int i) { return bytes[2 * i] << 8 | bytes[2 * i + 1]; };
  int zero_start = -1, zero_end = -1;  // the first longest run of at least two zero groups
  for (int i = 0; i < 8; ++i) {
    int j = i;
    while (j < 8 && group(j) == 0) ++j;
    if (j - i >= 2 && j - i > zero_end - zero_start) zero_start = i, zero_end = j;
  }
  std::string out;
  constexpr char kHex[] = "0123456789abcdef";
  for (int i = 0; i < 8; ++i) {
    if (i == zero_start) {
      out += "::";
      i = zero_end;
      if (i >= 8) break;
    } else if (i > 0) {
      out += ':';
    }
    int value = group(i);
    for (int shift = 12; shift >= 0; shift -= 4)
      if (value >> shift != 0 || shift == 0) out += kHex[(value >> shift) & 0xF];
  }
  return out;
}

bool SamePrefix(const std::array<uint8_t, 16>& a, const std::array<uint8_t, 16>& b, int bits) {
  for (int i = 0; i < bits; ++i) {
    uint8_t mask = static_cast<uint8_t>(0x80 >> (i % 8));
    if ((a[i / 8] & mask) != (b[i / 8] & mask)) return false;
  }
  return true;
}

}  // namespace

std::optional<ParsedIp> ParseAddress(std::string_view text) {
  ParsedIp ip;
  size_t first = text.find_first_of(".:%");
  if (first == std::string_view::npos || text[first] == '%') return std::nullopt;
  ip.v4 = text[first] == '.';
  if (ip.v4) {
    std::optional<std::array<uint8_t, 4>> bytes = ParseV4(text);
    if (!bytes) return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), ip.bytes.begin());
    return ip;
  }
  std::optional<std::array<uint8_t, 16>> bytes = ParseV6(text);
  if (!bytes) return std::nullopt;
  ip.bytes = *bytes;
  return ip;
}

bool IsMapped(const ParsedIp& ip) {
  return !ip.v4 &&
         std::all_of(ip.bytes.begin(), ip.bytes.begin() + 10, [](uint8_t b) { return b == 0; }) &&
         ip.bytes[10] == 0xFF && ip.bytes[11] == 0xFF;
}

Value ParseIp(std::string_view text) {
  std::optional<ParsedIp> parsed = ParseAddress(text);
  if (!parsed)
    return Value::OwnedError("IP Address " + Quote(text) +
                             " parse error during conversion from string");
  if (IsMapped(*parsed))
    return Value::OwnedError("IPv4-mapped IPv6 address " + Quote(text) + " is not allowed");
  auto* ip = Make<IpAddress>();
  ip->v4 = parsed->v4;
  ip->bytes = parsed->bytes;
  return Value::Of(ip);
}

Value ParseCidr(std::string_view text) {
  auto refused = [&] {
    return Value::OwnedError("network address parse error during conversion from string: " +
                             Quote(text));
  };
  size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return refused();
  std::optional<ParsedIp> address = ParseAddress(text.substr(0, slash));
  std::string_view length = text.substr(slash + 1);
  if (!address || IsMapped(*address) || length.empty() || (length.size() > 1 && length[0] == '0'))
    return refused();
  std::optional<uint64_t> bits = ParseUint(length);
  if (!bits || *bits > (address->v4 ? 32u : 128u)) return refused();
  auto* cidr = Make<Cidr>();
  cidr->v4 = address->v4;
  cidr->bytes = address->bytes;
  cidr->prefix = static_cast<int>(*bits);
  return Value::Of(cidr);
}

std::string IpAddress::ToString() const {
  return Print(v4, bytes);
}

bool IpAddress::IsUnspecified() const {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}
bool IpAddress::IsLoopback() const {
  if (v4) return bytes[0] == 127;
  return bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.end() - 1, [](uint8_t b) { return b == 0; });
}
bool IpAddress::IsMulticast() const {
  return v4 ? (bytes[0] & 0xF0) == 0xE0 : bytes[0] == 0xFF;
}
bool IpAddress::IsLinkLocalMulticast() const {
  return v4 ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0
            : bytes[0] == 0xFF && (bytes[1] & 0x0F) == 0x02;
}
bool IpAddress::IsLinkLocalUnicast() const {
  return v4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
}
bool IpAddress::IsGlobalUnicast() const {
  bool broadcast =
      v4 && std::all_of(bytes.begin(), bytes.begin() + 4, [](uint8_t b) { return b == 255; });
  return !broadcast && !IsUnspecified() && !IsLoopback() && !IsMulticast() && !IsLinkLocalUnicast();
}

std::string Cidr::ToString() const {
  return Print(v4, bytes) + '/' + std::to_string(prefix);
}

std::array<uint8_t, 16> Cidr::Masked() const {
  std::array<uint8_t, 16> masked = bytes;
  for (int i = prefix; i < 128; ++i) masked[i / 8] &= static_cast<uint8_t>(~(0x80 >> (i % 8)));
  return masked;
}

bool Cidr::Contains(const IpAddress& ip) const {
  return v4 == ip.v4 && SamePrefix(bytes, ip.bytes, prefix);
}

bool Cidr::Contains(const Cidr& other) const {
  return v4 == other.v4 && prefix <= other.prefix && SamePrefix(bytes, other.bytes, prefix);
}

}  // namespace dray::cel
