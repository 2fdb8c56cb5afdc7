#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dray/api/cel.h"
#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
#include "dray/runtime/informer.h"

namespace dray::controllers {

// The selectors of each class: compiled once, and how many published devices they select. Every
// slice is looked at once per class, and again when one of the two has changed. Any thread; one at
// a time per class, else devices are counted twice for nothing.
class ClassMatches {
 public:
  // `slices` null: only compiles.
  explicit ClassMatches(const runtime::Lister<api::ResourceSlice>* slices) : slices_(slices) {}

  // A line for each selector that does not compile, "spec.selectors[i].cel.expression: ..."; ""
  // when all do.
  std::string Problems(const api::DeviceClass& device_class);

  struct Count {
    size_t devices = 0;    // that every selector matches, of the newest generation of their pools
    size_t looked_at = 0;  // devices there are
    // The first selector that failed on a device instead of answering: in the scheduler that ends
    // the attempt for the Pod.
    // "" where none did.
    std::string failure;
  };
  // Selectors that do not compile match nothing.
  Count Of(const api::DeviceClass& device_class);
  void Forget(const std::string& name);

 private:
  using Programs = std::vector<std::shared_ptr<const cel::Program>>;
  // Small: there is one for each class and slice. Names are kept as their hashes.
  struct SliceCount {
    uint64_t pool = 0;  // and driver
    int64_t generation = 0;
    uint32_t devices = 0, matching = 0;
  };
  struct OneClass {
    std::optional<std::vector<api::DeviceSelector>> selectors;  // that all below is for
    Programs programs;
    std::string problems;
    // By the version of the slice that was looked at.
    std::unordered_map<uint64_t, SliceCount> slices;
    std::map<uint64_t, std::string> failures;  // the first of each slice, mostly none
  };
  static void Compile(const std::vector<api::DeviceSelector>& selectors, OneClass* one);
  // `failure`: the first selector that fails on a device of it.
  static SliceCount CountIn(const api::ResourceSlice& slice, const Programs& programs,
                            std::string* failure);
  // Nobody is called under the lock: a class is taken out, worked on and put back.
  OneClass Take(const api::DeviceClass& device_class);
  void Put(const api::DeviceClass& device_class, OneClass one);

  const runtime::Lister<api::ResourceSlice>* slices_;
  Guarded<std::map<std::string, OneClass>> classes_;
};

}  // namespace dray::controllers
