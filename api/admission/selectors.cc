#include "api/admission/selectors.h"

namespace dray::admission {
namespace {

// A selector is at most 10 KiB; 64 UUIDs of 64 characters fit, and so does the cost of walking them.
constexpr size_t kMaxItems = 64;
constexpr size_t kMaxItemLength = 63;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

Result<std::vector<std::string>> Items(const std::string& annotation, const std::string& value) {
  std::vector<std::string> items;
  for (size_t at = 0; at <= value.size();) {
    size_t comma = std::min(value.find(',', at), value.size());
    std::string_view item = std::string_view(value).substr(at, comma - at);
    at = comma + 1;
    while (!item.empty() && isspace(static_cast<unsigned char>(item.front()))) item.remove_prefix(1);
    while (!item.empty() && isspace(static_cast<unsigned char>(item.back()))) item.remove_suffix(1);
    if (item.empty()) continue;
    if (item.size() > kMaxItemLength)
      return Status(Reason::kInvalid, "annotation " + annotation + ": \"" + std::string(item) +
                                          "\": an item has at most 63 characters");
    items.emplace_back(item);
  }
  if (items.size() > kMaxItems)
    return Status(Reason::kInvalid, "annotation " + annotation + ": " + std::to_string(items.size()) +
                                        " items: at most " + std::to_string(kMaxItems) + " fit into a selector");
  return items;
}

std::string TypeExpression(const VendorConfig& vendor, const std::vector<std::string>& types) {
  std::string any;
  for (const std::string& type : types) {
    if (!any.empty()) any += " || ";
    any += CelAttribute(vendor, "productName") + ".upperAscii().contains(" + CelString(Upper(type)) + ")";
  }
  return any;
}

std::string UuidExpression(const VendorConfig& vendor, const std::vector<std::string>& uuids) {
  std::string list;
  for (const std::string& uuid : uuids) list += (list.empty() ? "" : ", ") + CelString(uuid);
  return CelAttribute(vendor, "uuid") + " in [" + list + "]";
}

}  // namespace

std::string CelString(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (char c : text) {
    const unsigned char u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (u < 0x20 || u == 0x7f) {
      quoted += std::string("\\u00") + kHex[u >> 4] + kHex[u & 15];
    } else {
      quoted += c;  // UTF-8 stays as it is
    }
  }
  return quoted + '"';
}

std::string CelAttribute(const VendorConfig& vendor, std::string_view name) {
  return "device.attributes[" + CelString(vendor.driver) + "]." + std::string(name);
}

Result<std::vector<std::string>> DeviceSelectors(const VendorConfig& vendor, const api::Labels& annotations) {
  std::vector<std::string> selectors;
  if (!vendor.product_suffix.empty())
    selectors.push_back(CelAttribute(vendor, "productName") + ".upperAscii().endsWith(" +
                        CelString(Upper(vendor.product_suffix)) + ")");

  struct Rule {
    const std::string& annotation;
    std::string (*expression)(const VendorConfig&, const std::vector<std::string>&);
    bool negate;
  };
  const Rule rules[] = {
      {vendor.use_type, TypeExpression, false},
      {vendor.nouse_type, TypeExpression, true},
      {vendor.use_uuid, UuidExpression, false},
      {vendor.nouse_uuid, UuidExpression, true},
  };
  for (const Rule& rule : rules) {
    if (rule.annotation.empty()) continue;
    auto found = annotations.find(rule.annotation);
    if (found == annotations.end()) continue;
    DRAY_ASSIGN_OR_RETURN(std::vector<std::string> items, Items(rule.annotation, found->second));
    if (items.empty()) continue;
    const std::string expression = rule.expression(vendor, items);
    selectors.push_back(rule.negate ? "!(" + expression + ")" : expression);
  }
  return selectors;
}

}  // namespace dray::admission
