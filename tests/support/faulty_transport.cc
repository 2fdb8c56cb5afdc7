#include "tests/support/faulty_transport.h"

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"

namespace dray::testing {

using runtime::ApiRequest;
using runtime::ApiResponse;

namespace {

Status Lost(const char* what) {
  return Status(Reason::kUnavailable, std::string("injected: ") + what);
}

ApiResponse Refusal(Reason reason, std::map<std::string, std::string> headers = {}) {
  Status status(reason, "injected");
  return {HttpCode(reason), api::EncodeStatus(status, "", "", "").dump(), std::move(headers)};
}

// FNV-1a.
uint64_t Hash(uint64_t seed, std::string_view text) {
  uint64_t hash = 14695981039346656037ull ^ seed;
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211ull;
  return hash;
}

}  // namespace

FaultyTransport::FaultyTransport(std::shared_ptr<runtime::Transport> inner, Faults faults,
                                 uint64_t seed)
    : inner_(std::move(inner)), seed_(seed), faults_(faults) {}

void FaultyTransport::Set(Faults faults) {
  faults_.With([&](Faults& now) { now = faults; });
}

FaultyTransport::Dice::Dice(FaultyTransport& owner, const ApiRequest& request, bool watch)
    : owner_(owner) {
  std::string call =
      (watch ? "WATCH" : request.method) + " " + request.path.substr(0, request.path.find('?'));
  const uint64_t times = owner.calls_.With([&](auto& calls) { return calls[call]++; });
  state_ = Hash(owner.seed_ + times * 0x9e3779b97f4a7c15ull, call);
}

// splitmix64
uint64_t FaultyTransport::Dice::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

bool FaultyTransport::Dice::Roll(double Faults::*fault) {
  const double often = owner_.faults_.With([&](const Faults& faults) { return faults.*fault; });
  const bool hit = static_cast<double>(Next() >> 11) * 0x1p-53 < often;
  if (hit) ++owner_.injected_;
  return hit;
}

size_t FaultyTransport::Dice::Below(size_t bound) {
  return bound == 0 ? 0 : Next() % bound;
}

Status FaultyTransport::Delay(const Context& ctx, Dice& dice) {
  if (!dice.Roll(&Faults::delay)) return Ok();
  const Duration longest = faults_.With([](const Faults& faults) { return faults.longest_delay; });
  return ctx.Sleep(Duration(dice.Below(longest.count())));
}

Result<ApiResponse> FaultyTransport::Do(const Context& ctx, const ApiRequest& request) {
  Dice dice(*this, request, false);
  DRAY_RETURN_IF_ERROR(Delay(ctx, dice));
  if (dice.Roll(&Faults::drop)) return Lost("the request is dropped");
  if (dice.Roll(&Faults::too_many_requests))
    return Refusal(Reason::kTooManyRequests, {{"retry-after", "1"}});
  if (dice.Roll(&Faults::internal_error)) return Refusal(Reason::kInternal);
  bool changes = request.method == "PUT" || request.method == "PATCH" || request.method == "DELETE";
  if (changes && dice.Roll(&Faults::conflict)) return Refusal(Reason::kConflict);
  Result<ApiResponse> answer = inner_->Do(ctx, request);
  if (dice.Roll(&Faults::lose_answer)) return Lost("the answer is lost");
  return answer;
}

Status FaultyTransport::Watch(const Context& ctx, const ApiRequest& request,
                              const std::function<bool(std::string_view line)>& on_line) {
  Dice dice(*this, request, true);
  DRAY_RETURN_IF_ERROR(Delay(ctx, dice));
  if (dice.Roll(&Faults::drop)) return Lost("the watch is dropped");
  if (dice.Roll(&Faults::too_many_requests)) return Status(Reason::kTooManyRequests, "injected");
  if (dice.Roll(&Faults::internal_error)) return Status(Reason::kInternal, "injected");
  if (dice.Roll(&Faults::gone)) return Status(Reason::kGone, "injected");
  constexpr size_t kRemembered = 16;
  std::vector<std::string> before;
  bool cut = false;
  Status ended = inner_->Watch(ctx, request, [&](std::string_view line) {
    if (dice.Roll(&Faults::cut_watch)) {
      cut = true;
      // A proxy may close in good order there: the reader must cope with half a line.
      if (dice.Below(2) == 0) on_line(line.substr(0, 1 + dice.Below(line.size() - 1)));
      return false;
    }
    if (dice.Roll(&Faults::gone)) {
      Json error = {{"type", "ERROR"},
                    {"object", api::EncodeStatus(Status(Reason::kGone, "injected"), "", "", "")}};
      on_line(error.dump());
      return false;
    }
    if (!on_line(line)) return false;
    if (dice.Roll(&Faults::duplicate_event) && !on_line(line)) return false;
    if (!before.empty() && dice.Roll(&Faults::late_event) &&
        !on_line(before[dice.Below(before.size())]))
      return false;
    before.emplace_back(line);
    if (before.size() > kRemembered) before.erase(before.begin());
    return true;
  });
  return cut && ended.ok() ? Lost("the watch is cut") : ended;
}

}  // namespace dray::testing
