#include "api/admission/ask.h"

#include <nlohmann/json.hpp>

#include "api/admission/container_resources.h"
#include "dray/api/types/resource.h"

namespace dray::admission {
namespace {

using Found = std::optional<FoundResource>;

int64_t CeilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

std::string Number(int64_t value) {
  return std::to_string(value);
}

// Reads one container's wishes from one vendor, step by step; each step knows what the ones before
// it found.
class AskReader {
 public:
  AskReader(const Json& container, const VendorConfig& vendor, const Modes& modes)
      : resources_(container), vendor_(vendor), modes_(modes) {}

  Result<std::optional<Ask>> Read();

 private:
  Status FindAll();
  Status ReadCount();
  Status CheckMemoryUnit();
  Status ReadMemory();
  Status ReadCores();
  Status CheckMemoryFits() const;
  void WarnAboutAllCores();
  // Rounded down, or fewer parts would fit on a card than it has cores for: 8 of 3 of 24.
  int64_t CoresOf(const PartitionTemplate& part) const {
    return std::max<int64_t>(1, part.cores * vendor_.cores_total / vendor_.card_cores);
  }
  Status ChoosePartition();
  Status ReadMigShare();
  void TakeWholeCards(const std::string& why);
  bool Above(const Found& found) const { return found && found->value > 0; }
  bool partitioned() const { return !vendor_.partitions.empty() && !modes_.soft; }

