#include "api/admission/container_resources.h"

#include <nlohmann/json.hpp>

#include "dray/api/quantity.h"

namespace dray::admission {
namespace {

constexpr int64_t kMaxInt32 = 2147483647;  // HAMi's counters
constexpr int64_t kMaxBytes = int64_t{1} << 50;

}  // namespace

ContainerResources::ContainerResources(const Json& container) {
  if (!container.is_object()) return;
  if (auto name = container.find("name"); name != container.end() && name->is_string())
    name_ = *name;
  auto resources = container.find("resources");
  if (resources == container.end() || !resources->is_object()) return;
  for (const char* list : {"limits", "requests"}) {
    auto found = resources->find(list);
    if (found != resources->end() && found->is_object()) lists_.push_back(&*found);
  }
}

Result<std::optional<FoundResource>> ContainerResources::Find(const std::vector<std::string>& names,
                                                              bool large) const {
  for (const Json* list : lists_) {
    for (const std::string& name : names) {
      auto found = list->find(name);
      if (found == list->end()) continue;
      FoundResource one{name, found->is_string() ? found->get<std::string>() : found->dump(), 0,
                        false};
      Result<api::Quantity> quantity = api::Quantity::Parse(one.text);
      if (!quantity.ok() || !quantity->IsInteger() || *quantity < api::Quantity())
        return Refuse(one, "want a whole number of 0 or more");
      one.value = quantity->Value();
      one.has_suffix = std::string_view("kMGTPEi").find(one.text.back()) != std::string_view::npos;
      if (one.value > (large ? kMaxBytes : kMaxInt32))
        return Refuse(one, "want at most " + std::to_string(large ? kMaxBytes : kMaxInt32));
      return std::optional<FoundResource>(std::move(one));
    }
  }
  return std::optional<FoundResource>();
}

Status ContainerResources::Refuse(const FoundResource& found, const std::string& right) const {
  return Status(Reason::kInvalid,
                "container " + name_ + ": " + found.name + ": " + found.text + ": " + right);
}

}  // namespace dray::admission
