#include "mockdev/plugin/claim_handler.h"

#include "dray/base/log.h"

#include "dray/runtime/metrics.h"

namespace dray::mockdev {
namespace {

constexpr char kRequests[] = "dray_mockdev_requests_total";
constexpr char kRequestsHelp[] =
    "Claims that the kubelet asked to prepare or unprepare, by outcome.";
constexpr char kDuration[] = "dray_mockdev_request_duration_seconds";
constexpr char kPrepared[] = "dray_mockdev_prepared_devices";

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

ClaimHandler::ClaimHandler(runtime::Client client, ClaimPreparer& preparer, std::string driver)
    : client_(std::move(client)), preparer_(preparer), driver_(std::move(driver)) {
  for (const char* operation : {"prepare", "unprepare"}) {
    for (const char* outcome : {"ok", "error"}) {
      runtime::ProcessMetrics().Add(
          kRequests, kRequestsHelp,
          {{"driver", driver_}, {"operation", operation}, {"outcome", outcome}}, 0);
    }
  }
}

Result<ClaimRecord> ClaimHandler::Prepare(const Context& ctx, const ClaimName& claim) {
  SteadyTime start = ctx.clock().Steady();
  auto attempt = [&]() -> Result<ClaimRecord> {
    Result<api::ResourceClaim> stored =
        client_.Get<api::ResourceClaim>(ctx, {claim.namespace_, claim.name});
    if (!stored.ok()) return stored.status();
    if (stored->metadata.uid != claim.uid) {
      return Status(Reason::kConflict, "the claim has UID " + stored->metadata.uid + " and not " +
                                           claim.uid + ": it was deleted and made again");
    }
    Result<ClaimRecord> prepared = preparer_.Prepare(*stored);
    if (!prepared.Is(Reason::kConflict)) return prepared;
    // The scheduler thinks that the device is free. It is when its holder has gone without the
    // kubelet knowing: an API server restored from a backup, a node's state that was lost.
    Result<int> gone = SweepGoneClaims(ctx);
    return gone.ok() && *gone > 0 ? preparer_.Prepare(*stored) : prepared;
  };
  Result<ClaimRecord> prepared = attempt();
  Count("prepare", prepared.status(), ctx.clock().Steady() - start);
  if (prepared.ok()) {
    LOG(INFO) << "prepared claim " << claim.namespace_ << "/" << claim.name << " with "
              << prepared->devices.size() << " devices of " << driver_;
    return prepared;
  }
  LOG(ERROR) << "prepare claim " << claim.namespace_ << "/" << claim.name << ": "
             << prepared.status().message();
  return prepared.status().Wrapped("claim " + claim.namespace_ + "/" + claim.name);
}

Status ClaimHandler::Unprepare(const Context& ctx, const ClaimName& claim) {
  SteadyTime start = ctx.clock().Steady();
  Status outcome = preparer_.Unprepare(claim.uid);
  Count("unprepare", outcome, ctx.clock().Steady() - start);
  if (outcome.ok()) {
    LOG(INFO) << "unprepared claim " << claim.namespace_ << "/" << claim.name;
    return outcome;
  }
  LOG(ERROR) << "unprepare claim " << claim.namespace_ << "/" << claim.name << ": "
             << outcome.message();
  return outcome.Wrapped("claim " + claim.namespace_ + "/" + claim.name);
}

Result<int> ClaimHandler::SweepGoneClaims(const Context& ctx) {
  int gone = 0;
  for (const ClaimRecord& record : preparer_.Claims()) {
    const uint64_t asked = preparer_.Moment();
    Result<api::ResourceClaim> stored =
        client_.Get<api::ResourceClaim>(ctx, {record.namespace_, record.name});
    if (!stored.ok() && !stored.Is(Reason::kNotFound)) return stored.status();
    const bool same = stored.ok() && stored->metadata.uid == record.uid;
    if (same && stored->status.allocation) continue;
    LOG(WARNING) << "claim " << record.namespace_ << "/" << record.name << " (" << record.uid
                 << (same ? ") is not allocated any more" : ") no longer exists")
                 << "; undoing what was prepared for it";
    SteadyTime start = ctx.clock().Steady();
    Result<bool> undone = preparer_.UnprepareUnlessPreparedSince(record.uid, asked);
    if (undone.ok() && !*undone) continue;  // the kubelet was faster: it stands again
    Count("unprepare", undone.status(), ctx.clock().Steady() - start);
    DRAY_RETURN_IF_ERROR(undone.status());
    ++gone;
  }
  return gone;
}

void ClaimHandler::Count(const std::string& operation, const Status& outcome, Duration took) const {
  runtime::Metrics& metrics = runtime::ProcessMetrics();
  metrics.Add(
      kRequests, kRequestsHelp,
      {{"driver", driver_}, {"operation", operation}, {"outcome", outcome.ok() ? "ok" : "error"}});
  metrics.Observe(kDuration, "Time to prepare or unprepare one claim.",
                  {{"driver", driver_}, {"operation", operation}}, Seconds(took));
  metrics.Set(kPrepared, "Devices (shares count) that are prepared now.", {{"driver", driver_}},
              static_cast<double>(preparer_.PreparedDevices()));
}

}  // namespace dray::mockdev
