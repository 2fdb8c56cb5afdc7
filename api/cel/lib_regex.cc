#include "api/cel/regex.h"
#include "api/cel/registry.h"
#include "api/cel/text.h"

// matches() of the standard library, find() and findAll() of Kubernetes. Patterns that are literals
// are compiled with the program (see RegexNode); these run when the pattern is only known at run
// time.
namespace dray::cel {
namespace {

Value Matches(Evaluation&, Args args) {
  if (!args[0].is(Kind::kString)) return Value::Error("no such overload: matches");
  if (!args[1].is(Kind::kString)) return Value::NoSuchOverload();
  Regex regex(args[1].as_string());
  if (!regex.ok()) return Value::OwnedError("error parsing regexp: " + regex.error());
  return Value::Bool(regex.Matches(args[0].as_string()));
}

Value Find(Evaluation&, Args args) {
  Regex regex(args[1].as_string());
  if (!regex.ok()) return Value::OwnedError("Illegal regex: " + regex.error());
  return regex.Find(args[0]);
}

Value FindAll(Evaluation&, Args args) {
  Regex regex(args[1].as_string());
  if (!regex.ok()) return Value::OwnedError("Illegal regex: " + regex.error());
  return regex.FindAll(args[0], args.size() == 3 ? args[2].as_int() : -1);
}

}  // namespace

void AddRegex(Registry& r) {
  r.Global("matches", "matches", "string, string -> bool");
  r.Member("matches", "matches_string", "string, string -> bool");
  r.Singleton("matches", Matches);
  r.Member("find", "string_find_string", "string, string -> string", Find);
  r.Member("findAll", "string_find_all_string", "string, string -> list(string)", FindAll);
  r.Member("findAll", "string_find_all_string_int", "string, string, int -> list(string)", FindAll);
}

}  // namespace dray::cel
