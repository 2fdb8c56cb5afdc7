#include "tests/support/faulty_transport.h"

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"

namespace dray::testing {

using runtime::ApiRequest;
using runtime::ApiResponse;

namespace {

Status Lost(const char* what) { return Status(Reason::kUnavailable, std::string("injected: ") + what); }

ApiResponse Refusal(Reason reason, std::map<std::string, std::string> headers = {}) {
  Status status(reason, "injected");
  return {HttpCode(reason), api::EncodeStatus(status, "", "", "").dump(), std::move(headers)};
}

}  // namespace

FaultyTransport::FaultyTransport(std::shared_ptr<runtime::Transport> inner, Faults faults, uint64_t seed)
    : inner_(std::move(inner)), dice_(Dice{faults, std::mt19937_64(seed)}) {}

void FaultyTransport::Set(Faults faults) {
  dice_.With([&](Dice& dice) { dice.faults = faults; });
}

bool FaultyTransport::Roll(double Faults::*fault) {
  bool hit = dice_.With([&](Dice& dice) {
    return std::uniform_real_distribution<double>(0, 1)(dice.random) < dice.faults.*fault;
  });
  if (hit) ++injected_;
  return hit;
}

size_t FaultyTransport::Below(size_t bound) {
  return dice_.With([&](Dice& dice) { return bound == 0 ? 0 : dice.random() % bound; });
}

Status FaultyTransport::Delay(const Context& ctx) {
  if (!Roll(&Faults::delay)) return Ok();
  Duration longest = dice_.With([](Dice& dice) { return dice.faults.longest_delay; });
  return ctx.Sleep(Duration(Below(longest.count())));
}

Result<ApiResponse> FaultyTransport::Do(const Context& ctx, const ApiRequest& request) {
  DRAY_RETURN_IF_ERROR(Delay(ctx));
  if (Roll(&Faults::drop)) return Lost("the request is dropped");
  if (Roll(&Faults::too_many_requests)) return Refusal(Reason::kTooManyRequests, {{"retry-after", "1"}});
  if (Roll(&Faults::internal_error)) return Refusal(Reason::kInternal);
  bool changes = request.method == "PUT" || request.method == "PATCH" || request.method == "DELETE";
  if (changes && Roll(&Faults::conflict)) return Refusal(Reason::kConflict);
  Result<ApiResponse> answer = inner_->Do(ctx, request);
  if (Roll(&Faults::lose_answer)) return Lost("the answer is lost");
  return answer;
}

Status FaultyTransport::Watch(const Context& ctx, const ApiRequest& request,
                              const std::function<bool(std::string_view line)>& on_line) {
  DRAY_RETURN_IF_ERROR(Delay(ctx));
  if (Roll(&Faults::drop)) return Lost("the watch is dropped");
  if (Roll(&Faults::too_many_requests)) return Status(Reason::kTooManyRequests, "injected");
  if (Roll(&Faults::internal_error)) return Status(Reason::kInternal, "injected");
  if (Roll(&Faults::gone)) return Status(Reason::kGone, "injected");
  bool cut = false;
  Status ended = inner_->Watch(ctx, request, [&](std::string_view line) {
    if (Roll(&Faults::cut_watch)) {
      cut = true;
      // A proxy may close in good order there: the reader must cope with half a line.
      if (Below(2) == 0) on_line(line.substr(0, 1 + Below(line.size() - 1)));
      return false;
    }
    if (Roll(&Faults::gone)) {
      Json error = {{"type", "ERROR"}, {"object", api::EncodeStatus(Status(Reason::kGone, "injected"), "", "", "")}};
      on_line(error.dump());
      return false;
    }
    if (!on_line(line)) return false;
    return !Roll(&Faults::duplicate_event) || on_line(line);
  });
  return cut && ended.ok() ? Lost("the watch is cut") : ended;
}

}  // namespace dray::testing
