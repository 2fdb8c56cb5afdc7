#include "cli/allocate_command.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/allocate_input.h"
#include "cli/args.h"
#include "cli/manifest_files.h"
#include "cli/table.h"
#include "dray/api/codec.h"
#include "dray/api/scenario.h"
#include "dray/runtime/pki.h"
#include "dray/runtime/real_clock.h"

namespace dray::cli {
namespace {

constexpr Flag kAllocateFlags[] = {
    {"filename", 'f', "FILE",
     "scenario {nodes, slices, classes, allocated, claims, groups}, or Kubernetes objects as 'dray "
     "convert' and kubectl print them; may be repeated; - is standard input"},
    {"slices", 0, "FILE",
     "the cluster's ResourceSlices (kubectl get resourceslices -o json); the same as one more -f"},
    {"output", 'o', "FORMAT", "json or table; without: a table on a terminal, else json"},
    {"explain", 0, "",
     "where no node can take a claim, add which devices were ruled out by what, per request and "
     "node"},
    {"mask-share-ids", 0, "", "print * for share ids, so that two runs compare equal"},
    {"list-attributes", 0, "", "turn the alpha gate DRAListTypeAttributes on"},
    {"list-type-attributes", 0, "", "the same"},
    {"bench", 0, "N", "repeat N times and print timing instead of answers"},
    {"help", 'h', "", "this text"},
};

constexpr char kAllocateUsage[] =
    "Decides as kube-scheduler 1.36 would which devices the claims of a scenario get: claims in "
    "order, for each the nodes in\n"
    "order, the first node that can takes it. Says why when none can.\n\n"
    "  dray allocate -f scenario.json\n"
    "  dray convert -f pod.yaml -o json | dray allocate -f - --slices slices.json\n\n"
    "Of Kubernetes objects a Pod's claims are made of its templates and allocated together, a "
    "workload stands for its\n"
    "replicas, and claims with an allocation hold their devices. Without DeviceClasses those of "
    "Dray are there, without Nodes\n"
    "those that the slices name. What else a Pod wants of its node is not looked at.\n\nFlags:\n";

Json AsJson(const alloc::Explanation& explanation) {
  Json requests = Json::array(), nodes = Json::array();
  for (const alloc::RequestReason& reason : explanation.requests) {
    Json entry = {{"claim", reason.claim},        {"request", reason.request},
                  {"class", reason.device_class}, {"wanted", reason.wanted},
                  {"devices", reason.devices},    {"ruledOut", reason.ruled_out}};
    for (const auto& [name, amounts] : reason.short_of) {
      entry["shortOf"][name] = {{"wanted", amounts.first.ToString()},
                                {"largestFree", amounts.second.ToString()}};
    }
    if (!reason.holders.empty()) entry["inUseBy"] = reason.holders;
    requests.push_back(std::move(entry));
  }
  for (const auto& [node, reason] : explanation.nodes)
    nodes.push_back({{"node", node}, {"reason", reason}});
  return {{"requests", std::move(requests)}, {"nodes", std::move(nodes)}};
}

Json AsJson(const std::vector<alloc::ClaimAnswer>& answers) {
  Json claims = Json::array();
  for (const alloc::ClaimAnswer& answer : answers) {
    Json entry = {{"name", answer.name}, {"outcome", alloc::OutcomeName(answer.outcome)}};
    if (!answer.node.empty()) entry["node"] = answer.node;
    if (answer.allocation) entry["allocation"] = api::ToJsonValue(*answer.allocation);
    if (!answer.reason.empty()) entry["reason"] = answer.reason;
    if (answer.explanation != nullptr) entry["explanation"] = AsJson(*answer.explanation);
    claims.push_back(std::move(entry));
  }
  return {{"claims", std::move(claims)}};
}

std::string AsTable(const std::vector<alloc::ClaimAnswer>& answers) {
  Table table({"CLAIM", "OUTCOME", "NODE", "DEVICES", "REASON"});
  for (const alloc::ClaimAnswer& answer : answers) {
    std::string devices;
    if (answer.allocation) {
      for (const api::DeviceRequestAllocationResult& result : answer.allocation->devices.results) {
        devices +=
            (devices.empty() ? "" : ",") + result.request + "=" + result.pool + "/" + result.device;
      }
    }
    table.Add({answer.name, std::string(alloc::OutcomeName(answer.outcome)), answer.node, devices,
               answer.reason});
  }
  return table.Text();
}

double Micros(Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

Json Bench(const alloc::Scenario& scenario, alloc::ScenarioOptions options, int runs) {
  std::vector<double> per_claim;
  int64_t tried = 0;
  Clock& clock = runtime::RealClock();
  SteadyTime last;
  options.reasons = false;
  options.after_each = [&](int nodes) {
    const SteadyTime now = clock.Steady();
    per_claim.push_back(Micros(now - last));
    last = now;
    tried += nodes;
  };
  std::vector<double> totals;
  size_t allocated = 0;
  for (int run = 0; run < runs; ++run) {
    const SteadyTime start = last = clock.Steady();
    const std::vector<alloc::ClaimAnswer> answers = alloc::RunScenario(scenario, options);
    totals.push_back(Micros(clock.Steady() - start) / 1000);
    allocated = std::count_if(answers.begin(), answers.end(), [](const alloc::ClaimAnswer& a) {
      return a.outcome == alloc::Outcome::kAllocated;
    });
  }
  std::sort(per_claim.begin(), per_claim.end());
  std::sort(totals.begin(), totals.end());
  auto at = [&](double share) {
    return per_claim.empty()
               ? 0.0
               : per_claim[static_cast<size_t>(share * static_cast<double>(per_claim.size() - 1))];
  };
  double sum = 0;
  for (double micros : per_claim) sum += micros;
  return {
      {"runs", runs},
      {"claims", scenario.claims.size()},
      {"allocated", allocated},
      {"nodeAttempts", tried / runs},
      {"totalMs",
       {{"best", totals.front()}, {"median", totals[totals.size() / 2]}, {"worst", totals.back()}}},
      {"perClaimUs",
       {{"mean", per_claim.empty() ? 0.0 : sum / static_cast<double>(per_claim.size())},
        {"p50", at(0.5)},
        {"p99", at(0.99)}}}};
}

Status Run(std::span<const std::string> words, std::istream& in, std::ostream& out,
           std::ostream& err) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kAllocateFlags));
  if (args.Given("help")) {
    out << kAllocateUsage << FlagHelp(kAllocateFlags);
    return {};
  }
  std::vector<std::string> files = args.All("filename");
  files.insert(files.end(), args.words().begin(), args.words().end());
  if (files.empty())
    return Status(Reason::kBadRequest, "want a scenario: -f FILE, or -f - for standard input");
  for (std::string& slices : args.All("slices")) files.push_back(std::move(slices));
  DRAY_ASSIGN_OR_RETURN(files, ManifestFiles(files));
  const std::string& format = args.Get("output");
  if (!format.empty() && format != "json" && format != "table") {
    return Status(Reason::kBadRequest, "--output: " + format + ": want json or table");
  }
  int runs = 0;
  if (args.Given("bench")) {
    const std::string& text = args.Get("bench");
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), runs);
    if (error != std::errc() || end != text.data() + text.size() || runs < 1) {
      return Status(Reason::kBadRequest, "--bench: " + text + ": want a number of runs from 1 on");
    }
  }
  std::vector<std::string> warnings;
  Result<alloc::Scenario> scenario = ReadAllocateInput(files, in, warnings);
  if (!scenario.ok()) return scenario.status();
  for (const std::string& warning : warnings) err << "Warning: " << warning << "\n";

  alloc::ScenarioOptions options;
  options.explanations = args.Given("explain");
  options.features.list_type_attributes =
      args.Given("list-attributes") || args.Given("list-type-attributes");
  if (args.Given("mask-share-ids")) {
    options.new_share_id = [] { return std::string("*"); };
  } else {
    options.new_share_id = runtime::NewUuid;
  }
  if (runs > 0) {
    out << Bench(*scenario, options, runs).dump(2) << "\n";
    return {};
  }
  const std::vector<alloc::ClaimAnswer> answers = alloc::RunScenario(*scenario, options);
  const bool terminal = &out == &std::cout && isatty(STDOUT_FILENO) != 0;
  if (format == "table" || (format.empty() && terminal)) {
    out << AsTable(answers);
  } else {
    out << AsJson(answers).dump(terminal ? 2 : -1) << "\n";
  }
  return {};
}

}  // namespace

int RunAllocateCommand(std::span<const std::string> args, std::istream& in, std::ostream& out,
                       std::ostream& err) {
  const Status status = Run(args, in, out, err);
  if (status.ok()) return 0;
  err << "dray: " << status.message() << "\n";
  return 2;
}

}  // namespace dray::cli
