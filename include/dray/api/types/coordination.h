#pragma once

#include "dray/api/types/meta.h"

// coordination.k8s.io/v1.
namespace dray::api {

struct LeaseSpec {
  std::optional<std::string> holder_identity;  // absent or empty: nobody
  std::optional<int32_t> lease_duration_seconds;
  std::optional<MicroTime> acquire_time, renew_time;
  std::optional<int32_t> lease_transitions;
  std::optional<std::string> strategy, preferred_holder;
  bool operator==(const LeaseSpec&) const = default;
};
struct Lease {
  ObjectMeta metadata;
  LeaseSpec spec;
  bool operator==(const Lease&) const = default;
};
DRAY_KIND(Lease, "coordination.k8s.io", "v1", "leases", true);

}  // namespace dray::api
