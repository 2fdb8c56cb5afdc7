#pragma once

#include <string>

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "dray/base/log.h"

// How the cleanup deletes: what they all share.
namespace dray::controllers {

inline constexpr char kDeleted[] = "dray_cleanup_deleted_total";
inline constexpr char kDeletedHelp[] = "Objects deleted by the cleanup, by kind.";

inline constexpr Duration kAfterConflict = std::chrono::seconds(1);

inline WallTime CreatedAt(const api::ObjectMeta& metadata) {
  return metadata.creation_timestamp ? WallTime(*metadata.creation_timestamp) : WallTime();
}

// The right to act once, asked for before anything is read for it. What is not used goes back. A
// dry run needs none, and never acts.
class Turn {
 public:
  // `what`: "delete ResourceClaim ns/name".
  Turn(const Context& ctx, const CleanupOptions& options, std::string what)
      : options_(options), what_(std::move(what)) {
    if (!options_.dry_run) wait_ = options_.budget->Take(what_, ctx.clock().Steady());
    granted_ = !options_.dry_run && wait_ == Duration::zero();
  }
  ~Turn() {
    if (granted_) options_.budget->GiveBack();
  }
  Turn(const Turn&) = delete;

  // Not ours yet: what to answer.
  std::optional<runtime::Requeue> NotYet() const {
    return wait_ == Duration::zero() ? std::nullopt
                                     : std::optional<runtime::Requeue>(runtime::Requeue{wait_});
  }
  // Now is the time to act. False in a dry run, which says what would have been done.
  bool Use(const std::string& why) {
    if (options_.dry_run) LOG(INFO) << "cleanup: would " << what_ << ": " << why;
    return std::exchange(granted_, false);
  }

 private:
  const CleanupOptions& options_;
  const std::string what_;
  Duration wait_{};
  bool granted_ = false;
};

template <api::ApiObject T>
std::string ToDelete(const T& object) {
  return "delete " + std::string(api::KindOf<T>::value.kind) + " " + api::KeyOf(object).ToString();
}

// `turn` is for ToDelete(object).
template <api::ApiObject T>
Result<runtime::Requeue> DeleteExactly(const Context& ctx, const CleanupOptions& options,
                                       Turn& turn, const T& object, const std::string& why) {
  if (!turn.Use(why)) return runtime::Requeue{};
  const std::string kind(api::KindOf<T>::value.kind);
  runtime::DeleteOptions exactly;
  exactly.uid = object.metadata.uid;
  exactly.resource_version = object.metadata.resource_version;
  Status deleted = options.client.Delete<T>(ctx, api::KeyOf(object), exactly);
  if (deleted.ok()) {
    LOG(INFO) << "cleanup: deleted " << kind << " " << api::KeyOf(object).ToString() << ": " << why;
    options.metrics->Add(kDeleted, kDeletedHelp, {{"kind", kind}});
  }
  if (deleted.ok() || deleted.Is(Reason::kNotFound)) return runtime::Requeue{};
  // Changed since: its event brings the key back. A server that is merely busy says the same.
  if (deleted.Is(Reason::kConflict)) return runtime::Requeue{kAfterConflict};
  return deleted;
}

}  // namespace dray::controllers
