#include "runtime/informer_core.h"

#include <charconv>

#include "dray/base/log.h"

namespace dray::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kFirstDelay = milliseconds(500);
constexpr Duration kLongestDelay = seconds(30);
// A watch that ends sooner without having brought anything counts as a failure.
constexpr Duration kShortWatch = seconds(1);
// How long after timeoutSeconds a server that keeps silent is taken for dead.
constexpr Duration kSilenceMargin = seconds(30);

// Resource versions compare as numbers (KEP 5504); one that is no number is never called older.
bool IsOlder(const std::string& a, const std::string& b) {
  auto number = [](const std::string& text, uint64_t* value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    return error == std::errc() && end == text.data() + text.size();
  };
  uint64_t left = 0, right = 0;
  return number(a, &left) && number(b, &right) && left < right;
}

}  // namespace

InformerCore::InformerCore(Client client, ListOptions list, InformerKind kind,
                           std::map<std::string, IndexFunction> indexes)
    : client_(std::move(client)), list_(std::move(list)), kind_(std::move(kind)), store_(std::move(indexes)) {}

Status InformerCore::Run(const Context& ctx) {
  while (!ctx.stopped()) {
    progress_ = false;
    const SteadyTime started = ctx.clock().Steady();
    const bool list = resource_version_.empty();
    Status outcome;
    if (list && watch_lists_) {
      outcome = Watch(ctx, true);
      if (resource_version_.empty() && (outcome.Is(Reason::kInvalid) || outcome.Is(Reason::kBadRequest))) {
        VLOG(1) << kind_.info.resource << ": no WatchList here, listing instead: " << outcome;
        watch_lists_ = false;
        continue;
      }
    } else if (list) {
      outcome = ListAll(ctx);
      if (outcome.ok()) continue;
    } else {
      outcome = Watch(ctx, false);
    }
    if (ctx.stopped()) break;

    const bool worked = progress_ || ctx.clock().Steady() - started >= kShortWatch;
    if (worked) failures_ = 0;
    if (worked && outcome.ok()) continue;
    if (outcome.Is(Reason::kGone)) {
      VLOG(1) << kind_.info.resource << ": listing again: " << outcome.message();
      resource_version_.clear();
      if (failures_++ == 0) continue;
    }
    if (outcome.ok()) outcome = Status(Reason::kUnavailable, "the watch ended at once");
    Duration delay = BackOff(outcome);
    LOG(WARNING) << kind_.info.resource << ": " << outcome << "; again in "
                 << std::chrono::duration_cast<milliseconds>(delay).count() << " ms";
    if (!ctx.Sleep(delay).ok()) break;
  }
  return Ok();
}

Duration InformerCore::BackOff(const Status& failure) {
  ++failures_;
  Duration delay = kLongestDelay;
  if (failures_ < 7) delay = std::min<Duration>(kLongestDelay, kFirstDelay * (1 << (failures_ - 1)));
  // Half to one and a half: replicas that lost the same server do not come back as one.
  delay = std::chrono::duration_cast<Duration>(delay * std::uniform_real_distribution<double>(0.5, 1.5)(random_));
  if (failure.retry_after) delay = std::max<Duration>(delay, *failure.retry_after);
  return delay;
}

bool InformerCore::HasSynced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

Status InformerCore::WaitForSync(const Context& ctx) const {
  std::unique_lock lock(mutex_);
  if (ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(), [this] { return synced_; })) return Ok();
  if (ctx.stopped()) return Status(Reason::kCancelled, "stopped");
  return Status(Reason::kTimeout, std::string(kind_.info.resource) + " have not been listed in time");
}

Status InformerCore::ListAll(const Context& ctx) {
  ListOptions options = list_;
  // After the first time "from cache" could bring back an older state than the one we have seen.
  if (ever_listed_) options.resource_version.clear();
  while (true) {
    std::map<api::ObjectKey, InformerItem> items;
    std::string resource_version, token;
    Status status;
    do {
      Result<std::string> body = client_.ListRaw(ctx, kind_.info, options, token);
      Result<InformerKind::Page> page = body.ok() ? kind_.page(*body) : Result<InformerKind::Page>(body.status());
      status = page.status();
      if (!status.ok()) break;
      if (resource_version.empty()) resource_version = page->resource_version;
      for (InformerItem& item : page->items) {
        api::ObjectKey key = item.key;
        items.insert_or_assign(std::move(key), std::move(item));
      }
      token = std::move(page->continue_token);
    } while (!token.empty());
    if (status.ok()) {
      Replace(std::move(items), std::move(resource_version));
      return Ok();
    }
    // The continue token has outlived the server's history: the list is too long to be read in pages.
    if (!status.Is(Reason::kGone) || token.empty() || options.limit == 0) return status.Wrapped("list");
    options.limit = 0;
  }
}

