#include "cli/cel_command.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/args.h"
#include "cli/cel_input.h"
#include "cli/input_file.h"
#include "dray/api/cel.h"
#include "dray/base/json.h"
#include "dray/runtime/real_clock.h"

namespace dray::cli {
namespace {

constexpr Flag kCelFlags[] = {
    {"filename", 'f', "FILE",
     "read the lines from a file, gzipped or not; - and without: standard input"},
    {"jsonl", 0, "", "read and write one JSON object per line (the only format, and the default)"},
    {"cost", 0, "", "add maxCost and actualCost to each answer"},
    {"list-attributes", 0, "", "turn the alpha gate DRAListTypeAttributes on"},
    {"bench", 0, "N", "evaluate each line N times and print mean times instead of answers"},
    {"help", 'h', "", "this text"},
};

constexpr char kCelUsage[] =
    "Evaluates device selectors as kube-scheduler 1.36 would. Each line of the input is\n"
    "  {\"id\", \"expression\", \"device\": {\"driver\", \"attributes\", \"capacity\", "
    "\"allowMultipleAllocations\"}}\n"
    "and is answered with {\"id\", \"result\"}, {\"id\", \"compileError\"} or {\"id\", "
    "\"runtimeError\"}.\n\n"
    "  dray cel --cost < selectors.jsonl\n\nFlags:\n";

// Compiling takes far longer than evaluating.
int64_t CompilesFor(int64_t runs) {
  return std::max<int64_t>(100, runs / 100);
}

Json Answer(const CelInput& input, const cel::Options& options, bool cost) {
  Json answer = Json::object();
  Result<std::shared_ptr<const cel::Program>> program =
      cel::Program::Compile(input.expression, options);
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

struct Timing {
  double compile_us = 0;
  double evaluate_ns = 0;  // against a device that is indexed once
  double device_ns = 0;    // indexing it
};

// Mean times of one line; adds them to the totals.
Json Bench(const CelInput& input, const cel::Options& options, int64_t runs, Timing& total) {
  Clock& clock = runtime::RealClock();
  auto mean_ns = [&](int64_t times, auto step) {
    SteadyTime start = clock.Steady();
    for (int64_t i = 0; i < times; ++i) step();
    return std::chrono::duration<double, std::nano>(clock.Steady() - start).count() /
           static_cast<double>(times);
  };
  Result<std::shared_ptr<const cel::Program>> program =
      cel::Program::Compile(input.expression, options);
  if (!program.ok()) return {{"compileError", program.status().message()}};
  cel::DeviceView device(input.device, input.driver);

  Timing timing;
  int64_t compiled = 0, matched = 0;
  timing.compile_us =
      mean_ns(CompilesFor(runs),
              [&] { compiled += cel::Program::Compile(input.expression, options).ok(); }) /
      1000;
  timing.evaluate_ns = mean_ns(runs, [&] {
    Result<bool> matches = (*program)->Matches(device);
    matched += matches.ok() && *matches;
  });
  timing.device_ns = mean_ns(runs, [&] { device = cel::DeviceView(input.device, input.driver); });
  total.compile_us += timing.compile_us;
  total.evaluate_ns += timing.evaluate_ns;
  total.device_ns += timing.device_ns;
  return {{"compileUs", timing.compile_us},
          {"evaluateNs", timing.evaluate_ns},
          {"deviceNs", timing.device_ns},
          {"matched", matched}};
}

int WrongUse(std::ostream& err, const std::string& message) {
  err << "dray: " << message << "\n";
  return 2;
}

}  // namespace

int RunCelCommand(std::span<const std::string> args, std::istream& in, std::ostream& out,
                  std::ostream& err) {
  Result<Args> parsed = Args::Parse(args, kCelFlags);
  if (!parsed.ok()) return WrongUse(err, parsed.status().message());
  if (parsed->Given("help")) {
    out << kCelUsage << FlagHelp(kCelFlags);
    return 0;
  }
  std::vector<std::string> files = parsed->All("filename");
  files.insert(files.end(), parsed->words().begin(), parsed->words().end());
  if (files.size() > 1) return WrongUse(err, "cel reads one file, found also \"" + files[1] + "\"");
  const std::string name = files.empty() || files[0] == "-" ? "" : files[0] + ": ";
  std::istringstream unpacked;
  const bool packed = files.empty() || files[0] == "-" ? in.peek() == 0x1f : true;
  if (packed) {
    Result<std::string> text = ReadInput(files.empty() ? "-" : files[0], in);
    if (!text.ok()) return WrongUse(err, text.status().message());
    unpacked.str(*std::move(text));
  }
  std::istream& lines_in = packed ? unpacked : in;
  int64_t runs = 0;
  if (parsed->Given("bench")) {
    const std::string& text = parsed->Get("bench");
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), runs);
    if (error != std::errc() || end != text.data() + text.size() || runs < 1)
      return WrongUse(err, "--bench takes a number of at least 1, found \"" + text + "\"");
  }
  Timing total;
  int64_t lines = 0;
  std::string line;
  for (int64_t number = 1; std::getline(lines_in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Result<CelInput> input = ParseCelInput(line, parsed->Given("list-attributes"));
    if (!input.ok())
      return WrongUse(err,
                      name + "line " + std::to_string(number) + ": " + input.status().message());
    cel::Options options;
    options.list_attributes = input->list_attributes;
    options.consumable_capacity = input->consumable_capacity;
    Json answer = runs > 0 ? Bench(*input, options, runs, total)
                           : Answer(*input, options, parsed->Given("cost"));
    answer["id"] = input->id.empty() ? Json(number) : Json::parse(input->id);
    out << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
    ++lines;
  }
  if (runs > 0) {
    out << Json{{"total",
                 {{"lines", lines},
                  {"runs", runs},
                  {"compileUs", total.compile_us},
                  {"evaluateNs", total.evaluate_ns},
                  {"deviceNs", total.device_ns}}}}
               .dump()
        << "\n";
  }
  return 0;
}

}  // namespace dray::cli
