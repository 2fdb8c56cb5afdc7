#include <array>
#include <cmath>

#include "api/cel/cost_estimate.h"
#include "api/cel/runtime_cost.h"
#include "api/cel/type.h"

// Estimates of Kubernetes' and cel-go's function libraries, and the sizes of what `device` leads
// to.
namespace dray::cel {
namespace {

// The types behind the variable, by the largest number of elements or characters
// (resource/v1/types.go).
struct Place {
  uint64_t most = 0;
  const Place* element = nullptr;
  const Place* key = nullptr;
  bool attribute_map = false;  // all elements are alike, whatever their name
};
constexpr Place kDomain = {63}, kId = {32}, kDriver = {63}, kAttribute = {64}, kQuantity = {0},
                kFlag = {1};
constexpr Place kAttributes = {32, &kAttribute, &kId, true}, kCapacities = {32, &kQuantity, &kId};
constexpr Place kAttributeDomains = {32, &kAttributes, &kDomain},
                kCapacityDomains = {32, &kCapacities, &kDomain};
constexpr Place kDevice = {0};

const Place* FieldOf(const Place* place, std::string_view name) {
  if (place == &kDevice) {
    if (name == "driver") return &kDriver;
    if (name == "attributes") return &kAttributeDomains;
    if (name == "capacity") return &kCapacityDomains;
    if (name == "allowMultipleAllocations") return &kFlag;
  }
  return place->attribute_map ? place->element : nullptr;
}

// Most parameters of a call's estimate.
struct Call {
  std::string_view function, overload;
  const CostNode* target;
  std::span<const CostNode> args;

