// Mock hy-smi for Hygon DCUs: the cards that this container got. A part of a card is limited by its
// vdev<slot>.conf below /etc/vdev/docker ($DRAY_VDEV_DIR), as the vendor's runtime reads it; a
// whole card has none.
#include <fstream>
#include <iostream>

#include "mockdev/tools/device_file.h"
#include "mockdev/tools/text.h"

namespace dray::mockdev::tools {
namespace {

constexpr int kNoDevices = 6;

struct Card {
  DeviceFile device;
  int64_t memory_mib = 0, units = 0;
};

// "key: value" lines; the first value of a key counts.
std::map<std::string, std::string> ReadConf(const std::string& path) {
  std::map<std::string, std::string> values;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    size_t colon = line.find(": ");
    if (colon != std::string::npos) values.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return values;
}

std::vector<Card> Cards() {
  std::vector<Card> cards;
  std::string folder = Env("DRAY_VDEV_DIR").value_or("/etc/vdev/docker");
  for (DeviceFile& device : ReadDeviceFiles("hy-smi")) {
    Card card{std::move(device)};
    card.memory_mib = card.device.TotalMiB("memory");
    card.units = card.device.total["cores"];
    auto conf = ReadConf(folder + "/vdev" + std::to_string(card.device.slot) + ".conf");
    if (conf.contains("mem")) card.memory_mib = std::strtoll(conf["mem"].c_str(), nullptr, 10);
    if (conf.contains("cu_count")) card.units = std::strtoll(conf["cu_count"].c_str(), nullptr, 10);
    cards.push_back(std::move(card));
  }
  return cards;
}

int Main(const std::vector<std::string>& args) {
  bool json = false;
  for (const std::string& arg : args) {
    if (arg == "-h" || arg == "--help") {
      std::cout << "hy-smi (mock): [--json]\n";
      return 0;
    }
    if (arg != "--json") {
      std::cerr << "hy-smi (mock): option \"" << arg << "\" is not known; see --help\n";
      return 2;
    }
    json = true;
  }
  std::vector<Card> cards = Cards();
  if (cards.empty()) {
    std::cout << "No devices were found\n";
    return kNoDevices;
  }
  if (json) {
    std::cout << "{";
    for (size_t i = 0; i < cards.size(); ++i) {
      std::cout << (i == 0 ? "" : ", ") << "\"card" << i << "\": {\"Card series\": \""
                << cards[i].device.Value("model") << "\", \"Unique ID\": \""
                << cards[i].device.Value("uuid") << "\", \"Available memory size (MiB)\": \""
                << cards[i].memory_mib << "\", \"Compute units\": \"" << cards[i].units << "\"}";
    }
    std::cout << "}\n";
    return 0;
  }
  std::string line = std::string(84, '=') + "\n";
  std::cout << line << Centre("System Management Interface", 84) << "\n"
            << line
            << "HCU     Name         Temp     AvgPwr     Perf     CUs          Memory-Usage        "
               "HCU%\n";
  for (size_t i = 0; i < cards.size(); ++i) {
    std::string units =
        std::to_string(cards[i].units) + "/" + std::to_string(cards[i].device.total["cores"]);
    std::string memory = "0MiB / " + std::to_string(cards[i].memory_mib) + "MiB";
    std::cout << Left(std::to_string(i), 8) << Left(cards[i].device.Value("model"), 13)
              << Left("32.0C", 9) << Left("61.0W", 11) << Left("auto", 9) << Left(units, 13)
              << Left(memory, 20) << "0%\n";
  }
  std::cout << line;
  return 0;
}

}  // namespace
}  // namespace dray::mockdev::tools

int main(int argc, char** argv) {
  return dray::mockdev::tools::Main(std::vector<std::string>(argv + 1, argv + argc));
}
