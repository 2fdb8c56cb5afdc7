#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::admission {

// One resource of a container as written.
struct FoundResource {
  std::string name, text;
  int64_t value = 0;        // in the resource's own unit
  bool has_suffix = false;  // "4Gi", "5k"
};

// The resources of one container, read as HAMi does: limits first, then requests.
class ContainerResources {
 public:
  // `container` must outlive this.
  explicit ContainerResources(const Json& container);

  // The first of `names` that is there. kInvalid for negative, fractional and huge values; `large`
  // lets amounts of bytes pass.
  Result<std::optional<FoundResource>> Find(const std::vector<std::string>& names,
                                            bool large = false) const;
  // "container C: RESOURCE: VALUE: what would be right"
  Status Refuse(const FoundResource& found, const std::string& right) const;

 private:
  std::string name_;
  std::vector<const Json*> lists_;
};

}  // namespace dray::admission
