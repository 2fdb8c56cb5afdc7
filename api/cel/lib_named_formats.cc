#include "api/cel/named_format.h"
#include "api/cel/registry.h"

// format.dns1123Label() and its like, format.named(), validate().
namespace dray::cel {
namespace {

template <size_t index>
Value Constant(Evaluation&, Args) {
  return Value::Of(&AllFormats()[index]);
}

Value FormatNamed(Evaluation&, Args args) {
  const NamedFormat* format = FindFormat(args[0].as_string());
  return format == nullptr ? Value::OptionalNone() : Value::OptionalOf(Value::Of(format));
}

Value Validate(Evaluation&, Args args) {
  std::vector<Value> messages;
  for (std::string& message : args[0].as_format().check(args[1].as_string()))
    messages.push_back(Value::String(std::move(message)));
  return messages.empty() ? Value::OptionalNone()
                          : Value::OptionalOf(Value::ListOf(std::move(messages)));
}

template <size_t... indices>
void AddConstants(Registry& r, std::index_sequence<indices...>) {
  (..., [&] {
    std::string name = "format." + std::string(AllFormats()[indices].name);
    r.Global(name, name, "-> format", Constant<indices>);
  }());
}

}  // namespace

void AddNamedFormats(Registry& r) {
  constexpr size_t kCount = 13;
  AddConstants(r, std::make_index_sequence<kCount>());
  r.Member("validate", "format-validate", "format, string -> optional(list(string))", Validate);
  r.Global("format.named", "format-named", "string -> optional(format)", FormatNamed);
}

}  // namespace dray::cel
