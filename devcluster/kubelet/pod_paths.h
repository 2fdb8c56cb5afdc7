#pragma once

#include <optional>
#include <string>

#include "dray/api/types/core.h"

namespace dray::devcluster {

// Where a Pod's files lie below the kubelet's root directory.
//
//   <root>/pods/<namespace>_<name>_<uid>/
//     <container>/<restart>.log
//     <container>/root/             empty: mount point of the container's file tree
//     _volumes/<volume>/
struct PodPaths {
  std::string directory;

  PodPaths(const std::string& root, const std::string& namespace_, const std::string& name,
           const std::string& uid)
      : directory(root + "/pods/" + namespace_ + "_" + name + "_" + uid) {}
  PodPaths(const std::string& root, const api::Pod& pod)
      : PodPaths(root, pod.metadata.namespace_, pod.metadata.name, pod.metadata.uid) {}

  std::string Container(const std::string& container) const { return directory + "/" + container; }
  std::string Log(const std::string& container, int restart) const {
    return Container(container) + "/" + std::to_string(restart) + ".log";
  }
  // The highest <restart> that has a log: attempts of which an earlier kubelet could not tell
  // anybody any more.
  std::optional<int> LastAttempt(const std::string& container) const;
  std::string RootOf(const std::string& container) const { return Container(container) + "/root"; }
  // A container named "volumes" would collide with this; the leading underscore cannot stand in a
  // container's name.
  std::string Volume(const std::string& volume) const { return directory + "/_volumes/" + volume; }
};

}  // namespace dray::devcluster
