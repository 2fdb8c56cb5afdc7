#include <set>

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/api/scenario.h"

namespace dray::alloc {
namespace {

// The members of a JSON object as the text of their values, so that each list is decoded as a
// stream: a scenario may have thousands of slices, and a tree of all its values would take longer
// to build than the answers.
class Members {
 public:
  // False: not an object, or its brackets and quotes do not match. What is inside of the values is
  // read by whoever decodes them.
  bool Read(std::string_view json) {
    rest_ = json;
    if (!Accept('{')) return false;
    if (Accept('}')) return End();
    do {
      std::string_view key, value;
      if (!Skip(key) || key.size() < 2 || key[0] != '"' || !Accept(':') || !Skip(value))
        return false;
      members_[key.substr(1, key.size() - 2)] = value;
    } while (Accept(','));
    return Accept('}') && End();
  }

  // "null" when there is no such member.
  std::string_view Get(std::string_view key) const {
    auto found = members_.find(key);
    return found == members_.end() ? "null" : found->second;
  }

 private:
  static constexpr std::string_view kSpace = " \t\r\n";

  void SkipSpace() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }
  bool Accept(char c) {
    SkipSpace();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool End() {
    SkipSpace();
    return rest_.empty();
  }
  // Past a string whose opening quote is at `at`; npos when it does not end.
  size_t PastString(size_t at) const {
    for (++at; at < rest_.size(); ++at) {
      if (rest_[at] == '\\')
        ++at;
      else if (rest_[at] == '"')
        return at + 1;
    }
    return std::string_view::npos;
  }
  // Takes one value off the rest.
  bool Skip(std::string_view& value) {
    SkipSpace();
    size_t at = 0;
    int64_t depth = 0;
    for (; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (c == '"') {
        at = PastString(at);
        if (at == std::string_view::npos) return false;
        if (depth == 0) break;
        --at;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;
        if (--depth == 0) {
          ++at;
          break;
        }
      } else if (depth == 0 && (c == ',' || c == ':')) {
        break;
      }
    }
    value = rest_.substr(0, at);
    value = value.substr(0, value.find_last_not_of(kSpace) + 1);
    rest_.remove_prefix(at);
    return !value.empty() && depth == 0;
  }

  std::string_view rest_;
  std::map<std::string_view, std::string_view> members_;
};

// One by one, so that a large list is never held as a document beside its objects.
template <class T>
Result<std::vector<T>> ReadObjects(const Members& document, const std::string& field) {
  std::vector<T> objects;
  api::ListStream<T> stream([&](T object) {
    objects.push_back(std::move(object));
    return Ok();
  });
  Status status;
  for (std::string_view piece :
       {std::string_view("{\"items\":"), document.Get(field), std::string_view("}")}) {
    if (status.ok()) status = stream.Feed(piece);
  }
  if (status.ok()) status = stream.Finish().status();
  if (status.ok()) return objects;
  const std::string& why = status.message();
  if (why.starts_with("items")) return Status(status.reason(), field + why.substr(5));
  return status.Wrapped(field);
}

template <class T>
std::vector<std::shared_ptr<const T>> Share(std::vector<T> objects) {
  std::vector<std::shared_ptr<const T>> shared;
  shared.reserve(objects.size());
  for (T& object : objects) shared.push_back(std::make_shared<const T>(std::move(object)));
  return shared;
}

Result<std::vector<std::vector<std::string>>> ReadGroups(std::string_view text,
                                                         const Scenario& scenario) {
  std::vector<std::vector<std::string>> groups;
  const Json list = Json::parse(text, nullptr, false);
  if (list.is_null()) return groups;
  const Status malformed(Reason::kInvalid, "groups: want lists of claim names");
  if (!list.is_array()) return malformed;
  std::set<std::string> known, grouped;
  for (const api::ResourceClaim& claim : scenario.claims) known.insert(claim.metadata.name);
  for (const Json& group : list) {
    if (!group.is_array()) return malformed;
    std::vector<std::string>& names = groups.emplace_back();
    for (const Json& name : group) {
      if (!name.is_string()) return malformed;
      names.push_back(name.get<std::string>());
      if (!known.contains(names.back()))
        return Status(Reason::kInvalid, "groups: no claim " + names.back());
      if (!grouped.insert(names.back()).second) {
        return Status(Reason::kInvalid, "groups: claim " + names.back() + " is in two groups");
      }
    }
  }
  return groups;
}

}  // namespace

Result<Scenario> ReadScenario(std::string_view json) {
  Members document;
  if (!document.Read(json)) {
    return Status(Reason::kInvalid, "want a JSON object with nodes, slices, classes and claims");
  }
  Scenario scenario;
  DRAY_ASSIGN_OR_RETURN(scenario.nodes, ReadObjects<api::Node>(document, "nodes"));
  DRAY_ASSIGN_OR_RETURN(std::vector<api::ResourceSlice> slices,
                        ReadObjects<api::ResourceSlice>(document, "slices"));
  DRAY_ASSIGN_OR_RETURN(std::vector<api::DeviceClass> classes,
                        ReadObjects<api::DeviceClass>(document, "classes"));
  DRAY_ASSIGN_OR_RETURN(std::vector<api::ResourceClaim> allocated,
                        ReadObjects<api::ResourceClaim>(document, "allocated"));
  DRAY_ASSIGN_OR_RETURN(scenario.claims, ReadObjects<api::ResourceClaim>(document, "claims"));
  scenario.slices = Share(std::move(slices));
  scenario.classes = Share(std::move(classes));
  scenario.allocated = Share(std::move(allocated));
  DRAY_ASSIGN_OR_RETURN(scenario.groups, ReadGroups(document.Get("groups"), scenario));
  return scenario;
}

}  // namespace dray::alloc
