// dray convert: offline, by the webhook's own rules.
#include <filesystem>

#include <nlohmann/json.hpp>

#include "cli/line_diff.h"
#include "dray/base/json.h"
#include "dray/runtime/yaml.h"
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using ::testing::HasSubstr;

std::string Example(const std::string& path) {
  return TreePath("config/examples/" + path);
}

// A Pod with one container and these limits, as flow YAML.
std::string PodWith(const std::string& limits) {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: c, "
         "image: i, resources: {limits: " +
         limits + "}}\n";
}

TEST(Convert, ExamplesAsYaml) {
  for (const char* name :
       {"hami-gpu-pod/pod", "dcu-pod/pod", "ascend-pod/pod", "gpu-deployment/deployment"}) {
    Outcome outcome = Dray({"convert", "-f", Example(std::string(name) + ".yaml")});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const std::string stem(name, std::string_view(name).find('/'));
    ExpectGolden("convert-" + stem + ".yaml", outcome.out);
  }
}

TEST(Convert, AsJsonListTemplatesFirst) {
  Outcome outcome = Dray({"convert", "-ojson", "-f", Example("hami-gpu-pod/pod.yaml")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  ExpectGolden("convert-hami-gpu-pod.json", outcome.out);
  Json list = Json::parse(outcome.out);
  EXPECT_EQ(list["apiVersion"], "v1");
  EXPECT_EQ(list["kind"], "List");
  ASSERT_EQ(list["items"].size(), 2u);
  EXPECT_EQ(list["items"][0]["kind"], "ResourceClaimTemplate");
  EXPECT_EQ(list["items"][1]["kind"], "Pod");
  EXPECT_EQ(list["items"][1]["spec"]["resourceClaims"][0]["resourceClaimTemplateName"],
            list["items"][0]["metadata"]["name"]);
}

TEST(Convert, EveryKindWithAPodTemplate) {
  Outcome outcome = Dray({"convert", "-f", TreePath("tests/golden/cli/workloads.in.yaml")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  ExpectGolden("workloads.out.yaml", outcome.out);
}

constexpr char kTask[] =
    "spec: {containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1, "
    "nvidia.com/gpumem: 4000}}}]}";

TEST(Convert, FindsThePodTemplatesOfOtherPeoplesWorkloads) {
  const struct {
    const char *text, *path;
  } kCases[] = {
      {"apiVersion: v1\nkind: PodTemplate\nmetadata: {name: w}\ntemplate: {%}", "/template"},
      {"apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: w}\nspec: {tasks: "
       "[{name: "
       "ps}, {name: worker, template: {%}}]}",
       "/spec/tasks/1/template"},
      {"apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: w}\nspec: "
       "{replicatedJobs: "
       "[{template: {spec: {template: {%}}}}]}",
       "/spec/replicatedJobs/0/template/spec/template"},
      {"apiVersion: kubeflow.org/v1\nkind: PyTorchJob\nmetadata: {name: w}\nspec: "
       "{pytorchReplicaSpecs: {Worker: {template: {%}}}}",
       "/spec/pytorchReplicaSpecs/Worker/template"},
      {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: w}\nspec: {template: "
       "{%}}",
       "/spec/template"},
  };
  for (const auto& c : kCases) {
    std::string text = c.text;
    text.replace(text.find('%'), 1, kTask);
    Outcome outcome = Dray({"convert", "-ojson", "-f", "-"}, text);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const Json items = Json::parse(outcome.out)["items"];
    ASSERT_EQ(items.size(), 2u) << text;
    const Json& pod = items[1][Json::json_pointer(c.path)];
    EXPECT_EQ(pod["spec"]["resourceClaims"][0]["resourceClaimTemplateName"],
              items[0]["metadata"]["name"]);
    EXPECT_FALSE(pod["spec"]["containers"][0]["resources"].contains("limits"));
  }
}

// Tasks that ask for the same share a template by content; a refusal says which task it is.
TEST(Convert, VolcanoTasksAreToldApart) {
  auto job = [](const std::string& first, const std::string& second) {
    auto task = [](const std::string& memory) {
      return "{template: {spec: {containers: [{name: c, resources: {limits: {nvidia.com/gpu: 1, "
             "nvidia.com/gpumem: " +
             memory + "}}}]}}}";
    };
    return "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: j}\nspec: {tasks: "
           "[" +
           task(first) + ", " + task(second) + "]}";
  };
  EXPECT_EQ(Json::parse(Dray({"convert", "-ojson", "-f", "-"}, job("1", "1")).out)["items"].size(),
            2u);
  EXPECT_EQ(Json::parse(Dray({"convert", "-ojson", "-f", "-"}, job("1", "2")).out)["items"].size(),
            3u);
  Outcome refused = Dray({"convert", "-f", "-"}, job("1", "-2"));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err,
              HasSubstr("Job j /spec/tasks/1/template: container c: nvidia.com/gpumem"));
}

TEST(Convert, WhatHoldsNoPodPassesThrough) {
  const struct {
    const char *text, *note;
  } kCases[] = {
      {"apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: "
       "{requests.nvidia.com/gpu: "
       "4}}\n",
       "Warning: ResourceQuota q: limits device resources, which converted Pods no longer ask for: "
       "limit DEVICECLASS.deviceclass.resource.k8s.io/devices instead\n"},
      {"apiVersion: example.com/v1\nkind: Engine\nmetadata: {name: e}\nspec: {limits: "
       "{nvidia.com/gpu: "
       "1}}\n",
       "Warning: Engine e: names a device resource, but holds no Pod template: unchanged\n"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: nvidia.com/gpu}\n", ""},
      {"apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: d}\nspec: "
       "{extendedResourceName: nvidia.com/gpu}\n",
       ""},
      {"apiVersion: example.com/v1\nkind: Other\nmetadata: {name: o}\n", ""},
  };
  for (const auto& c : kCases) {
    Outcome outcome = Dray({"convert", "-ojson", "-f", "-"}, c.text);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.err, c.note);
    const Json items = Json::parse(outcome.out)["items"];
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0], *runtime::ParseYaml(c.text, "text"));
  }
}

