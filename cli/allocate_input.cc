#include "cli/allocate_input.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "cli/input_file.h"
#include "cli/manifest_files.h"
#include "cli/pod_templates.h"
#include "dray/api/admission.h"
#include "dray/api/claims.h"
#include "dray/api/codec.h"
#include "dray/base/embedded.h"
#include "dray/runtime/yaml.h"

namespace dray::cli {
namespace {

constexpr int64_t kMostPods = 10'000;  // of one workload
constexpr std::string_view kScenarioMembers[] = {"nodes",     "slices", "classes",
                                                 "allocated", "claims", "groups"};

bool IsScenarioMember(std::string_view key) {
  return std::find(std::begin(kScenarioMembers), std::end(kScenarioMembers), key) !=
         std::end(kScenarioMembers);
}

// Whether the text is one JSON object with a scenario's members and no kind. Looks no further than
// the first member that tells: scenarios may be hundreds of megabytes.
bool LooksLikeScenario(std::string_view text) {
  int depth = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (depth == 0 && c != '{' && std::string_view(" \t\r\n").find(c) == std::string_view::npos)
      return false;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return text.find("\"kind\"") == text.npos;
    if (c != '"') continue;
    const size_t begin = at + 1;
    for (++at; at < text.size() && text[at] != '"'; ++at)
      if (text[at] == '\\') ++at;
    if (depth != 1 || at >= text.size()) continue;
    const size_t next = text.find_first_not_of(" \t\r\n", at + 1);
    if (next == std::string_view::npos || text[next] != ':') continue;
    const std::string_view key = text.substr(begin, at - begin);
    if (IsScenarioMember(key)) return true;
    if (key == "kind" || key == "apiVersion" || key == "items") return false;
  }
  return false;
}

template <class T>
void Append(std::vector<T> from, std::vector<T>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Collects Kubernetes objects, then makes the claims of the Pods among them.
class World {
 public:
  Status AddFile(const std::string& text, const std::string& file) {
    if (LooksLikeScenario(text)) return InFile(AddScenario(text), file);
    DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents, ManifestDocuments(text, file));
    for (Json& document : documents) {
      if (document.is_object() && !document.contains("kind") &&
          std::any_of(std::begin(kScenarioMembers), std::end(kScenarioMembers),
                      [&](std::string_view member) { return document.contains(member); })) {
        DRAY_RETURN_IF_ERROR(InFile(AddScenario(document.dump()), file));
      } else {
        objects_ = true;
        DRAY_RETURN_IF_ERROR(InFile(Add(document), file));
      }
    }
    return {};
  }

  Result<alloc::Scenario> Finish(std::vector<std::string>& warnings) {
    if (!objects_) return std::move(scenario_);
    for (const Json& pod : pods_) DRAY_RETURN_IF_ERROR(AddClaimsOf(pod, warnings));
    AddLooseClaims();
    if (scenario_.classes.empty()) DRAY_RETURN_IF_ERROR(AddOwnClasses());
    if (scenario_.nodes.empty()) AddNodesOfSlices();
    if (scenario_.claims.empty()) warnings.push_back("no claims, so nothing is allocated");
    if (scenario_.nodes.empty() && !scenario_.claims.empty())
      return Status(Reason::kBadRequest,
                    "no Nodes and no ResourceSlices to allocate from: give them with --slices "
                    "(kubectl get resourceslices -o json)");
    return std::move(scenario_);
  }

 private:
  static Status InFile(Status status, const std::string& file) {
    return status.ok() ? status : status.Wrapped(file);
  }

  Status AddScenario(const std::string& text) {
    DRAY_ASSIGN_OR_RETURN(alloc::Scenario read, alloc::ReadScenario(text));
    Append(std::move(read.nodes), scenario_.nodes);
    Append(std::move(read.slices), scenario_.slices);
    Append(std::move(read.classes), scenario_.classes);
    Append(std::move(read.allocated), scenario_.allocated);
    for (const api::ResourceClaim& claim : read.claims) taken_.insert(claim.metadata.name);
    Append(std::move(read.claims), scenario_.claims);
    Append(std::move(read.groups), scenario_.groups);
    return {};
  }

  Status Add(const Json& object) {
    if (object.is_null()) return {};
    if (!object.is_object())
      return Status(Reason::kInvalid,
                    object.dump().substr(0, 80) + ": want Kubernetes objects, or a scenario");
    if (std::string item_kind; IsList(object, &item_kind)) return AddList(object, item_kind);
    const std::string kind = object.value("kind", Json()).is_string() ? object["kind"] : "";
    if (kind.empty())
      return Status(Reason::kInvalid, "an object without kind: " + object.dump().substr(0, 80));
    if (kind == "Node") return Decode(object, kind, scenario_.nodes);
    if (kind == "ResourceSlice") return Share(object, kind, scenario_.slices);
    if (kind == "DeviceClass") return Share(object, kind, scenario_.classes);
    if (kind == "ResourceClaim") return AddClaim(object, kind);
    if (kind == "ResourceClaimTemplate") {
      std::vector<api::ResourceClaimTemplate> one;
      DRAY_RETURN_IF_ERROR(Decode(object, kind, one));
      const api::ObjectKey key = api::KeyOf(one[0]);
      if (templates_.emplace(key, std::move(one[0])).second) template_order_.push_back(key);
      return {};
    }
    return AddPods(object, kind);
  }

  Status AddList(const Json& list, const std::string& item_kind) {
    if (!list["items"].is_array() && !list["items"].is_null())
      return Unlike("items of a " + item_kind + "List are", list["items"], "a list");
    for (Json item : list["items"]) {
      if (item.is_object() && !item_kind.empty() && !item.contains("kind")) {
        item["kind"] = item_kind;
        if (list.contains("apiVersion")) item["apiVersion"] = list["apiVersion"];
      }
      DRAY_RETURN_IF_ERROR(Add(item));
    }
    return {};
  }

  template <class T>
  static Status Decode(const Json& object, const std::string& kind, std::vector<T>& to) {
    const std::string version = object.value("apiVersion", Json()).dump();
    if (version.starts_with("\"resource.k8s.io/v1") && version != "\"resource.k8s.io/v1\"")
      return Unlike("apiVersion of a " + kind + " is", object["apiVersion"], "resource.k8s.io/v1");
    Result<T> one = api::FromJson<T>(object);
    if (!one.ok()) return one.status().Wrapped(kind);
    to.push_back(*std::move(one));
    return {};
  }
  template <class T>
  static Status Share(const Json& object, const std::string& kind,
                      std::vector<std::shared_ptr<const T>>& to) {
    std::vector<T> one;
    DRAY_RETURN_IF_ERROR(Decode(object, kind, one));
    to.push_back(std::make_shared<const T>(std::move(one[0])));
    return {};
  }

  Status AddClaim(const Json& object, const std::string& kind) {
    std::vector<api::ResourceClaim> one;
    DRAY_RETURN_IF_ERROR(Decode(object, kind, one));
    if (one[0].status.allocation)
      scenario_.allocated.push_back(std::make_shared<const api::ResourceClaim>(std::move(one[0])));
    else
      claims_.push_back(std::move(one[0]));
    return {};
  }

  // The Pods that the object is or makes, each with a name.
  Status AddPods(const Json& object, const std::string& kind) {
    const std::vector<std::string> paths = PodTemplatePaths(object);
    if (paths.empty()) return {};
    DRAY_ASSIGN_OR_RETURN(std::string name, MetadataText(object, kind, "name"));
    DRAY_ASSIGN_OR_RETURN(std::string generate_name, MetadataText(object, kind, "generateName"));
    DRAY_ASSIGN_OR_RETURN(std::string in_namespace, MetadataText(object, kind, "namespace"));
    if (name.empty()) name = generate_name.empty() ? "pod" : generate_name + "0";
    const int64_t pods = PodsOf(object);
    if (pods > kMostPods)
      return Status(Reason::kInvalid, kind + " " + name + ": " + std::to_string(pods) +
                                          " Pods: want at most " + std::to_string(kMostPods));
    for (size_t i = 0; i < paths.size(); ++i) {
      const Json::json_pointer path(paths[i]);
      if (!object.contains(path) || !object[path].is_object()) continue;
      Json pod = object[path];
      if (!pod["metadata"].is_object()) pod["metadata"] = Json::object();
      pod["metadata"]["namespace"] = in_namespace;
      std::string stem = name;
      if (paths.size() > 1) stem += "-" + std::to_string(i);
      for (int64_t n = 0; n < pods; ++n) {
        pod["metadata"]["name"] = kind == "Pod" ? stem : stem + "-" + std::to_string(n);
        pods_.push_back(pod);
      }
    }
    return {};
  }

  // A name for an answer that no other claim has.
  std::string FreeName(const std::string& name, const std::string& in_namespace) {
    std::string free = name;
    if (taken_.contains(free) && !in_namespace.empty()) free = in_namespace + "/" + name;
    for (int i = 2; taken_.contains(free); ++i) free = name + " (" + std::to_string(i) + ")";
    taken_.insert(free);
    return free;
  }

  Status AddClaimsOf(const Json& json, std::vector<std::string>& warnings) {
    Result<api::Pod> decoded = api::FromJson<api::Pod>(json);
    if (!decoded.ok()) return decoded.status().Wrapped("Pod");
    const api::Pod& pod = *decoded;
    static const admission::DeviceConfig kConfig;
    for (const std::string& vendor : admission::VendorsOf(json, kConfig))
      warnings.push_back("Pod " + pod.metadata.name + " asks for devices of " + vendor +
                         " without a claim: 'dray convert' makes one");
    std::vector<std::string> group;
    for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
      const std::string where = "Pod " + pod.metadata.name + ": spec.resourceClaims " + entry.name;
      if (entry.resource_claim_template_name) {
        const api::ObjectKey key{pod.metadata.namespace_, *entry.resource_claim_template_name};
        auto found = templates_.find(key);
        if (found == templates_.end())
          return Status(Reason::kInvalid, where + ": there is no ResourceClaimTemplate " +
                                              *entry.resource_claim_template_name +
                                              " in the input");
        used_.insert(key);
        api::ResourceClaim claim = claims::ClaimFromTemplate(pod, entry, found->second);
        claim.metadata.name =
            FreeName(pod.metadata.name + "-" + entry.name, pod.metadata.namespace_);
        group.push_back(claim.metadata.name);
        scenario_.claims.push_back(std::move(claim));
      } else if (entry.resource_claim_name) {
        DRAY_RETURN_IF_ERROR(
            AddNamedClaim({pod.metadata.namespace_, *entry.resource_claim_name}, where, group));
      }
    }
    if (group.size() > 1) scenario_.groups.push_back(std::move(group));
    return {};
  }

