#pragma once

#include <chrono>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dray {

// Why something failed, in the words of metav1.Status.reason where Kubernetes has one. Turned into
// an HTTP or gRPC status only at the edge.
enum class Reason {
  kOk,
  kBadRequest,            // 400
  kUnauthorized,          // 401
  kForbidden,             // 403
  kNotFound,              // 404
  kMethodNotAllowed,      // 405
  kNotAcceptable,         // 406
  kAlreadyExists,         // 409
  kConflict,              // 409: resourceVersion or UID precondition
  kGone,                  // 410: Expired, the watch or continue token is too old: list again
  kTooLarge,              // 413
  kUnsupportedMediaType,  // 415
  kInvalid,               // 422
  kTooManyRequests,       // 429
  kInternal,              // 500
  kUnavailable,           // 503, and every failure to reach the server
  kTimeout,               // 504, and our own deadline
  kCancelled,             // the Context was stopped
};

// "NotFound", "Conflict"...: metav1.Status.reason. kGone is "Expired", kOk is "".
std::string_view ReasonName(Reason reason);
// 404 for kNotFound...; 499 for kCancelled, 200 for kOk.
int HttpCode(Reason reason);
// The reason for an HTTP code that came without a readable metav1.Status. 409 is kConflict.
Reason ReasonFromHttp(int code);

// One line of metav1.Status.details.causes.
struct Cause {
  std::string reason;  // FieldValueRequired, FieldManagerConflict...
  std::string message;
  std::string field;  // "spec.devices.requests[0].name"
  bool operator==(const Cause&) const = default;
};

// The outcome of an operation without a value. Cheap to copy when ok.
//
// A message says what was attempted with which value, in the user's words; wrapping adds only what
// is new.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Reason reason, std::string message) : reason_(reason), message_(std::move(message)) {}

  bool ok() const { return reason_ == Reason::kOk; }
  explicit operator bool() const { return ok(); }
  Reason reason() const { return reason_; }
  const std::string& message() const { return message_; }
  bool Is(Reason reason) const { return reason_ == reason; }

  // What the server asked to wait before the next try (Retry-After), when it did.
  std::optional<std::chrono::seconds> retry_after;
  std::vector<Cause> causes;

  // The same status with "what: " in front of the message.
  Status Wrapped(std::string_view what) const;

 private:
  Reason reason_ = Reason::kOk;
  std::string message_;
};

std::ostream& operator<<(std::ostream& out, const Status& status);

inline Status Ok() {
  return {};
}

// True when the same call may succeed later without a change of input: Conflict, TooManyRequests,
// Internal, Unavailable, Timeout, Gone.
bool Retryable(const Status& status);

// ok() for a NotFound, everything else unchanged.
Status IgnoreNotFound(Status status);

// A value or the reason why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}         // NOLINT: implicit by intent
  Result(Status status) : state_(std::move(status)) {}  // NOLINT: must not be ok
  Result(Reason reason, std::string message) : state_(Status(reason, std::move(message))) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  Status status() const { return ok() ? Status() : std::get<Status>(state_); }
  bool Is(Reason reason) const { return !ok() && std::get<Status>(state_).Is(reason); }

  // Only when ok().
  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

#define DRAY_CONCAT_INNER(a, b) a##b
#define DRAY_CONCAT(a, b) DRAY_CONCAT_INNER(a, b)

// Returns the status of `expr` from the enclosing function unless it is ok.
#define DRAY_RETURN_IF_ERROR(expr)                                                  \
  do {                                                                              \
    if (::dray::Status dray_status = (expr); !dray_status.ok()) return dray_status; \
  } while (false)

// DRAY_ASSIGN_OR_RETURN(auto x, Parse(text));
#define DRAY_ASSIGN_OR_RETURN(lhs, expr) \
  DRAY_ASSIGN_OR_RETURN_INNER(DRAY_CONCAT(dray_result_, __LINE__), lhs, expr)
#define DRAY_ASSIGN_OR_RETURN_INNER(tmp, lhs, expr) \
  auto tmp = (expr);                                \
  if (!tmp.ok()) return tmp.status();               \
  lhs = std::move(tmp).value()

}  // namespace dray