// What `kubectl get --raw` prints: the items do not say their kind.
TEST(Convert, TypedLists) {
  Outcome outcome = Dray({"convert", "-ojson", "-f", "-"},
                         "apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: p}, " +
                             std::string(kTask) + "}]\n");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json items = Json::parse(outcome.out)["items"];
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1]["kind"], "Pod");
  EXPECT_EQ(items[1]["apiVersion"], "v1");
}

// What was printed is what a cluster would store: converting it again changes nothing.
TEST(Convert, IsIdempotentAndReadsWhatItWrote) {
  for (const char* format : {"yaml", "json"}) {
    Outcome once =
        Dray({"convert", "-o", format, "-f", TreePath("tests/golden/cli/workloads.in.yaml")});
    Outcome twice = Dray({"convert", "-o", format, "-f", "-"}, once.out);
    EXPECT_EQ(twice.code, 0) << twice.err;
    EXPECT_EQ(twice.out, once.out);
  }
}

TEST(Convert, SeveralFilesAndStandardInput) {
  const std::string plain = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: plain\n";
  Outcome outcome =
      Dray({"convert", "-f", "-", Example("hami-gpu-pod/pod.yaml"), "-o", "json"}, plain);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  Json items = Json::parse(outcome.out)["items"];
  ASSERT_EQ(items.size(), 3u);  // one template, two Pods
  EXPECT_EQ(items[2]["metadata"]["name"], "gpu-pod");
  EXPECT_EQ(items[1]["metadata"]["name"], "plain");
  EXPECT_EQ(Dray({"convert", "-f", "-"}, plain).out, plain);
  EXPECT_EQ(Dray({"convert", "-f", "-", "-o", "json"}, "").out,
            "{\n  \"apiVersion\": \"v1\",\n  \"items\": [],\n  \"kind\": \"List\"\n}\n");
  EXPECT_EQ(Dray({"convert", "-f", "-"}, "").out, "");
}

