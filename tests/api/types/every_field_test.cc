// A document with every field that a struct of api/types holds, made from the codec's own tables:
// nothing of it may be lost or change on its way through either reader.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/types/admission_fields.h"
#include "api/types/coordination_fields.h"
#include "api/types/resource_fields.h"
#include "api/types/workload_fields.h"
#include "dray/api/codec.h"
#include "dray/api/packed.h"

namespace dray::api {
namespace {

class Sampler {
 public:
  // `alternative`: which of the alternatives of a variant is set.
  explicit Sampler(int alternative) : alternative_(alternative) {}

  Json Sample(const TypeInfo& type) {
    ++count_;
    const std::string number = std::to_string(count_);
    switch (type.shape) {
      case Shape::kBool:
        return true;
      case Shape::kInt32:
      case Shape::kInt64:
        return count_;
      case Shape::kString:
        return "text-" + number;
      case Shape::kRaw:
        return {{"apiVersion", "v" + number}, {"any", {1, "x", nullptr}}};
      case Shape::kBytes:
        return "YWJj";
      case Shape::kQuantity:
        return number + "Gi";
      case Shape::kTime:
        return "2026-01-02T03:04:05Z";
      case Shape::kMicroTime:
        return "2026-01-02T03:04:05.000006Z";
      case Shape::kIntOrString:
        return number + "%";
      case Shape::kBoolList:
        return {true, false};
      case Shape::kList:
        return Json::array({Sample(*type.element), Sample(*type.element)});
      case Shape::kMap:
        return {{"a.example.com/x", Sample(*type.element)}, {"b", Sample(*type.element)}};
      case Shape::kOptional:
        return Sample(*type.element);
      case Shape::kStruct:
        return Struct(type);
    }
    return nullptr;
  }
  int alternatives() const { return most_alternatives_; }

 private:
  Json Struct(const TypeInfo& type) {
    Json object = Json::object();
    int alternatives = 0;
    for (const FieldInfo& field : type.fields) alternatives += field.emit == Emit::kPresent;
    most_alternatives_ = std::max(most_alternatives_, alternatives);
    int at = 0;
    for (const FieldInfo& field : type.fields) {
      if (field.emit == Emit::kNever || field.beta1 || field.type == nullptr) continue;
      if (field.emit == Emit::kPresent && at++ != std::min(alternative_, alternatives - 1))
        continue;
      object[std::string(field.name)] = Sample(*field.type);
    }
    return object;
  }

  const int alternative_;
  int count_ = 0, most_alternatives_ = 1;
};

template <class T>
class EveryField : public ::testing::Test {};
using Kinds = ::testing::Types<ResourceClaim, ResourceClaimTemplate, DeviceClass, ResourceSlice,
                               Lease, Pod, Node, Namespace, ConfigMap, Event, Deployment,
                               ReplicaSet, Job, MutatingWebhookConfiguration>;
TYPED_TEST_SUITE(EveryField, Kinds);

TYPED_TEST(EveryField, SurvivesBothReaders) {
  int alternatives = 1;
  for (int alternative = 0; alternative < alternatives; ++alternative) {
    Sampler sampler(alternative);
    Json document = sampler.Sample(TypeOf<TypeParam>::value);
    alternatives = sampler.alternatives();
    document["kind"] = KindOf<TypeParam>::value.kind;
    document["apiVersion"] = KindOf<TypeParam>::value.ApiVersion();
    Result<TypeParam> fast = Decode<TypeParam>(document.dump());
    ASSERT_TRUE(fast.ok()) << fast.status();
    EXPECT_EQ(ToJson(*fast), document) << Json::diff(document, ToJson(*fast)).dump(1);
    Result<TypeParam> slow = FromJson<TypeParam>(document);
    ASSERT_TRUE(slow.ok()) << slow.status();
    EXPECT_EQ(ToJson(*slow), document) << Json::diff(document, ToJson(*slow)).dump(1);
    EXPECT_EQ(Unpack<TypeParam>(Pack(*fast)), *fast);
  }
}

// What is zero but there stays there, and quantities stay in the form that Kubernetes counts in.
TEST(Packed, KeepsWhatIsPresentAndInWhichForm) {
  Result<ResourceSlice> slice = Decode<ResourceSlice>(R"({"metadata":{"name":"s","generation":-3},
    "spec":{"driver":"d","pool":{"name":"p","generation":1},"allNodes":false,"nodeName":"",
    "devices":[{"name":"g","attributes":{"zero":{"int":0},"no":{"bool":false},"none":{"string":""},
    "low":{"int":-9223372036854775808},"v":{"version":"1.2.3"},"list":{"ints":[0,1]}},
    "capacity":{"milli":{"value":"1000m"},"large":{"value":"1Pi"},"exp":{"value":"12e6"},
    "zero":{"value":"0"},"tiny":{"value":"1n"},"less":{"value":"-4Gi"}}},{"name":""}]}})");
  ASSERT_TRUE(slice.ok()) << slice.status();
  const ResourceSlice again = Unpack<ResourceSlice>(Pack(*slice));
  EXPECT_EQ(again, *slice);
  for (const auto& [name, capacity] : slice->spec.devices[0].capacity) {
    const Quantity& value = again.spec.devices[0].capacity.at(name).value;
    EXPECT_EQ(value.exponent(), capacity.value.exponent()) << name;
    EXPECT_EQ(value.is_decimal(), capacity.value.is_decimal()) << name;
    EXPECT_EQ(value.format(), capacity.value.format()) << name;
    EXPECT_EQ(value.ToString(), capacity.value.ToString()) << name;
  }
  EXPECT_EQ(Unpack<ResourceSlice>(Pack(ResourceSlice())), ResourceSlice());
}

// resource.k8s.io/v1beta2 is v1 under another name.
TEST(EveryFieldOfABeta, IsReadAsV1) {
  Json document = Sampler(0).Sample(TypeOf<ResourceClaim>::value);
  document["kind"] = "ResourceClaim";
  document["apiVersion"] = "resource.k8s.io/v1beta2";
  Result<ResourceClaim> claim = Decode<ResourceClaim>(document.dump());
  ASSERT_TRUE(claim.ok()) << claim.status();
  document["apiVersion"] = "resource.k8s.io/v1";
  EXPECT_EQ(ToJson(*claim), document);
}

}  // namespace
}  // namespace dray::api
