#include "devcluster/kubelet/mount_plan.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

namespace dray::devcluster {
namespace {

namespace fs = std::filesystem;

// A target with what goes there; either a bind of `source` or a new node.
struct Placed {
  fs::path target;  // absolute, as the container sees it, links resolved
  std::string source;
  bool directory = false, read_only = false;
  mode_t node_mode = 0;
  dev_t node = 0;
};

// Devices that exist on every Linux machine, for mock devices that borrow their numbers.
const std::map<std::pair<int64_t, int64_t>, const char*>& WellKnownDevices() {
  static const std::map<std::pair<int64_t, int64_t>, const char*> devices = {
      {{1, 3}, "/dev/null"},
      {{1, 5}, "/dev/zero"},
      {{1, 7}, "/dev/full"},
      {{1, 8}, "/dev/random"},
      {{1, 9}, "/dev/urandom"}};
  return devices;
}

class Planner {
 public:
  Planner(std::string new_root, const std::string& machine_root)
      : new_root_(std::move(new_root)), machine_(machine_root) {}

  Status Add(const MountRequest& mount) {
    struct stat info {};
    if (stat(mount.source.c_str(), &info) != 0) {
      return Status(Reason::kInvalid, "mount source " + mount.source + " does not exist");
    }
    DRAY_ASSIGN_OR_RETURN(fs::path target, Target(mount.target));
    placed_.push_back({target, mount.source, S_ISDIR(info.st_mode), mount.read_only});
    return Ok();
  }

  Status Add(const DeviceRequest& device) {
    DRAY_ASSIGN_OR_RETURN(fs::path target, Target(device.path));
    std::string from = device.host_path.empty() ? device.path : device.host_path;
    struct stat info {};
    bool there = stat(from.c_str(), &info) == 0;
    bool numbers = device.major && device.minor;
    bool same =
        there && (!numbers || (major(info.st_rdev) == static_cast<unsigned>(*device.major) &&
                               minor(info.st_rdev) == static_cast<unsigned>(*device.minor)));
    if (same && !S_ISDIR(info.st_mode)) {
      placed_.push_back({target, from});
      return Ok();
    }
    if (!numbers) {
      return Status(Reason::kInvalid, "device node " + device.path + ": " + from +
                                          " does not exist on this machine and no "
                                          "major and minor number is given");
    }
    auto known = WellKnownDevices().find({*device.major, *device.minor});
    if (known != WellKnownDevices().end() && device.type != "b") {
      placed_.push_back({target, known->second});
      return Ok();
    }
    mode_t kind = device.type == "b" ? S_IFBLK : device.type == "p" ? S_IFIFO : S_IFCHR;
    placed_.push_back(
        {target, "", false, false, kind | device.mode,
         makedev(static_cast<unsigned>(*device.major), static_cast<unsigned>(*device.minor))});
    return Ok();
  }

  Result<std::vector<SetupStep>> Steps() {
    std::stable_sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) {
      return Depth(a.target) < Depth(b.target);
    });
    for (size_t i = 0; i < placed_.size(); ++i) DRAY_RETURN_IF_ERROR(Place(i));
    std::vector<SetupStep> steps = Base();
    steps.insert(steps.end(), mounts_.begin(), mounts_.end());
    steps.push_back({SetupStep::Kind::kChangeRoot, new_root_});
    return steps;
  }

 private:
  static int Depth(const fs::path& path) {
    return static_cast<int>(std::distance(path.begin(), path.end()));
  }
  fs::path OnMachine(const fs::path& path) const { return machine_ / path.relative_path(); }
  std::string InRoot(const fs::path& path) const {
    fs::path relative = path.relative_path();
    return relative.empty() ? new_root_ : new_root_ + "/" + relative.string();
  }

  // The container sees the machine's links, so a mount on /var/run/x lands on /run/x.
  Result<fs::path> Target(const std::string& text) const {
    if (text.empty() || text.front() != '/') {
      return Status(Reason::kInvalid, "mount target \"" + text + "\" is not an absolute path");
    }
    std::error_code error;
    fs::path target = fs::path(text).lexically_normal();
    if (!target.has_filename()) target = target.parent_path();
    if (machine_ == "/") {
      fs::path resolved = fs::weakly_canonical(target, error);
      if (!error) target = resolved;
    }
    if (target == "/") return Status(Reason::kInvalid, "a mount on / is not possible");
    return target;
  }

  // The placed mount below which `target` lies, or null.
  const Placed* Covering(size_t index) const {
    const Placed* best = nullptr;
    for (size_t i = 0; i < index; ++i) {
      fs::path inside = placed_[index].target.lexically_relative(placed_[i].target);
      if (!inside.empty() && *inside.begin() != ".." && inside != ".") best = &placed_[i];
    }
    return best;
  }

