#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/api/types/admission.h"
#include "dray/base/base64.h"

namespace dray::api {
namespace {

using ::testing::HasSubstr;

TEST(StatusCodec, BothWays) {
  for (Reason reason : {Reason::kBadRequest, Reason::kNotFound, Reason::kAlreadyExists,
                        Reason::kConflict, Reason::kGone, Reason::kInvalid,
                        Reason::kTooManyRequests, Reason::kInternal, Reason::kUnavailable}) {
    Status status(reason, "because");
    status.causes = {{"FieldValueRequired", "Required value", "spec.a"}};
    status.retry_after = std::chrono::seconds(3);
    Json json = EncodeStatus(status, "resource.k8s.io", "resourceclaims", "c");
    EXPECT_EQ(json["code"], HttpCode(reason));
    Status again = DecodeStatus(HttpCode(reason), json.dump());
    EXPECT_EQ(again.reason(), reason);
    EXPECT_EQ(again.message(), "because");
    EXPECT_EQ(again.causes, status.causes);
    EXPECT_EQ(again.retry_after, status.retry_after);
  }
}

TEST(StatusCodec, WireForm) {
  EXPECT_EQ(
      EncodeStatus(Status(Reason::kNotFound, "pods \"x\" not found"), "", "pods", "x").dump(),
      R"({"apiVersion":"v1","code":404,"details":{"kind":"pods","name":"x"},"kind":"Status",)"
      R"("message":"pods \"x\" not found","metadata":{},"reason":"NotFound","status":"Failure"})");
  EXPECT_EQ(EncodeStatus(Ok(), "", "", "").dump(),
            R"({"apiVersion":"v1","code":200,"kind":"Status","metadata":{},"status":"Success"})");
}

TEST(StatusCodec, ReadsWhatOthersSend) {
  struct Case {
    int code;
    std::string body;
    Reason want;
    std::string message;
  } cases[] = {
      {409,
       R"({"kind":"Status","status":"Failure","reason":"AlreadyExists","message":"m","code":409})",
       Reason::kAlreadyExists, "m"},
      {409, R"({"kind":"Status","status":"Failure","reason":"","message":"m","code":409})",
       Reason::kConflict, "m"},
      {410, R"({"kind":"Status","status":"Failure","reason":"Gone","code":410})", Reason::kGone,
       ""},
      {500, R"({"kind":"Status","status":"Failure","reason":"ServerTimeout","code":500})",
       Reason::kTimeout, ""},
      {418, R"({"kind":"Status","status":"Failure","reason":"Teapot","code":418})",
       Reason::kBadRequest, ""},
      {200, R"({"kind":"Status","status":"Success"})", Reason::kOk, ""},
      {201, R"({"kind":"Pod"})", Reason::kOk, ""},
      {0, R"({"kind":"Status","status":"Failure","code":504})", Reason::kTimeout, ""},
      {0, R"({"kind":"Status","status":"Failure"})", Reason::kInternal, ""},
      {503, "upstream  connect\nerror", Reason::kUnavailable,
       "the server answered 503: upstream connect error"},
      {502, "", Reason::kInternal, "the server answered 502"},
      {404, R"({"kind":7})", Reason::kNotFound, "the server answered 404: {\"kind\":7}"},
      {422,
       R"({"kind":"Status","status":"Failure","reason":3,"message":[],"details":{"causes":[1,{"field":2}]}})",
       Reason::kInvalid, ""},
  };
  for (const Case& c : cases) {
    Status status = DecodeStatus(c.code, c.body);
    EXPECT_EQ(status.reason(), c.want) << c.body;
    EXPECT_EQ(status.message(), c.message) << c.body;
  }
}

TEST(AdmissionReview, ObjectsKeepTheirText) {
  Result<AdmissionRequest> request = DecodeAdmissionReview(
      R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","operation":"CREATE",)"
      R"("object": {"b" : 1, "a":[ {} ]} ,"oldObject":null,"dryRun":true,"userInfo":{"username":"me","extra":{"a":["b"]}}}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->object, R"({"b" : 1, "a":[ {} ]})");
  EXPECT_EQ(request->old_object, "");
  EXPECT_EQ(request->user_info.username, "me");
  EXPECT_TRUE(request->dry_run);
}

TEST(AdmissionReview, RefusesWhatIsNone) {
  struct Case {
    std::string json, want;
  } cases[] = {
      {R"({"kind":"Pod","apiVersion":"v1"})", "want an AdmissionReview"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"u"}})",
       "v1beta1"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"})", "request: missing"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}})",
       "request.uid: missing"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":1}})",
       "request.uid: want a string"},
  };
  for (const Case& c : cases) {
    Result<AdmissionRequest> request = DecodeAdmissionReview(c.json);
    ASSERT_TRUE(request.Is(Reason::kInvalid)) << c.json;
    EXPECT_THAT(request.status().message(), HasSubstr(c.want));
  }
  EXPECT_TRUE(DecodeAdmissionReview("{").Is(Reason::kBadRequest));
}

TEST(AdmissionReview, Responses) {
  AdmissionResponse allowed{.uid = "u", .allowed = true};
  EXPECT_EQ(Json::parse(EncodeAdmissionReview(allowed)), Json::parse(R"({
      "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
      "response": {"allowed": true, "uid": "u"}})"));
  allowed.patch = R"([{"op":"remove","path":"/a"}])";
  allowed.warnings = {"w"};
  allowed.audit_annotations = {{"k", "v"}};
  Json patched = Json::parse(EncodeAdmissionReview(allowed))["response"];
  EXPECT_EQ(patched["patchType"], "JSONPatch");
  EXPECT_EQ(DecodeBase64(patched["patch"].get<std::string>()), allowed.patch);
  EXPECT_EQ(patched["warnings"].dump(), R"(["w"])");
  EXPECT_EQ(patched["auditAnnotations"]["k"], "v");

  AdmissionResponse denied{.uid = "u", .denial = Status(Reason::kInvalid, "no"), .patch = "[]"};
  Json refused = Json::parse(EncodeAdmissionReview(denied))["response"];
  EXPECT_EQ(refused["allowed"], false);
  EXPECT_FALSE(refused.contains("patch"));
  EXPECT_EQ(refused["status"].dump(), R"({"code":422,"message":"no","reason":"Invalid"})");
}

}  // namespace
}  // namespace dray::api
