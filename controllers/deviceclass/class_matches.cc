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

ClassMatches::Count ClassMatches::Of(const api::DeviceClass& device_class) {
  const auto slices = slices_->List();
  std::map<std::pair<std::string_view, std::string_view>, int64_t> newest;
  for (const auto& slice : slices) {
    int64_t& generation = newest[{slice->spec.driver, slice->spec.pool.name}];
    generation = std::max(generation, slice->spec.pool.generation);
  }
  return classes_.With([&](auto& classes) {
    OneClass& one = classes[device_class.metadata.name];
    if (one.selectors != device_class.spec.selectors || (one.programs.empty() && one.compiles)) {
      one = {};
      one.selectors = device_class.spec.selectors;
      for (const api::DeviceSelector& selector : one.selectors) {
        if (!selector.cel) continue;
        auto program = cel::Program::Compile(selector.cel->expression);
        one.compiles = one.compiles && program.ok();
        if (program.ok()) one.programs.push_back(*std::move(program));
      }
    }
    Count total;
    std::map<std::string, SliceCount> fresh;
    for (const auto& slice : slices) {
      if (slice->spec.pool.generation < newest[{slice->spec.driver, slice->spec.pool.name}])
        continue;
      total.looked_at += slice->spec.devices.size();
      if (!one.compiles) continue;
      // Objects of a cache never change: the same pointer is the same slice.
      auto known = one.slices.find(slice->metadata.name);
      const bool same = known != one.slices.end() && known->second.slice == slice;
      SliceCount count = same ? std::move(known->second) : CountIn(slice, one.programs);
      total.devices += count.devices;
      if (total.failure.empty()) total.failure = count.failure;
      fresh.emplace(slice->metadata.name, std::move(count));
    }
    one.slices = std::move(fresh);
    return total;
  });
}

void ClassMatches::Forget(const std::string& name) {
  classes_.With([&](auto& classes) { classes.erase(name); });
}

}  // namespace dray::controllers