// The template and the object that names it end up in one namespace.
TEST(Convert, NamespaceForObjectsThatNameNone) {
  const std::string text = PodWith("{nvidia.com/gpu: 1}") +
                           "---\napiVersion: v1\nkind: Pod\nmetadata: {name: q, namespace: "
                           "own}\nspec: {containers: [{name: c, "
                           "image: i, resources: {limits: {nvidia.com/gpu: 1}}}]}\n";
  Json items = Json::parse(Dray({"convert", "-n", "team", "-f", "-", "-ojson"}, text).out)["items"];
  ASSERT_EQ(items.size(), 4u);
  for (size_t i : {0, 2}) EXPECT_EQ(items[i]["metadata"]["namespace"], "team");
  for (size_t i : {1, 3}) EXPECT_EQ(items[i]["metadata"]["namespace"], "own");
  items = Json::parse(
      Dray({"convert", "-f", "-", "-ojson"}, PodWith("{nvidia.com/gpu: 1}")).out)["items"];
  for (const Json& item : items) EXPECT_FALSE(item["metadata"].contains("namespace"));
}

TEST(Convert, ExplainSaysWhichRule) {
  Outcome outcome = Dray({"convert", "--explain", "-f", Example("ascend-pod/pod.yaml")});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err,
            "Pod ascend-pod: container cann: Ascend910B3: 1 device, 12288 MiB each, memory rounded "
            "up to template "
            "vir05_1c_16g (16384 MiB)\n");
}

// The webhook would refuse these: exit code 1, and nothing that somebody could apply.
TEST(Convert, Refusals) {
  struct Case {
    std::string limits;
    const char* part;
  };
  const Case cases[] = {
      {"{nvidia.com/gpu: 1, nvidia.com/gpumem-percentage: 101}", "nvidia.com/gpumem-percentage"},
      {"{nvidia.com/gpu: -1}", "nvidia.com/gpu"},
      {"{nvidia.com/gpu: one}", "nvidia.com/gpu"},
      {"{huawei.com/Ascend910B3: 1, huawei.com/Ascend910B3-memory: 999999}",
       "huawei.com/Ascend910B3-memory"},
  };
  for (const Case& test : cases) {
    Outcome outcome = Dray({"convert", "-f", "-"},
                           PodWith("{nvidia.com/gpu: 1}") + "---\n" + PodWith(test.limits));
    EXPECT_EQ(outcome.code, 1) << test.limits << outcome.out;
    EXPECT_EQ(outcome.out, "") << test.limits;
    EXPECT_THAT(outcome.err, HasSubstr("dray: -: Pod p: container c")) << test.limits;
    EXPECT_THAT(outcome.err, HasSubstr(test.part)) << test.limits;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

TEST(Convert, TextThatIsNoUtf8) {
  for (const char* text : {"\"\xff\xfe\"", "claims: []\nx: \"\xff\"", "a: \xc0\x80",
                           "a: \xed\xa0\x80", "a: \xf5\x80\x80\x80", "a: \xe2\x82"})
    for (const char* command : {"convert", "allocate"}) {
      const Outcome outcome = Dray({command, "-f", "-"}, text);
      EXPECT_EQ(outcome.code, 2) << command << text;
      EXPECT_THAT(outcome.err, HasSubstr("this is no UTF-8 text\n")) << command;
    }
  EXPECT_THAT(Dray({"convert", "-f", "-"}, "a: \"\xe2\x82\xac \xf0\x9f\x98\x80\"").err,
              HasSubstr("an object without kind"));
  const ScratchFile config("device-config.yaml", "nvidia: {defaultMemory: \"\xff\"}\n");
  EXPECT_EQ(Dray({"convert", "-f", "-", "--device-config", config.path()}, "").code, 2);
}

TEST(Convert, SaysAllThatIsRefused) {
  const Outcome outcome =
      Dray({"convert", "-f", "-"}, PodWith("{nvidia.com/gpu: 40}") + "---\n" +
                                       PodWith("{nvidia.com/gpu: 1}") + "---\n" +
                                       PodWith("{nvidia.com/gpucores: 130}"));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "dray: -: Pod p: container c: nvidia.com/gpu: 40: a claim holds at most 32 devices\n"
            "dray: -: Pod p: container c: nvidia.com/gpucores: 130: want 0 to 100 percent of a "
            "card\n");
}

TEST(Convert, PercentageWithoutKnownDevicesNamesTheFlag) {
  const Outcome outcome =
      Dray({"convert", "-f", "-"}, PodWith("{nvidia.com/gpumem-percentage: 50}"));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "dray: -: Pod p: container c: nvidia.com/gpumem-percentage: 50: no device of "
            "hami-core-gpu.project-hami.io is known to take a percentage of: ask for "
            "nvidia.com/gpumem, or say with --slices which devices the cluster has\n");
}