  // A claim that may be shared by several Pods goes with the first of them.
  Status AddNamedClaim(const api::ObjectKey& key, const std::string& where,
                       std::vector<std::string>& group) {
    for (const auto& holder : scenario_.allocated)
      if (api::KeyOf(*holder) == key) return {};
    for (api::ResourceClaim& claim : claims_) {
      if (api::KeyOf(claim) != key) continue;
      if (!placed_.insert(key).second) return {};
      api::ResourceClaim named = claim;
      named.metadata.name = FreeName(claim.metadata.name, claim.metadata.namespace_);
      group.push_back(named.metadata.name);
      scenario_.claims.push_back(std::move(named));
      return {};
    }
    return Status(Reason::kInvalid,
                  where + ": there is no ResourceClaim " + key.name + " in the input");
  }

  // Claims that no Pod uses, and templates: each is a claim by itself.
  void AddLooseClaims() {
    for (api::ResourceClaim& claim : claims_) {
      if (placed_.contains(api::KeyOf(claim))) continue;
      claim.metadata.name = FreeName(claim.metadata.name, claim.metadata.namespace_);
      scenario_.claims.push_back(std::move(claim));
    }
    for (const api::ObjectKey& key : template_order_) {
      if (used_.contains(key)) continue;
      api::ResourceClaim claim;
      claim.metadata.namespace_ = key.namespace_;
      claim.metadata.name = FreeName(key.name, key.namespace_);
      claim.spec = templates_.at(key).spec.spec;
      scenario_.claims.push_back(std::move(claim));
    }
  }

