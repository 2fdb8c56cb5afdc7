#include <iostream>
#include <iterator>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/input_file.h"
#include "cli/line_diff.h"
#include "cli/manifest_files.h"
#include "cli/pod_templates.h"
#include "cli/slices_file.h"
#include "dray/api/admission.h"
#include "dray/api/codec.h"
#include "dray/api/patch.h"
#include "dray/api/types/resource.h"
#include "dray/runtime/device_config.h"
#include "dray/runtime/yaml.h"

namespace dray::cli {
namespace {

constexpr Flag kConvertFlags[] = {
    {"filename", 'f', "FILE",
     "manifests, YAML or JSON, several documents allowed; a directory stands for those in it; - is "
     "standard input; may be repeated"},
    {"recursive", 'R', "", "of a directory, the manifests below it as well"},
    {"device-config", 0, "FILE",
     "HAMi's device-config.yaml, or the ConfigMap around it; without: HAMi's defaults"},
    {"slices", 0, "FILE",
     "the cluster's ResourceSlices (kubectl get resourceslices -o yaml): sizes for percentages, "
     "limits for memory"},
    {"namespace", 'n', "NAMESPACE", "for objects that name none"},
    {"output", 'o', "FORMAT", "yaml or json", "yaml"},
    {"diff", 0, "", "print what changes, as diff -u, instead of the manifests"},
    {"explain", 0, "", "say on stderr which rule did what"},
    {"help", 'h', "", "this text"},
};

constexpr char kConvertUsage[] =
    "Prints what a cluster with Dray would get for these manifests: the ResourceClaimTemplates "
    "that the webhook would make,\n"
    "then each object as it would be stored. Works offline; the rules are the webhook's own.\n\n"
    "  dray convert -f pod.yaml\n"
    "  kustomize build . | dray convert -f - -o json\n\n"
    "Exit code 1 when the webhook would refuse one of the objects.\n\nFlags:\n";

struct Conversion {
  Conversion(admission::DeviceConfig device_config, std::string default_namespace,
             std::ostream* explain_to)
      : config(std::move(device_config)),
        domains(admission::ResourceDomains(config)),
        namespace_(std::move(default_namespace)),
        explain(explain_to) {}

  Status Add(Json document) {
    if (document.is_null()) return {};
    if (!document.is_object())
      return Status(Reason::kInvalid, "want Kubernetes objects, got " + document.dump());
    auto kind_field = document.find("kind");
    if (kind_field == document.end() || !kind_field->is_string() ||
        kind_field->get<std::string>().empty())
      return Status(Reason::kInvalid, "an object without kind: " + document.dump().substr(0, 80));
    const std::string kind = kind_field->get<std::string>();
    if (std::string item_kind; IsList(document, &item_kind)) return AddList(item_kind, document);
    auto version = document.find("apiVersion");
    const std::string api_version =
        version != document.end() && version->is_string() ? version->get<std::string>() : "";
    const std::vector<std::string> paths = PodTemplatePaths(document);
    originals.push_back(document);
    if (kind == "ResourceClaimTemplate") DRAY_RETURN_IF_ERROR(NoteTemplate(document));
    if (paths.empty()) DRAY_RETURN_IF_ERROR(NoteOther(api_version, kind, document));
    for (const std::string& path : paths)
      DRAY_RETURN_IF_ERROR(AddWithPod(kind, Json::json_pointer(path), paths.size() > 1, document));
    objects.push_back(std::move(document));
    return {};
  }

  // `kind` of the items; empty: they say it themselves. Those of a PodList need not.
  Status AddList(const std::string& kind, Json& document) {
    Json& items = document["items"];
    if (!items.is_array() && !items.is_null())
      return Unlike("items of a " + kind + "List are", items, "a list");
    for (Json& item : items) {
      if (item.is_object() && !kind.empty() && !item.contains("kind")) {
        item["kind"] = kind;
        if (document.contains("apiVersion")) item["apiVersion"] = document["apiVersion"];
      }
      DRAY_RETURN_IF_ERROR(Add(std::move(item)));
    }
    return {};
  }