// As kubectl: a directory stands for its manifests, by name.
TEST(Convert, Directories) {
  const ScratchFile file("b.yaml", PodWith("{nvidia.com/gpu: 1}"));
  const std::filesystem::path folder = std::filesystem::path(file.path()).parent_path();
  const auto write = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder / name).parent_path());
    ASSERT_TRUE(runtime::WriteFileAtomically(folder / name, text).ok());
  };
  write("a.json", R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}})");
  write("notes.txt", "no manifest");
  write("below/c.yml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: below}\n");
  const auto names = [](const Outcome& outcome) {
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    std::vector<std::string> found;
    const Json list = Json::parse(outcome.out);
    for (const Json& item : list["items"]) found.push_back(item["kind"].get<std::string>());
    return found;
  };
  EXPECT_EQ(names(Dray({"convert", "-ojson", "-f", folder})),
            (std::vector<std::string>{"ResourceClaimTemplate", "ConfigMap", "Pod"}));
  EXPECT_EQ(names(Dray({"convert", "-ojson", "-R", "-f", folder})),
            (std::vector<std::string>{"ResourceClaimTemplate", "ConfigMap", "Pod", "ConfigMap"}));
  write("none/read.me", "");
  const Outcome none = Dray({"convert", "-f", folder / "none"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("none: no .yaml, .yml or .json file in it\n"));
  const Outcome url = Dray({"convert", "-f", "https://example.com/pod.yaml"});
  EXPECT_EQ(url.code, 2);
  EXPECT_THAT(url.err, HasSubstr("dray: https://example.com/pod.yaml: want a file: 'curl"));
}

// What is printed can be created from the top: a namespace, the templates in it, what uses them;
// and a template that the input has already is not there twice.
TEST(Convert, CanBeCreatedInOrder) {
  std::string pod = PodWith("{nvidia.com/gpu: 1}");
  pod.replace(pod.find("{name: p}"), 9, "{name: p, namespace: team}");
  const std::string text =
      "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: team}\n---\n" + pod +
      "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";
  const Outcome outcome = Dray({"convert", "-ojson", "-f", "-"}, text);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto kinds_of = [](const std::string& text) {
    std::vector<std::string> kinds;
    const Json list = Json::parse(text);
    for (const Json& item : list["items"]) kinds.push_back(item["kind"]);
    return kinds;
  };
  EXPECT_EQ(kinds_of(outcome.out),
            (std::vector<std::string>{"Namespace", "ResourceClaimTemplate", "Service", "Pod"}));

  const std::string again = Dray({"convert", "-f", "-"}, text).out + "---\n" + pod;
  const Outcome more = Dray({"convert", "-ojson", "-f", "-"}, again);
  ASSERT_EQ(more.code, 0) << more.err;
  EXPECT_EQ(kinds_of(more.out), (std::vector<std::string>{"Namespace", "ResourceClaimTemplate",
                                                          "Service", "Pod", "Pod"}));
}

