#include "api/cel/network.h"
#include "api/cel/object_pool.h"
#include "api/cel/registry.h"

// IP addresses and networks.
namespace dray::cel {
namespace {

Value FromText(Evaluation&, Args args) {
  return ParseIp(args[0].as_string());
}
Value IsIp(Evaluation&, Args args) {
  return Value::Bool(!ParseIp(args[0].as_string()).is_error());
}
Value IsCanonical(Evaluation&, Args args) {
  Value ip = ParseIp(args[0].as_string());
  return ip.is_error() ? ip : Value::Bool(ip.as_ip().ToString() == args[0].as_string());
}
Value Family(Evaluation&, Args args) {
  return Value::Int(args[0].as_ip().v4 ? 4 : 6);
}
Value IsUnspecified(Evaluation&, Args args) {
  return Value::Bool(args[0].as_ip().IsUnspecified());
}
Value IsLoopback(Evaluation&, Args args) {
  return Value::Bool(args[0].as_ip().IsLoopback());
}
Value IsLinkLocalMulticast(Evaluation&, Args args) {
  return Value::Bool(args[0].as_ip().IsLinkLocalMulticast());
}
Value IsLinkLocalUnicast(Evaluation&, Args args) {
  return Value::Bool(args[0].as_ip().IsLinkLocalUnicast());
}
Value IsGlobalUnicast(Evaluation&, Args args) {
  return Value::Bool(args[0].as_ip().IsGlobalUnicast());
}

Value CidrFromText(Evaluation&, Args args) {
  return ParseCidr(args[0].as_string());
}
Value IsCidr(Evaluation&, Args args) {
  return Value::Bool(!ParseCidr(args[0].as_string()).is_error());
}
Value ContainsIp(Evaluation&, Args args) {
  Value ip = args[1].is(Kind::kString) ? ParseIp(args[1].as_string()) : args[1];
  return ip.is_error() ? Value::NoSuchOverload()
                       : Value::Bool(args[0].as_cidr().Contains(ip.as_ip()));
}
Value ContainsCidr(Evaluation&, Args args) {
  Value cidr = args[1].is(Kind::kString) ? ParseCidr(args[1].as_string()) : args[1];
  return cidr.is_error() ? cidr : Value::Bool(args[0].as_cidr().Contains(cidr.as_cidr()));
}
Value CidrIp(Evaluation&, Args args) {
  auto* ip = Make<IpAddress>();
  ip->v4 = args[0].as_cidr().v4;
  ip->bytes = args[0].as_cidr().bytes;
  return Value::Of(ip);
}
Value PrefixLength(Evaluation&, Args args) {
  return Value::Int(args[0].as_cidr().prefix);
}
Value Masked(Evaluation&, Args args) {
  auto* masked = Make<Cidr>();
  masked->v4 = args[0].as_cidr().v4;
  masked->prefix = args[0].as_cidr().prefix;
  masked->bytes = args[0].as_cidr().Masked();
  return Value::Of(masked);
}

}  // namespace

void AddNetwork(Registry& r) {
  r.Global("ip", "string_to_ip", "string -> ip", FromText);
  r.Member("ip", "cidr_ip", "cidr -> ip", CidrIp);
  r.Global("isIP", "is_ip", "string -> bool", IsIp);
  r.Global("ip.isCanonical", "ip_is_canonical", "string -> bool", IsCanonical);
  r.Member("family", "ip_family", "ip -> int", Family);
  r.Member("isUnspecified", "ip_is_unspecified", "ip -> bool", IsUnspecified);
  r.Member("isLoopback", "ip_is_loopback", "ip -> bool", IsLoopback);
  r.Member("isLinkLocalMulticast", "ip_is_link_local_multicast", "ip -> bool",
           IsLinkLocalMulticast);
  r.Member("isLinkLocalUnicast", "ip_is_link_local_unicast", "ip -> bool", IsLinkLocalUnicast);
  r.Member("isGlobalUnicast", "ip_is_global_unicast", "ip -> bool", IsGlobalUnicast);
  r.Global("cidr", "string_to_cidr", "string -> cidr", CidrFromText);
  r.Global("isCIDR", "is_cidr", "string -> bool", IsCidr);
  r.Member("containsIP", "cidr_contains_ip_string", "cidr, string -> bool", ContainsIp);
  r.Member("containsIP", "cidr_contains_ip_ip", "cidr, ip -> bool", ContainsIp);
  r.Member("containsCIDR", "cidr_contains_cidr_string", "cidr, string -> bool", ContainsCidr);
  r.Member("containsCIDR", "cidr_contains_cidr", "cidr, cidr -> bool", ContainsCidr);
  r.Member("prefixLength", "cidr_prefix_length", "cidr -> int", PrefixLength);
  r.Member("masked", "cidr_masked", "cidr -> cidr", Masked);
}

}  // namespace dray::cel
