#include "api/cel/registry.h"
#include "api/cel/string_format.h"

// "%d of %s".format([1, "x"]), locale en_US.
namespace dray::cel {
namespace {

Value Format(Evaluation& ev, Args args) {
  const List& list = args[1].as_list();
  size_t used = 0;
  std::string out;
  std::string error = WalkFormat(args[0].as_string(), list.size(), used, out,
                                 [&](const FormatClause& clause, size_t index, std::string& why) {
                                   std::string text = FormatValue(clause, list.at(index), why);
                                   ev.Work(text.size() / 8);
                                   return text;
                                 });
  return error.empty() ? Value::String(std::move(out)) : Value::OwnedError(std::move(error));
}

}  // namespace

void AddStringFormat(Registry& r) {
  r.Member("format", "string_format", "string, list(dyn) -> string", Format).variadic = true;
}

}  // namespace dray::cel
