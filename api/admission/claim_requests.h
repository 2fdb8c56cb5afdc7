#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/admission/ask.h"
#include "dray/api/types/meta.h"
#include "dray/api/types/resource.h"

namespace dray::admission {

// One container's wishes from one vendor, and where they stand in the Pod.
struct ContainerAsk {
  std::string list;                // "containers" or "initContainers"
  size_t index = 0;                // in that list
  std::string container, request;  // names
  Ask ask;
};

// Adds request, constraints and configuration of `one` to `claim`. kInvalid: a sentence for the
// user.
Status AddRequest(const ContainerAsk& one, const api::Labels& annotations,
                  const Inventory& inventory, api::DeviceClaim& claim);

// What vendors want of all shares of a Pod together: VendorConfig::one_card_per_pod.
void KeepOnOneCard(const std::vector<ContainerAsk>& asks, api::DeviceClaim& claim);

// "<container>-<stem>", a DNS label: cut with a hash of the container's name when it is too long.
std::string RequestName(const std::string& container, const std::string& stem);

// The template of `claim`, named by its content.
api::ResourceClaimTemplate TemplateFor(api::DeviceClaim claim, std::string_view namespace_);

}  // namespace dray::admission