  Range SizeOf(const CostNode& node) const {
    if (node.size) return *node.size;
    return SizeAt(node.path).value_or(Range::Unknown());
  }
  Range Text(const CostNode& node, double factor = kTextFactor) const {
    return SizeOf(node).Scaled(factor);
  }
};

// The whole number that an argument is, if it is written out.
uint64_t IntegerOr(const CostNode& node, uint64_t otherwise) {
  if (node.expr->kind != Expr::Kind::kLiteral || !node.expr->literal.is(Kind::kInt))
    return otherwise;
  return node.expr->literal.as_int() < 0 ? 0 : static_cast<uint64_t>(node.expr->literal.as_int());
}

CallEstimate NewList(double factor, Range size) {
  return {size.Scaled(factor) + Range::Fixed(1 + kListBase), size};
}

// slice, flatten, sort, distinct, reverse, lists.range and the sets, by overload.
std::optional<CallEstimate> EstimateLists(const Call& call) {
  std::string_view id = call.overload;
  if (id == "list_slice") {
    uint64_t end = IntegerOr(call.args[1], call.SizeOf(*call.target).max);
    return NewList(1, Range::Fixed(end - IntegerOr(call.args[0], 0)));
  }
  if (id == "lists_range")
    return NewList(1, Range::Fixed(IntegerOr(call.args[0], Range::kUnlimited)));
  if (id == "list_reverse") return NewList(1, call.SizeOf(*call.target));
  if (id == "list_flatten" || id == "list_flatten_int") {
    uint64_t depth = call.args.empty() ? 1 : IntegerOr(call.args[0], Range::kUnlimited);
    return NewList(static_cast<double>(depth), call.SizeOf(*call.target));
  }
  if (id == "list_distinct") {
    Range size = call.SizeOf(*call.target);
    return NewList(2, size * size);
  }
  bool sort = call.function == "sort" && id.ends_with("_sort");
  if (sort || id.ends_with("_sortByAssociatedKeys")) {
    Range size = call.SizeOf(sort ? *call.target : call.args[0]);
    bool text = id.starts_with("list_string_") || id.starts_with("list_bytes_");
    return NewList(text ? 2 + kTextFactor : 2, size * size);
  }
  if (id == "list_sets_contains_list" || id == "list_sets_intersects_list" ||
      id == "list_sets_equivalent_list") {
    Range product = call.SizeOf(call.args[0]) * call.SizeOf(call.args[1]);
    return CallEstimate{product.Scaled(id == "list_sets_equivalent_list" ? 2 : 1) + Range::Fixed(1),
                        {}};
  }
  return std::nullopt;
}

// What an element of a list is: its type, and where it comes from.
std::optional<CostNode> ElementOf(const CostNode& list) {
  if (list.type->params.empty()) return std::nullopt;
  CostNode element;
  element.type = list.type->params[0];
  if (!list.path.empty()) {
    // A path of its own: nothing else shares this step.
    element.path = Path(list.path[0], list.path.memory());
    for (size_t i = 1; i < list.path.size(); ++i) element.path = element.path.Then(list.path[i]);
    element.path = element.path.Then("@items");
  }
  return element;
}

CallEstimate EstimateTraversal(const Call& call) {
  std::optional<CostNode> element = ElementOf(*call.target);
  if (!element) return {call.Text(*call.target), {}};
  Range each = Range::Fixed(1);
  if (element->type->kind == TypeKind::kString || element->type->kind == TypeKind::kBytes)
    each = each + call.SizeOf(*element).Scaled(kTextFactor);
  return {call.SizeOf(*call.target) * each, {}};
}

CallEstimate EstimateReplace(const Call& call) {
  Range size = call.SizeOf(*call.target), from = call.SizeOf(call.args[0]),
        to = call.SizeOf(call.args[1]);
  auto quotient = [](uint64_t a, uint64_t b) {
    double q = std::ceil(static_cast<double>(a) / static_cast<double>(b));
    return q >= 0x1p64 ? Range::kUnlimited : static_cast<uint64_t>(q);
  };
  Range count, kept;
  if (from.min == 0) {  // an empty text is found around every character
    count.max = size.max < Range::kUnlimited ? size.max + 1 : size.max;
    kept.max = size.max;
  } else if (to.max <= from.min) {
    kept.max = size.max;
  } else {
    count.max = quotient(size.max, from.min);
  }
  if (from.max == 0) {
    count.min = size.min < Range::kUnlimited ? size.min + 1 : size.min;
    kept.min = size.min;
  } else if (from.max <= to.min) {
    kept.min = size.min;
  } else {
    count.min = quotient(size.min, from.max);
  }
  return {size.Scaled(2 * kTextFactor), count * to + kept};
}

CallEstimate EstimateSplit(const Call& call) {
  Range size = call.SizeOf(*call.target);
  uint64_t most = size.max;
  if (call.args.size() > 1 && call.args[1].expr->kind == Expr::Kind::kLiteral &&
      call.args[1].expr->literal.is(Kind::kInt))
    most = static_cast<uint64_t>(call.args[1].expr->literal.as_int());
  return {size.Scaled(2 * kTextFactor), Range{0, most}};
}

CallEstimate EstimateJoin(const Call& call) {
  Range size, list = call.SizeOf(*call.target);
  if (std::optional<CostNode> element = ElementOf(*call.target); element)
    size = list * call.SizeOf(*element);
  if (!call.args.empty()) {
    Range separators = {list.min > 0 ? list.min - 1 : 0, list.max > 0 ? list.max - 1 : 0};
    size = size + call.SizeOf(call.args[0]) * separators;
  }
  return {size.Scaled(kTextFactor), size};
}

std::optional<CallEstimate> EstimateEquality(const Call& call) {
  const StaticType *left = call.args[0].type, *right = call.args[1].type;
  if (left->name != right->name) return std::nullopt;
  if (left->kind == TypeKind::kOpaque && (left->name == "net.IP" || left->name == "net.CIDR"))
    return CallEstimate{Range::Fixed(1), {}};
  if (left->kind != TypeKind::kStruct) return std::nullopt;
  if (left == &types::kQuantity || left == &types::kSemver)
    return CallEstimate{Range::Fixed(1), {}};
  if (left == &types::kFormat) return CallEstimate{Range{1, 64}.Scaled(kTextFactor), {}};
  if (left == &types::kUrl) {
    Range size = call.args[1].size.value_or(Range::Fixed(1));
    return CallEstimate{Range{1, size.max}.Scaled(kTextFactor), {}};
  }
  return std::nullopt;
}

bool OneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  for (std::string_view n : names)
    if (n == name) return true;
  return false;
}

std::optional<CallEstimate> EstimateNetwork(const Call& call) {
  constexpr Range kBytes = {4, 16};
  if (call.function == "containsIP") {
    Range cost = (kBytes + kBytes).Scaled(kTextFactor);
    if (call.overload == "cidr_contains_ip_string") cost = cost + call.Text(call.args[0]);
    return CallEstimate{cost, {}};
  }
  if (call.function == "containsCIDR") {
    Range cost =
        (kBytes + kBytes).Scaled(kTextFactor) + kBytes.Scaled(kTextFactor) + Range::Fixed(1);
    if (call.overload == "cidr_contains_cidr_string") cost = cost + call.Text(call.args[0]);
    return CallEstimate{cost, {}};
  }
  if (call.overload == "cidr_ip") return CallEstimate{Range::Fixed(1), {}};
  if (call.function == "ip.isCanonical")
    return CallEstimate{call.Text(call.args[0], 2 * kTextFactor), {}};
  return std::nullopt;
}

}  // namespace

