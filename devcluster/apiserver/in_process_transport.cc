#include "devcluster/apiserver/in_process_transport.h"

#include <condition_variable>
#include <deque>
#include <mutex>

#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

constexpr Duration kRequestTimeout = std::chrono::seconds(30);

// What passes between the handler and the caller of one request: an answer, or a stream of chunks.
class Exchange : public runtime::HttpStream {
 public:
  bool Write(std::string chunk) override {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return false;
      chunks_.push_back(std::move(chunk));
    }
    changed_.notify_all();
    return true;
  }
  void Close() override {
    std::function<void()> callback;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      closed_ = true;
      callback = std::move(on_close_);
    }
    changed_.notify_all();
    if (callback) callback();
  }
  bool closed() const override {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  void OnClose(std::function<void()> callback) override {
    {
      std::lock_guard lock(mutex_);
      if (!closed_) {
        on_close_ = std::move(callback);
        return;
      }
    }
    callback();
  }

  void Answer(runtime::HttpResponse response) {
    {
      std::lock_guard lock(mutex_);
      response_ = std::move(response);
    }
    changed_.notify_all();
  }
  void Begin(int code, std::string content_type) {
    {
      std::lock_guard lock(mutex_);
      stream_ = runtime::HttpResponse{
          .code = code, .body = "", .content_type = std::move(content_type), .headers = {}};
    }
    changed_.notify_all();
  }

  // Until there is an answer or a stream.
  Status AwaitStart(const Context& ctx) {
    std::unique_lock lock(mutex_);
    bool begun = ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                                       [&] { return response_ || stream_; });
    lock.unlock();
    return begun ? Ok() : Cut(ctx);
  }
  // The next chunk; nothing at the end of the stream.
  Result<std::optional<std::string>> Next(const Context& ctx) {
    std::unique_lock lock(mutex_);
    bool ready = ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                                       [&] { return closed_ || !chunks_.empty(); });
    if (ready && !chunks_.empty() && !ctx.stopped()) {
      std::optional<std::string> chunk = std::move(chunks_.front());
      chunks_.pop_front();
      return chunk;
    }
    lock.unlock();
    if (ready && !ctx.stopped()) return std::optional<std::string>();
    return Cut(ctx);
  }
  const std::optional<runtime::HttpResponse>& response() const { return response_; }
  const std::optional<runtime::HttpResponse>& stream() const { return stream_; }

 private:
  static Status Cut(const Context& ctx) {
    Status status = ctx.Check();
    return status.ok() ? Status(Reason::kTimeout, "deadline exceeded") : status;
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> chunks_;
  bool closed_ = false;
  std::function<void()> on_close_;
  std::optional<runtime::HttpResponse> response_, stream_;
};

class ExchangeResponder final : public runtime::HttpResponder {
 public:
  explicit ExchangeResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  void Send(runtime::HttpResponse response) override { exchange_->Answer(std::move(response)); }
  std::shared_ptr<runtime::HttpStream> StartStream(int code, std::string content_type) override {
    exchange_->Begin(code, std::move(content_type));
    return exchange_;
  }

 private:
  std::shared_ptr<Exchange> exchange_;
};

// The caller is gone when its call returns.
struct Hangup {
  std::shared_ptr<Exchange> exchange;
  ~Hangup() { exchange->Close(); }
};

class InProcessTransport final : public runtime::Transport {
 public:
  InProcessTransport(runtime::HttpHandler handler, std::string user,
                     std::vector<std::string> groups)
      : handler_(std::move(handler)), user_(std::move(user)), groups_(std::move(groups)) {}

  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override {
    Context bounded = ctx.deadline() == SteadyTime::max() ? ctx.WithTimeout(kRequestTimeout) : ctx;
    DRAY_RETURN_IF_ERROR(bounded.Check());
    std::shared_ptr<Exchange> exchange = Open(request);
    Hangup hangup{exchange};
    DRAY_RETURN_IF_ERROR(exchange->AwaitStart(bounded));
    if (exchange->response()) return ToApi(*exchange->response());
    runtime::ApiResponse whole = ToApi(*exchange->stream());
    while (true) {
      DRAY_ASSIGN_OR_RETURN(std::optional<std::string> chunk, exchange->Next(bounded));
      if (!chunk) return whole;
      whole.body += *chunk;
    }
  }

  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override {
    DRAY_RETURN_IF_ERROR(ctx.Check());
    std::shared_ptr<Exchange> exchange = Open(request);
    Hangup hangup{exchange};
    DRAY_RETURN_IF_ERROR(exchange->AwaitStart(ctx));
    if (exchange->response()) {
      const runtime::HttpResponse& response = *exchange->response();
      Status status = api::DecodeStatus(response.code, response.body);
      if (!status.ok()) return status;
      return Status(Reason::kInternal, "the server answered a watch with one document");
    }
    std::string pending;
    while (true) {
      DRAY_ASSIGN_OR_RETURN(std::optional<std::string> chunk, exchange->Next(ctx));
      if (!chunk) return Ok();
      pending += *chunk;
      size_t begin = 0;
      for (size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
        if (end == begin) continue;
        if (!on_line(std::string_view(pending).substr(begin, end - begin))) return Ok();
      }
      pending.erase(0, begin);
    }
  }

 private:
  std::shared_ptr<Exchange> Open(const runtime::ApiRequest& request) {
    runtime::HttpRequest http;
    http.method = request.method;
    http.target = request.path;
    http.body = request.body;
    http.headers["accept"] = request.accept;
    http.headers["user-agent"] = user_;
    if (!request.content_type.empty())
      http.headers["content-type"] = request.content_type;
    else if (!request.body.empty())
      http.headers["content-type"] = "application/json";
    http.peer_common_name = user_;
    http.peer_organizations = groups_;
    auto exchange = std::make_shared<Exchange>();
    handler_(std::move(http), std::make_shared<ExchangeResponder>(exchange));
    return exchange;
  }

  static runtime::ApiResponse ToApi(const runtime::HttpResponse& response) {
    runtime::ApiResponse answer;
    answer.code = response.code;
    answer.body = response.body;
    answer.headers["content-type"] = response.content_type;
    for (const auto& [name, value] : response.headers) {
      std::string lower = name;
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      answer.headers[lower] = value;
    }
    return answer;
  }

  const runtime::HttpHandler handler_;
  const std::string user_;
  const std::vector<std::string> groups_;
};

}  // namespace

std::shared_ptr<runtime::Transport> MakeInProcessTransport(runtime::HttpHandler handler,
                                                           std::string user,
                                                           std::vector<std::string> groups) {
  return std::make_shared<InProcessTransport>(std::move(handler), std::move(user),
                                              std::move(groups));
}

}  // namespace dray::devcluster
