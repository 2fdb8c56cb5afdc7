// Life of a claim, stop 3 of 8
#include "api/alloc/reasons.h"
#include "api/alloc/result.h"
#include "api/alloc/search.h"

namespace dray::alloc {

struct Cycle::State {
  const Snapshot::State& snapshot;
  Options options;
  Result<std::vector<PreparedClaim>> claims;
  std::unique_ptr<Search> search;  // when the claims could be prepared
  uint64_t shape = 0;
};

Cycle::Cycle(const Snapshot& snapshot, std::span<const api::ResourceClaim* const> claims,
             Options options)
    : state_(new State{snapshot.state(), std::move(options), Prepare(snapshot.state(), claims),
                       nullptr, 0}) {
  if (state_->claims.ok()) {
    state_->shape = state_->snapshot.ShapeOf(ShapeText(claims));
    state_->search = std::make_unique<Search>(state_->snapshot, *state_->claims, state_->options);
  }
}

Cycle::~Cycle() = default;

NodeAnswer Cycle::Try(const api::Node& node) {
  NodeAnswer answer;
  auto fail = [&](std::string error) {
    answer.outcome = Outcome::kError;
    answer.error = std::move(error);
    return answer;
  };
  if (!state_->claims.ok()) return fail(state_->claims.status().message());
  const Visit visit = VisitNode(state_->snapshot, node, state_->shape);
  switch (visit.refused ? Search::End::kNone : state_->search->Run(*visit.view)) {
    case Search::End::kFound: {
      auto results = MakeResults(*state_->search, *state_->claims, node, state_->options);
      if (!results.ok()) return fail(results.status().message());
      answer.outcome = Outcome::kAllocated;
      answer.allocations = std::move(results).value();
      return answer;
    }
    case Search::End::kNone:
      if (!visit.refused) NoteRefusal(state_->snapshot, node, visit, state_->shape);
      if (state_->options.reasons) Explain(node, answer);
      if (visit.invalid_pools && answer.reason.empty())
        answer.reason = "invalid resource pools were encountered";
      return answer;
    default:
      return fail(state_->search->error());
  }
}

void Cycle::Explain(const api::Node& node, NodeAnswer& answer) const {
  if (answer.outcome != Outcome::kUnsatisfiable || !state_->claims.ok()) return;
  answer.reason.clear();
  answer.reasons.clear();
  ExplainNode(state_->snapshot, *ViewOf(state_->snapshot, node), *state_->claims, answer);
}

NodeAnswer Allocate(const Snapshot& snapshot, const api::Node& node,
                    std::span<const api::ResourceClaim* const> claims, const Options& options) {
  return Cycle(snapshot, claims, options).Try(node);
}

}  // namespace dray::alloc
