#include "controllers/deviceclass/class_matches.h"

#include "dray/base/hash.h"

namespace dray::controllers {

ClassMatches::SliceCount ClassMatches::CountIn(const api::ResourceSlice& slice,
                                               const Programs& programs, std::string* failure) {
  const api::ResourceSliceSpec& spec = slice.spec;
  SliceCount count{HashOf({spec.driver, spec.pool.name}), spec.pool.generation,
                   static_cast<uint32_t>(spec.devices.size()), 0};
  for (const api::Device& device : spec.devices) {
    const cel::DeviceView view(device, spec.driver);
    bool all = true;
    for (size_t i = 0; i < programs.size() && all; ++i) {
      const Result<bool> matches = programs[i]->Matches(view);
      all = matches.ok() && *matches;
      if (!matches.ok() && failure->empty())
        *failure = "spec.selectors[" + std::to_string(i) + "] fails on device " + spec.driver +
                   "/" + spec.pool.name + "/" + device.name + ": " + matches.status().message();
    }
    if (all) ++count.matching;
  }
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
  OneClass one = Take(device_class);
  // Only slices that are new to us are read.
  std::unordered_map<uint64_t, SliceCount> fresh;
  std::map<uint64_t, std::string> failures;
  uint64_t version = 0;
  slices_->ForEachIf(
      [&](const runtime::ObjectVersion& slice) {
        version = HashOf({slice.name, slice.uid, slice.resource_version});
        const auto known = one.slices.find(version);
        if (known == one.slices.end()) return true;
        fresh.insert(*known);
        if (auto failed = one.failures.find(version); failed != one.failures.end())
          failures.insert(*failed);
        return false;
      },
      [&](const api::ResourceSlice& slice) {
        std::string failure;
        fresh[version] = CountIn(slice, one.problems.empty() ? one.programs : Programs(), &failure);
        if (!failure.empty()) failures[version] = std::move(failure);
      });
  std::unordered_map<uint64_t, int64_t> newest;
  for (const auto& [unused, slice] : fresh) {
    int64_t& generation = newest[slice.pool];
    generation = std::max(generation, slice.generation);
  }
  Count total;
  for (const auto& [slice_version, slice] : fresh) {
    if (slice.generation < newest[slice.pool]) continue;
    total.looked_at += slice.devices;
    if (one.problems.empty()) total.devices += slice.matching;
  }
  for (const auto& [failed, sentence] : failures) {
    const SliceCount& slice = fresh[failed];
    if (slice.generation < newest[slice.pool] || !one.problems.empty()) continue;
    if (total.failure.empty() || sentence < total.failure) total.failure = sentence;
  }
  one.slices = std::move(fresh);
  one.failures = std::move(failures);
  Put(device_class, std::move(one));
  return total;
}

void ClassMatches::Forget(const std::string& name) {
  classes_.With([&](auto& classes) { classes.erase(name); });
}

}  // namespace dray::controllers