  Status AddOwnClasses() {
    for (std::string_view path : EmbeddedFiles("config/deviceclasses/")) {
      DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents,
                            runtime::ParseYamlDocuments(*EmbeddedFile(path), path));
      for (const Json& document : documents)
        if (document.is_object() && document.value("kind", "") == "DeviceClass")
          DRAY_RETURN_IF_ERROR(Share(document, "DeviceClass", scenario_.classes));
    }
    return {};
  }

  void AddNodesOfSlices() {
    std::set<std::string> known;
    for (const auto& slice : scenario_.slices) {
      if (!slice->spec.node_name || !known.insert(*slice->spec.node_name).second) continue;
      scenario_.nodes.emplace_back().metadata.name = *slice->spec.node_name;
    }
    // Devices that are everywhere need no node of a name.
    if (known.empty() && !scenario_.slices.empty())
      scenario_.nodes.emplace_back().metadata.name = "node";
  }

  alloc::Scenario scenario_;
  bool objects_ = false;  // something was no scenario
  std::vector<Json> pods_;
  std::vector<api::ResourceClaim> claims_;  // as given, without an allocation
  std::map<api::ObjectKey, api::ResourceClaimTemplate> templates_;
  std::vector<api::ObjectKey> template_order_;
  std::set<api::ObjectKey> used_, placed_;  // templates and claims that a Pod names
  std::set<std::string> taken_;             // names of claims in the scenario
};

}  // namespace

Result<alloc::Scenario> ReadAllocateInput(const std::vector<std::string>& files, std::istream& in,
                                          std::vector<std::string>& warnings) {
  World world;
  for (const std::string& file : files) {
    DRAY_ASSIGN_OR_RETURN(const std::string text, ReadInput(file, in));
    DRAY_RETURN_IF_ERROR(world.AddFile(text, file));
  }
  return world.Finish(warnings);
}

}  // namespace dray::cli
