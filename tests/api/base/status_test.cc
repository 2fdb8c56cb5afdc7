#include "dray/base/status.h"

#include <gtest/gtest.h>

#include <sstream>

namespace dray {
namespace {

TEST(Status, NamesAndCodesGoBothWays) {
  struct Case {
    Reason reason;
    std::string_view name;
    int code;
  } cases[] = {
      {Reason::kBadRequest, "BadRequest", 400},  {Reason::kNotFound, "NotFound", 404},
      {Reason::kConflict, "Conflict", 409},      {Reason::kGone, "Expired", 410},
      {Reason::kInvalid, "Invalid", 422},        {Reason::kTooManyRequests, "TooManyRequests", 429},
      {Reason::kInternal, "InternalError", 500}, {Reason::kUnavailable, "ServiceUnavailable", 503},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ReasonName(c.reason), c.name);
    EXPECT_EQ(HttpCode(c.reason), c.code);
    EXPECT_EQ(ReasonFromHttp(c.code), c.reason);
  }
  EXPECT_EQ(HttpCode(Reason::kAlreadyExists), 409);
  EXPECT_EQ(ReasonFromHttp(201), Reason::kOk);
  EXPECT_EQ(ReasonFromHttp(418), Reason::kBadRequest);
  EXPECT_EQ(ReasonFromHttp(599), Reason::kInternal);
}

TEST(Status, WrappingKeepsReasonAndCauses) {
  Status inner(Reason::kInvalid, "no such device");
  inner.causes.push_back({"FieldValueInvalid", "no", "spec.a"});
  Status outer = inner.Wrapped("allocate pod a/b");
  EXPECT_EQ(outer.message(), "allocate pod a/b: no such device");
  EXPECT_EQ(outer.reason(), Reason::kInvalid);
  EXPECT_EQ(outer.causes, inner.causes);
  EXPECT_TRUE(Ok().Wrapped("x").ok());
}

TEST(Status, RetryableAreThoseThatTimeMayHeal) {
  for (Reason reason : {Reason::kConflict, Reason::kTooManyRequests, Reason::kInternal,
                        Reason::kUnavailable, Reason::kTimeout, Reason::kGone})
    EXPECT_TRUE(Retryable(Status(reason, ""))) << ReasonName(reason);
  for (Reason reason :
       {Reason::kOk, Reason::kNotFound, Reason::kInvalid, Reason::kForbidden, Reason::kCancelled})
    EXPECT_FALSE(Retryable(Status(reason, ""))) << ReasonName(reason);
}

TEST(Status, NotFoundCanBeIgnored) {
  EXPECT_TRUE(IgnoreNotFound(Status(Reason::kNotFound, "gone")).ok());
  EXPECT_TRUE(IgnoreNotFound(Status(Reason::kConflict, "changed")).Is(Reason::kConflict));
}

TEST(Status, PrintsReasonAndMessage) {
  std::ostringstream out;
  out << Status(Reason::kNotFound, "pods \"x\" not found") << " / " << Ok();
  EXPECT_EQ(out.str(), "NotFound: pods \"x\" not found / ok");
}

Result<int> Half(int n) {
  if (n % 2 != 0) return Status(Reason::kInvalid, "odd");
  return n / 2;
}
Result<int> Quarter(int n) {
  DRAY_ASSIGN_OR_RETURN(int half, Half(n));
  return Half(half);
}

TEST(Result, CarriesValueOrStatus) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_TRUE(Quarter(6).Is(Reason::kInvalid));
  EXPECT_EQ(Quarter(3).status().message(), "odd");
}

}  // namespace
}  // namespace dray
