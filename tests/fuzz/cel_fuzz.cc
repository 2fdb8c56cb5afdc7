// Fuzz target of the CEL compiler and evaluator: whatever the text, nothing crashes, hangs or grows
// without bound, and two evaluations agree. tests/fuzz/cel.sh builds and runs it, with libFuzzer
// where clang is, otherwise with the loop below.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "dray/api/cel.h"

namespace {

using dray::api::Device;
using dray::api::Quantity;
using dray::api::Version;
namespace cel = dray::cel;

Device MakeDevice(bool lists) {
  Device device;
  device.attributes["model"].value = std::string("A100 \xE2\x9C\x93");
  device.attributes["index"].value = int64_t{3};
  device.attributes["small"].value = INT64_MIN;
  device.attributes["healthy"].value = true;
  device.attributes["version"].value = Version{"1.2.3-rc.1+build"};
  device.attributes["other.example.com/zone"].value = std::string();
  if (lists) {
    device.attributes["ints"].value = std::vector<int64_t>{1, 2, 3};
    device.attributes["texts"].value = std::vector<std::string>{"a", "b"};
    device.attributes["versions"].value = std::vector<Version>{{"1.0.0"}, {"2.0.0"}};
  }
  for (const char* text : {"80Gi", "8Ei", "500m", "-1", "0"})
    device.capacity[std::string("c") + text[0]].value = *Quantity::Parse(text);
  device.allow_multiple_allocations = true;
  return device;
}

void Check(std::string_view expression, bool lists) {
  static const Device* const kDevices[] = {new Device(MakeDevice(false)),
                                           new Device(MakeDevice(true))};
  static const cel::DeviceView* const kViews[] = {new cel::DeviceView(*kDevices[0], "d"),
                                                  new cel::DeviceView(*kDevices[1], "d")};
  // A low limit keeps the fuzzer fast; the limits themselves have tests of their own.
  cel::Options options{.list_attributes = lists, .cost_limit = 20'000};
  auto program = cel::Program::Compile(expression, options);
  if (!program.ok()) {
    if (program.status().message().empty()) std::abort();
    return;
  }
  cel::Evaluated first = (*program)->Evaluate(*kViews[lists]),
                 second = (*program)->Evaluate(*kViews[lists]);
  if (first.cost != second.cost || first.matches.ok() != second.matches.ok()) std::abort();
  if (first.matches.ok() ? *first.matches != *second.matches
                         : first.matches.status().message() != second.matches.status().message())
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Check({reinterpret_cast<const char*>(data + 1), size - 1}, data[0] % 2 == 1);
  return 0;
}

#ifndef DRAY_LIBFUZZER

namespace {

std::vector<std::string> ReadFolder(const std::string& folder) {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return texts;
}

// Pieces of the language, one a line, in the format of libFuzzer's dictionaries: "piece".
std::vector<std::string> ReadDictionary(const std::string& path) {
  std::vector<std::string> pieces;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.size() < 2 || line[0] != '"') continue;
    std::string piece;
    for (size_t i = 1; i + 1 < line.size(); ++i) {
      if (line[i] == '\\') ++i;
      piece += line[i];
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> corpus, std::vector<std::string> pieces)
      : random_(seed), corpus_(std::move(corpus)), pieces_(std::move(pieces)) {}

  std::string Next() {
    std::string text = Pick(corpus_);
    for (size_t steps = 1 + Below(6); steps > 0; --steps) {
      size_t at = Below(text.size() + 1);
      switch (Below(7)) {
        case 0:
          text.insert(at, Pick(pieces_));
          break;
        case 1:
          text.erase(at, 1 + Below(8));
          break;
        case 2:
          if (at < text.size()) text[at] = static_cast<char>(Below(256));
          break;
        case 3:
          text.insert(at, text.substr(Below(text.size() + 1), Below(40)));
          break;
        case 4: {
          const std::string& other = Pick(corpus_);
          text.replace(at, Below(40), other.substr(Below(other.size() + 1), Below(80)));
          break;
        }
        case 5:
          text.replace(at, Below(6), Pick(pieces_));
          break;
        default: {
          std::string piece = Pick(pieces_), repeated;
          for (size_t n = Below(300); n > 0; --n) repeated += piece;
          text.insert(at, repeated);
        }
      }
      if (text.size() > 12'000) text.resize(12'000);
    }
    return text;
  }

 private:
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  const std::string& Pick(const std::vector<std::string>& from) { return from[Below(from.size())]; }

  std::mt19937_64 random_;
  std::vector<std::string> corpus_, pieces_;
};

}  // namespace

// cel_fuzz CORPUS DICTIONARY SECONDS [SEED]
int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: cel_fuzz CORPUS DICTIONARY SECONDS [SEED]\n");
    return 2;
  }
  std::vector<std::string> corpus = ReadFolder(argv[1]), pieces = ReadDictionary(argv[2]);
  uint64_t seed = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : std::random_device()();
  std::fprintf(stderr, "cel_fuzz: %zu texts, %zu pieces, seed %llu\n", corpus.size(), pieces.size(),
               static_cast<unsigned long long>(seed));
  auto run = [](const std::string& text) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  };
  for (const std::string& text : corpus) run(text);
  if (corpus.empty() || pieces.empty()) return 2;
  Mutator mutator(seed, std::move(corpus), std::move(pieces));
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[3]));
  uint64_t runs = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::string text = mutator.Next();
    // What was running is on disk when it crashes.
    if (const char* last = std::getenv("CEL_FUZZ_LAST"); last != nullptr)
      std::ofstream(last, std::ios::binary) << text;
    run(text);
    ++runs;
  }
  std::fprintf(stderr, "cel_fuzz: %llu runs without a finding\n",
               static_cast<unsigned long long>(runs));
  return 0;
}

#endif  // DRAY_LIBFUZZER
