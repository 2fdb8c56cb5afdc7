#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/alloc/snapshot.h"

namespace dray::alloc {

// A rule over the devices of one claim: asked before a device is taken, told when it is given back.
class Constraint {
 public:
  Constraint(const std::vector<std::string>& requests, const std::string& attribute);
  virtual ~Constraint() = default;

  // `alternative`: the name of the subrequest, or empty. True: the device is counted in, or the
  // rule is not about this request.
  bool Add(const std::string& request, const std::string& alternative, const DeviceInfo& device);
  // For every Add that was true.
  void Remove(const std::string& request, const std::string& alternative);

  // The attribute of the device under its full name, "domain/id", or under its id when the domain
  // is the driver. Null: none.
  static const api::DeviceAttribute* Look(const std::string& attribute, const DeviceInfo& device);

 protected:
  virtual bool Fits(const api::DeviceAttribute& value) const = 0;
  virtual void Keep(const std::string& request, const api::DeviceAttribute& value) = 0;
  virtual void Drop(const std::string& request) = 0;
  int devices() const { return devices_; }

 private:
  bool IsAbout(const std::string& request, const std::string& alternative) const;
  const std::vector<std::string>& requests_;  // empty: all; "request" or "request/alternative"
  const std::string& attribute_;
  int devices_ = 0;
};

// The constraints of a claim, in its order; `lists`: attributes may be lists. kInvalid when one is
// of a kind that is not known.
Result<std::vector<std::unique_ptr<Constraint>>> MakeConstraints(const api::DeviceClaim& claim,
                                                                 bool lists);

}  // namespace dray::alloc
