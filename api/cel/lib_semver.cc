#include "api/cel/object_pool.h"
#include "api/cel/registry.h"
#include "api/cel/semver.h"

// Semantic versions.
namespace dray::cel {
namespace {

// What is wrong with the text, after normalising it when the second argument says so.
std::string Read(Args args, Semver& version) {
  if (args.size() == 1 || !args[1].as_bool()) return ParseSemver(args[0].as_string(), version);
  std::string text = NormalizeSemver(args[0].as_string());
  return text.empty() ? "short version cannot contain PreRelease/Build meta data"
                      : ParseSemver(text, version);
}

Value SemverFromText(Evaluation&, Args args) {
  auto* version = Make<Semver>();
  std::string error = Read(args, *version);
  return error.empty() ? Value::Of(version) : Value::OwnedError(std::move(error));
}
Value IsSemver(Evaluation&, Args args) {
  Semver version;
  return Value::Bool(Read(args, version).empty());
}

int SemverOrder(Args args) {
  return Compare(args[0].as_semver(), args[1].as_semver());
}
Value SemverIsGreaterThan(Evaluation&, Args args) {
  return Value::Bool(SemverOrder(args) > 0);
}
Value SemverIsLessThan(Evaluation&, Args args) {
  return Value::Bool(SemverOrder(args) < 0);
}
Value SemverCompareTo(Evaluation&, Args args) {
  return Value::Int(SemverOrder(args));
}
Value Major(Evaluation&, Args args) {
  return Value::Int(static_cast<int64_t>(args[0].as_semver().major));
}
Value Minor(Evaluation&, Args args) {
  return Value::Int(static_cast<int64_t>(args[0].as_semver().minor));
}
Value Patch(Evaluation&, Args args) {
  return Value::Int(static_cast<int64_t>(args[0].as_semver().patch));
}

}  // namespace

void AddSemver(Registry& r) {
  r.Global("semver", "string_to_semver", "string -> semver", SemverFromText);
  r.Global("semver", "string_bool_to_semver", "string, bool -> semver", SemverFromText);
  r.Global("isSemver", "is_semver_string", "string -> bool", IsSemver);
  r.Global("isSemver", "is_semver_string_bool", "string, bool -> bool", IsSemver);
  r.Member("isGreaterThan", "semver_is_greater_than", "semver, semver -> bool",
           SemverIsGreaterThan);
  r.Member("isLessThan", "semver_is_less_than", "semver, semver -> bool", SemverIsLessThan);
  r.Member("compareTo", "semver_compare_to", "semver, semver -> int", SemverCompareTo);
  r.Member("major", "semver_major", "semver -> int", Major);
  r.Member("minor", "semver_minor", "semver -> int", Minor);
  r.Member("patch", "semver_patch", "semver -> int", Patch);
}

}  // namespace dray::cel
