#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>

#include "dray/api/codec.h"
#include "dray/runtime/transport.h"

namespace dray::testing {

// An API server for Pods of one namespace, as small as a model: objects, versions and a history;
// lists in pages, watches with and without initial events. It can forget its history and come back
// from a backup. Any thread.
class VersionedServer final : public runtime::Transport {
 public:
  // `swaps`: two lines of a watch may change places. No server does that, and a reader need not
  // mind, unless the connection breaks between them: whoever goes on from the newer one never sees
  // the older one.
  VersionedServer(uint64_t seed, bool swaps) : random_(seed), swaps_(swaps) {}

  void Put(const std::string& name) {
    std::lock_guard lock(mutex_);
    auto known = objects_.find(name);
    const std::string uid = known == objects_.end()
                                ? "uid-" + std::to_string(++uids_)
                                : known->second["metadata"]["uid"].get<std::string>();
    const char* type = known == objects_.end() ? "ADDED" : "MODIFIED";
    objects_[name] = Pod(name, uid);
    Note(type, objects_[name]);
  }
  void Remove(const std::string& name) {
    std::lock_guard lock(mutex_);
    auto known = objects_.find(name);
    if (known == objects_.end()) return;
    Json last = Pod(name, known->second["metadata"]["uid"]);
    objects_.erase(known);
    Note("DELETED", std::move(last));
  }
  void Forget() {  // the history: watches that are behind are too old
    std::lock_guard lock(mutex_);
    history_.clear();
    oldest_ = version_;
  }
  void Backup() {
    std::lock_guard lock(mutex_);
    backup_ = {objects_, version_};
  }
  // The server restarts with what the backup had: every connection breaks, versions are used again.
  void Restore() {
    std::lock_guard lock(mutex_);
    objects_ = backup_.first;
    oldest_ = version_ = backup_.second;
    history_.clear();
    ++epoch_;
    watched_ = false;
    changed_.notify_all();
  }
  // Whether somebody watches since the last restart. A server that has grown past what its watchers
  // knew before they came back can't be told from one that never lost anything: that is why etcd's
  // restore can raise all versions.
  bool watched() const {
    std::lock_guard lock(mutex_);
    return watched_;
  }
  std::map<std::string, std::string> State() const {  // name -> "uid version"
    std::lock_guard lock(mutex_);
    std::map<std::string, std::string> state;
    for (const auto& [name, pod] : objects_)
      state[name] = pod["metadata"]["uid"].get<std::string>() + " " +
                    pod["metadata"]["resourceVersion"].get<std::string>() + " " +
                    pod["spec"]["nodeName"].get<std::string>();
    return state;
  }

  Result<runtime::ApiResponse> Do(const Context&, const runtime::ApiRequest& request) override {
    std::lock_guard lock(mutex_);
    const size_t limit = std::stoul("0" + Parameter(request, "limit"));
    const std::string token = Parameter(request, "continue");
    Json list = {{"kind", "PodList"}, {"apiVersion", "v1"}, {"items", Json::array()}};
    Json& metadata = list["metadata"] = {{"resourceVersion", std::to_string(version_)}};
    // A page of the present state, whatever the version of the first one was: as an expired token
    // that went on.
    if (!token.empty() && token.substr(0, token.find('.')) != std::to_string(version_)) {
      Json gone =
          api::EncodeStatus(Status(Reason::kGone, "the continue token has expired"), "", "", "");
      return runtime::ApiResponse{410, gone.dump(), {}};
    }
    auto at =
        token.empty() ? objects_.begin() : objects_.lower_bound(token.substr(token.find('.') + 1));
    for (; at != objects_.end() && (limit == 0 || list["items"].size() < limit); ++at)
      list["items"].push_back(at->second);
    if (at != objects_.end()) metadata["continue"] = std::to_string(version_) + "." + at->first;
    return runtime::ApiResponse{200, list.dump(), {}};
  }

  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override {
    std::vector<std::string> lines;
    uint64_t sent = 0;
    uint64_t epoch = 0;
    {
      std::lock_guard lock(mutex_);
      epoch = epoch_;
      const std::string from = Parameter(request, "resourceVersion");
      if (!from.empty()) sent = std::stoull(from);
      if (sent > version_) return Status(Reason::kTimeout, "Too large resource version: " + from);
      watched_ = true;
      if (from.empty()) {
        for (const auto& [name, pod] : objects_) lines.push_back(Line("ADDED", pod));
        sent = version_;
        Json mark = {{"kind", "Pod"},
                     {"apiVersion", "v1"},
                     {"metadata", {{"resourceVersion", std::to_string(version_)}}}};
        mark["metadata"]["annotations"]["k8s.io/initial-events-end"] = "true";
        lines.push_back(Line("BOOKMARK", mark));
      }
    }
    while (true) {
      for (const std::string& line : lines)
        if (!on_line(line)) return Ok();
      lines.clear();
      std::unique_lock lock(mutex_);
      if (!ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                                 [&] { return version_ != sent || epoch_ != epoch; }))
        return ctx.Check();
      if (epoch_ != epoch) return Status(Reason::kUnavailable, "the server restarts");
      if (sent < oldest_) {
        on_line(Line("ERROR", api::EncodeStatus(Status(Reason::kGone, "too old resource version"),
                                                "", "", "")));
        return Ok();
      }
      for (const auto& [version, line] : history_)
        if (version > sent) lines.push_back(line);
      sent = version_;
      if (swaps_ && lines.size() > 1 && random_() % 4 == 0) std::swap(lines[0], lines[1]);
    }
  }

 private:
  static std::string Line(const char* type, const Json& object) {
    return Json({{"type", type}, {"object", object}}).dump();
  }
  static std::string Parameter(const runtime::ApiRequest& request, const std::string& name) {
    for (const char* before : {"?", "&"}) {
      const size_t at = request.path.find(before + name + "=");
      if (at == std::string::npos) continue;
      const size_t from = at + name.size() + 2;
      return request.path.substr(from, request.path.find('&', from) - from);
    }
    return "";
  }
  Json Pod(const std::string& name, const std::string& uid) {
    return {{"kind", "Pod"},
            {"apiVersion", "v1"},
            {"metadata",
             {{"name", name},
              {"namespace", "ns"},
              {"uid", uid},
              {"resourceVersion", std::to_string(++version_)}}},
            {"spec",
             {{"nodeName", "state-" + std::to_string(++states_)}, {"containers", Json::array()}}}};
  }
  void Note(const char* type, const Json& object) {
    history_.emplace_back(version_, Line(type, object));
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::mt19937_64 random_;
  const bool swaps_;
  std::map<std::string, Json> objects_;
  std::pair<std::map<std::string, Json>, uint64_t> backup_;
  std::deque<std::pair<uint64_t, std::string>> history_;
  uint64_t version_ = 10, oldest_ = 0, states_ = 0, uids_ = 0, epoch_ = 0;
  bool watched_ = true;
};

}  // namespace dray::testing
