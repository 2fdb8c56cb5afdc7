#include "api/cel/registry.h"

#include <algorithm>
#include <array>
#include <optional>

namespace dray::cel {
namespace {

struct Named {
  std::string_view name;
  const StaticType* type;
};

// Reads "list(A), int -> optional(A)".
class SignatureReader {
 public:
  SignatureReader(std::string_view text, TypeArena& arena) : text_(text), arena_(arena) {}

  void Read(Overload& overload) {
    Spaces();
    while (!text_.starts_with("->")) {
      overload.args.push_back(Type());
      Spaces();
      if (text_.starts_with(',')) text_.remove_prefix(1);
      Spaces();
    }
    text_.remove_prefix(2);
    Spaces();
    overload.result = Type();
    overload.variables = static_cast<int>(variables_.size());
  }

 private:
  void Spaces() {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
  }

  const StaticType* Type() {
    size_t length = 0;
    while (length < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[length])) || text_[length] == '.'))
      ++length;
    std::string_view name = text_.substr(0, length);
    text_.remove_prefix(length);
    std::array<const StaticType*, 2> params = {};
    size_t count = 0;
    if (text_.starts_with('(')) {
      do {
        text_.remove_prefix(1);
        Spaces();
        params[count++] = Type();
        Spaces();
      } while (text_.starts_with(','));
      text_.remove_prefix(1);
    }
    if (name == "list") return arena_.List(params[0]);
    if (name == "map") return arena_.Map(params[0], params[1]);
    if (name == "optional") return arena_.Optional(params[0]);
    if (name == "type") return arena_.Type(params[0]);
    if (name.size() == 1) return Variable(name);
    static const std::array<Named, 19> kNamed = {{
        {"dyn", &types::kDyn},
        {"any", &types::kAny},
        {"null", &types::kNull},
        {"bool", &types::kBool},
        {"int", &types::kInt},
        {"uint", &types::kUint},
        {"double", &types::kDouble},
        {"string", &types::kString},
        {"bytes", &types::kBytes},
        {"duration", &types::kDuration},
        {"timestamp", &types::kTimestamp},
        {"quantity", &types::kQuantity},
        {"semver", &types::kSemver},
        {"url", &types::kUrl},
        {"format", &types::kFormat},
        {"ip", &types::kIp},
        {"cidr", &types::kCidr},
        {"device", &types::kDevice},
        {"error", &types::kError},
    }};
    for (const Named& named : kNamed)
      if (named.name == name) return named.type;
    return arena_.Make(TypeKind::kStruct, arena_.Keep(name), {});
  }

  const StaticType* Variable(std::string_view name) {
    size_t index = std::find(variables_.begin(), variables_.end(), name) - variables_.begin();
    if (index == variables_.size()) variables_.push_back(name);
    static constexpr std::string_view kNames = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return arena_.Variable(-1 - static_cast<int>(index), kNames.substr(kNames.find(name), 1));
  }

  std::string_view text_;
  TypeArena& arena_;
  std::vector<std::string_view> variables_;
};

}  // namespace

namespace {

// The one kind of value that a type without parts admits.
std::optional<Kind> KindOf(const StaticType* type) {
  constexpr std::array<std::pair<const StaticType*, Kind>, 15> kKinds = {{
      {&types::kNull, Kind::kNull},
      {&types::kBool, Kind::kBool},
      {&types::kInt, Kind::kInt},
      {&types::kUint, Kind::kUint},
      {&types::kDouble, Kind::kDouble},
      {&types::kString, Kind::kString},
      {&types::kBytes, Kind::kBytes},
      {&types::kDuration, Kind::kDuration},
      {&types::kTimestamp, Kind::kTimestamp},
      {&types::kQuantity, Kind::kQuantity},
      {&types::kSemver, Kind::kSemver},
      {&types::kUrl, Kind::kUrl},
      {&types::kFormat, Kind::kFormat},
      {&types::kIp, Kind::kIp},
      {&types::kCidr, Kind::kCidr},
  }};
  for (const auto& [known, kind] : kKinds)
    if (known == type) return kind;
  return std::nullopt;
}

}  // namespace

namespace {

EstimateRule EstimateRuleOf(std::string_view function, std::string_view id) {
  if (id == "logical_and" || id == "logical_or") return EstimateRule::kLogical;
  if (id == "conditional") return EstimateRule::kConditional;
  if (id == "equals") return EstimateRule::kEqual;
  if (id == "not_equals") return EstimateRule::kText;
  if (id == "index_list" || id == "index_map") return EstimateRule::kIndex;
  for (std::string_view prefix : {"less_equals_", "greater_equals_", "less_", "greater_"}) {
    if (!id.starts_with(prefix)) continue;
    std::string_view type = id.substr(prefix.size());
    return type == "string" || type == "bytes" ? EstimateRule::kText : EstimateRule::kOne;
  }
  if (id == "not_strictly_false") return EstimateRule::kOne;
  const bool plain_operator = function[0] == '_' || function[0] == '!' || function[0] == '-';
  const bool joins = id == "add_string" || id == "add_bytes" || id == "add_list";
  return plain_operator && !joins ? EstimateRule::kOne : EstimateRule::kByName;
}

}  // namespace

Function& Registry::At(std::string_view name) {
  if (auto found = by_name_.find(name); found != by_name_.end()) return *found->second;
  Function& function = functions_.emplace_back();
  function.name = std::string(name);
  by_name_.emplace(function.name, &function);
  if (size_t dot = name.rfind('.'); dot != std::string_view::npos)
    qualified_.insert(std::string_view(function.name).substr(dot + 1));
  return function;
}

const Function* Registry::Find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

Overload& Registry::Add(std::string_view function, std::string_view id, bool member,
                        std::string_view signature, Implementation run) {
  Overload& overload = At(function).overloads.emplace_back();
  overload.id = std::string(id);
  overload.member = member;
  overload.run = run;
  SignatureReader(signature, types_).Read(overload);
  for (const StaticType* arg : overload.args)
    if (std::optional<Kind> kind = KindOf(arg)) overload.kinds.push_back(*kind);
  if (overload.kinds.size() != overload.args.size()) overload.kinds.clear();
  overload.variadic = overload.args.size() != 1 && overload.args.size() != 2;
  return overload;
}

void Registry::SetCosts() {
  for (Function& function : functions_) {
    function.cost = RuleOf(function.name, "");
    for (Overload& overload : function.overloads)
      overload.cost = RuleOf(function.name, overload.id);
    for (Overload& overload : function.overloads)
      overload.estimate = EstimateRuleOf(function.name, overload.id);
  }
}

const Registry& Registry::Get() {
  static const Registry* const registry = [] {
    auto* r = new Registry;
    // Where libraries share a function (indexOf, compareTo, string...), this is the order of its
    // overloads.
    AddOperators(*r);
    AddConversions(*r);
    AddTime(*r);
    AddUrls(*r);
    AddRegex(*r);
    AddLists(*r);
    AddAuthorizer(*r);
    AddOptionals(*r);
    AddQuantity(*r);
    AddStrings(*r);
    AddStringFormat(*r);
    AddSets(*r);
    AddNetwork(*r);
    AddNamedFormats(*r);
    AddMapInsert(*r);
    AddSemver(*r);
    AddListSorting(*r);
    AddIncludes(*r);
    r->SetCosts();
    return r;
  }();
  return *registry;
}

}  // namespace dray::cel
