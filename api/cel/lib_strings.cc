#include "api/cel/registry.h"
#include "api/cel/text.h"

// The standard string functions and version 2 of the strings extension. Positions count code
// points.
namespace dray::cel {
namespace {

Value OutOfRange(int64_t index) {
  return Value::OwnedError("index out of range: " + std::to_string(index));
}

// contains(), startsWith() and endsWith() run whatever the types are.
template <class Test>
Value TestStrings(Args args, Test test) {
  if (!args[0].is(Kind::kString) || !args[1].is(Kind::kString)) return Value::NoSuchOverload();
  return Value::Bool(test(args[0].as_string(), args[1].as_string()));
}
Value Contains(Evaluation& ev, Args args) {
  return TestStrings(args, [&](std::string_view s, std::string_view part) {
    ev.Work(s.size());
    return s.find(part) != std::string_view::npos;
  });
}
Value StartsWith(Evaluation&, Args args) {
  return TestStrings(args,
                     [](std::string_view s, std::string_view part) { return s.starts_with(part); });
}
Value EndsWith(Evaluation&, Args args) {
  return TestStrings(args,
                     [](std::string_view s, std::string_view part) { return s.ends_with(part); });
}

Value CharAt(Evaluation&, Args args) {
  std::string_view s = args[0].as_string();
  int64_t index = args[1].as_int(), size = static_cast<int64_t>(RuneCount(s));
  if (index < 0 || index > size) return OutOfRange(index);
  size_t at = ByteOffset(s, index);
  if (at == s.size()) return Value::BorrowedString("");
  return Value::String(SanitizeUtf8(s.substr(at, RuneAt(s, at).length)));
}

Value TextIndexOf(Evaluation& ev, Args args) {
  std::string_view s = args[0].as_string(), part = args[1].as_string();
  int64_t offset = args.size() == 3 ? args[2].as_int() : 0;
  if (part.empty()) return Value::Int(offset);
  if (offset < 0) return OutOfRange(offset);
  ev.Work(s.size());
  if (offset >= static_cast<int64_t>(RuneCount(s))) return Value::Int(-1);
  size_t found = s.find(part, ByteOffset(s, offset));
  return Value::Int(
      found == std::string_view::npos ? -1 : static_cast<int64_t>(RuneCount(s.substr(0, found))));
}

Value TextLastIndexOf(Evaluation& ev, Args args) {
  std::string_view s = args[0].as_string(), part = args[1].as_string();
  int64_t size = static_cast<int64_t>(RuneCount(s));
  if (part.empty()) return Value::Int(args.size() == 3 ? args[2].as_int() : size);
  if (args.size() == 2 && s.size() < part.size()) return Value::Int(-1);
  int64_t offset = args.size() == 3 ? args[2].as_int() : size - 1;
  if (offset < 0) return OutOfRange(offset);
  ev.Work(s.size());
  if (offset >= size) return Value::Int(-1);
  size_t found = s.rfind(part, ByteOffset(s, offset));
  return Value::Int(
      found == std::string_view::npos ? -1 : static_cast<int64_t>(RuneCount(s.substr(0, found))));
}

Value LowerAscii(Evaluation&, Args args) {
  std::string out(args[0].as_string());
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return Value::String(std::move(out));
}
Value UpperAscii(Evaluation&, Args args) {
  std::string out(args[0].as_string());
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  return Value::String(std::move(out));
}

Value ReplaceIn(Evaluation& ev, Args args) {
  std::string_view s = args[0].as_string(), from = args[1].as_string(), to = args[2].as_string();
  // What a replacement can grow to is not in its cost.
  ev.Work(s.size() +
          (from.empty() ? (s.size() + 1) * to.size() : s.size() / from.size() * to.size()) / 8);
  return Value::String(Replace(s, from, to, args.size() == 4 ? args[3].as_int() : -1));
}

Value SplitAt(Evaluation&, Args args) {
  std::vector<Value> parts;
  for (std::string_view part :
       Split(args[0].as_string(), args[1].as_string(), args.size() == 3 ? args[2].as_int() : -1))
    parts.push_back(Value::Substring(args[0], part));
  return Value::ListOf(std::move(parts));
}

Value SubstringOf(Evaluation&, Args args) {
  std::string_view s = args[0].as_string();
  int64_t size = static_cast<int64_t>(RuneCount(s)), start = args[1].as_int();
  int64_t end = args.size() == 3 ? args[2].as_int() : size;
  if (args.size() == 3 && start > end) {
    return Value::OwnedError("invalid substring range. start: " + std::to_string(start) +
                             ", end: " + std::to_string(end));
  }
  if (start < 0 || start > size) return OutOfRange(start);
  if (end < 0 || end > size) return OutOfRange(end);
  size_t from = ByteOffset(s, start);
  return Value::Substring(args[0], s.substr(from, ByteOffset(s.substr(from), end - start)));
}

Value Trim(Evaluation&, Args args) {
  return Value::Substring(args[0], TrimSpace(args[0].as_string()));
}

Value Join(Evaluation&, Args args) {
  const List& list = args[0].as_list();
  std::string out;
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0 && args.size() == 2) out += args[1].as_string();
    if (!list.at(i).is(Kind::kString))
      return Value::OwnedError("join: invalid input: " + Describe(list.at(i)));
    out += list.at(i).as_string();
  }
  return Value::String(std::move(out));
}

