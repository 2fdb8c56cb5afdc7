#include "devcluster/kubelet/container_logs.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <list>
#include <mutex>
#include <vector>

#include "devcluster/kubelet/pod_paths.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

constexpr std::chrono::milliseconds kFollowInterval(200);

// Numbers of the runs that left a log, in order.
std::vector<int> Runs(const std::string& directory) {
  std::vector<int> runs;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().filename().string();
    int run = 0;
    auto [rest, parsed] = std::from_chars(name.data(), name.data() + name.size(), run);
    if (parsed == std::errc() && std::string_view(rest) == ".log") runs.push_back(run);
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

Result<std::string> LogFile(const PodPaths& paths, const std::string& container, bool previous) {
  std::vector<int> runs = Runs(paths.Container(container));
  size_t wanted = previous ? 2 : 1;
  if (runs.size() < wanted) {
    return Status(Reason::kNotFound,
                  previous ? "previous terminated container \"" + container + "\" not found"
                           : "container \"" + container + "\" is waiting to start");
  }
  return paths.Log(container, runs[runs.size() - wanted]);
}

}  // namespace

std::string CutLog(std::string text, const LogOptions& options) {
  if (options.tail_lines) {
    int64_t lines = *options.tail_lines;
    size_t at = text.size();
    if (at > 0 && text.back() == '\n') --at;  // the last line's own end
    if (lines <= 0) return "";
    while (at != std::string::npos && lines > 0) {
      at = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
      --lines;
    }
    if (at != std::string::npos) text.erase(0, at + 1);
  }
  if (options.limit_bytes && static_cast<int64_t>(text.size()) > *options.limit_bytes) {
    text.resize(static_cast<size_t>(std::max<int64_t>(*options.limit_bytes, 0)));
  }
  return text;
}

struct ContainerLogs::State {
  struct Follower {
    std::string file;
    std::streamoff offset = 0;
    std::shared_ptr<runtime::HttpStream> stream;
    std::function<bool()> ended;
  };
  Clock& clock;
  const std::string root_dir;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::list<Follower> followers;
  bool stopped = false;

  State(Clock& clock, std::string root_dir) : clock(clock), root_dir(std::move(root_dir)) {}

  // False when the follower is done with. `ended` is asked before reading: what was written until
  // then is sent.
  static bool Feed(Follower& follower) {
    bool last = follower.ended();
    std::ifstream in(follower.file, std::ios::binary);
    in.seekg(follower.offset);
    std::string chunk(64 * 1024, '\0');
    while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
      follower.offset += in.gcount();
      if (!follower.stream->Write(chunk.substr(0, static_cast<size_t>(in.gcount())))) return false;
    }
    if (last || follower.stream->closed()) {
      follower.stream->Close();
      return false;
    }
    return true;
  }
};

ContainerLogs::ContainerLogs(Clock& clock, std::string root_dir)
    : state_(std::make_unique<State>(clock, std::move(root_dir))) {}
ContainerLogs::~ContainerLogs() = default;

Result<std::string> ContainerLogs::Read(const std::string& namespace_, const std::string& pod,
                                        const std::string& uid, const std::string& container,
                                        const LogOptions& options) const {
  DRAY_ASSIGN_OR_RETURN(std::string file, LogFile(PodPaths(state_->root_dir, namespace_, pod, uid),
                                                  container, options.previous));
  DRAY_ASSIGN_OR_RETURN(std::string text, runtime::ReadFile(file));
  return CutLog(std::move(text), options);
}

Status ContainerLogs::Follow(const std::string& namespace_, const std::string& pod,
                             const std::string& uid, const std::string& container,
                             const LogOptions& options, std::shared_ptr<runtime::HttpStream> stream,
                             std::function<bool()> ended) {
  DRAY_ASSIGN_OR_RETURN(std::string file, LogFile(PodPaths(state_->root_dir, namespace_, pod, uid),
                                                  container, options.previous));
  DRAY_ASSIGN_OR_RETURN(std::string text, runtime::ReadFile(file));
  State::Follower follower{file, static_cast<std::streamoff>(text.size()), stream,
                           std::move(ended)};
  std::string first = CutLog(std::move(text), options);
  if (!first.empty()) stream->Write(std::move(first));
  std::lock_guard lock(state_->mutex);
  if (state_->stopped) {
    stream->Close();
    return Ok();
  }
  state_->followers.push_back(std::move(follower));
  state_->changed.notify_all();
  return Ok();
}

void ContainerLogs::Run(const Context& ctx) {
  std::unique_lock lock(state_->mutex);
  while (!ctx.stopped()) {
    state_->clock.WaitUntil(lock, state_->changed, SteadyTime::max(), ctx.stop(),
                            [&] { return !state_->followers.empty(); });
    if (ctx.stopped()) break;
    std::list<State::Follower> round;
    round.splice(round.end(), state_->followers);
    lock.unlock();
    round.remove_if([](State::Follower& follower) { return !State::Feed(follower); });
    lock.lock();
    state_->followers.splice(state_->followers.end(), round);
    state_->clock.WaitUntil(lock, state_->changed, state_->clock.Steady() + kFollowInterval,
                            ctx.stop(), [] { return false; });
  }
  state_->stopped = true;
  for (State::Follower& follower : state_->followers) follower.stream->Close();
  state_->followers.clear();
}

}  // namespace dray::devcluster
