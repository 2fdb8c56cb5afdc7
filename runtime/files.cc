#include "dray/runtime/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace dray::runtime {
namespace {

Status Failure(std::string_view action, const std::string& path, int error) {
  Reason reason = Reason::kInternal;
  if (error == ENOENT) reason = Reason::kNotFound;
  if (error == EACCES || error == EPERM || error == EROFS) reason = Reason::kForbidden;
  return Status(reason, "cannot " + std::string(action) + " " + path + ": " +
                            std::system_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Close() {
    int fd = std::exchange(fd_, -1);
    return fd < 0 ? 0 : ::close(fd);
  }

 private:
  int fd_;
};

// 0, or errno.
int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(written);
  }
  return 0;
}

std::string ParentOf(const std::string& path) {
  std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

Result<std::string> ReadFile(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Failure("read", path, errno);
  std::string text;
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && info.st_size > 0) text.reserve(info.st_size + 1);
  char buffer[1 << 16];
  while (true) {
    ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure("read", path, errno);
    if (got == 0) return text;
    text.append(buffer, got);
  }
}

Status WriteFileAtomically(const std::string& path, std::string_view text, int mode) {
  // Beside the target, so that the rename stays within one file system; unique among the threads
  // and processes that may write the same path, so that none renames another's half.
  static std::atomic<unsigned> serial{0};
  std::string temporary =
      path + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(serial.fetch_add(1));
  Descriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file.valid()) return Failure("write", path, errno);
  int error = WriteAll(file.get(), text);
  if (error == 0 && ::fchmod(file.get(), mode) != 0) error = errno;  // open() obeys the umask
  if (error == 0 && ::fsync(file.get()) != 0) error = errno;
  if (file.Close() != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    return Failure("write", path, error);
  }
  Descriptor directory(::open(ParentOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return Failure("sync the directory of", path, errno);
  // Some file systems have no fsync for directories (EINVAL); their rename is as durable as it
  // gets.
  if (::fsync(directory.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    return Failure("sync the directory of", path, errno);
  return Ok();
}

Status MakeDirectories(const std::string& path, int mode) {
  if (path.empty()) return Status(Reason::kInvalid, "cannot make a directory without a name");
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0) {
      int error = errno;
      struct stat info {};
      bool is_directory = ::stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
      // A parent that exists may refuse mkdir with another error than EEXIST (read-only file
      // system).
      if (!is_directory)
        return Failure("make the directory", path, error == EEXIST ? ENOTDIR : error);
    }
    if (end == std::string::npos) return Ok();
  }
}

Status RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return Ok();
  return Failure("remove", path, errno);
}

Status RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (!error || error == std::errc::no_such_file_or_directory) return Ok();
  return Failure("remove", path, error.value());
}

}  // namespace dray::runtime
