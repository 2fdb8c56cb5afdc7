#include "dray/runtime/elector.h"

namespace dray::runtime {
namespace {

class FencedTransport final : public Transport {
 public:
  FencedTransport(std::shared_ptr<Transport> inner, std::function<SteadyTime()> until)
      : inner_(std::move(inner)), until_(std::move(until)) {}

  Result<ApiResponse> Do(const Context& ctx, const ApiRequest& request) override {
    if (request.method == "GET") return inner_->Do(ctx, request);
    const SteadyTime now = ctx.clock().Steady(), until = until_();
    if (now >= until)
      return Status(Reason::kCancelled, request.method + " " + request.path +
                                            " is not sent: the lease is no longer ours");
    return inner_->Do(until == SteadyTime::max() ? ctx : ctx.WithTimeout(until - now), request);
  }
  Status Watch(const Context& ctx, const ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override {
    return inner_->Watch(ctx, request, on_line);
  }

 private:
  const std::shared_ptr<Transport> inner_;
  const std::function<SteadyTime()> until_;
};

}  // namespace

std::shared_ptr<Transport> FenceWrites(std::shared_ptr<Transport> inner,
                                       std::function<SteadyTime()> until) {
  return std::make_shared<FencedTransport>(std::move(inner), std::move(until));
}

}  // namespace dray::runtime
