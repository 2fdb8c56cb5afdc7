#pragma once

#include "api/types/meta_fields.h"
#include "dray/api/types/coordination.h"

// JSON names of coordination.k8s.io/v1.
namespace dray::api {

template <>
struct FieldsOf<LeaseSpec> {
  using S = LeaseSpec;
  static constexpr std::array fields = {
      Field<&S::holder_identity>("holderIdentity"),
      Field<&S::lease_duration_seconds>("leaseDurationSeconds"),
      Field<&S::acquire_time>("acquireTime"),
      Field<&S::renew_time>("renewTime"),
      Field<&S::lease_transitions>("leaseTransitions"),
      Field<&S::strategy>("strategy"),
      Field<&S::preferred_holder>("preferredHolder"),
  };
};

template <>
struct FieldsOf<Lease> {
  using S = Lease;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
  };
};

}  // namespace dray::api
