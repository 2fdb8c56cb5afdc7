#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

// Where the Pods of manifests stand.
namespace dray::cli {

// JSON pointers to the Pod ("") or the Pod templates within a Kubernetes object. In workloads of
// others (Volcano, JobSet, Kubeflow, Argo, ...) whatever has a spec with a list of containers is
// one. Empty: the object holds no Pod. A pointer of Kubernetes' own kinds may lead nowhere.
std::vector<std::string> PodTemplatePaths(const Json& object);

// metadata.<key> of an object of that kind; empty when it is absent. kInvalid when it is no text.
Result<std::string> MetadataText(const Json& object, const std::string& kind, const char* key);

// How many Pods a workload of Kubernetes makes of its template: replicas or parallelism, 1 by
// default; 1 for every other kind.
int64_t PodsOf(const Json& object);

// The kind of the items of a List: "Pod" of a PodList, "" of a List; nothing for what is no list.
// Items of a typed list need not say what they are.
bool IsList(const Json& object, std::string* item_kind);

// "want" as a refusal: "<what> <value>: want <wanted>".
Status Unlike(const std::string& what, const Json& value, const char* wanted);

}  // namespace dray::cli
