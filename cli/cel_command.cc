#include "cli/cel_command.h"

#include <charconv>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/args.h"
#include "cli/cel_input.h"
#include "dray/api/cel.h"
#include "dray/base/json.h"
#include "dray/runtime/real_clock.h"

namespace dray::cli {
namespace {

constexpr Flag kFlags[] = {
    {"jsonl", 0, "", "read and write one JSON object per line (the only format, and the default)"},
    {"cost", 0, "", "add maxCost and actualCost to each answer"},
    {"list-attributes", 0, "", "turn the alpha gate DRAListTypeAttributes on"},
    {"bench", 0, "N", "evaluate each line N times and print timing instead of answers"},
    {"help", 'h', "", "this text"},
};

constexpr char kUsage[] =
    "Evaluates device selectors as kube-scheduler 1.36 would. Each line of standard input is\n"
    "  {\"id\", \"expression\", \"device\": {\"driver\", \"attributes\", \"capacity\", \"allowMultipleAllocations\"}}\n"
    "and is answered with {\"id\", \"result\"}, {\"id\", \"compileError\"} or {\"id\", \"runtimeError\"}.\n\n"
    "  dray cel --cost < selectors.jsonl\n\nFlags:\n";

constexpr int kCompilesPerBench = 100;  // compiling takes far longer than evaluating

Json Answer(const CelInput& input, const cel::Options& options, bool cost) {
  Json answer = Json::object();
  Result<std::shared_ptr<const cel::Program>> program = cel::Program::Compile(input.expression, options);
  if (!program.ok()) {
    answer["compileError"] = program.status().message();
    return answer;
  }
  cel::DeviceView device(input.device, input.driver);
  cel::Evaluated evaluated = (*program)->Evaluate(device);
  if (evaluated.matches.ok()) {
    answer["result"] = *evaluated.matches;
  } else {
    answer["runtimeError"] = evaluated.matches.status().message();
  }
  if (cost) {
    answer["maxCost"] = (*program)->max_cost();
    answer["actualCost"] = evaluated.cost;
  }
  return answer;
}

// Mean times of one line; adds them to the totals.
Json Bench(const CelInput& input, const cel::Options& options, int64_t runs, double& compile_us, double& evaluate_ns) {
  Clock& clock = runtime::RealClock();
  auto nanoseconds = [](Duration d) { return std::chrono::duration<double, std::nano>(d).count(); };
  SteadyTime start = clock.Steady();
  for (int i = 0; i < kCompilesPerBench; ++i) {
    if (Status compiled = cel::Program::Compile(input.expression, options).status(); !compiled.ok())
      return {{"compileError", compiled.message()}};
  }
  double compile = nanoseconds(clock.Steady() - start) / kCompilesPerBench / 1000;
  std::shared_ptr<const cel::Program> program = *cel::Program::Compile(input.expression, options);
  cel::DeviceView device(input.device, input.driver);
  int64_t matched = 0;
  start = clock.Steady();
  for (int64_t i = 0; i < runs; ++i) {
    Result<bool> matches = program->Matches(device);
    matched += matches.ok() && *matches;
  }
  double evaluate = nanoseconds(clock.Steady() - start) / static_cast<double>(runs);
  compile_us += compile;
  evaluate_ns += evaluate;
  return {{"compileUs", compile}, {"evaluateNs", evaluate}, {"matched", matched}};
}

int WrongUse(std::ostream& err, const std::string& message) {
  err << "dray: " << message << "\n";
  return 2;
}

}  // namespace

int RunCelCommand(std::span<const std::string> args, std::istream& in, std::ostream& out, std::ostream& err) {
  Result<Args> parsed = Args::Parse(args, kFlags);
  if (!parsed.ok()) return WrongUse(err, parsed.status().message());
  if (parsed->Given("help")) {
    out << kUsage << FlagHelp(kFlags);
    return 0;
  }
  if (!parsed->words().empty()) return WrongUse(err, "cel takes no argument, found \"" + parsed->words()[0] + "\"");
  int64_t runs = 0;
  if (parsed->Given("bench")) {
    const std::string& text = parsed->Get("bench");
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), runs);
    if (error != std::errc() || end != text.data() + text.size() || runs < 1)
      return WrongUse(err, "--bench takes a number of at least 1, found \"" + text + "\"");
  }
  cel::Options options;
  options.list_attributes = parsed->Given("list-attributes");

  double compile_us = 0, evaluate_ns = 0;
  int64_t lines = 0;
  std::string line;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Result<CelInput> input = ParseCelInput(line);
    if (!input.ok()) return WrongUse(err, "line " + std::to_string(number) + ": " + input.status().message());
    Json answer = runs > 0 ? Bench(*input, options, runs, compile_us, evaluate_ns)
                           : Answer(*input, options, parsed->Given("cost"));
    answer["id"] = input->id.empty() ? Json(number) : Json::parse(input->id);
    out << answer.dump() << "\n";
    ++lines;
  }
  if (runs > 0) {
    out << Json{{"total", {{"lines", lines}, {"runs", runs}, {"compileUs", compile_us}, {"evaluateNs", evaluate_ns}}}}.dump()
        << "\n";
  }
  return 0;
}

}  // namespace dray::cli
