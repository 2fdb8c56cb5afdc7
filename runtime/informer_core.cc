#include "runtime/informer_core.h"

#include <charconv>

#include "dray/base/log.h"

namespace dray::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kFirstDelay = milliseconds(500);
constexpr Duration kLongestDelay = seconds(30);
// What a server asks to wait is believed up to here: an answer of some proxy that is worth a day
// would keep a cache blind for a day.
constexpr Duration kLongestAsked = std::chrono::minutes(2);
// How often one page of a list is asked for in a row. A list of two hundred pages would never come
// to its end before a server that fails at one request in a hundred, were it begun anew each time.
constexpr int kTriesPerPage = 4;
// A watch that ends sooner without having brought anything counts as a failure.
constexpr Duration kShortWatch = seconds(1);
// How long after timeoutSeconds a server that keeps silent is taken for dead.
constexpr Duration kSilenceMargin = seconds(30);

// Resource versions compare as numbers (KEP 5504); one that is no number is never called older.
bool IsOlder(std::string_view a, std::string_view b) {
  auto number = [](std::string_view text, uint64_t* value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    return error == std::errc() && end == text.data() + text.size();
  };
  uint64_t left = 0, right = 0;
  return number(a, &left) && number(b, &right) && left < right;
}

// The newest version of each object.
void KeepNewest(ItemSet& items, InformerItem item) {
  auto [at, fresh] = items.insert(item);
  if (fresh || IsOlder(item.resource_version(), at->resource_version())) return;
  auto node = items.extract(at);
  node.value() = std::move(item);
  items.insert(std::move(node));
}

}  // namespace

InformerCore::InformerCore(Client client, ListOptions list, InformerKind kind,
                           std::map<std::string, IndexFunction> indexes)
    : client_(std::move(client)),
      list_(std::move(list)),
      kind_(std::move(kind)),
      store_(std::move(indexes), kind_.open) {}

// Lists, or watches until the watch ends.
Status InformerCore::Step(const Context& ctx) {
  if (!resource_version_.empty() && doubtful_) DRAY_RETURN_IF_ERROR(CheckForRollBack(ctx));
  if (!resource_version_.empty()) return Watch(ctx, false);
  if (!watch_lists_) return ListAll(ctx);
  Status outcome = Watch(ctx, true);
  const bool refused = outcome.Is(Reason::kInvalid) || outcome.Is(Reason::kBadRequest);
  if (!refused || !resource_version_.empty()) return outcome;
  VLOG(1) << kind_.info.resource << ": no WatchList here, listing instead: " << outcome;
  watch_lists_ = false;
  return ListAll(ctx);
}