Value QuoteString(Evaluation&, Args args) {
  std::string out = "\"";
  for (char c : SanitizeUtf8(args[0].as_string())) {
    constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\\"", kNames = "abfnrtv\\\"";
    if (size_t name = kEscaped.find(c); name != std::string_view::npos) {
      out += '\\';
      out += kNames[name];
    } else {
      out += c;
    }
  }
  return Value::String(out + '"');
}

}  // namespace

void AddStrings(Registry& r) {
  r.Member("contains", "contains_string", "string, string -> bool", Contains);
  r.Member("endsWith", "ends_with_string", "string, string -> bool", EndsWith);
  r.Member("startsWith", "starts_with_string", "string, string -> bool", StartsWith);
  for (std::string_view name : {"contains", "endsWith", "startsWith"}) r.At(name).unguarded = true;

  r.Member("charAt", "string_char_at_int", "string, int -> string", CharAt);
  r.Member("indexOf", "string_index_of_string", "string, string -> int", TextIndexOf);
  r.Member("indexOf", "string_index_of_string_int", "string, string, int -> int", TextIndexOf);
  r.Member("lastIndexOf", "string_last_index_of_string", "string, string -> int", TextLastIndexOf);
  r.Member("lastIndexOf", "string_last_index_of_string_int", "string, string, int -> int",
           TextLastIndexOf);
  r.Member("lowerAscii", "string_lower_ascii", "string -> string", LowerAscii);
  r.Member("upperAscii", "string_upper_ascii", "string -> string", UpperAscii);
  r.Member("replace", "string_replace_string_string", "string, string, string -> string",
           ReplaceIn);
  r.Member("replace", "string_replace_string_string_int", "string, string, string, int -> string",
           ReplaceIn);
  r.Member("split", "string_split_string", "string, string -> list(string)", SplitAt);
  r.Member("split", "string_split_string_int", "string, string, int -> list(string)", SplitAt);
  r.Member("substring", "string_substring_int", "string, int -> string", SubstringOf);
  r.Member("substring", "string_substring_int_int", "string, int, int -> string", SubstringOf);
  r.Member("trim", "string_trim", "string -> string", Trim);
  r.Member("join", "list_join", "list(string) -> string", Join);
  r.Member("join", "list_join_string", "list(string), string -> string", Join);
  r.Global("strings.quote", "strings_quote", "string -> string", QuoteString);
}

}  // namespace dray::cel
