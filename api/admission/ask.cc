#include "api/admission/ask.h"

#include <nlohmann/json.hpp>

#include "dray/api/quantity.h"
#include "dray/api/types/resource.h"

namespace dray::admission {
namespace {

constexpr int64_t kMaxInt32 = 2147483647;

// One resource of the container as written.
struct Found {
  std::string name, text;
  int64_t value = 0;
};

class Reader {
 public:
  explicit Reader(const Json& container) {
    if (!container.is_object()) return;
    if (auto name = container.find("name"); name != container.end() && name->is_string()) name_ = *name;
    auto resources = container.find("resources");
    if (resources == container.end() || !resources->is_object()) return;
    for (const char* list : {"limits", "requests"}) {
      auto found = resources->find(list);
      if (found != resources->end() && found->is_object()) lists_.push_back(&*found);
    }
  }

  // The first of `names` in limits, then in requests. Negative and fractional values are refused.
  Result<std::optional<Found>> Find(const std::vector<std::string>& names) const {
    for (const Json* list : lists_) {
      for (const std::string& name : names) {
        auto found = list->find(name);
        if (found == list->end()) continue;
        Found one{name, found->is_string() ? found->get<std::string>() : found->dump(), 0};
        Result<api::Quantity> quantity = api::Quantity::Parse(one.text);
        if (!quantity.ok() || !quantity->IsInteger() || *quantity < api::Quantity())
          return Refuse(one, "want a whole number of 0 or more");
        one.value = quantity->Value();
        if (one.value > kMaxInt32) return Refuse(one, "want at most 2147483647");
        return std::optional<Found>(one);
      }
    }
    return std::optional<Found>();
  }

  Status Refuse(const Found& found, const std::string& right) const {
    return Status(Reason::kInvalid,
                  "container " + name_ + ": " + found.name + ": " + found.text + ": " + right);
  }

 private:
  std::string name_;
  std::vector<const Json*> lists_;
};

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Ascend's hard partitions: the smallest template that holds the memory, above the largest the whole card.
Status RoundToPartition(const Reader& reader, const Found& memory, Ask& ask) {
  const VendorConfig& vendor = *ask.vendor;
  const PartitionTemplate* best = nullptr;
  for (const PartitionTemplate& part : vendor.partitions)
    if (part.memory_mib >= *ask.memory_mib && (best == nullptr || part.memory_mib < best->memory_mib))
      best = &part;
  if (best == nullptr) {
    ask.rule += ", more memory than the largest template: the whole card";
    ask.memory_mib.reset();
    return {};
  }
  if (ask.count > 1)
    return reader.Refuse(memory, "several cards must be whole cards: leave the memory out, or ask for one card");
  ask.rule += ", memory rounded up to template " + best->name + " (" + std::to_string(best->memory_mib) + " MiB)";
  ask.memory_mib = best->memory_mib;
  if (best->cores > 0 && vendor.card_cores > 0)
    ask.cores = CeilDiv(best->cores * vendor.cores_total, vendor.card_cores);
  return {};
}

}  // namespace

Result<std::optional<Ask>> ReadAsk(const Json& container, const VendorConfig& vendor, bool soft_mode) {
  const Reader reader(container);
  DRAY_ASSIGN_OR_RETURN(std::optional<Found> count, reader.Find(vendor.count));
  DRAY_ASSIGN_OR_RETURN(std::optional<Found> memory, reader.Find(vendor.memory));
  DRAY_ASSIGN_OR_RETURN(std::optional<Found> percentage, reader.Find(vendor.memory_percentage));
  DRAY_ASSIGN_OR_RETURN(std::optional<Found> cores, reader.Find(vendor.cores));
  DRAY_ASSIGN_OR_RETURN(std::optional<Found> priority, reader.Find(vendor.priority));
  if (!count && !memory && !percentage && !cores) return std::optional<Ask>();

  Ask ask;
  ask.vendor = &vendor;
  for (const std::optional<Found>* found : {&count, &memory, &percentage, &cores, &priority})
    if (*found) ask.resources.emplace_back((*found)->name, (*found)->text);

  ask.count = count ? count->value : vendor.default_count;
  ask.rule = vendor.name + ": " + std::to_string(ask.count) + (ask.count == 1 ? " device" : " devices");
  if (!count) ask.rule += " (not asked for, the default)";
  if (ask.count == 0) return std::optional<Ask>(std::move(ask));

  if (vendor.even_count && ask.count == 1) {
    ask.count = 2;
    ask.rule += ", made 2 because the chips of a module go together";
  }
  if (vendor.even_count && ask.count % 2 != 0)
    return reader.Refuse(*count, "the chips of a module go together: want an even number");
  if (ask.count > api::kMaxAllocationResults)
    return reader.Refuse(*count, "a claim holds at most " + std::to_string(api::kMaxAllocationResults) + " devices");

  // Memory: an amount, else a percentage, else the configured default, else the whole card. 0 counts as not asked.
  if (memory && memory->value > 0 && percentage && percentage->value > 0)
    return reader.Refuse(*percentage, "ask for " + memory->name + " or for a percentage, not for both");
  if (percentage && percentage->value > 100) return reader.Refuse(*percentage, "want 1 to 100 percent");
  int64_t units = memory ? memory->value : 0;
  if (units == 0 && !(percentage && percentage->value > 0)) units = vendor.default_memory;
  if (units > 0) {
    ask.memory_mib = units * vendor.memory_unit_mib;
    ask.rule += ", " + std::to_string(*ask.memory_mib) + " MiB each";
  } else if (percentage && percentage->value > 0 && percentage->value < 100) {
    ask.percentage = percentage->value;
    ask.rule += ", " + std::to_string(percentage->value) + " % of the memory each";
  }
  if (memory && ask.memory_mib && vendor.card_memory_mib > 0 && *ask.memory_mib > vendor.card_memory_mib)
    return reader.Refuse(*memory, "a " + vendor.name + " has " + std::to_string(vendor.card_memory_mib) + " MiB");

  // Cores: percent of a card.
  if (cores && cores->value > 100) return reader.Refuse(*cores, "want 0 to 100 percent of a card");
  const int64_t percent = cores && cores->value > 0 ? cores->value : vendor.default_cores;
  const bool whole_memory = !ask.memory_mib && !ask.percentage;
  if (percent > 0) {
    ask.cores = CeilDiv(percent * vendor.cores_total, 100);
    ask.rule += ", " + std::to_string(percent) + " % of the cores each";
  } else if (vendor.whole_card_is_exclusive && whole_memory) {
    ask.cores = vendor.cores_total;
    ask.rule += ", all memory and no core share: the whole card";
  } else if (vendor.partitions.empty() || soft_mode) {
    ask.cores = 0;  // no core request: named, because the driver's default is the whole card
  }
  if (vendor.even_count && (ask.memory_mib || (cores && cores->value > 0)))
    return reader.Refuse(memory ? *memory : *cores, "the chips of a module are given out whole: leave it out");
  if (!vendor.partitions.empty() && !soft_mode) {
    if (cores && cores->value > 0)
      return reader.Refuse(*cores, "a core share needs annotation " + vendor.soft_mode +
                                       ": hami-core; hard partitions come with their cores");
    if (ask.memory_mib) DRAY_RETURN_IF_ERROR(RoundToPartition(reader, *memory, ask));
  }

  if (priority) {
    if (priority->value > 1) return reader.Refuse(*priority, "want 0 (high) or 1 (low)");
    ask.priority = priority->value;
  }
  return std::optional<Ask>(std::move(ask));
}

}  // namespace dray::admission