TEST(Convert, InputThatIsNoManifest) {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"a: [1\nb: 2\n", "-:2:2: end of sequence flow not found"},
      {"just text\n", "-: want Kubernetes objects, got \"just text\""},
      {"[]\n", "-: want Kubernetes objects, got []"},
      {"metadata: {name: x}\n", "-: an object without kind: {\"metadata\":{\"name\":\"x\"}}"},
      {"kind: 5\n", "-: an object without kind: {\"kind\":5}"},
      {"kind: Pod\nmetadata: {name: 5}\n", "-: metadata.name of a Pod is 5: want a text"},
      {"kind: Pod\nmetadata: {name: p, namespace: [a]}\n",
       "-: metadata.namespace of a Pod is [\"a\"]: want a text"},
      {"kind: Pod\nmetadata: text\n", "-: metadata of a Pod is \"text\": want an object"},
      {"kind: List\nitems: {a: 1}\n", "-: items of a List are {\"a\":1}: want a list"},
      {"kind: List\nitems: [5]\n", "-: want Kubernetes objects, got 5"},
      {"kind: Deployment\nspec: {template: 5}\n",
       "-: /spec/template of Deployment (no name) is 5: want an object"},
  };
  for (const Case& test : cases) {
    Outcome outcome = Dray({"convert", "-f", "-"}, test.text);
    EXPECT_EQ(outcome.code, 2) << test.text;
    EXPECT_EQ(outcome.out, "") << test.text;
    EXPECT_EQ(outcome.err, "dray: " + std::string(test.message) + "\n") << test.text;
  }
}

// Pods of any shape pass or are refused; none ends the program.
TEST(Convert, OddPodsAreNoCrash) {
  for (const char* spec :
       {"5", "{}", "{containers: 7}", "{containers: [7]}", "{containers: [{resources: 1}]}",
        "{containers: [{name: c, resources: {limits: [1]}}]}",
        "{containers: [{resources: {limits: {nvidia.com/gpu: {a: 1}}}}]}",
        "{containers: [{name: 5, resources: {limits: {nvidia.com/gpu: 1}}}]}",
        "{initContainers: {a: 1}, containers: [{name: c, resources: {limits: {nvidia.com/gpu: "
        "1}}}]}",
        "{resourceClaims: 5, containers: [{name: c, resources: {limits: {nvidia.com/gpu: 1}}}]}"}) {
    const std::string text =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: 5, labels: [1]}\nspec: " +
        std::string(spec);
    Outcome outcome = Dray({"convert", "-f", "-"}, text);
    EXPECT_THAT(outcome.code, ::testing::AnyOf(0, 1, 2)) << spec;
    EXPECT_EQ(outcome.err.empty(), outcome.code == 0) << spec << outcome.err;
  }
}

