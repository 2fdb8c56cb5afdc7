#include <sys/stat.h>

#include "dray/api/codec.h"
#include "dray/runtime/files.h"
#include "dray/runtime/transport.h"
#include "runtime/rate_limit.h"
#include "runtime/rest_http.h"
#include "runtime/retry_after.h"

namespace dray::runtime {
namespace {

constexpr Duration kDefaultDeadline = std::chrono::seconds(30);
// kube-apiserver may queue a watch for up to a minute (priority and fairness) before it answers.
constexpr Duration kWatchHeadDeadline = std::chrono::seconds(75);
constexpr size_t kWatchReadAhead = 1 << 20;

// The bearer token, from a file that is replaced under us (projected service account tokens live
// for an hour).
class TokenSource {
 public:
  TokenSource(std::string token, std::string file)
      : token_(std::move(token)), file_(std::move(file)) {}

  Result<std::string> Token() {
    if (file_.empty()) return token_;
    return current_.With([&](Seen& seen) -> Result<std::string> {
      struct stat now {};
      bool there = ::stat(file_.c_str(), &now) == 0;
      bool same = there && seen.inode == now.st_ino && seen.seconds == now.st_mtim.tv_sec &&
                  seen.nanoseconds == now.st_mtim.tv_nsec;
      if (same) return seen.token;
      Result<std::string> text = ReadFile(file_);
      if (!text.ok()) {
        if (!seen.token.empty()) return seen.token;
        return Status(Reason::kUnauthorized, "no bearer token: " + text.status().message());
      }
      size_t last = text->find_last_not_of(" \r\n\t");
      text->resize(last == std::string::npos ? 0 : last + 1);
      if (text->empty())
        return Status(Reason::kUnauthorized, "the token file " + file_ + " is empty");
      seen = {*text, now.st_ino, now.st_mtim.tv_sec, now.st_mtim.tv_nsec};
      return seen.token;
    });
  }

 private:
  struct Seen {
    std::string token;
    ino_t inode = 0;
    time_t seconds = 0;
    long nanoseconds = 0;
  };
  const std::string token_, file_;
  Guarded<Seen> current_;
};

class RestTransport final : public Transport {
 public:
  RestTransport(RestEndpoint endpoint, std::shared_ptr<RestPool> pool, const ClusterAccess& access)
      : endpoint_(std::move(endpoint)),
        user_agent_(access.user_agent),
        token_(access.token, access.token_file),
        limit_(access.qps, access.burst),
        pool_(std::move(pool)) {}

  Result<ApiResponse> Do(const Context& given, const ApiRequest& request) override {
    Context ctx =
        given.deadline() == SteadyTime::max() ? given.WithTimeout(kDefaultDeadline) : given;
    DRAY_ASSIGN_OR_RETURN(auto call, Open(ctx, ctx, request, 0));
    Result<std::string> body = call->All(ctx);
    if (!body.ok()) return body.status().Wrapped(request.method + " " + request.path);
    return ApiResponse{call->code(), *std::move(body), call->headers()};
  }

  Status Watch(const Context& ctx, const ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override {
    DRAY_ASSIGN_OR_RETURN(auto call,
                          Open(ctx, ctx.WithTimeout(kWatchHeadDeadline), request, kWatchReadAhead));
    if (call->code() != 200) return Refusal(ctx.WithTimeout(kDefaultDeadline), *call);
    std::string pending;
    while (true) {
      Result<std::string> more = call->Next(ctx);
      if (!more.ok()) return more.status().Wrapped("watch " + request.path);
      if (more->empty()) break;
      size_t start = 0, searched = pending.size();
      pending += *more;
      for (size_t end; (end = pending.find('\n', searched)) != std::string::npos;
           searched = start = end + 1) {
        if (end > start && !on_line(std::string_view(pending).substr(start, end - start)))
          return Ok();
        DRAY_RETURN_IF_ERROR(ctx.Check());
      }
      pending.erase(0, start);
    }
    if (!pending.empty())
      return Status(Reason::kUnavailable,
                    "watch " + request.path + ": the stream ended in the middle of a line");
    return Ok();
  }

 private:
  // Sends and waits for the head. A connection that the server has closed in the meantime is
  // replaced, once, with a new pool: every other idle connection to that server is as old.
  Result<std::unique_ptr<RestCall>> Open(const Context& ctx, const Context& head_ctx,
                                         const ApiRequest& request, size_t read_ahead) {
    DRAY_RETURN_IF_ERROR(limit_.Wait(ctx));
    std::map<std::string, std::string> headers = {{"User-Agent", user_agent_}};
    DRAY_ASSIGN_OR_RETURN(std::string token, token_.Token());
    if (!token.empty()) headers["Authorization"] = "Bearer " + token;
    for (bool again = true;; again = false) {
      std::shared_ptr<RestPool> pool = pool_.Copy();
      std::unique_ptr<RestCall> call = pool->Start(request, headers, read_ahead);
      Status head = call->AwaitHead(head_ctx);
      if (head.ok()) return call;
      if (!again || !call->connection_was_stale())
        return head.Wrapped(request.method + " " + request.path);
      DRAY_ASSIGN_OR_RETURN(std::shared_ptr<RestPool> fresh, RestPool::Make(endpoint_));
      pool_.With([&](std::shared_ptr<RestPool>& current) {
        if (current == pool) current = fresh;
      });
    }
  }

  static Status Refusal(const Context& ctx, RestCall& call) {
    std::string body;
    while (body.size() < kWatchReadAhead) {
      Result<std::string> more = call.Next(ctx);
      if (!more.ok() || more->empty()) break;
      body += *more;
    }
    Status status = api::DecodeStatus(call.code(), body);
    if (status.ok())
      status = Status(Reason::kInternal,
                      "the server answered a watch with " + std::to_string(call.code()));
    if (!status.retry_after) status.retry_after = RetryAfterOf(call.headers());
    return status;
  }

  const RestEndpoint endpoint_;
  const std::string user_agent_;
  TokenSource token_;
  RateLimit limit_;
  Guarded<std::shared_ptr<RestPool>> pool_;
};

}  // namespace

Result<std::shared_ptr<Transport>> MakeRestTransport(const ClusterAccess& access) {
  if (access.server.empty())
    return Status(Reason::kInvalid, "no server is given (want a URL like https://10.0.0.1:6443)");
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<TlsIdentity> tls, TlsIdentity::Make(access));
  RestEndpoint endpoint{access.server, access.tls_server_name, std::move(tls)};
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<RestPool> pool, RestPool::Make(endpoint));
  return std::shared_ptr<Transport>(
      std::make_shared<RestTransport>(std::move(endpoint), std::move(pool), access));
}

}  // namespace dray::runtime
