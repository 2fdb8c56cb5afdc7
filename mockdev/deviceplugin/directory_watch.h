#pragma once

#include <memory>
#include <set>
#include <stop_token>
#include <string>

#include "dray/base/status.h"

namespace dray::mockdev {

// Notices by inotify what comes and goes in a directory. One thread.
class DirectoryWatch {
 public:
  static Result<std::unique_ptr<DirectoryWatch>> Open(const std::string& directory);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;

  // Blocks until names have been created, moved in or removed (which ones), or `stop` was requested
  // (none). kUnavailable, now and ever after, when the directory itself was removed: one that is
  // made anew under its name is another.
  Result<std::set<std::string>> Wait(std::stop_token stop);
  bool lost() const { return lost_; }

 private:
  DirectoryWatch(std::string directory, int inotify, int wake)
      : directory_(std::move(directory)), inotify_(inotify), wake_(wake) {}

  const std::string directory_;
  const int inotify_, wake_;
  bool lost_ = false;
};

}  // namespace dray::mockdev