  Status Place(size_t index) {
    const Placed& item = placed_[index];
    const Placed* cover = Covering(index);
    // 1. Find what exists of the path, in the machine or in the mount that covers it.
    fs::path from = cover ? cover->target : fs::path("/");
    fs::path real = cover ? fs::path(cover->source) : machine_;
    if (cover && !cover->directory) {
      return Status(Reason::kInvalid, item.target.string() + " lies below " +
                                          cover->target.string() + ", which is a file");
    }
    std::vector<fs::path> missing;  // container paths to create
    fs::path at = from;
    for (const fs::path& part : item.target.lexically_relative(from)) {
      fs::path parent = at;
      at /= part;
      real /= part;
      std::error_code error;
      if (missing.empty() && fs::exists(fs::status(real, error))) continue;
      if (missing.empty() && !cover && !created_.count(at)) shadows_.insert(parent);
      missing.push_back(at);
    }
    if (missing.empty()) {
      std::error_code error;
      if (fs::is_directory(real, error) != item.directory) {
        return Status(Reason::kInvalid,
                      "cannot mount " + (item.source.empty() ? "a device" : item.source) + " on " +
                          item.target.string() + ": one is a directory, the other is not");
      }
    } else if (std::string first = (++item.target.begin())->string();
               !cover && (first == "proc" || first == "sys")) {
      return Status(Reason::kInvalid,
                    "mount target " + item.target.string() + " does not exist and cannot be made");
    }
    // 2. Create the rest, the last one as what is mounted on it.
    for (size_t i = 0; i < missing.size(); ++i) {
      bool last = i + 1 == missing.size();
      created_.insert(missing[i]);
      if (last && item.source.empty()) break;  // mknod makes it
      SetupStep::Kind kind =
          !last || item.directory ? SetupStep::Kind::kMakeDir : SetupStep::Kind::kMakeFile;
      mounts_.push_back({kind, InRoot(missing[i]), "", "", 0755});
    }
    // 3. Mount.
    if (item.source.empty()) {
      if (missing.empty()) {
        return Status(Reason::kInvalid, "device node " + item.target.string() +
                                            " exists on this machine as another device");
      }
      SetupStep step{SetupStep::Kind::kMakeNode, InRoot(item.target)};
      step.mode = item.node_mode;
      step.device = item.node;
      mounts_.push_back(step);
      return Ok();
    }
    mounts_.push_back({SetupStep::Kind::kBind, InRoot(item.target), item.source});
    if (item.read_only) mounts_.push_back({SetupStep::Kind::kReadOnly, InRoot(item.target)});
    return Ok();
  }

  // The machine's tree in the new root, with the directories that need new entries covered.
  std::vector<SetupStep> Base() const {
    std::vector<SetupStep> steps;
    if (!shadows_.count("/"))
      steps.push_back({SetupStep::Kind::kBind, new_root_, machine_.string()});
    std::vector<fs::path> shadows(shadows_.begin(), shadows_.end());
    std::stable_sort(shadows.begin(), shadows.end(),
                     [](const fs::path& a, const fs::path& b) { return Depth(a) < Depth(b); });
    for (const fs::path& shadow : shadows) Cover(shadow, steps);
    // After the first step, which puts something on the new root: the root lies below the machine's
    // own, and without this each later bind would copy the copies made before.
    steps.insert(steps.begin() + 1, {SetupStep::Kind::kUnbindable, new_root_});
    return steps;
  }

  void Cover(const fs::path& directory, std::vector<SetupStep>& steps) const {
    fs::path real = OnMachine(directory);
    struct stat info {};
    mode_t mode = stat(real.c_str(), &info) == 0 ? info.st_mode & 07777 : 0755;
    char data[32];
    std::snprintf(data, sizeof data, "mode=%o", mode);
    steps.push_back({SetupStep::Kind::kTmpfs, InRoot(directory), "", data});
    std::error_code error;
    for (fs::directory_iterator at(real, error), end; !error && at != end; at.increment(error)) {
      fs::path name = at->path().filename();
      if (created_.count(directory / name)) continue;  // a dangling link with the name of a target
      std::string path = InRoot(directory / name);
      std::error_code ignored;
      SetupStep step{SetupStep::Kind::kBind, path, at->path().string()};
      step.optional = true;
      if (at->is_symlink(ignored)) {
        step.kind = SetupStep::Kind::kSymlink;
        step.source = fs::read_symlink(at->path(), ignored).string();
      } else {
        SetupStep::Kind kind =
            at->is_directory(ignored) ? SetupStep::Kind::kMakeDir : SetupStep::Kind::kMakeFile;
        steps.push_back({kind, path, "", "", 0755});
      }
      steps.push_back(step);
    }
  }

  std::string new_root_;
  fs::path machine_;
  std::vector<Placed> placed_;
  std::set<fs::path> shadows_, created_;
  std::vector<SetupStep> mounts_;
};

}  // namespace

std::string SetupStep::Describe() const {
  switch (kind) {
    case Kind::kTmpfs:
      return "mount a tmpfs on " + path;
    case Kind::kBind:
      return "bind " + source + " on " + path;
    case Kind::kReadOnly:
      return "make " + path + " read-only";
    case Kind::kUnbindable:
      return "keep " + path + " out of other binds";
    case Kind::kMakeDir:
      return "create directory " + path;
    case Kind::kMakeFile:
      return "create file " + path;
    case Kind::kSymlink:
      return "link " + path + " to " + source;
    case Kind::kMakeNode:
      return "make device node " + path;
    case Kind::kChangeRoot:
      return "change the root to " + path;
  }
  return path;
}

Result<std::vector<SetupStep>> PlanMounts(const ContainerPlan& plan, const std::string& new_root,
                                          const std::string& machine_root) {
  if (plan.mounts.empty() && plan.devices.empty()) return std::vector<SetupStep>();
  Planner planner(new_root, machine_root);
  std::map<std::string, const MountRequest*> last;
  for (const MountRequest& mount : plan.mounts) last[mount.target] = &mount;
  for (const MountRequest& mount : plan.mounts) {
    if (last[mount.target] == &mount) DRAY_RETURN_IF_ERROR(planner.Add(mount));
  }
  for (const DeviceRequest& device : plan.devices) DRAY_RETURN_IF_ERROR(planner.Add(device));
  return planner.Steps();
}

}  // namespace dray::devcluster