Status InformerCore::Run(const Context& ctx) {
  while (!ctx.stopped()) {
    progress_ = false;
    const SteadyTime started = ctx.clock().Steady();
    Status outcome = Step(ctx);
    if (ctx.stopped()) break;

    const bool worked = progress_ || ctx.clock().Steady() - started >= kShortWatch;
    if (worked) failures_ = 0;
    if (worked && outcome.ok()) continue;
    doubtful_ = true;
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

// A watch from a version that a restored server has not reached yet would be silent until it has.
// Its list says how far it is. (One that has grown past us since its restore can't be told: etcd's
// restore raises the versions for that reason.)
Status InformerCore::CheckForRollBack(const Context& ctx) {
  ListOptions one = list_;
  one.resource_version.clear();  // the most recent
  one.limit = 1;
  Result<std::string> body = client_.ListRaw(ctx, kind_.info, one, "");
  if (!body.ok()) return body.status().Wrapped("list");
  DRAY_ASSIGN_OR_RETURN(InformerKind::Page page, kind_.page(*body));
  doubtful_ = false;
  if (!IsOlder(page.resource_version, resource_version_)) return Ok();
  LOG(WARNING) << kind_.info.resource << ": the server is back at " << page.resource_version
               << ", we have seen " << resource_version_ << ": listing again";
  rolled_back_ = true;
  resource_version_.clear();
  return Ok();
}

Duration InformerCore::BackOff(const Status& failure) {
  ++failures_;
  Duration delay = kLongestDelay;
  if (failures_ < 7)
    delay = std::min<Duration>(kLongestDelay, kFirstDelay * (1 << (failures_ - 1)));
  // Half to one and a half: replicas that lost the same server do not come back as one.
  delay = std::chrono::duration_cast<Duration>(
      delay * std::uniform_real_distribution<double>(0.5, 1.5)(random_));
  if (failure.retry_after)
    delay = std::max(delay, std::min<Duration>(*failure.retry_after, kLongestAsked));
  return delay;
}

bool InformerCore::HasSynced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

Status InformerCore::WaitForSync(const Context& ctx) const {
  std::unique_lock lock(mutex_);
  if (ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(), [this] { return synced_; }))
    return Ok();
  if (ctx.stopped()) return Status(Reason::kCancelled, "stopped");
  return Status(Reason::kTimeout,
                std::string(kind_.info.resource) + " have not been listed in time");
}

Status InformerCore::ListAll(const Context& ctx) {
  ListOptions options = list_;
  // After the first time "from cache" could bring back an older state than the one we have seen.
  if (ever_listed_) options.resource_version.clear();
  while (true) {
    ItemSet items;
    std::string resource_version, token;
    Status status;
    int tries = 0;
    do {
      Result<std::string> body = client_.ListRaw(ctx, kind_.info, options, token);
      Result<InformerKind::Page> page =
          body.ok() ? kind_.page(*body) : Result<InformerKind::Page>(body.status());
      status = page.status();
      if (!token.empty() && !status.ok() && !status.Is(Reason::kGone) && Retryable(status) &&
          ++tries < kTriesPerPage) {
        VLOG(1) << kind_.info.resource << ": a page again: " << status;
        DRAY_RETURN_IF_ERROR(ctx.Sleep(kFirstDelay * (1 << (tries - 1))));
        continue;
      }
      if (!status.ok()) break;
      tries = 0;
      if (resource_version.empty()) resource_version = page->resource_version;
      for (InformerItem& item : page->items) KeepNewest(items, std::move(item));
      token = std::move(page->continue_token);
    } while (!token.empty());
    if (status.ok()) {
      last_heard_ = ctx.clock().Steady();
      Replace(std::move(items), std::move(resource_version));
      return Ok();
    }
    // The continue token has outlived the server's history: the list is too long to be read in
    // pages.
    if (!status.Is(Reason::kGone) || token.empty() || options.limit == 0)
      return status.Wrapped("list");
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
  Status ended =
      client_.WatchRaw(bounded, kind_.info, options, with_list, [&](std::string_view line) {
        last_heard_ = ctx.clock().Steady();
        broken = OnLine(line, &staging);
        return broken.ok();
      });
  if (!broken.ok()) return broken;
  if (ended.Is(Reason::kTimeout) && bounded.expired())
    return Status(Reason::kUnavailable,
                  "the watch has been silent past its end: the connection is dead");
  if (ended.ok() && staging.open && !ctx.stopped())
    return Status(Reason::kUnavailable, "the watch ended before its initial list was complete");
  return ended;
}

Status InformerCore::OnLine(std::string_view line, Staging* staging) {
  Result<InformerKind::Change> change = kind_.change(line);
  if (!change.ok())
    return Status(Reason::kInternal, "a watch line cannot be read: " + change.status().message());
  if (change->type == api::WatchEventType::kError)
    return change->status.ok()
               ? Status(Reason::kInternal, "the watch reported an error without a reason")
               : change->status;
  return staging->open ? OnStaged(*std::move(change), *staging) : OnChange(*std::move(change));
}

Status InformerCore::OnStaged(InformerKind::Change change, Staging& staging) {
  if (change.type == api::WatchEventType::kBookmark) {
    if (!change.initial_events_end) return Ok();
    staging.open = false;
    staging.gone.clear();
    Replace(std::exchange(staging.items, {}), std::move(change.resource_version));
    return Ok();
  }
  const api::ObjectKey key = change.item.Key();
  if (change.type == api::WatchEventType::kDeleted) {
    auto known = staging.items.find(key);
    if (known != staging.items.end() &&
        !IsOlder(change.resource_version, known->resource_version()))
      staging.items.erase(known);
    if (!change.unwanted)
      staging.gone[key] = change.resource_version;  // else there may be very many
    return Ok();
  }
  auto gone = staging.gone.find(key);
  if (gone == staging.gone.end() || !IsOlder(change.resource_version, gone->second))
    KeepNewest(staging.items, std::move(change.item));
  return Ok();
}

Status InformerCore::OnChange(InformerKind::Change change) {
  // Along a watch versions only grow: an older line comes late, or for the second time.
  const bool late = IsOlder(change.resource_version, resource_version_);
  if (change.type != api::WatchEventType::kBookmark) {
    const InformerItem known = store_.Find(change.item.Key());
    const bool deleted = change.type == api::WatchEventType::kDeleted;
    // Of an object that we do not have, a late line does not tell whether it is there: it may have
    // gone since.
    if (late && known.empty() && !deleted)
      return Status(Reason::kGone,
                    "a line came late: " + change.resource_version + " after " + resource_version_);
    const bool news = known.empty() || !IsOlder(change.resource_version, known.resource_version());
    if (news && deleted && !known.empty()) Notify(store_.Remove(known.Key()), {});
    if (news && !deleted) Upsert(std::move(change.item));
  }
  progress_ = true;
  if (!late) resource_version_ = std::move(change.resource_version);
  return Ok();
}

void InformerCore::Replace(ItemSet items, std::string resource_version) {
  for (const InformerItem& known : store_.Items())
    if (!items.contains(known)) Notify(store_.Remove(known.Key()), {});
  for (const InformerItem& item : items) Upsert(item);
  resource_version_ = std::move(resource_version);
  ever_listed_ = true;
  doubtful_ = rolled_back_ = false;
  progress_ = true;
  std::lock_guard lock(mutex_);
  synced_ = true;
  changed_.notify_all();
}

void InformerCore::Upsert(InformerItem item) {
  const InformerItem known = store_.Find(item.Key());
  const bool same_object = !known.empty() && known.uid() == item.uid();
  if (same_object && known.resource_version() == item.resource_version() && !rolled_back_) return;
  // Another object under the same name: the end of the first one went unseen, and it was an end all
  // the same.
  if (!known.empty() && !same_object) Notify(store_.Remove(item.Key()), {});
  const InformerItem before = store_.Put(item);
  Notify(before, item);
}

void InformerCore::Notify(const InformerItem& before, const InformerItem& after) {
  ObjectPtr was, is;
  for (const Handler& handler : handlers_) {
    if (handler.wanted && !handler.wanted()) continue;
    if (was == nullptr && is == nullptr) {
      was = store_.Open(before);
      is = store_.Open(after);
    }
    handler.on_change(was, is);
  }
}

}  // namespace dray::runtime
