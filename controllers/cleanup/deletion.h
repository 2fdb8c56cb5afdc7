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

// Asks for the right to act on `what`: nothing when it may, else what to answer (a dry run says
// what it would do).
inline std::optional<runtime::Requeue> MayNot(const Context& ctx, const CleanupOptions& options,
                                              const std::string& what, const std::string& why) {
  if (options.dry_run) {
    LOG(INFO) << "cleanup: would " << what << ": " << why;
    return runtime::Requeue{};
  }
  const Duration wait = options.budget->Take(ctx.clock().Steady());
  if (wait == Duration::zero()) return std::nullopt;
  LOG(WARNING) << "cleanup: " << what << " waits: too much was cleaned up in the last minute";
  return runtime::Requeue{wait};
}

template <api::ApiObject T>
Result<runtime::Requeue> DeleteExactly(const Context& ctx, const CleanupOptions& options,
                                       const T& object, const std::string& why) {
  const std::string kind(api::KindOf<T>::value.kind);
  const std::string name = api::KeyOf(object).ToString();
  if (auto answer = MayNot(ctx, options, "delete " + kind + " " + name, why)) return *answer;
  runtime::DeleteOptions exactly;
  exactly.uid = object.metadata.uid;
  exactly.resource_version = object.metadata.resource_version;
  Status deleted = options.client.Delete<T>(ctx, api::KeyOf(object), exactly);
  if (deleted.ok()) {
    LOG(INFO) << "cleanup: deleted " << kind << " " << name << ": " << why;
    options.metrics->Add(kDeleted, kDeletedHelp, {{"kind", kind}});
  }
  if (deleted.ok() || deleted.Is(Reason::kNotFound)) return runtime::Requeue{};
  // Changed since: its event brings the key back. A server that is merely busy says the same.
  if (deleted.Is(Reason::kConflict)) return runtime::Requeue{kAfterConflict};
  return deleted;
}

}  // namespace dray::controllers