std::optional<Range> SizeAt(const Path& path) {
  if (path.empty() || path[0] != "device") return std::nullopt;
  const Place* place = &kDevice;
  for (size_t i = 1; i < path.size() && place != nullptr; ++i) {
    std::string_view step = path[i];
    place = step == "@items" || step == "@values" ? place->element
            : step == "@keys"                     ? place->key
                                                  : FieldOf(place, step);
  }
  if (place == nullptr) return std::nullopt;
  return Range{0, place->most};
}

std::optional<CallEstimate> EstimateLibraryCall(std::string_view function,
                                                std::string_view overload, const CostNode* target,
                                                std::span<const CostNode> args) {
  Call call{function, overload, target, args};
  if (function == "_==_") return EstimateEquality(call);
  if (std::optional<CallEstimate> lists = EstimateLists(call); lists) return lists;
  if (overload == "dra_includes_dyn_dyn") return CallEstimate{{0, 48}, {}};
  if (std::optional<CallEstimate> network = EstimateNetwork(call); network) return network;
  if (function == "check") return CallEstimate{Range::Fixed(350'000), {}};
  if (OneOf(function, {"fieldSelector", "labelSelector"}) && args.size() == 1) {
    Range size = call.SizeOf(args[0]);
    return CallEstimate{
        Range::Fixed(kListBase) + size.Scaled(kTextFactor) + size.Scaled(0.5).Scaled(50), {}};
  }
  if (target != nullptr) {
    if (OneOf(function, {"isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"}))
      return EstimateTraversal(call);
    if (OneOf(function, {"lowerAscii", "upperAscii", "substring", "trim"}))
      return CallEstimate{call.Text(*target), call.SizeOf(*target)};
    if (function == "replace" && args.size() >= 2) return EstimateReplace(call);
    if (function == "split") return EstimateSplit(call);
    if (function == "join") return EstimateJoin(call);
    if (OneOf(function, {"find", "findAll"})) {
      Range size = call.SizeOf(*target);
      Range cost =
          (size + Range::Fixed(1)).Scaled(kTextFactor) * call.Text(args[0], kPatternFactor);
      return CallEstimate{cost, Range{0, size.max}};
    }
  }
  if (function == "url") return CallEstimate{call.Text(args[0]), call.SizeOf(args[0])};
  if (OneOf(function,
            {"cidr", "ip", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"}) &&
      !args.empty())
    return CallEstimate{call.Text(args[0]), {}};
  if (function == "validate" && !args.empty())
    return CallEstimate{call.Text(args[0]).Scaled(128 * kPatternFactor), {}};
  if (OneOf(function, {"masked",
                       "prefixLength",
                       "family",
                       "isUnspecified",
                       "isLoopback",
                       "isLinkLocalMulticast",
                       "isLinkLocalUnicast",
                       "isGlobalUnicast",
                       "format.named",
                       "sign",
                       "asInteger",
                       "isInteger",
                       "asApproximateFloat",
                       "isGreaterThan",
                       "isLessThan",
                       "compareTo",
                       "add",
                       "sub",
                       "major",
                       "minor",
                       "patch",
                       "getScheme",
                       "getHostname",
                       "getHost",
                       "getPort",
                       "getEscapedPath",
                       "getQuery",
                       "serviceAccount",
                       "path",
                       "group",
                       "resource",
                       "subresource",
                       "namespace",
                       "name",
                       "allowed",
                       "reason",
                       "error",
                       "errored"}))
    return CallEstimate{Range::Fixed(1), {}};
  return std::nullopt;
}

}  // namespace dray::cel