  const ContainerResources resources_;
  const VendorConfig& vendor_;
  const Modes& modes_;
  Found count_, memory_, percentage_, cores_, slices_, priority_;
  Ask ask_;
};

Status AskReader::FindAll() {
  struct Slot {
    const std::vector<std::string>& names;
    Found& found;
    bool large;
  };
  for (const Slot& slot :
       {Slot{vendor_.count, count_, false}, Slot{vendor_.memory, memory_, /*large=*/true},
        Slot{vendor_.memory_percentage, percentage_, false}, Slot{vendor_.cores, cores_, false},
        Slot{vendor_.slices, slices_, false}, Slot{vendor_.priority, priority_, false}}) {
    DRAY_ASSIGN_OR_RETURN(slot.found, resources_.Find(slot.names, slot.large));
    if (slot.found) ask_.resources.emplace_back(slot.found->name, slot.found->text);
  }
  return {};
}

Status AskReader::ReadCount() {
  ask_.count = count_ ? count_->value : vendor_.default_count;
  // Cores counted over all cards say how many cards there are (Neuron).
  if (vendor_.cores_span_cards && !count_ && cores_) {
    const int64_t wanted = cores_->value, each = vendor_.core_units;
    if (wanted < 1) return resources_.Refuse(*cores_, "want 1 or more");
    if (wanted > each && wanted % each != 0)
      return resources_.Refuse(*cores_, "a device has " + Number(each) +
                                            " cores: want fewer than that or a multiple of it");
    ask_.count = CeilDiv(wanted, each);
  }
  ask_.rule = vendor_.name + ": " + Number(ask_.count) + (ask_.count == 1 ? " device" : " devices");
  if (!count_) ask_.rule += " (not asked for, the default)";
  if (ask_.count == 0) return {};
  if (vendor_.even_count && ask_.count == 1) {
    ask_.count = 2;
    ask_.rule += ", made 2 because the chips of a module go together";
  }
  if (vendor_.even_count && ask_.count % 2 != 0)
    return resources_.Refuse(*count_, "the chips of a module go together: want an even number");
  if (ask_.count > api::kMaxAllocationResults)
    return resources_.Refuse(
        count_ ? *count_ : *cores_,
        "a claim holds at most " + Number(api::kMaxAllocationResults) + " devices");
  if (modes_.online && ask_.count != 1 && count_)
    return resources_.Refuse(
        *count_, "annotation " + vendor_.app_class + " is for Pods with one device: want 1");
  return {};
}

// A suffix counts units, unless the vendor says otherwise: "4Gi" is far too much, "4k" is 4000
// units.
Status AskReader::CheckMemoryUnit() {
  constexpr int64_t kMost = 2147483647, kMebibyte = 1024 * 1024;
  if (!memory_ || (vendor_.memory_takes_suffix && memory_->has_suffix)) return {};
  const int64_t unit = vendor_.memory_unit_mib;
  const std::string units = "the unit is " + Number(unit) + " MiB: want ";
  if (memory_->value > kMost && memory_->has_suffix && memory_->value % (unit * kMebibyte) == 0)
    return resources_.Refuse(*memory_, units + Number(memory_->value / (unit * kMebibyte)));
  if (memory_->value > kMost) return resources_.Refuse(*memory_, "want at most " + Number(kMost));
  // API servers write 4000 as "4k": only a binary suffix is the user's own.
  if (memory_->text.ends_with('i') && memory_->value > 0)
    ask_.warnings.push_back(memory_->name + ": " + memory_->text + ": counts units of " +
                            Number(unit) + " MiB: " + Number(memory_->value * unit) + " MiB");
  return {};
}

// An amount, else a percentage, else the configured default, else the whole card. 0 counts as not
// asked.
Status AskReader::ReadMemory() {
  if (Above(memory_) && Above(percentage_))
    return resources_.Refuse(*percentage_,
                             "ask for " + memory_->name + " or for a percentage, not for both");
  if (percentage_ && percentage_->value > 100)
    return resources_.Refuse(*percentage_, "want 1 to 100 percent");
  int64_t mib = 0;
  DRAY_RETURN_IF_ERROR(CheckMemoryUnit());
  if (Above(memory_)) {
    const int64_t value = memory_->value;
    if (!vendor_.legal_memory.empty() && ask_.count == 1 &&
        std::find(vendor_.legal_memory.begin(), vendor_.legal_memory.end(), value) ==
            vendor_.legal_memory.end()) {
      std::string legal;
      for (int64_t one : vendor_.legal_memory) legal += (legal.empty() ? "" : ", ") + Number(one);
      return resources_.Refuse(*memory_, "want one of " + legal + " (units of " +
                                             Number(vendor_.memory_unit_mib) + " MiB)");
    }
    if (vendor_.memory_takes_suffix && memory_->has_suffix) {
      mib = value / (1024 * 1024);
      if (mib == 0)
        return resources_.Refuse(*memory_, "want 1Mi or more, or a number of GiB without a suffix");
    } else if (vendor_.memory_mib_above > 0 && value > vendor_.memory_mib_above) {
      mib = value;
    } else {
      if (value > 2147483647 / vendor_.memory_unit_mib)
        return resources_.Refuse(*memory_, "the unit is " + Number(vendor_.memory_unit_mib) +
                                               " MiB: want at most " +
                                               Number(2147483647 / vendor_.memory_unit_mib));
      mib = value * vendor_.memory_unit_mib;
    }
  } else if (!Above(percentage_)) {
    mib = vendor_.default_memory * vendor_.memory_unit_mib;
  }
  if (mib > 0) {
    ask_.memory_mib = mib;
    ask_.rule += ", " + Number(mib) + " MiB each";
  } else if (Above(percentage_) && percentage_->value < 100) {
    ask_.percentage = percentage_->value;
    ask_.rule += ", " + Number(percentage_->value) + " % of the memory each";
  }
  return {};
}

Status AskReader::CheckMemoryFits() const {
  if (!Above(memory_) || !ask_.memory_mib || vendor_.card_memory_mib == 0 ||
      *ask_.memory_mib <= vendor_.card_memory_mib)
    return {};
  return resources_.Refuse(
      *memory_, "a card of " + vendor_.name + " has " + Number(vendor_.card_memory_mib) + " MiB");
}

Status AskReader::ReadCores() {
  const std::string unit = vendor_.core_units == 100 ? " percent of a card" : " cores of a card";
  if (cores_ && !vendor_.cores_span_cards && cores_->value > vendor_.core_units)
    return resources_.Refuse(*cores_, "want " +
                                          std::string(vendor_.cores_at_least_one ? "1" : "0") +
                                          " to " + Number(vendor_.core_units) + unit);
  const bool counted = vendor_.cores_span_cards && count_;  // cores say nothing beside a count
  if (cores_ && vendor_.cores_at_least_one && cores_->value < 1 && !counted)
    return resources_.Refuse(*cores_, "want 1 to " + Number(vendor_.core_units) + unit);
  const bool whole_memory = !ask_.memory_mib && !ask_.percentage;
  int64_t wanted = Above(cores_) ? cores_->value : cores_ ? 0 : vendor_.default_cores;
  if (vendor_.cores_span_cards) wanted = count_ ? 0 : std::min(wanted, vendor_.core_units);
  if (modes_.online) {
    ask_.cores = 0;
    ask_.rule += ", online: no share of the cores is reserved";
  } else if (wanted == vendor_.core_units && vendor_.cores_total != vendor_.core_units) {
    // All of a card whose driver counts in units of its own: cards differ in how many they have.
    ask_.rule += ", all cores each";
  } else if (wanted > 0) {
    const int64_t scaled = wanted * vendor_.cores_total;
    ask_.cores =
        std::max<int64_t>(1, vendor_.cores_round_down ? scaled / vendor_.core_units
                                                      : CeilDiv(scaled, vendor_.core_units));
    ask_.rule += ", " + Number(wanted) +
                 (vendor_.core_units == 100 ? " % of the cores each" : " cores each");
  } else if (vendor_.whole_card_is_exclusive && whole_memory) {
    ask_.cores = vendor_.cores_total;
    ask_.rule += ", all memory and no core share: the whole card";
  } else if (whole_memory && !vendor_.soft_mode.empty()) {
    // Without memory it is the whole card (Ascend), also where it could be shared freely.
  } else if (!vendor_.cores.empty() && !vendor_.cores_span_cards && !partitioned()) {
    ask_.cores = 0;  // no core request: named, because the driver's default is the whole card
  }
  return {};
}

// HAMi gives a card whose cores are asked for in full to nobody else, whatever its memory. Under
// DRA only a whole card says that: Pods without a core request may take the memory that is left.
void AskReader::WarnAboutAllCores() {
  if (!Above(cores_) || cores_->value != vendor_.core_units || vendor_.cores_span_cards) return;
  if (!vendor_.partitions.empty() || modes_.mig || (!ask_.memory_mib && !ask_.percentage)) return;
  if (modes_.online || ask_.memory_mib == vendor_.card_memory_mib) return;
  ask_.warnings.push_back(cores_->name + ": " + cores_->text +
                          ": the card is not exclusive: Pods without a core request may take the "
                          "rest of its memory; for a whole card leave the memory out");
}

// The smallest partition that holds memory, cores and slices; above the largest the whole card.
Status AskReader::ChoosePartition() {
  if (slices_) {
    std::string sizes;
    for (const PartitionTemplate& part : vendor_.partitions) {
      if (part.cores == slices_->value) {
        ask_.memory_mib = part.memory_mib;
        ask_.cores = CoresOf(part);
        ask_.rule += ", profile " + part.name;
        if (memory_ || cores_)
          ask_.warnings.push_back(slices_->name + " decides; " +
                                  (memory_ ? memory_->name : cores_->name) + " has no effect");
        return {};
      }
      sizes += (sizes.empty() ? "" : ", ") + Number(part.cores);
    }
    return resources_.Refuse(*slices_, "want one of " + sizes + " slices");
  }
  if (!vendor_.soft_mode.empty() && Above(cores_))
    return resources_.Refuse(*cores_, "a core share needs annotation " + vendor_.soft_mode +
                                          ": hami-core; hard partitions come with their cores");
  const int64_t percent = Above(cores_) ? cores_->value : 0;
  if (!ask_.memory_mib && percent == 0) {
    ask_.cores.reset();
    return {};
  }
  if (ask_.count > 1 && vendor_.several_need_whole &&
      (!ask_.memory_mib || ask_.memory_mib != vendor_.card_memory_mib)) {
    const PartitionTemplate& largest = vendor_.partitions.back();
    if (!ask_.memory_mib || *ask_.memory_mib <= largest.memory_mib)
      return resources_.Refuse(memory_ ? *memory_ : *cores_,
                               std::string("several cards must be whole cards: leave the ") +
                                   (memory_ ? "memory" : "share") + " out, or ask for one card");
  }
  const PartitionTemplate* best = nullptr;
  for (const PartitionTemplate& part : vendor_.partitions)
    if (part.memory_mib >= ask_.memory_mib.value_or(0) &&
        (percent == 0 || CeilDiv(part.cores * 100, vendor_.card_cores) >= percent) &&
        (best == nullptr || part.memory_mib < best->memory_mib))
      best = &part;
  ask_.cores.reset();
  const bool whole = best == nullptr || (vendor_.largest_partition_is_card &&
                                         best->memory_mib == vendor_.card_memory_mib);
  if (whole) {
    ask_.rule += ", more than the largest part of a card: the whole card";
    ask_.memory_mib.reset();
    return {};
  }
  ask_.rule += std::string(", ") + (ask_.memory_mib ? "memory " : "") + "rounded up to template " +
               best->name + " (" + Number(best->memory_mib) + " MiB)";
  ask_.memory_mib = best->memory_mib;
  if (best->cores > 0 && vendor_.card_cores > 0) ask_.cores = CoresOf(*best);
  return {};
}

Status AskReader::ReadMigShare() {
  ask_.target = &vendor_.mig;
  ask_.cores.reset();
  const FoundResource named =
      percentage_ ? *percentage_
      : count_    ? *count_
                  : FoundResource{vendor_.count.front(), Number(ask_.count), 0, false};
  if (!ask_.memory_mib)
    return resources_.Refuse(
        named, "a MIG device is chosen by its memory: ask for " + vendor_.memory.front());
  if (cores_)
    ask_.warnings.push_back(cores_->name +
                            " has no effect: a MIG device has the cores of its profile");
  ask_.rule += ", the smallest MIG profile that holds it";
  return {};
}

void AskReader::TakeWholeCards(const std::string& why) {
  ask_.memory_mib.reset();
  ask_.percentage.reset();
  ask_.cores.reset();
  ask_.rule += ", " + why;
}

Result<std::optional<Ask>> AskReader::Read() {
  DRAY_RETURN_IF_ERROR(FindAll());
  if (!count_ && !memory_ && !percentage_ && !cores_ && !slices_) {
    if (priority_)
      return resources_.Refuse(*priority_,
                               "goes with " + vendor_.count.front() + ": ask for a device as well");
    return std::optional<Ask>();
  }
  ask_.vendor = &vendor_;
  ask_.target = &vendor_.target;
  DRAY_RETURN_IF_ERROR(ReadCount());
  if (ask_.count == 0) return std::optional<Ask>(std::move(ask_));
  if (priority_) {
    if (priority_->value > 1) return resources_.Refuse(*priority_, "want 0 (high) or 1 (low)");
    ask_.priority = priority_->value;
  }
  if (vendor_.whole_only) {
    ask_.rule += ", the whole card";
    return std::optional<Ask>(std::move(ask_));
  }
  if (vendor_.several_are_whole && ask_.count > 1) {
    TakeWholeCards("more than one: whole cards");
    for (const Found* share : {&memory_, &cores_})
      if (Above(*share) && (*share)->value != ask_.count * vendor_.core_units)
        ask_.warnings.push_back((*share)->name + " has no effect: " + Number(ask_.count) +
                                " devices of " + vendor_.name + " are whole cards");
    return std::optional<Ask>(std::move(ask_));
  }
  DRAY_RETURN_IF_ERROR(ReadMemory());
  DRAY_RETURN_IF_ERROR(CheckMemoryFits());
  DRAY_RETURN_IF_ERROR(ReadCores());
  WarnAboutAllCores();
  if (vendor_.even_count && (ask_.memory_mib || Above(cores_)))
    return resources_.Refuse(Above(memory_)  ? *memory_
                             : Above(cores_) ? *cores_
                                             : *count_,
                             "the chips of a module are given out whole: leave it out");
  if (modes_.mig) {
    DRAY_RETURN_IF_ERROR(ReadMigShare());
  } else if (vendor_.share_needs_memory && !ask_.memory_mib) {
    if (Above(cores_))
      ask_.warnings.push_back(cores_->name + " has no effect without " + vendor_.memory.front());
    TakeWholeCards("no memory asked for: the whole card");
  } else if (partitioned()) {
    DRAY_RETURN_IF_ERROR(ChoosePartition());
  }
  if (modes_.mutex && !modes_.mig && (ask_.memory_mib || ask_.percentage || ask_.cores)) {
    // HAMi wants a card that nobody uses at that moment; only a whole card says that under DRA.
    TakeWholeCards("policy mutex: the whole card");
  }
  return std::optional<Ask>(std::move(ask_));
}

}  // namespace

Result<std::optional<Ask>> ReadAsk(const Json& container, const VendorConfig& vendor,
                                   const Modes& modes) {
  return AskReader(container, vendor, modes).Read();
}

}  // namespace dray::admission
