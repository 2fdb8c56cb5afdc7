#include "devcluster/apiserver/selectors.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/request.h"

namespace dray::devcluster {
namespace {

using Op = LabelRequirement::Op;

std::optional<int64_t> Integer(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Reads the text form from left to right.
class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text) {}

  Result<std::vector<LabelRequirement>> Run() {
    std::vector<LabelRequirement> requirements;
    SkipBlanks();
    while (!text_.empty()) {
      DRAY_ASSIGN_OR_RETURN(LabelRequirement requirement, Requirement());
      requirements.push_back(std::move(requirement));
      SkipBlanks();
      if (text_.empty()) break;
      if (!Take(",")) return Bad("found \"" + std::string(text_) + "\", expected ','");
      SkipBlanks();
      if (text_.empty()) return Bad("found end of text, expected a label name");
    }
    return requirements;
  }

 private:
  Status Bad(const std::string& what) const {
    return Status(Reason::kBadRequest, "unable to parse requirement: " + what);
  }
  void SkipBlanks() {
    text_ = text_.substr(std::min(text_.find_first_not_of(" \t"), text_.size()));
  }
  bool Take(std::string_view token) {
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  std::string_view Word() {
    SkipBlanks();
    size_t end = std::min(text_.find_first_of(" \t,()=!<>"), text_.size());
    std::string_view word = text_.substr(0, end);
    text_.remove_prefix(end);
    return word;
  }

  Result<LabelRequirement> Requirement() {
    LabelRequirement requirement;
    bool absent = Take("!");
    requirement.key = Word();
    if (requirement.key.empty())
      return Bad("found \"" + std::string(text_) + "\", expected a label name");
    SkipBlanks();
    if (absent) {
      requirement.op = Op::kAbsent;
      return requirement;
    }
    if (text_.empty() || text_.front() == ',') return requirement;
    if (Take("==") || Take("=")) {
      requirement.op = Op::kIn;
      requirement.values.emplace_back(Word());
      return requirement;
    }
    if (Take("!=")) {
      requirement.op = Op::kNotIn;
      requirement.values.emplace_back(Word());
      return requirement;
    }
    bool greater = text_.front() == '>';
    if (Take(">") || Take("<")) {
      requirement.op = greater ? Op::kGreater : Op::kLess;
      requirement.values.emplace_back(Word());
      if (!Integer(requirement.values[0]))
        return Bad("for '>' and '<' the value must be an integer, not \"" + requirement.values[0] +
                   "\"");
      return requirement;
    }
    std::string_view word = Word();
    if (word != "in" && word != "notin")
      return Bad("found \"" + std::string(word) +
                 "\", expected one of: in, notin, =, ==, !=, >, <");
    requirement.op = word == "in" ? Op::kIn : Op::kNotIn;
    SkipBlanks();
    if (!Take("(")) return Bad("expected '(' after " + std::string(word));
    while (true) {
      requirement.values.emplace_back(Word());
      SkipBlanks();
      if (Take(")")) return requirement;
      if (!Take(",")) return Bad("expected ',' or ')' in the values of " + requirement.key);
    }
  }

  std::string_view text_;
};

}  // namespace

Result<LabelFilter> LabelFilter::Parse(std::string_view text) {
  LabelFilter filter;
  DRAY_ASSIGN_OR_RETURN(filter.requirements_, LabelParser(text).Run());
  return filter;
}

Result<LabelFilter> LabelFilter::FromSelector(const Json* selector) {
  LabelFilter filter;
  if (selector == nullptr || !selector->is_object()) return filter;
  if (const Json* labels = FindObject(*selector, "matchLabels"))
    for (const auto& [key, value] : labels->items())
      filter.requirements_.push_back(
          {key, Op::kIn, {value.is_string() ? value.get<std::string>() : std::string()}});
  if (const Json* expressions = FindArray(*selector, "matchExpressions"))
    for (const Json& expression : *expressions) {
      LabelRequirement requirement;
      requirement.key = StringAt(expression, "key");
      std::string op = StringAt(expression, "operator");
      if (op == "In")
        requirement.op = Op::kIn;
      else if (op == "NotIn")
        requirement.op = Op::kNotIn;
      else if (op == "Exists")
        requirement.op = Op::kExists;
      else if (op == "DoesNotExist")
        requirement.op = Op::kAbsent;
      else
        return Status(Reason::kInvalid, "\"" + op + "\" is not a valid label selector operator");
      if (const Json* values = FindArray(expression, "values"))
        for (const Json& value : *values)
          if (value.is_string()) requirement.values.push_back(value.get<std::string>());
      filter.requirements_.push_back(std::move(requirement));
    }
  return filter;
}

bool LabelFilter::Matches(const LabelMap& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const LabelRequirement& r) {
    auto found = labels.find(r.key);
    bool present = found != labels.end();
    bool listed =
        present && std::find(r.values.begin(), r.values.end(), found->second) != r.values.end();
    switch (r.op) {
      case Op::kIn:
        return listed;
      case Op::kNotIn:
        return !listed;
      case Op::kExists:
        return present;
      case Op::kAbsent:
        return !present;
      case Op::kGreater:
      case Op::kLess: {
        std::optional<int64_t> value = present ? Integer(found->second) : std::nullopt;
        std::optional<int64_t> bound = Integer(r.values[0]);
        if (!value || !bound) return false;
        return r.op == Op::kGreater ? *value > *bound : *value < *bound;
      }
    }
    return false;
  });
}

Result<FieldFilter> FieldFilter::Parse(std::string_view text,
                                       const std::vector<std::string>& known) {
  FieldFilter filter;
  if (Trim(text).empty()) return filter;
  for (std::string_view term : Split(text, ',')) {
    term = Trim(term);
    if (term.empty()) continue;
    size_t at = term.find('=');
    if (at == std::string_view::npos || at == 0)
      return Status(Reason::kBadRequest,
                    "invalid field selector: \"" + std::string(term) + "\"; can't understand it");
    bool equal = term[at - 1] != '!';
    std::string_view field = Trim(term.substr(0, equal ? at : at - 1));
    std::string_view value = term.substr(at + 1);
    if (equal && value.starts_with("=")) value.remove_prefix(1);
    auto found = std::find(known.begin(), known.end(), field);
    if (found == known.end())
      return Status(Reason::kBadRequest, "field label not supported: " + std::string(field));
    filter.terms_.push_back(
        {static_cast<size_t>(found - known.begin()), equal, std::string(Trim(value))});
  }
  return filter;
}

bool FieldFilter::Matches(const std::function<std::string_view(size_t)>& value_of) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    return (value_of(term.field) == term.value) == term.equal;
  });
}

std::optional<std::string> FieldFilter::Required(size_t index) const {
  for (const Term& term : terms_)
    if (term.field == index && term.equal) return term.value;
  return std::nullopt;
}

LabelMap LabelsOf(const Json& object) {
  LabelMap labels;
  if (const Json* stored = FindObject(object, "metadata.labels"))
    for (const auto& [key, value] : stored->items())
      if (value.is_string()) labels.emplace(key, value.get<std::string>());
  return labels;
}

}  // namespace dray::devcluster