  // A template that stands in the input, as an earlier conversion wrote it, is not made once more.
  Status NoteTemplate(const Json& document) {
    DRAY_ASSIGN_OR_RETURN(const std::string name, MetadataText(document, "template", "name"));
    DRAY_ASSIGN_OR_RETURN(const std::string in_namespace,
                          MetadataText(document, "template", "namespace"));
    given.insert(in_namespace + "/" + name);
    return {};
  }

  // What holds no Pod passes through. A quota counts what converted Pods no longer ask for; a kind
  // of somebody's own may keep its containers elsewhere.
  Status NoteOther(const std::string& api_version, const std::string& kind, const Json& document) {
    const bool limits = kind == "ResourceQuota" || kind == "LimitRange";
    const std::string group =
        api_version.substr(0, std::min(api_version.find('/'), api_version.size()));
    if (!limits && (group.find('.') == std::string::npos || group.ends_with(".k8s.io"))) return {};
    const std::string text = document.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (std::none_of(domains.begin(), domains.end(), [&](const std::string& domain) {
          return text.find((limits ? "" : "\"") + domain + "/") != std::string::npos;
        }))
      return {};
    DRAY_ASSIGN_OR_RETURN(const std::string name, MetadataText(document, kind, "name"));
    warnings.push_back(
        kind + " " + (name.empty() ? "(no name)" : name) +
        (limits ? ": limits device resources, which converted Pods no longer ask for: limit "
                  "DEVICECLASS.deviceclass.resource.k8s.io/devices instead"
                : ": names a device resource, but holds no Pod template: unchanged"));
    return {};
  }

  // `path`: of the Pod or its template within the document; what stands there is changed in place.
  // `one_of_several`: the path says which.
  Status AddWithPod(const std::string& kind, const Json::json_pointer& path, bool one_of_several,
                    Json& document) {
    DRAY_ASSIGN_OR_RETURN(std::string name, MetadataText(document, kind, "name"));
    DRAY_ASSIGN_OR_RETURN(std::string generate_name, MetadataText(document, kind, "generateName"));
    DRAY_ASSIGN_OR_RETURN(std::string in_namespace, MetadataText(document, kind, "namespace"));
    const std::string title = kind + " " +
                              (!name.empty()            ? name
                               : !generate_name.empty() ? generate_name
                                                        : "(no name)") +
                              (one_of_several ? " " + path.to_string() : "");
    // The cluster would store it so; the template must stand in the same namespace.
    if (in_namespace.empty() && !namespace_.empty())
      document["metadata"]["namespace"] = in_namespace = namespace_;
    if (!document.contains(path)) return {};
    Json& pod = document[path];
    if (!pod.is_object())
      return Unlike(path.to_string() + " of " + title + " is", pod, "an object");
    return Convert(title, pod, in_namespace);
  }

  // `pod`: a Pod or a PodTemplateSpec, changed in place.
  Status Convert(const std::string& name, Json& pod, const std::string& in_namespace) {
    Result<admission::AdmissionPlan> plan =
        admission::PlanAdmission(pod, in_namespace, config, inventory);
    if (!plan.ok()) {
      std::string refusal = file + ": " + name + ": " + plan.status().message();
      // A cluster's webhook knows the devices.
      if (!inventory.complete && refusal.find("to take a percentage of") != std::string::npos)
        refusal += ", or say with --slices which devices the cluster has";
      refusals.push_back(std::move(refusal));
      return {};
    }
    for (const std::string& warning : plan->warnings) warnings.push_back(name + ": " + warning);
    if (explain != nullptr)
      for (const std::string& rule : plan->rules) *explain << name << ": " << rule << "\n";
    if (!plan->convert) return {};
    DRAY_ASSIGN_OR_RETURN(pod, api::ApplyJsonPatch(std::move(pod), Json::parse(plan->patch)));
    if (plan->claim_template &&
        names.insert(in_namespace + "/" + plan->claim_template->metadata.name).second)
      templates.push_back(api::ToJson(*plan->claim_template));
    return {};
  }

  void DropGivenTemplates() {
    std::erase_if(templates, [&](const Json& made) {
      const Json& metadata = made["metadata"];
      return given.contains(metadata.value("namespace", "") + "/" + metadata.value("name", ""));
    });
  }

