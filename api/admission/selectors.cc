#include "api/admission/selectors.h"

#include <optional>

#include "dray/api/cel.h"

namespace dray::admission {
namespace {

// A selector is at most 10 KiB; 64 UUIDs of 64 characters fit, and so does the cost of walking
// them.
constexpr size_t kMaxItems = 64;
constexpr size_t kMaxItemLength = 63;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

// A device without the attribute is no match; without the guard it would end the whole scheduling
// attempt.
std::string ProductExpression(const DriverTarget& target,
                              const std::vector<std::string>& suffixes) {
  const std::string name = CelAttribute(target, "productName");
  std::string any;
  for (const std::string& suffix : suffixes)
    any += (any.empty() ? "" : " || ") + name + ".upperAscii().endsWith(" +
           CelString(Upper(suffix)) + ")";
  return "has(" + name + ") && " + (suffixes.size() == 1 ? any : "(" + any + ")");
}

// Where `type` begins within `prefix`: what of it is left for the name itself. Nothing: it does
// not.
std::optional<std::string> BehindPrefix(const std::string& type, const std::string& prefix) {
  if (type.size() <= prefix.size() && prefix.find(type) != std::string::npos) return "";
  for (size_t at = 0; at < prefix.size(); ++at)
    if (type.starts_with(std::string_view(prefix).substr(at)))
      return type.substr(prefix.size() - at);
  return std::nullopt;
}

std::string TypeExpression(const VendorConfig& vendor, const DriverTarget& target,
                           const std::vector<std::string>& types) {
  const std::string name = CelAttribute(target, "productName"), upper = name + ".upperAscii()";
  std::string any;
  for (const std::string& type : types) {
    if (!any.empty()) any += " || ";
    any += upper + ".contains(" + CelString(Upper(type)) + ")";
    const std::optional<std::string> rest = BehindPrefix(Upper(type), vendor.type_prefix);
    if (!rest) continue;
    const std::string bare = vendor.type_word.empty()
                                 ? ""
                                 : "!" + upper + ".startsWith(" + CelString(vendor.type_word) + ")";
    const std::string begins = rest->empty() ? "" : upper + ".startsWith(" + CelString(*rest) + ")";
    any += " || " + (bare.empty() && begins.empty() ? "true"
                     : bare.empty()                 ? begins
                     : begins.empty()               ? bare
                                                    : "(" + bare + " && " + begins + ")");
  }
  return "has(" + name + ") && (" + any + ")";
}

std::string UuidExpression(const VendorConfig&, const DriverTarget& target,
                           const std::vector<std::string>& uuids) {
  std::string list;
  for (const std::string& uuid : uuids) list += (list.empty() ? "" : ", ") + CelString(uuid);
  const std::string name = CelAttribute(target, target.uuid);
  return "has(" + name + ") && " + name + " in [" + list + "]";
}

}  // namespace

Result<std::vector<std::string>> AnnotationItems(const std::string& annotation,
                                                 const std::string& value) {
  std::vector<std::string> items;
  for (size_t at = 0; at <= value.size();) {
    size_t comma = std::min(value.find(',', at), value.size());
    std::string_view item = std::string_view(value).substr(at, comma - at);
    at = comma + 1;
    while (!item.empty() && isspace(static_cast<unsigned char>(item.front())))
      item.remove_prefix(1);
    while (!item.empty() && isspace(static_cast<unsigned char>(item.back()))) item.remove_suffix(1);
    if (item.empty()) continue;
    if (item.size() > kMaxItemLength)
      return Status(Reason::kInvalid, "annotation " + annotation + ": \"" + std::string(item) +
                                          "\": an item has at most 63 characters");
    items.emplace_back(item);
  }
  if (items.size() > kMaxItems)
    return Status(Reason::kInvalid, "annotation " + annotation + ": " +
                                        std::to_string(items.size()) + " items: at most " +
                                        std::to_string(kMaxItems) + " fit into a selector");
  return items;
}

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

std::string CelAttribute(const DriverTarget& target, std::string_view name) {
  const size_t slash = name.rfind('/');
  const bool qualified = slash != std::string_view::npos;
  return "device.attributes[" + CelString(qualified ? name.substr(0, slash) : target.driver) +
         "]." + std::string(qualified ? name.substr(slash + 1) : name);
}

Result<std::vector<std::string>> DeviceSelectors(const VendorConfig& vendor,
                                                 const DriverTarget& target,
                                                 const api::Labels& annotations) {
  std::vector<std::string> selectors;
  if (!vendor.product_suffixes.empty())
    selectors.push_back(ProductExpression(target, vendor.product_suffixes));

  struct Rule {
    const std::vector<std::string>& annotations;
    std::string (*expression)(const VendorConfig&, const DriverTarget&,
                              const std::vector<std::string>&);
    bool negate;
  };
  const Rule rules[] = {
      {vendor.use_type, TypeExpression, false},
      {vendor.nouse_type, TypeExpression, true},
      {vendor.use_uuid, UuidExpression, false},
      {vendor.nouse_uuid, UuidExpression, true},
  };
  for (const Rule& rule : rules) {
    for (const std::string& annotation : rule.annotations) {
      auto found = annotations.find(annotation);
      if (found == annotations.end()) continue;
      DRAY_ASSIGN_OR_RETURN(std::vector<std::string> items,
                            AnnotationItems(annotation, found->second));
      if (items.empty()) continue;
      const std::string expression = rule.expression(vendor, target, items);
      selectors.push_back(rule.negate ? "!(" + expression + ")" : expression);
      // What the API server would refuse in the template is refused here, by the annotation's name.
      Result<std::shared_ptr<const cel::Program>> program = cel::Program::Compile(selectors.back());
      if (!program.ok() || (*program)->max_cost() > cel::kMaxSelectorCost)
        return Status(Reason::kInvalid,
                      "annotation " + annotation + ": " + std::to_string(items.size()) +
                          " items are more than a selector may hold: want fewer or shorter ones");
    }
  }
  return selectors;
}

}  // namespace dray::admission
