#include "dray/base/status.h"

#include <array>

namespace dray {
namespace {

struct Row {
  Reason reason;
  std::string_view name;
  int code;
};

// metav1.StatusReason and the code that apimachinery sends with it. Order: ReasonFromHttp takes the
// first row of a code.
constexpr std::array<Row, 18> kRows = {{
    {Reason::kOk, "", 200},
    {Reason::kBadRequest, "BadRequest", 400},
    {Reason::kUnauthorized, "Unauthorized", 401},
    {Reason::kForbidden, "Forbidden", 403},
    {Reason::kNotFound, "NotFound", 404},
    {Reason::kMethodNotAllowed, "MethodNotAllowed", 405},
    {Reason::kNotAcceptable, "NotAcceptable", 406},
    {Reason::kConflict, "Conflict", 409},
    {Reason::kAlreadyExists, "AlreadyExists", 409},
    {Reason::kGone, "Expired", 410},
    {Reason::kTooLarge, "RequestEntityTooLarge", 413},
    {Reason::kUnsupportedMediaType, "UnsupportedMediaType", 415},
    {Reason::kInvalid, "Invalid", 422},
    {Reason::kTooManyRequests, "TooManyRequests", 429},
    {Reason::kCancelled, "Cancelled", 499},
    {Reason::kInternal, "InternalError", 500},
    {Reason::kUnavailable, "ServiceUnavailable", 503},
    {Reason::kTimeout, "Timeout", 504},
}};

const Row& RowOf(Reason reason) {
  for (const Row& row : kRows)
    if (row.reason == reason) return row;
  return kRows[15];
}

}  // namespace

std::string_view ReasonName(Reason reason) {
  return RowOf(reason).name;
}

int HttpCode(Reason reason) {
  return RowOf(reason).code;
}

Reason ReasonFromHttp(int code) {
  if (code >= 200 && code < 300) return Reason::kOk;
  for (const Row& row : kRows)
    if (row.code == code) return row.reason;
  return code >= 500 ? Reason::kInternal : Reason::kBadRequest;
}

Status Status::Wrapped(std::string_view what) const {
  if (ok()) return *this;
  Status wrapped = *this;
  wrapped.message_ = std::string(what) + ": " + message_;
  return wrapped;
}

std::ostream& operator<<(std::ostream& out, const Status& status) {
  if (status.ok()) return out << "ok";
  return out << ReasonName(status.reason()) << ": " << status.message();
}

bool Retryable(const Status& status) {
  switch (status.reason()) {
    case Reason::kConflict:
    case Reason::kTooManyRequests:
    case Reason::kInternal:
    case Reason::kUnavailable:
    case Reason::kTimeout:
    case Reason::kGone:
      return true;
    default:
      return false;
  }
}

Status IgnoreNotFound(Status status) {
  return status.Is(Reason::kNotFound) ? Ok() : status;
}

}  // namespace dray
