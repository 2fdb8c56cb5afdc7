#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/cel/evaluation.h"
#include "api/cel/runtime_cost.h"
#include "api/cel/type.h"

// The functions that expressions can call.
namespace dray::cel {

// The target of a member call is args[0]. Strict functions never see an error as argument.
using Implementation = Value (*)(Evaluation&, Args);

// How the static cost of a call is found, where it is simpler than by names.
enum class EstimateRule : uint8_t {
  kByName,
  kOne,  // one, and the arguments
  kLogical,
  kConditional,
  kText,   // like comparing texts
  kEqual,  // by the types, else like kText
  kIndex,
};

struct Overload {
  std::string id;  // cel-go's name for it: costs hang on it
  bool member = false;
  std::vector<const StaticType*> args;
  std::vector<Kind> kinds;  // of the arguments, when each takes one kind of value; else empty
  const StaticType* result = nullptr;
  int variables = 0;             // type variables in the signature
  Implementation run = nullptr;  // null where the function has one implementation for all overloads
  bool variadic = false;         // bound as a function of any number of arguments (see CallNode)
  CostRule cost = CostRule::kOne;
  EstimateRule estimate = EstimateRule::kByName;
};

struct Function {
  std::string name;
  std::deque<Overload> overloads;
  Implementation singleton = nullptr;  // for all overloads, whatever the types
  bool unguarded = false;  // arguments are not checked against the signature before the call
  CostRule cost = CostRule::kOne;     // when the overload is only known at run time
  bool list_attributes_only = false;  // new expressions need Options::list_attributes
};

class Registry {
 public:
  // The functions of Kubernetes 1.36.
  static const Registry& Get();

  const Function* Find(std::string_view name) const;
  const std::deque<Function>& functions() const { return functions_; }
  // Whether any function is called something.NAME.
  bool HasQualified(std::string_view name) const { return qualified_.contains(name); }

  // Declare: signatures are written "string, list(A) -> optional(A)"; single capitals are type
  // variables.
  Overload& Global(std::string_view function, std::string_view id, std::string_view signature,
                   Implementation run = nullptr) {
    return Add(function, id, false, signature, run);
  }
  Overload& Member(std::string_view function, std::string_view id, std::string_view signature,
                   Implementation run = nullptr) {
    return Add(function, id, true, signature, run);
  }
  Function& At(std::string_view function);
  // One implementation for every overload of the function.
  void Singleton(std::string_view function, Implementation run) { At(function).singleton = run; }

 private:
  void SetCosts();
  Overload& Add(std::string_view function, std::string_view id, bool member,
                std::string_view signature, Implementation run);

  std::deque<Function> functions_;
  std::unordered_map<std::string_view, Function*> by_name_;
  std::unordered_set<std::string_view> qualified_;
  TypeArena types_;
};

// One per library, each in a file of its name.
void AddOperators(Registry& registry);
void AddConversions(Registry& registry);
void AddTime(Registry& registry);
void AddStrings(Registry& registry);
void AddStringFormat(Registry& registry);
void AddRegex(Registry& registry);
void AddLists(Registry& registry);
void AddListSorting(Registry& registry);
void AddSets(Registry& registry);
void AddOptionals(Registry& registry);
void AddMapInsert(Registry& registry);
void AddQuantity(Registry& registry);
void AddSemver(Registry& registry);
void AddUrls(Registry& registry);
void AddNetwork(Registry& registry);
void AddNamedFormats(Registry& registry);
void AddAuthorizer(Registry& registry);
void AddIncludes(Registry& registry);

}  // namespace dray::cel
