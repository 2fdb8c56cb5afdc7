#include <algorithm>
#include <iostream>
#include <map>
#include <tuple>

#include <nlohmann/json.hpp>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/inventory.h"
#include "cli/slices_file.h"
#include "cli/table.h"
#include "dray/api/cel.h"
#include "dray/api/codec.h"
#include "dray/base/embedded.h"
#include "dray/base/nearest.h"
#include "dray/runtime/yaml.h"

namespace dray::cli {
namespace {

constexpr Flag kSelectFlags[] = {
    {"class", 'c', "NAME",
     "look only at the devices of this DeviceClass, as a request that names it does"},
    {"slices", 0, "FILE",
     "ResourceSlices from a file (kubectl get resourceslices -o yaml) instead of a cluster"},
    {"all", 'a', "", "show also the devices that are not selected"},
    {"kubeconfig", 0, "FILE", "as kubectl's; default: $KUBECONFIG, then ~/.kube/config"},
    {"context", 0, "NAME", "of the kubeconfig"},
    {"help", 'h', "", "this text"},
};

constexpr char kSelectUsage[] =
    "Tries a CEL selector on the devices of a cluster and shows which of them it selects, before "
    "it "
    "stands in a claim.\n\n"
    "  dray select 'device.driver == \"hami-core-gpu.project-hami.io\"'\n"
    "  dray select -c hami-core-gpu.project-hami.io "
    "'device.capacity[\"hami-core-gpu.project-hami.io\"].memory.isGreaterThan(quantity(\"40Gi\"))'"
    "\n"
    "  dray select --slices slices.yaml 'device.attributes[\"dra.hygon.com\"].?index.orValue(0) < "
    "4'\n\n"
    "Exit code 1 when it selects no device, 2 when it does not compile.\n\nFlags:\n";

using Program = std::shared_ptr<const cel::Program>;

// What the selectors say of one device, in their order: the first that does not select it ends it.
struct Verdict {
  bool selected = true;
  std::string failure;  // a runtime error
  uint64_t cost = 0;    // of the last one, which is the user's
};

Verdict Judge(const std::vector<Program>& selectors, const cel::DeviceView& device) {
  Verdict verdict;
  for (const Program& selector : selectors) {
    const cel::Evaluated evaluated = selector->Evaluate(device);
    verdict.cost = evaluated.cost;
    if (!evaluated.matches.ok()) {
      verdict.failure = evaluated.matches.status().message();
      if (selector != selectors.back()) verdict.failure = "class: " + verdict.failure;
    }
    verdict.selected = evaluated.matches.ok() && *evaluated.matches;
    if (!verdict.selected) break;
  }
  return verdict;
}

// Those of the newest generation of each pool, as the scheduler sees them.
std::vector<const api::ResourceSlice*> Newest(const std::vector<api::ResourceSlice>& slices) {
  std::map<std::pair<std::string_view, std::string_view>, int64_t> newest;
  for (const api::ResourceSlice& slice : slices) {
    int64_t& generation = newest[{slice.spec.driver, slice.spec.pool.name}];
    generation = std::max(generation, slice.spec.pool.generation);
  }
  std::vector<const api::ResourceSlice*> chosen;
  for (const api::ResourceSlice& slice : slices)
    if (slice.spec.pool.generation == newest[{slice.spec.driver, slice.spec.pool.name}])
      chosen.push_back(&slice);
  std::sort(chosen.begin(), chosen.end(), [](const auto* a, const auto* b) {
    return std::tie(a->spec.driver, a->spec.pool.name, a->metadata.name) <
           std::tie(b->spec.driver, b->spec.pool.name, b->metadata.name);
  });
  return chosen;
}

// Of those that Dray brings along, for who looks at a file and not at a cluster.
Result<api::DeviceClass> ConfiguredClass(const std::string& name) {
  std::vector<std::string> names;
  for (std::string_view path : EmbeddedFiles("config/deviceclasses/")) {
    if (path.ends_with("kustomization.yaml")) continue;
    DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents,
                          runtime::ParseYamlDocuments(*EmbeddedFile(path), path));
    for (const Json& document : documents) {
      DRAY_ASSIGN_OR_RETURN(api::DeviceClass one, api::FromJson<api::DeviceClass>(document));
      if (one.metadata.name == name) return one;
      names.push_back(one.metadata.name);
    }
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string near(Nearest(name, candidates));
  return Status(Reason::kBadRequest, "--class: " + name +
                                         " is none of the DeviceClasses that Dray brings along" +
                                         (near.empty() ? ", and with --slices no cluster is asked"
                                                       : ": did you mean " + near + "?"));
}

Status CompileClass(const api::DeviceClass& device_class, std::vector<Program>& selectors) {
  for (size_t i = 0; i < device_class.spec.selectors.size(); ++i) {
    if (!device_class.spec.selectors[i].cel) continue;
    auto program = cel::Program::Compile(device_class.spec.selectors[i].cel->expression);
    if (!program.ok())
      return program.status().Wrapped("DeviceClass " + device_class.metadata.name +
                                      ": spec.selectors[" + std::to_string(i) + "]");
    selectors.push_back(*std::move(program));
  }
  return {};
}

// The table and what is to be learned from it. Answers whether a device is selected.
bool Print(const std::vector<api::ResourceSlice>& slices, const std::vector<Program>& selectors,
           bool all, Streams streams) {
  Table table({"NODE", "DEVICE", "DRIVER", "SELECTED", "COST"});
  size_t devices = 0, selected = 0, failed = 0;
  for (const api::ResourceSlice* slice : Newest(slices)) {
    for (const api::Device& device : slice->spec.devices) {
      const Verdict verdict = Judge(selectors, cel::DeviceView(device, slice->spec.driver));
      ++devices;
      selected += verdict.selected;
      failed += !verdict.failure.empty();
      if (!all && !verdict.selected && verdict.failure.empty()) continue;
      table.Add({slice->spec.node_name.value_or("(pool " + slice->spec.pool.name + ")"),
                 device.name, slice->spec.driver,
                 !verdict.failure.empty() ? "fails: " + verdict.failure
                 : verdict.selected       ? "yes"
                                          : "no",
                 std::to_string(verdict.cost)});
    }
  }
  if (!table.empty()) streams.out << table.Text() << "\n";
  streams.out << selected << " of " << devices << " devices selected; at most "
              << selectors.back()->max_cost() << " of " << cel::kMaxSelectorCost
              << " units of cost\n";
  if (selectors.back()->max_cost() > cel::kMaxSelectorCost)
    streams.err << "Warning: the API server refuses a selector that may cost so much\n";
  if (failed > 0)
    streams.err << "Warning: on " << failed << (failed == 1 ? " device" : " devices")
                << " the selector fails, and a failure is not a no: kube-scheduler gives the "
                   "Pod up there. Ask for the driver first (device.driver == \"...\" && ...), name "
                   "a class (--class), or take what may be missing with .?name.orValue(...)\n";
  return selected > 0;
}

}  // namespace

Status RunSelect(const Context& ctx, std::span<const std::string> words, Streams streams) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kSelectFlags));
  if (args.Given("help")) {
    streams.out << kSelectUsage << FlagHelp(kSelectFlags);
    return {};
  }
  if (args.words().size() != 1)
    return Status(
        Reason::kBadRequest,
        "want: dray select EXPRESSION, in quotes, such as 'device.driver == \"gpu.example.com\"'");
  auto program = cel::Program::Compile(args.words()[0]);
  if (!program.ok()) return program.status();
  std::vector<Program> selectors;
  std::vector<api::ResourceSlice> slices;
  const std::string& class_name = args.Get("class");
  if (args.Given("slices")) {
    DRAY_ASSIGN_OR_RETURN(slices, ReadSlicesFile(args.Get("slices")));
    if (!class_name.empty()) {
      DRAY_ASSIGN_OR_RETURN(api::DeviceClass known, ConfiguredClass(class_name));
      DRAY_RETURN_IF_ERROR(CompileClass(known, selectors));
    }
  } else {
    DRAY_ASSIGN_OR_RETURN(runtime::Client client,
                          ConnectCluster(args.Get("kubeconfig"), args.Get("context")));
    DRAY_ASSIGN_OR_RETURN(api::ListOf<api::ResourceSlice> list,
                          client.List<api::ResourceSlice>(ctx));
    slices = std::move(list.items);
    if (!class_name.empty()) {
      DRAY_ASSIGN_OR_RETURN(api::DeviceClass known,
                            client.Get<api::DeviceClass>(ctx, {"", class_name}));
      DRAY_RETURN_IF_ERROR(CompileClass(known, selectors));
    }
  }
  selectors.push_back(*std::move(program));
  return Print(slices, selectors, args.Given("all"), streams)
             ? Ok()
             : Status(Reason::kNotFound, "no device is selected");
}

}  // namespace dray::cli
