#include "mockdev/deviceplugin/directory_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dray::mockdev {

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::Open(const std::string& directory) {
  int inotify = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::unique_ptr<DirectoryWatch> watch(new DirectoryWatch(directory, inotify, wake));
  if (inotify < 0 || wake < 0 ||
      ::inotify_add_watch(inotify, directory.c_str(),
                          IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM) < 0) {
    return Status(Reason::kInternal, "cannot watch " + directory + ": " + std::strerror(errno));
  }
  return watch;
}

DirectoryWatch::~DirectoryWatch() {
  if (inotify_ >= 0) ::close(inotify_);
  if (wake_ >= 0) ::close(wake_);
}

Result<std::set<std::string>> DirectoryWatch::Wait(std::stop_token stop) {
  std::stop_callback ring(stop, [this] {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(wake_, &one, sizeof one);
  });
  std::set<std::string> names;
  while (!stop.stop_requested() && names.empty()) {
    if (lost_) return Status(Reason::kUnavailable, directory_ + " was removed");
    pollfd files[] = {{inotify_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (::poll(files, 2, -1) < 0 && errno != EINTR) {
      return Status(Reason::kInternal, "cannot watch " + directory_ + ": " + std::strerror(errno));
    }
    alignas(inotify_event) char buffer[16384];
    ssize_t size = ::read(inotify_, buffer, sizeof buffer);
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      if (event->len > 0) names.insert(event->name);
      lost_ |= (event->mask & IN_IGNORED) != 0;
      at += static_cast<ssize_t>(sizeof(inotify_event)) + event->len;
    }
  }
  return names;
}

}  // namespace dray::mockdev