TEST(Convert, DeviceConfig) {
  const std::string config =
      "nvidia:\n  resourceCountName: example.com/gpu\n  resourceMemoryName: example.com/gpumem\n"
      "  resourceCoreName: example.com/gpucores\n  defaultMemory: 1000\n";
  std::string config_map =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hami-scheduler-device}\ndata:\n  "
      "device-config.yaml: |\n";
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) config_map += "    " + line + "\n";
  std::string first;
  for (const std::string& text : {config, config_map}) {
    ScratchFile file("device-config.yaml", text);
    Outcome outcome = Dray({"convert", "--device-config", file.path(), "-ojson", "-f", "-"},
                           PodWith("{example.com/gpu: 1}"));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    Json items = Json::parse(outcome.out)["items"];
    ASSERT_EQ(items.size(), 2u) << outcome.out;
    EXPECT_EQ(items[0].at(Json::json_pointer(
                  "/spec/spec/devices/requests/0/exactly/capacity/requests/memory")),
              "1000Mi");
    if (first.empty()) first = outcome.out;
    EXPECT_EQ(outcome.out, first);
  }
  Outcome missing = Dray({"convert", "--device-config=/no/such", "-f", "-"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("/no/such"));
  ScratchFile bad("bad.yaml", "nvidia:\n  defaultMemory: lots\n");
  Outcome refused = Dray({"convert", "--device-config=" + bad.path(), "-f", "-"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr(bad.path()));
  EXPECT_THAT(refused.err, HasSubstr("lots"));
}

// Before and after, as diff -u prints it, the templates as new files; patch(1) makes the one into
// the other.
TEST(Convert, DiffShowsWhatChanges) {
  Outcome outcome = Dray({"convert", "--diff", "-f", Example("hami-gpu-pod/pod.yaml")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  ExpectGolden("convert-hami-gpu-pod.diff", outcome.out);
  EXPECT_TRUE(outcome.out.starts_with("--- /dev/null\n+++ ResourceClaimTemplate/dray-"))
      << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("\n-        nvidia.com/gpumem: 4096\n"));
  EXPECT_THAT(outcome.out, HasSubstr("\n+  resourceClaims:\n"));
  EXPECT_EQ(Dray({"convert", "--diff", "-f", "-"},
                 "apiVersion: v1\nkind: Pod\nmetadata:\n  name: plain\n")
                .out,
            "");
  EXPECT_EQ(Dray({"convert", "--diff", "-f", "-"}, PodWith("{nvidia.com/gpu: -1}")).code, 1);
}

TEST(LineDiff, HunksWithContext) {
  auto lines = [](int from, int to) {
    std::string text;
    for (int i = from; i <= to; ++i) text += std::to_string(i) + "\n";
    return text;
  };
  EXPECT_EQ(LineDiff("a", lines(1, 5), "b", lines(1, 5)), "");
  EXPECT_EQ(LineDiff("a", "", "b", "x\n"), "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n");
  EXPECT_EQ(LineDiff("a", "x\n", "b", ""), "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-x\n");
  // Two changes far apart are two hunks.
  const std::string before = lines(1, 20),
                    after = lines(1, 1) + "two\n" + lines(3, 17) + lines(19, 20);
  EXPECT_EQ(LineDiff("a", before, "b", after),
            "--- a\n+++ b\n@@ -1,5 +1,5 @@\n 1\n-2\n+two\n 3\n 4\n 5\n@@ -15,6 +15,5 @@\n 15\n "
            "16\n 17\n-18\n 19\n 20\n");
  // Near ones are one.
  EXPECT_EQ(LineDiff("a", lines(1, 4), "b", "one\n2\n3\nfour\n"),
            "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n-4\n+four\n");
}

// Percentages and what is above every card need to know the cards.
TEST(Convert, SlicesOfTheCluster) {
  const std::string slice =
      "apiVersion: resource.k8s.io/v1\nkind: ResourceSlice\nmetadata: {name: s}\nspec:\n  driver: "
      "hami-core-gpu.project-hami.io\n"
      "  nodeName: n\n  pool: {name: n, generation: 1, resourceSliceCount: 1}\n  devices:\n  - "
      "name: d\n    capacity: {memory: "
      "{value: 80Gi}}\n";
  const std::string half = PodWith("{nvidia.com/gpu: 1, nvidia.com/gpumem-percentage: 50}");
  EXPECT_EQ(Dray({"convert", "-f", "-"}, half).code, 1);
  std::string list = "apiVersion: v1\nkind: List\nitems:\n";
  std::istringstream lines(slice);
  for (std::string line; std::getline(lines, line);)
    list += (line.starts_with("apiVersion") ? "- " : "  ") + line + "\n";
  for (const std::string& text : {slice, list}) {
    ScratchFile file("slices.yaml", text);
    Outcome outcome = Dray({"convert", "--slices", file.path(), "-ojson", "-f", "-"}, half);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("\"memory\": \"40Gi\""));
    EXPECT_EQ(
        Dray({"convert", "--slices", file.path(), "-f", "-"}, PodWith("{nvidia.com/gpumem: 90000}"))
            .code,
        1);
  }
  ScratchFile bad("slices.yaml", "kind: Pod\n");
  EXPECT_EQ(Dray({"convert", "--slices", bad.path(), "-f", "-"}, half).code, 2);
}

}  // namespace
}  // namespace dray::cli
