#include "controllers/deviceclass/class_matches.h"

namespace dray::controllers {

ClassMatches::SliceCount ClassMatches::CountIn(std::shared_ptr<const api::ResourceSlice> slice,
                                               const Programs& programs) {
  SliceCount count;
  for (const api::Device& device : slice->spec.devices) {
    const cel::DeviceView view(device, slice->spec.driver);
    bool all = true;
    for (size_t i = 0; i < programs.size() && all; ++i) {
      const Result<bool> matches = programs[i]->Matches(view);
      all = matches.ok() && *matches;
      if (!matches.ok() && count.failure.empty())
        count.failure = "spec.selectors[" + std::to_string(i) + "] fails on device " +
                        slice->spec.driver + "/" + slice->spec.pool.name + "/" + device.name +
                        ": " + matches.status().message();
    }
    if (all) ++count.devices;
  }
  count.slice = std::move(slice);
  return count;
}

void ClassMatches::Compile(const std::vector<api::DeviceSelector>& selectors, OneClass* one) {
  *one = {};
  one->selectors = selectors;
  for (size_t i = 0; i < selectors.size(); ++i) {
    if (!selectors[i].cel) continue;
    auto program = cel::Program::Compile(selectors[i].cel->expression, {});
    if (program.ok()) {
      one->programs.push_back(*std::move(program));
    } else {
      one->problems += (one->problems.empty() ? "" : "\n") +
                       ("spec.selectors[" + std::to_string(i)) +
                       "].cel.expression: " + program.status().message();
    }
  }
}

ClassMatches::OneClass ClassMatches::Take(const api::DeviceClass& device_class) {
  OneClass one = classes_.With([&](auto& classes) {
    auto found = classes.find(device_class.metadata.name);
    return found == classes.end() ? OneClass() : std::exchange(found->second, OneClass());
  });
  if (one.selectors != device_class.spec.selectors) Compile(device_class.spec.selectors, &one);
  return one;
}

void ClassMatches::Put(const api::DeviceClass& device_class, OneClass one) {
  classes_.With([&](auto& classes) { std::swap(classes[device_class.metadata.name], one); });
}

std::string ClassMatches::Problems(const api::DeviceClass& device_class) {
  OneClass one = Take(device_class);
  std::string problems = one.problems;
  Put(device_class, std::move(one));
  return problems;
}

ClassMatches::Count ClassMatches::Of(const api::DeviceClass& device_class) {
  const auto slices = slices_->List();
  std::map<std::pair<std::string_view, std::string_view>, int64_t> newest;
  for (const auto& slice : slices) {
    int64_t& generation = newest[{slice->spec.driver, slice->spec.pool.name}];
    generation = std::max(generation, slice->spec.pool.generation);
  }
  OneClass one = Take(device_class);
  Count total;
  std::map<std::string, SliceCount> fresh;
  for (const auto& slice : slices) {
    if (slice->spec.pool.generation < newest[{slice->spec.driver, slice->spec.pool.name}]) continue;
    total.looked_at += slice->spec.devices.size();
    if (!one.problems.empty()) continue;
    // Objects of a cache never change: the same pointer is the same slice.
    auto known = one.slices.find(slice->metadata.name);
    const bool same = known != one.slices.end() && known->second.slice == slice;
    SliceCount count = same ? std::move(known->second) : CountIn(slice, one.programs);
    total.devices += count.devices;
    if (total.failure.empty()) total.failure = count.failure;
    fresh.emplace(slice->metadata.name, std::move(count));
  }
  one.slices = std::move(fresh);
  Put(device_class, std::move(one));
  return total;
}

void ClassMatches::Forget(const std::string& name) {
  classes_.With([&](auto& classes) { classes.erase(name); });
}

}  // namespace dray::controllers