  // In an order in which they can be created: namespaces, then templates, then what uses them.
  std::vector<Json> InOrder() {
    std::vector<Json> all;
    for (Json& object : objects)
      if (object["kind"] == "Namespace") all.push_back(std::move(object));
    for (Json& made : templates) all.push_back(std::move(made));
    for (Json& object : objects)
      if (object.is_object()) all.push_back(std::move(object));  // the others were moved away
    return all;
  }

  admission::DeviceConfig config;
  std::vector<std::string> domains;
  admission::Inventory inventory;
  std::string namespace_;
  std::ostream* explain;
  std::vector<Json> templates, objects;
  std::vector<Json> originals;  // of objects, one by one
  std::set<std::string> names;  // of `templates`
  std::set<std::string> given;  // of templates in the input
  std::string file;             // that is being read
  std::vector<std::string> warnings, refusals;
};

std::string TitleOf(const Json& object) {
  const Json name = object.value(Json::json_pointer("/metadata/name"), Json("(no name)"));
  return object.value("kind", "") + "/" +
         (name.is_string() ? name.get<std::string>() : "(no name)");
}

void PrintDiff(const Conversion& conversion, std::ostream& out) {
  for (const Json& made : conversion.templates)
    out << LineDiff("/dev/null", "", TitleOf(made), runtime::ToYaml(made));
  for (size_t i = 0; i < conversion.objects.size(); ++i)
    out << LineDiff(TitleOf(conversion.originals[i]), runtime::ToYaml(conversion.originals[i]),
                    TitleOf(conversion.objects[i]) + " (converted)",
                    runtime::ToYaml(conversion.objects[i]));
}

}  // namespace

Status RunConvert(const Context&, std::span<const std::string> words, Streams streams) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kConvertFlags));
  if (args.Given("help")) {
    streams.out << kConvertUsage << FlagHelp(kConvertFlags);
    return {};
  }
  const std::string& format = args.Get("output");
  if (format != "yaml" && format != "json")
    return Status(Reason::kBadRequest, "--output: " + format + ": want yaml or json");
  std::vector<std::string> files = args.All("filename");
  files.insert(files.end(), args.words().begin(), args.words().end());
  if (files.empty())
    return Status(Reason::kBadRequest,
                  "nothing to convert: want -f FILE, or -f - for standard input");

  DRAY_ASSIGN_OR_RETURN(admission::DeviceConfig config,
                        runtime::LoadDeviceConfig(args.Get("device-config")));
  Conversion conversion(std::move(config), args.Get("namespace"),
                        args.Given("explain") ? &streams.err : nullptr);
  if (!args.Get("slices").empty()) {
    DRAY_ASSIGN_OR_RETURN(auto slices, ReadSlicesFile(args.Get("slices")));
    for (const api::ResourceSlice& slice : slices)
      admission::AddToInventory(slice, conversion.inventory);
    conversion.inventory.complete = true;
  }
  DRAY_ASSIGN_OR_RETURN(files, ManifestFiles(files, args.Given("recursive")));
  for (const std::string& file : files) {
    conversion.file = file;
    DRAY_ASSIGN_OR_RETURN(std::string text, ReadInput(file, streams.in));
    DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents, ManifestDocuments(text, file));
    for (Json& document : documents)
      if (Status added = conversion.Add(std::move(document)); !added.ok())
        return added.Wrapped(file);
  }
  for (const std::string& warning : conversion.warnings)
    streams.err << "Warning: " << warning << "\n";
  if (!conversion.refusals.empty()) {
    // The command itself was used rightly: it is the webhook that refuses.
    const std::string last = std::move(conversion.refusals.back());
    conversion.refusals.pop_back();
    for (const std::string& refusal : conversion.refusals)
      streams.err << "dray: " << refusal << "\n";
    return Status(Reason::kForbidden, last);
  }

  conversion.DropGivenTemplates();
  if (args.Given("diff")) {
    PrintDiff(conversion, streams.out);
    return {};
  }
  std::vector<Json> all = conversion.InOrder();
  if (format == "json") {
    streams.out << Json({{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(all)}}).dump(2)
                << "\n";
  } else {
    for (size_t i = 0; i < all.size(); ++i)
      streams.out << (i == 0 ? "" : "---\n") << runtime::ToYaml(all[i]);
  }
  return {};
}

}  // namespace dray::cli