Status InformerCore::Watch(const Context& ctx, bool with_list) {
  ListOptions options = list_;
  options.resource_version = resource_version_;
  options.timeout_seconds = std::uniform_int_distribution<int64_t>(300, 600)(random_);
  Context bounded = ctx.WithTimeout(seconds(options.timeout_seconds) + kSilenceMargin);
  Staging staging;
  staging.open = with_list;
  Status broken;
  Status ended = client_.WatchRaw(bounded, kind_.info, options, with_list, [&](std::string_view line) {
    broken = OnLine(line, &staging);
    return broken.ok();
  });
  if (!broken.ok()) return broken;
  if (ended.Is(Reason::kTimeout) && bounded.expired())
    return Status(Reason::kUnavailable, "the watch has been silent past its end: the connection is dead");
  if (ended.ok() && staging.open && !ctx.stopped())
    return Status(Reason::kUnavailable, "the watch ended before its initial list was complete");
  return ended;
}

Status InformerCore::OnLine(std::string_view line, Staging* staging) {
  Result<InformerKind::Change> change = kind_.change(line);
  if (!change.ok()) return Status(Reason::kInternal, "a watch line cannot be read: " + change.status().message());
  InformerItem& item = change->item;
  switch (change->type) {
    case api::WatchEventType::kError:
      return change->status.ok() ? Status(Reason::kInternal, "the watch reported an error without a reason") : change->status;
    case api::WatchEventType::kBookmark:
      if (staging->open && change->initial_events_end) {
        staging->open = false;
        Replace(std::exchange(staging->items, {}), item.resource_version);
      } else if (!staging->open) {
        progress_ = true;
        resource_version_ = item.resource_version;
      }
      return Ok();
    case api::WatchEventType::kAdded:
    case api::WatchEventType::kModified:
      if (staging->open) {
        api::ObjectKey key = item.key;
        staging->items.insert_or_assign(std::move(key), std::move(item));
        return Ok();
      }
      break;
    case api::WatchEventType::kDeleted:
      if (staging->open) {
        staging->items.erase(item.key);
        return Ok();
      }
      break;
  }
  progress_ = true;
  // Told before: versions only grow along a watch, so an older one is a repetition.
  std::string version = item.resource_version;
  if (change->type == api::WatchEventType::kDeleted) {
    Delete(item);
  } else if (!IsOlder(version, resource_version_)) {
    Upsert(std::move(item));
  }
  if (!IsOlder(version, resource_version_)) resource_version_ = std::move(version);
  return Ok();
}

void InformerCore::Replace(std::map<api::ObjectKey, InformerItem> items, std::string resource_version) {
  for (const api::ObjectKey& key : store_.Keys())
    if (!items.contains(key)) Notify(store_.Remove(key), nullptr);
  for (auto& [key, item] : items) Upsert(std::move(item));
  resource_version_ = std::move(resource_version);
  ever_listed_ = true;
  std::lock_guard lock(mutex_);
  synced_ = true;
  changed_.notify_all();
}

void InformerCore::Upsert(InformerItem item) {
  const InformerItem* known = store_.Find(item.key);
  if (known != nullptr && known->uid == item.uid && known->resource_version == item.resource_version) return;
  // Another object under the same name: the end of the first one went unseen, and it was an end all the same.
  if (known != nullptr && known->uid != item.uid) Notify(store_.Remove(item.key), nullptr);
  ObjectPtr after = item.object;
  ObjectPtr before = store_.Put(std::move(item));
  Notify(before, after);
}

void InformerCore::Delete(const InformerItem& item) {
  const InformerItem* known = store_.Find(item.key);
  if (known == nullptr || IsOlder(item.resource_version, known->resource_version)) return;
  Notify(store_.Remove(item.key), nullptr);
}

void InformerCore::Notify(const ObjectPtr& before, const ObjectPtr& after) {
  for (const Handler& handler : handlers_) handler(before, after);
}

}  // namespace dray::runtime
