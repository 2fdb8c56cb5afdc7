#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dray/api/validation.h"

namespace dray::api {
namespace {

using ::testing::HasSubstr;

ResourceClaim GoodClaim() {
  ResourceClaim claim;
  claim.metadata.name = "c";
  claim.metadata.namespace_ = "default";
  claim.metadata.resource_version = "1";
  DeviceRequest gpu{
      .name = "gpu",
      .exactly = ExactDeviceRequest{.device_class_name = "gpu.example.com", .count = 1}};
  gpu.exactly->selectors = {{CelDeviceSelector{"device.driver == 'x'"}}};
  DeviceRequest any{.name = "any",
                    .first_available = {{.name = "big", .device_class_name = "k"},
                                        {.name = "small", .device_class_name = "k"}}};
  claim.spec.devices.requests = {gpu, any};
  claim.spec.devices.constraints = {
      {.requests = {"gpu", "any/big"}, .match_attribute = "example.com/numa"}};
  claim.spec.devices.config = {
      {.requests = {"any"}, .opaque = OpaqueDeviceConfiguration{"gpu.example.com", "{}"}}};
  return claim;
}

struct Case {
  std::string want;  // part of the message; "" for valid
  std::function<void(ResourceClaim&)> change;
};

TEST(ValidateResourceClaim, Rules) {
  auto exactly = [](ResourceClaim& c) -> ExactDeviceRequest& {
    return *c.spec.devices.requests[0].exactly;
  };
  Case cases[] = {
      {"", [](auto&) {}},
      {"", [](auto& c) { c.spec.devices = {}; }},
      {"metadata.name: Required value", [](auto& c) { c.metadata.name = ""; }},
      {"", [](auto& c) { c.metadata.name = "", c.metadata.generate_name = "pod-gpu-"; }},
      {"metadata.name: Invalid value: \"A\"", [](auto& c) { c.metadata.name = "A"; }},
      {"metadata.namespace: Required value", [](auto& c) { c.metadata.namespace_ = ""; }},
      {"metadata.labels: Invalid value: \"a b\"",
       [](auto& c) {
         c.metadata.labels = {{"a b", ""}};
       }},
      {"metadata.labels: Invalid value: \"-\"",
       [](auto& c) {
         c.metadata.labels = {{"a", "-"}};
       }},
      {"",
       [](auto& c) {
         c.metadata.annotations = {{"hami.io/X", std::string(1000, 'y')}};
       }},
      {"metadata.annotations: Too long",
       [](auto& c) {
         c.metadata.annotations = {{"a", std::string(300000, 'y')}};
       }},
      {"metadata.finalizers[0]: Invalid value: \"mine\"",
       [](auto& c) { c.metadata.finalizers = {"mine"}; }},
      {"metadata.ownerReferences[0].uid: Required value",
       [](auto& c) {
         c.metadata.owner_references = {{.api_version = "v1", .kind = "Pod", .name = "p"}};
       }},
      {"spec.devices.requests[0].name: Required value",
       [](auto& c) { c.spec.devices.requests[0].name = "", c.spec.devices.constraints = {}; }},
      {"spec.devices.requests[0].name: Invalid value: \"G\"",
       [](auto& c) { c.spec.devices.requests[0].name = "G", c.spec.devices.constraints = {}; }},
      {"spec.devices.requests[1]: Duplicate value: \"gpu\"",
       [](auto& c) {
         c.spec.devices.requests[1].name = "gpu", c.spec.devices.constraints = {},
         c.spec.devices.config = {};
       }},
      {"spec.devices.requests[0]: Required value: exactly one of",
       [](auto& c) { c.spec.devices.requests[0].exactly.reset(); }},
      {"spec.devices.requests[1]: Invalid value",
       [&](auto& c) { c.spec.devices.requests[1].exactly = exactly(c); }},
      {"spec.devices.requests[0].exactly.deviceClassName: Required value",
       [&](auto& c) { exactly(c).device_class_name = ""; }},
      {"spec.devices.requests[1].firstAvailable[1]: Duplicate value: \"big\"",
       [](auto& c) { c.spec.devices.requests[1].first_available[1].name = "big"; }},
      {"spec.devices.requests[1].firstAvailable: Too many: 9",
       [](auto& c) {
         c.spec.devices.requests[1].first_available.resize(9), c.spec.devices.constraints = {};
       }},
      {"spec.devices.requests: Too many: 33: must have at most 32 items",
       [](auto& c) { c.spec.devices.requests.resize(33); }},
      {"spec.devices.requests[0].exactly.selectors[0].cel: Required value",
       [&](auto& c) { exactly(c).selectors = {{}}; }},
      {"spec.devices.requests[0].exactly.selectors[0].cel.expression: Too long",
       [&](auto& c) { exactly(c).selectors[0].cel->expression = std::string(10241, '1'); }},
      {"spec.devices.requests[0].exactly.selectors: Too many: 33",
       [&](auto& c) { exactly(c).selectors.resize(33); }},
      {"spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero",
       [&](auto& c) { exactly(c).count = -1; }},
      {"spec.devices.requests[0].exactly.count: Invalid value: 1",
       [&](auto& c) { exactly(c).allocation_mode = "All"; }},
      {"", [&](auto& c) { exactly(c).allocation_mode = "All", exactly(c).count = 0; }},
      {"spec.devices.requests[0].exactly.allocationMode: Unsupported value: \"Some\": supported "
       "values: \"All\", \"ExactCount\"",
       [&](auto& c) { exactly(c).allocation_mode = "Some"; }},
      {"spec.devices.requests[0].exactly.tolerations[0].operator: Unsupported value",
       [&](auto& c) { exactly(c).tolerations = {{.key = "k", .op = "Like"}}; }},
      {"spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: \"v\"",
       [&](auto& c) { exactly(c).tolerations = {{.key = "k", .op = "Exists", .value = "v"}}; }},
      {"spec.devices.requests[0].exactly.capacity.requests: Invalid value: \"my-memory\"",
       [&](auto& c) {
         exactly(c).capacity = CapacityRequirements{{{"my-memory", Quantity()}}};
       }},
      {"spec.devices.constraints[0].requests[0]: Invalid value: \"nic\"",
       [](auto& c) { c.spec.devices.constraints[0].requests = {"nic"}; }},
      {"spec.devices.constraints[0].requests[0]: Invalid value: \"gpu/big\"",
       [](auto& c) { c.spec.devices.constraints[0].requests = {"gpu/big"}; }},
      {"spec.devices.constraints[0].requests[1]: Duplicate value: \"gpu\"",
       [](auto& c) {
         c.spec.devices.constraints[0].requests = {"gpu", "gpu"};
       }},
      {"spec.devices.constraints[0]: Required value: exactly one of",
       [](auto& c) { c.spec.devices.constraints[0].match_attribute.reset(); }},
      {"spec.devices.constraints[0]: Invalid value",
       [](auto& c) { c.spec.devices.constraints[0].distinct_attribute = "a/b"; }},
      {"spec.devices.constraints[0].matchAttribute: Invalid value: \"numa\": must be a domain",
       [](auto& c) { c.spec.devices.constraints[0].match_attribute = "numa"; }},
      {"spec.devices.config[0].opaque: Required value",
       [](auto& c) { c.spec.devices.config[0].opaque.reset(); }},
      {"spec.devices.config[0].opaque.driver: Required value",
       [](auto& c) { c.spec.devices.config[0].opaque->driver = ""; }},
      {"spec.devices.config[0].opaque.parameters: Required value",
       [](auto& c) { c.spec.devices.config[0].opaque->parameters = ""; }},
      {"spec.devices.config[0].opaque.parameters: Invalid value",
       [](auto& c) { c.spec.devices.config[0].opaque->parameters = "[]"; }},
      {"spec.devices.config[0].opaque.parameters: Too long",
       [](auto& c) {
         c.spec.devices.config[0].opaque->parameters =
             "{\"a\":\"" + std::string(10240, 'x') + "\"}";
       }},
  };
  for (const Case& c : cases) {
    ResourceClaim claim = GoodClaim();
    c.change(claim);
    Status status = ValidateResourceClaim(claim);
    if (c.want.empty()) {
      EXPECT_TRUE(status.ok()) << status;
    } else {
      EXPECT_TRUE(status.Is(Reason::kInvalid)) << c.want;
      EXPECT_THAT(status.message(), HasSubstr(c.want));
      EXPECT_FALSE(status.causes.empty());
    }
  }
}

TEST(ValidateResourceClaim, SpeaksAsTheServerDoes) {
  ResourceClaim claim = GoodClaim();
  claim.spec.devices.requests[0].exactly->device_class_name = "";
  Status one = ValidateResourceClaim(claim);
  EXPECT_EQ(one.message(),
            "ResourceClaim.resource.k8s.io \"c\" is invalid: "
            "spec.devices.requests[0].exactly.deviceClassName: Required value");
  EXPECT_EQ(one.causes, (std::vector<Cause>{{"FieldValueRequired", "Required value",
                                             "spec.devices.requests[0].exactly.deviceClassName"}}));
  claim.spec.devices.requests[1].first_available[0].device_class_name = "";
  EXPECT_THAT(ValidateResourceClaim(claim).message(),
              ::testing::MatchesRegex(".* is invalid: \\[.*, .*\\]"));
}

TEST(ValidateResourceClaim, CompilesSelectorsWhenAsked) {
  std::vector<std::string> seen;
  Status status = ValidateResourceClaim(GoodClaim(), [&](std::string_view expression) {
    seen.emplace_back(expression);
    return Status(Reason::kInvalid, "undeclared reference");
  });
  EXPECT_EQ(seen, std::vector<std::string>{"device.driver == 'x'"});
  EXPECT_THAT(
      status.message(),
      HasSubstr("spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "
                "\"device.driver == 'x'\": undeclared reference"));
}

TEST(ValidateResourceClaimUpdate, SpecAndIdentityAreFixed) {
  ResourceClaim old = GoodClaim(), updated = old;
  updated.metadata.labels = {{"a", "b"}};
  EXPECT_TRUE(ValidateResourceClaimUpdate(updated, old).ok());
  updated.spec.devices.requests[0].exactly->count = 2;
  EXPECT_THAT(ValidateResourceClaimUpdate(updated, old).message(),
              HasSubstr("spec: Invalid value: field is immutable"));
  updated = old;
  updated.metadata.uid = "other";
  EXPECT_THAT(ValidateResourceClaimUpdate(updated, old).message(),
              HasSubstr("metadata.uid: Invalid value: field is immutable"));
  updated = old;
  updated.metadata.resource_version = "";
  EXPECT_THAT(
      ValidateResourceClaimUpdate(updated, old).message(),
      HasSubstr("metadata.resourceVersion: Invalid value: \"\": must be specified for an update"));
  old.metadata.deletion_timestamp = Time();
  updated = old;
  updated.metadata.finalizers = {"a.b/c"};
  EXPECT_THAT(ValidateResourceClaimUpdate(updated, old).message(),
              HasSubstr("metadata.finalizers: Forbidden"));
}

ResourceClaim Allocated() {
  ResourceClaim claim = GoodClaim();
  claim.status.allocation.emplace();
  claim.status.allocation->devices.results = {
      {.request = "gpu",
       .driver = "d.example.com",
       .pool = "node-1",
       .device = "gpu-0",
       .share_id = "123e4567-e89b-12d3-a456-426614174000"},
      {.request = "any/small", .driver = "d.example.com", .pool = "node-1", .device = "gpu-1"}};
  claim.status.allocation->devices.config = {
      {.source = "FromClass", .opaque = OpaqueDeviceConfiguration{"d.example.com", "{}"}}};
  claim.status.reserved_for = {{.resource = "pods", .name = "p", .uid = "u"}};
  return claim;
}
AllocatedDeviceStatus Report() {
  return {.driver = "d.example.com", .pool = "node-1", .device = "gpu-1"};
}

TEST(ValidateResourceClaimStatusUpdate, Rules) {
  auto results = [](ResourceClaim & c) -> auto& {
    return c.status.allocation->devices.results;
  };
  Case cases[] = {
      {"", [](auto&) {}},
      {"", [](auto& c) { c.status.devices = {Report()}; }},
      {"status.reservedFor: Forbidden: needs an allocation",
       [](auto& c) { c.status.allocation.reset(); }},
      {"status.reservedFor[1]: Duplicate value: \"u\"",
       [](auto& c) { c.status.reserved_for.push_back(c.status.reserved_for[0]); }},
      {"status.reservedFor: Too many: 257: must have at most 256 items",
       [](auto& c) { c.status.reserved_for.resize(257); }},
      {"status.reservedFor[0].uid: Required value",
       [](auto& c) { c.status.reserved_for[0].uid = ""; }},
      {"status.allocation.devices.results[0].request: Invalid value: \"nic\"",
       [&](auto& c) { results(c)[0].request = "nic"; }},
      {"status.allocation.devices.results[0].driver: Required value",
       [&](auto& c) { results(c)[0].driver = ""; }},
      {"status.allocation.devices.results[0].pool: Invalid value: \"A\"",
       [&](auto& c) { results(c)[0].pool = "a/A"; }},
      {"status.allocation.devices.results[0].device: Required value",
       [&](auto& c) { results(c)[0].device = ""; }},
      {"status.allocation.devices.results[0].shareID: Invalid value",
       [&](auto& c) { results(c)[0].share_id = "X"; }},
      {"status.allocation.devices.results: Too many: 33",
       [&](auto& c) { results(c).resize(33, results(c)[1]); }},
      {"status.allocation.devices.results[0].bindingFailureConditions: Invalid value",
       [&](auto& c) { results(c)[0].binding_conditions = {"Ready"}; }},
      {"status.allocation.devices.config[0].source: Unsupported value: \"Here\"",
       [](auto& c) { c.status.allocation->devices.config[0].source = "Here"; }},
      {"status.allocation.nodeSelector.nodeSelectorTerms: Required value",
       [](auto& c) { c.status.allocation->node_selector = NodeSelector{}; }},
      {"status.devices[0]: Invalid value: \"d.example.com/node-1/gpu-7\"",
       [](auto& c) { c.status.devices = {Report()}, c.status.devices[0].device = "gpu-7"; }},
      {"status.devices[0]: Invalid value",  // the other share of the device
       [](auto& c) { c.status.devices = {Report()}, c.status.devices[0].device = "gpu-0"; }},
      {"status.devices[1]: Duplicate value",
       [](auto& c) {
         c.status.devices = {Report(), Report()};
       }},
      {"status.devices[0].conditions[0].status: Unsupported value: \"Maybe\"",
       [](auto& c) {
         c.status.devices = {Report()};
         c.status.devices[0].conditions = {
             {.type = "Ready", .status = "Maybe", .last_transition_time = Time(), .reason = "R"}};
       }},
      {"status.devices[0].data: Invalid value",
       [](auto& c) { c.status.devices = {Report()}, c.status.devices[0].data = "7"; }},
      {"status.devices[0].networkData.ips[0]: Invalid value: \"10.0.0.1\"",
       [](auto& c) {
         c.status.devices = {Report()},
         c.status.devices[0].network_data = NetworkDeviceData{.ips = {"10.0.0.1"}};
       }},
      {"",
       [](auto& c) {
         c.status.devices = {Report()},
         c.status.devices[0].network_data = NetworkDeviceData{.ips = {"10.0.0.1/24", "fd00::1/64"}};
       }},
  };
  for (const Case& c : cases) {
    ResourceClaim updated = Allocated();
    c.change(updated);
    Status status = ValidateResourceClaimStatusUpdate(updated, GoodClaim());
    if (c.want.empty())
      EXPECT_TRUE(status.ok()) << status;
    else
      EXPECT_THAT(status.message(), HasSubstr(c.want));
  }
}

TEST(ValidateResourceClaimStatusUpdate, AnAllocationIsSetOnceAndCleared) {
  ResourceClaim old = Allocated(), updated = old;
  EXPECT_TRUE(ValidateResourceClaimStatusUpdate(updated, old).ok());
  updated.status.allocation->devices.results[0].device = "gpu-9";
  EXPECT_THAT(ValidateResourceClaimStatusUpdate(updated, old).message(),
              HasSubstr("status.allocation: Invalid value: field is immutable"));
  updated.status = {};
  EXPECT_TRUE(ValidateResourceClaimStatusUpdate(updated, old).ok());
}

TEST(ValidateResourceClaimStatusUpdate, ADyingClaimTakesNoConsumer) {
  ResourceClaim old = Allocated();
  old.metadata.deletion_timestamp = Time();
  ResourceClaim updated = old;
  updated.status.reserved_for.push_back({.resource = "pods", .name = "q", .uid = "v"});
  EXPECT_THAT(ValidateResourceClaimStatusUpdate(updated, old).message(),
              HasSubstr("status.reservedFor: Forbidden"));
  updated.status.reserved_for.clear();
  EXPECT_TRUE(ValidateResourceClaimStatusUpdate(updated, old).ok());
}

TEST(ValidateResourceClaimTemplate, ChecksTheSpecInsideAndFixesIt) {
  ResourceClaimTemplate claim_template;
  claim_template.metadata = GoodClaim().metadata;
  claim_template.spec.spec = GoodClaim().spec;
  EXPECT_TRUE(ValidateResourceClaimTemplate(claim_template).ok());
  ResourceClaimTemplate updated = claim_template;
  updated.spec.metadata.labels = {{"a", "b"}};
  EXPECT_THAT(ValidateResourceClaimTemplateUpdate(updated, claim_template).message(),
              HasSubstr("spec: Invalid value"));
  updated.spec.metadata.labels = {{"a", "b c"}};
  updated.spec.spec.devices.requests[0].name = "";
  Status status = ValidateResourceClaimTemplate(updated);
  EXPECT_THAT(status.message(), HasSubstr("spec.metadata.labels: Invalid value: \"b c\""));
  EXPECT_THAT(status.message(), HasSubstr("spec.spec.devices.requests[0].name: Required value"));
}

TEST(ValidateAdminAccess, NeedsTheNamespaceLabel) {
  ResourceClaim claim = GoodClaim();
  EXPECT_TRUE(ValidateAdminAccess(claim, {}).ok());
  claim.spec.devices.requests[0].exactly->admin_access = true;
  EXPECT_THAT(ValidateAdminAccess(claim, {}).message(),
              HasSubstr("spec.devices.requests[0].adminAccess: Forbidden"));
  EXPECT_TRUE(ValidateAdminAccess(claim, {{"resource.kubernetes.io/admin-access", "true"}}).ok());
}

}  // namespace
}  // namespace dray::api
