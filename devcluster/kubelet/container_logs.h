#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dray/base/context.h"
#include "dray/base/status.h"
#include "dray/runtime/http_server.h"

namespace dray::devcluster {

struct LogOptions {
  bool follow = false, previous = false;
  std::optional<int64_t> tail_lines, limit_bytes;
};

// The last `tail_lines` lines of `text`, then at most `limit_bytes` from their beginning. Pure.
std::string CutLog(std::string text, const LogOptions& options);

// The log files of a node's containers, and those who follow them. Any thread.
class ContainerLogs {
 public:
  ContainerLogs(Clock& clock, std::string root_dir);
  ~ContainerLogs();

  // What has been written so far. kNotFound: the container has not run (`previous`: not run
  // before).
  Result<std::string> Read(const std::string& namespace_, const std::string& pod,
                           const std::string& uid, const std::string& container,
                           const LogOptions& options) const;

  // Sends what there is and then what comes, until the container has ended or the stream is closed.
  // `ended` says whether nothing more will be written to this log.
  Status Follow(const std::string& namespace_, const std::string& pod, const std::string& uid,
                const std::string& container, const LogOptions& options,
                std::shared_ptr<runtime::HttpStream> stream, std::function<bool()> ended);

  // Feeds the followers. Until ctx is stopped; closes their streams then.
  void Run(const Context& ctx);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
