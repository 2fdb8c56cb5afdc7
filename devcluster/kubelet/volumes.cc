#include "devcluster/kubelet/volumes.h"

#include <sys/stat.h>

#include <filesystem>

#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

// A relative path that stays where it is put.
bool Inside(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  for (const auto& part : std::filesystem::path(path)) {
    if (part == "..") return false;
  }
  return true;
}

Status CheckHostPath(const api::HostPathVolumeSource& source) {
  const std::string& type = source.type;
  if (type == "DirectoryOrCreate") return runtime::MakeDirectories(source.path);
  struct stat info {};
  bool there = stat(source.path.c_str(), &info) == 0;
  if (type == "FileOrCreate" && !there) {
    DRAY_RETURN_IF_ERROR(
        runtime::MakeDirectories(std::filesystem::path(source.path).parent_path().string()));
    return runtime::WriteFileAtomically(source.path, "");
  }
  bool fits = (type.empty() && there) || (type == "FileOrCreate" && S_ISREG(info.st_mode)) ||
              (there && ((type == "Directory" && S_ISDIR(info.st_mode)) ||
                         (type == "File" && S_ISREG(info.st_mode)) ||
                         (type == "Socket" && S_ISSOCK(info.st_mode)) ||
                         (type == "CharDevice" && S_ISCHR(info.st_mode)) ||
                         (type == "BlockDevice" && S_ISBLK(info.st_mode))));
  if (fits) return Ok();
  return Status(Reason::kInvalid,
                "hostPath " + source.path + " is not " + (type.empty() ? "there" : "a " + type));
}

Status WriteConfigMap(const api::ConfigMapVolumeSource& source, const std::string& directory,
                      const ConfigMapReader& config_map) {
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(directory));
  Result<std::map<std::string, std::string>> data = config_map(source.name);
  bool optional = source.optional.value_or(false);
  if (data.Is(Reason::kNotFound)) {
    return optional ? Ok()
                    : Status(Reason::kInvalid, "configmap \"" + source.name + "\" not found");
  }
  if (!data.ok()) return data.status();
  std::map<std::string, std::string> files;  // path -> text
  if (source.items.empty()) files = *data;
  for (const api::KeyToPath& item : source.items) {
    auto at = data->find(item.key);
    if (at == data->end()) {
      if (optional) continue;
      return Status(Reason::kInvalid, "configmap " + source.name + " has no key " + item.key);
    }
    files[item.path] = at->second;
  }
  for (const auto& [path, text] : files) {
    if (!Inside(path))
      return Status(Reason::kInvalid,
                    "configmap " + source.name + ": path " + path + " leaves the volume");
    std::string file = directory + "/" + path;
    DRAY_RETURN_IF_ERROR(
        runtime::MakeDirectories(std::filesystem::path(file).parent_path().string()));
    DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(file, text));
  }
  return Ok();
}

}  // namespace

Result<std::map<std::string, std::string>> SetUpVolumes(const api::Pod& pod, const PodPaths& paths,
                                                        const ConfigMapReader& config_map) {
  std::map<std::string, std::string> places;
  for (const api::Volume& volume : pod.spec.volumes) {
    std::string own = paths.Volume(volume.name);
    Status status;
    if (volume.host_path) {
      status = CheckHostPath(*volume.host_path);
      own = volume.host_path->path;
    } else if (volume.empty_dir) {
      status = runtime::MakeDirectories(own, 0777);
    } else if (volume.config_map) {
      status = WriteConfigMap(*volume.config_map, own, config_map);
    } else {
      status = Status(Reason::kInvalid,
                      "devcluster offers emptyDir, hostPath and configMap volumes, no others");
    }
    if (!status.ok()) return status.Wrapped("volume " + volume.name);
    places[volume.name] = own;
  }
  return places;
}

Result<std::vector<MountRequest>> VolumeMounts(const api::Container& container,
                                               const std::map<std::string, std::string>& volumes) {
  std::vector<MountRequest> mounts;
  for (const api::VolumeMount& mount : container.volume_mounts) {
    auto at = volumes.find(mount.name);
    if (at == volumes.end())
      return Status(Reason::kInvalid, "volumeMount " + mount.name + ": the Pod has no such volume");
    std::string source = at->second;
    if (!mount.sub_path.empty()) {
      if (!Inside(mount.sub_path)) {
        return Status(Reason::kInvalid, "volumeMount " + mount.name + ": subPath " +
                                            mount.sub_path + " leaves the volume");
      }
      source += "/" + mount.sub_path;
      std::error_code error;
      if (!std::filesystem::exists(source, error))
        DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(source));
    }
    mounts.push_back({source, mount.mount_path, mount.read_only});
  }
  return mounts;
}

}  // namespace dray::devcluster
