// Objects with every field filled, as kubernetes/api publishes them: nothing that our structs claim
// to know may be lost.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/types/admission_fields.h"
#include "api/types/coordination_fields.h"
#include "api/types/resource_fields.h"
#include "api/types/workload_fields.h"
#include "dray/api/codec.h"
#include "dray/api/types/admission.h"
#include "dray/api/types/coordination.h"
#include "dray/api/types/resource.h"
#include "dray/api/types/workload.h"
#include "tests/api/types/oracle_dir.h"

namespace dray::api {
namespace {

// Fields newer than the API we speak (1.36), and metadata that is dropped by intent.
const std::set<std::string> kNotOurs = {"managedFields", "selfLink", "nodeAllocatableResources",
                                        "partitionTypeAttribute", "skipNodeOperations"};

void Strip(Json& json) {
  if (json.is_object()) {
    for (const std::string& name : kNotOurs) json.erase(name);
    for (auto& [key, value] : json.items()) Strip(value);
  } else if (json.is_array()) {
    for (Json& element : json) Strip(element);
  }
}

// Every value of `part` stands at the same place in `whole`.
void ExpectWithin(const Json& part, const Json& whole, const std::string& path) {
  if (part.is_object()) {
    for (const auto& [key, value] : part.items()) {
      ASSERT_TRUE(whole.is_object() && whole.contains(key))
          << path << "." << key << " was invented";
      ExpectWithin(value, whole[key], path + "." + key);
    }
  } else if (part.is_array()) {
    ASSERT_EQ(part.size(), whole.size()) << path;
    for (size_t i = 0; i < part.size(); ++i)
      ExpectWithin(part[i], whole[i], path + "[" + std::to_string(i) + "]");
  } else {
    EXPECT_EQ(part, whole) << path;
  }
}

template <class T>
class Oracle : public ::testing::Test {
 protected:
  // The file, or null when there is no oracle.
  Json Load(std::string_view group, std::string_view version = KindOf<T>::value.version) {
    std::optional<std::filesystem::path> dir = OracleDir();
    if (!dir) return nullptr;
    std::string name = std::string(group) + "." + std::string(version) + "." +
                       std::string(KindOf<T>::value.kind) + ".json";
    std::string text = ReadFile(*dir / "k8s-api" / name);
    EXPECT_FALSE(text.empty()) << name;
    return Json::parse(text, nullptr, false);
  }
};

// The reference fills all alternatives of an attribute at once, which no valid object does: one
// object per alternative.
std::vector<Json> OnePerAttribute(const Json& slice) {
  std::vector<Json> slices;
  Json::json_pointer at("/spec/devices/0/attributes/attributesKey");
  for (const auto& [name, value] : slice.at(at).items()) {
    slices.push_back(slice);
    slices.back()[at] = {{name, value}};
  }
  return slices;
}

template <class T>
using Lossless = Oracle<T>;
using LosslessTypes = ::testing::Types<ResourceClaim, ResourceClaimTemplate, DeviceClass,
                                       ResourceSlice, Lease, MutatingWebhookConfiguration>;
TYPED_TEST_SUITE(Lossless, LosslessTypes);

TYPED_TEST(Lossless, RoundTrip) {
  Json whole = this->Load(KindOf<TypeParam>::value.group);
  if (whole.is_null()) GTEST_SKIP() << "no oracle";
  Strip(whole);
  std::vector<Json> documents = {whole};
  if constexpr (std::is_same_v<TypeParam, ResourceSlice>) documents = OnePerAttribute(whole);
  for (const Json& document : documents) {
    Result<TypeParam> fast = Decode<TypeParam>(document.dump(2));
    ASSERT_TRUE(fast.ok()) << fast.status();
    EXPECT_EQ(ToJson(*fast), document) << Json::diff(document, ToJson(*fast)).dump(1);
    Result<TypeParam> slow = FromJson<TypeParam>(document);
    ASSERT_TRUE(slow.ok()) << slow.status();
    EXPECT_EQ(ToJson(*slow), document);
  }
}

template <class T>
using Partial = Oracle<T>;
using PartialTypes =
    ::testing::Types<Pod, Node, Namespace, ConfigMap, Event, Deployment, ReplicaSet, Job>;
TYPED_TEST_SUITE(Partial, PartialTypes);

TYPED_TEST(Partial, KeepsWhatTheStructsHold) {
  std::string_view group = KindOf<TypeParam>::value.group;
  Json whole = this->Load(group.empty() ? "core" : group);
  if (whole.is_null()) GTEST_SKIP() << "no oracle";
  Result<TypeParam> decoded = Decode<TypeParam>(whole.dump(2));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  Json written = ToJson(*decoded);
  ExpectWithin(written, whole, "");
  Result<TypeParam> slow = FromJson<TypeParam>(whole);
  ASSERT_TRUE(slow.ok()) << slow.status();
  EXPECT_EQ(*slow, *decoded);
}

// Every name in our tables is a name of the reference, at the same place: a misspelt one would
// never be met.
void ExpectKnown(const TypeInfo& type, const Json& json, const std::string& path) {
  // Three kinds of condition share a struct; the mappings became something else after 1.36.
  static const std::set<std::string> kElsewhere = {"lastProbeTime", "lastUpdateTime",
                                                   "nodeAllocatableResourceMappings"};
  switch (type.shape) {
    case Shape::kOptional:
      return ExpectKnown(*type.element, json, path);
    case Shape::kList:
      ASSERT_TRUE(json.is_array() && !json.empty()) << path;
      return ExpectKnown(*type.element, json[0], path);
    case Shape::kMap:
      ASSERT_TRUE(json.is_object() && !json.empty()) << path;
      return ExpectKnown(*type.element, *json.begin(), path);
    case Shape::kStruct:
      for (const FieldInfo& field : type.fields) {
        std::string name(field.name);
        if (field.beta1 || (kElsewhere.contains(name) && !json.contains(name))) continue;
        ASSERT_TRUE(json.contains(name)) << path << "." << name;
        ExpectKnown(*field.type, json[name], path + "." + name);
      }
      return;
    default:
      return;
  }
}

template <class T>
using Names = Oracle<T>;
using NamesTypes = ::testing::Types<ResourceClaim, ResourceClaimTemplate, DeviceClass,
                                    ResourceSlice, Lease, MutatingWebhookConfiguration, Pod, Node,
                                    Namespace, ConfigMap, Event, Deployment, ReplicaSet, Job>;
TYPED_TEST_SUITE(Names, NamesTypes);

TYPED_TEST(Names, AreThoseOfTheReference) {
  std::string_view group = KindOf<TypeParam>::value.group;
  Json whole = this->Load(group.empty() ? "core" : group);
  if (whole.is_null()) GTEST_SKIP() << "no oracle";
  ExpectKnown(TypeOf<TypeParam>::value, whole, "");
}

template <class T>
using Beta = Oracle<T>;
using BetaTypes =
    ::testing::Types<ResourceClaim, ResourceClaimTemplate, DeviceClass, ResourceSlice>;
TYPED_TEST_SUITE(Beta, BetaTypes);

TYPED_TEST(Beta, ReadsAndWritesTheBetaVersions) {
  for (std::string_view version : {"v1beta1", "v1beta2"}) {
    if (version == "v1beta2" && std::is_same_v<TypeParam, ResourceClaimTemplate>)
      continue;  // not in the set
    Json whole = this->Load(KindOf<TypeParam>::value.group, version);
    if (whole.is_null()) GTEST_SKIP() << "no oracle";
    Strip(whole);
    Json v1 = this->Load(KindOf<TypeParam>::value.group);
    Strip(v1);
    // The filler numbers depend on the depth in the document.
    for (std::string at : {"/spec/devices/requests/0", "/spec/spec/devices/requests/0"}) {
      if (version != "v1beta1" || !v1.contains(Json::json_pointer(at))) continue;
      Json& exactly = v1[Json::json_pointer(at)]["exactly"];
      exactly["count"] = whole[Json::json_pointer(at)]["count"];
    }
    if constexpr (std::is_same_v<TypeParam, ResourceSlice>) {
      v1 = OnePerAttribute(v1)[0];
      Json::json_pointer at(version == "v1beta1" ? "/spec/devices/0/basic/attributes/attributesKey"
                                                 : "/spec/devices/0/attributes/attributesKey");
      whole[at] = v1[Json::json_pointer("/spec/devices/0/attributes/attributesKey")];
    }
    Result<TypeParam> fast = Decode<TypeParam>(whole.dump());
    ASSERT_TRUE(fast.ok()) << fast.status();
    EXPECT_EQ(ToJson(*fast), v1) << version;
    Result<TypeParam> slow = FromJson<TypeParam>(whole);
    ASSERT_TRUE(slow.ok()) << slow.status();
    EXPECT_EQ(ToJson(*slow), v1) << version;
    EXPECT_EQ(ToVersion(v1, version), whole) << version;
  }
}

TEST(AdmissionOracle, ReviewIsReadInFull) {
  std::optional<std::filesystem::path> dir = OracleDir();
  if (!dir) GTEST_SKIP() << "no oracle";
  std::string text = ReadFile(*dir / "k8s-api/admission.k8s.io.v1.AdmissionReview.json");
  Result<AdmissionRequest> request = DecodeAdmissionReview(text);
  ASSERT_TRUE(request.ok()) << request.status();
  Json whole = Json::parse(text)["request"];
  EXPECT_EQ(request->uid, whole["uid"]);
  EXPECT_EQ(request->kind.kind, "kindValue");
  EXPECT_EQ(request->resource.resource, "resourceValue");
  EXPECT_EQ(request->request_kind, request->kind);
  EXPECT_EQ(request->request_resource, request->resource);
  EXPECT_EQ(request->sub_resource, "subResourceValue");
  EXPECT_EQ(request->request_sub_resource, "requestSubResourceValue");
  EXPECT_EQ(request->name, "nameValue");
  EXPECT_EQ(request->namespace_, "namespaceValue");
  EXPECT_EQ(request->operation, "operationValue");
  EXPECT_EQ(request->user_info.username, "usernameValue");
  EXPECT_EQ(request->user_info.groups, std::vector<std::string>{"groupsValue"});
  EXPECT_EQ(Json::parse(request->object), whole["object"]);
  EXPECT_EQ(Json::parse(request->old_object), whole["oldObject"]);
  EXPECT_TRUE(request->dry_run);
}

}  // namespace
}  // namespace dray::api
