#include "devcluster/kubelet/plugin_watcher.h"

#include <glog/logging.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <thread>

#include "dray/base/guarded.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {
namespace {

namespace fs = std::filesystem;

// Tells a socket from one that was made later under the same name.
struct SocketIdentity {
  ino_t inode = 0;
  int64_t changed = 0;  // ctime, ns
  bool operator==(const SocketIdentity&) const = default;
};
struct RegisteredPlugin {
  SocketIdentity identity;
  PluginInfo info;
};

using Sockets = std::map<std::string, SocketIdentity>;

// Adds an inotify watch for the directory and everything below it, and finds the sockets.
void Scan(int notify, const std::string& directory, Sockets& found) {
  inotify_add_watch(notify, directory.c_str(),
                    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR);
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::string path = at->path().string();
    if (at->path().filename().string().front() == '.') continue;
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) Scan(notify, path, found);
    if (S_ISSOCK(info.st_mode)) {
      found[path] = {info.st_ino, info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
    }
  }
}

}  // namespace

struct PluginWatcher::State : runtime::Reconciler {
  State(Clock& clock, std::string directory, std::map<std::string, PluginHandler*> handlers)
      : directory(std::move(directory)),
        handlers(std::move(handlers)),
        queue(clock,
              {"plugin_registration", std::chrono::milliseconds(500), std::chrono::seconds(122)}) {}

  const std::string directory;
  const std::map<std::string, PluginHandler*> handlers;
  runtime::WorkQueue queue;  // keys: {"", socket path}
  Guarded<Sockets> wanted;
  // Only the worker that holds the path's ticket changes its entry.
  Guarded<std::map<std::string, RegisteredPlugin>> registered;

  void Rescan(int notify) {
    Sockets found;
    Scan(notify, directory, found);
    Sockets before = wanted.With([&](Sockets& sockets) { return std::exchange(sockets, found); });
    for (const auto& [path, identity] : found) {
      auto old = before.find(path);
      if (old != before.end() && old->second == identity) continue;
      queue.Forget({"", path});
      queue.Add({"", path});
    }
    for (const auto& [path, identity] : before) {
      if (found.count(path) == 0) queue.Add({"", path});
    }
  }

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override {
    const std::string& path = key.name;
    std::optional<SocketIdentity> want = wanted.With([&](const Sockets& sockets) {
      auto at = sockets.find(path);
      return at == sockets.end() ? std::nullopt : std::optional(at->second);
    });
    std::optional<RegisteredPlugin> have = registered.With([&](const auto& map) {
      auto at = map.find(path);
      return at == map.end() ? std::nullopt : std::optional(at->second);
    });
    if (have && have->identity == want) return runtime::Requeue{};
    if (have) Deregister(path, *have);
    if (!want) return runtime::Requeue{};
    Status status = Handshake(ctx, path, *want);
    if (!status.ok()) {
      LOG(WARNING) << "plugin " << path << ": " << status.message();
      return status;
    }
    return runtime::Requeue{};
  }

  Status Handshake(const Context& ctx, const std::string& path, const SocketIdentity& identity) {
    DRAY_ASSIGN_OR_RETURN(PluginInfo info, AskPluginInfo(ctx, path));
    if (info.endpoint.empty()) info.endpoint = path;
    auto handler = handlers.find(info.type);
    Status outcome = handler == handlers.end()
                         ? Status(Reason::kInvalid, "no handler is registered for plugin type \"" +
                                                        info.type + "\" at socket " + path)
                         : handler->second->Validate(info);
    if (outcome.ok()) {
      registered.With([&](auto& map) { map[path] = {identity, info}; });
      outcome = handler->second->Register(ctx, info);
      if (!outcome.ok()) registered.With([&](auto& map) { map.erase(path); });
    }
    Status told = TellPlugin(ctx, path, outcome);
    if (!outcome.ok()) return outcome;
    if (!told.ok()) {
      Deregister(path, {identity, info});
      return told;
    }
    LOG(INFO) << "registered " << info.type << " " << info.name << " at " << info.endpoint;
    return Ok();
  }

  void Deregister(const std::string& path, const RegisteredPlugin& plugin) {
    LOG(INFO) << "deregistered " << plugin.info.type << " " << plugin.info.name << " at "
              << plugin.info.endpoint;
    handlers.at(plugin.info.type)->Deregister(plugin.info);
    registered.With([&](auto& map) { map.erase(path); });
  }
};

PluginWatcher::PluginWatcher(Clock& clock, std::string directory,
                             std::map<std::string, PluginHandler*> handlers)
    : state_(std::make_unique<State>(clock, std::move(directory), std::move(handlers))) {}
PluginWatcher::~PluginWatcher() = default;

Status PluginWatcher::Run(const Context& ctx) {
  int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (notify < 0) {
    return Status(Reason::kInternal, "inotify_init1 for " + state_->directory + ": " +
                                         std::generic_category().message(errno));
  }
  int wake = eventfd(0, EFD_CLOEXEC);
  {
    std::jthread workers([&] { runtime::RunWorkers(ctx, state_->queue, *state_, 4); });
    std::stop_callback stop(ctx.stop(), [wake] {
      uint64_t one = 1;
      ssize_t ignored = write(wake, &one, sizeof one);
      (void)ignored;
    });
    state_->Rescan(notify);
    pollfd files[] = {{notify, POLLIN, 0}, {wake, POLLIN, 0}};
    while (!ctx.stopped()) {
      poll(files, 2, -1);
      char events[8192];
      while (read(notify, events, sizeof events) > 0) {
      }
      if (!ctx.stopped()) state_->Rescan(notify);
    }
  }
  close(wake);
  close(notify);
  return Ok();
}

}  // namespace dray::devcluster
