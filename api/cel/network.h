#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "api/cel/value.h"

// IP addresses and networks as Go's net/netip reads and prints them. Zones and IPv4-mapped IPv6
// addresses are refused, as the Kubernetes functions do.
namespace dray::cel {

struct IpAddress final {
  bool v4 = false;
  std::array<uint8_t, 16> bytes = {};  // the first four for IPv4

  int bits() const { return v4 ? 32 : 128; }
  std::string ToString() const;
  bool Equals(const IpAddress& other) const { return v4 == other.v4 && bytes == other.bytes; }
  bool IsUnspecified() const;
  bool IsLoopback() const;
  bool IsMulticast() const;
  bool IsLinkLocalMulticast() const;
  bool IsLinkLocalUnicast() const;
  bool IsGlobalUnicast() const;
};

struct Cidr final {
  bool v4 = false;
  std::array<uint8_t, 16> bytes = {};  // not masked
  int prefix = 0;

  std::string ToString() const;
  std::array<uint8_t, 16> Masked() const;
  bool Contains(const IpAddress& ip) const;
  bool Contains(const Cidr& other) const;
};

struct ParsedIp {
  bool v4 = false;
  std::array<uint8_t, 16> bytes = {};
};
// net/netip.ParseAddr without zones; IPv4-mapped IPv6 addresses are read.
std::optional<ParsedIp> ParseAddress(std::string_view text);
bool IsMapped(const ParsedIp& ip);

// The address or network, or an error value when the text is none or one that the Kubernetes
// functions refuse.
Value ParseIp(std::string_view text);
Value ParseCidr(std::string_view text);

}  // namespace dray::cel
