// Mock nvidia-smi: the table, -L and --query-gpu of the real one, for the devices and limits that
// this container got.
//
// Limits are read as HAMi-core reads them: CUDA_DEVICE_MEMORY_LIMIT_<i> for the i-th GPU that the
// container sees, else the plain CUDA_DEVICE_MEMORY_LIMIT; suffix g, m, k or none for bytes; 0 or
// absent means the whole card. The same for CUDA_DEVICE_SM_LIMIT, in percent.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "mockdev/tools/device_file.h"
#include "mockdev/tools/text.h"

namespace dray::mockdev::tools {
namespace {

constexpr char kDriverVersion[] = "550.127.08";
constexpr char kCudaVersion[] = "12.4";
constexpr int kNoDevices = 6;  // exit code of the real tool

struct Gpu {
  DeviceFile device;
  int64_t memory_mib = 0;  // what may be used
  int64_t cores = 100;     // percent
};

std::optional<std::string> Limit(const std::string& name, size_t index) {
  std::optional<std::string> own = Env(name + "_" + std::to_string(index));
  return own ? own : Env(name);
}

std::optional<int64_t> MiBOf(const std::string& text) {
  char* end = nullptr;
  int64_t number = std::strtoll(text.c_str(), &end, 10);
  if (end == text.c_str() || number <= 0) return std::nullopt;
  switch (*end) {
    case 'g':
    case 'G':
      return number * 1024;
    case 'm':
    case 'M':
      return number;
    case 'k':
    case 'K':
      return number / 1024;
    default:
      return number / (1024 * 1024);
  }
}

std::vector<Gpu> Gpus() {
  std::vector<Gpu> gpus;
  for (DeviceFile& device : ReadDeviceFiles("nvidia-smi")) {
    size_t index = gpus.size();
    Gpu gpu{std::move(device)};
    gpu.memory_mib = gpu.device.TotalMiB("memory");
    if (auto text = Limit("CUDA_DEVICE_MEMORY_LIMIT", index)) {
      if (auto mib = MiBOf(*text)) gpu.memory_mib = std::min(gpu.memory_mib, *mib);
    }
    if (auto text = Limit("CUDA_DEVICE_SM_LIMIT", index)) {
      int64_t percent = std::strtoll(text->c_str(), nullptr, 10);
      if (percent > 0 && percent < 100) gpu.cores = percent;
    }
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

std::string BusId(const Gpu& gpu) {
  std::string bus = gpu.device.Value("bus", "00");
  std::transform(bus.begin(), bus.end(), bus.begin(), ::toupper);
  return "00000000:" + bus + ":00.0";
}

void PrintTable(const std::vector<Gpu>& gpus) {
  std::string line = "+" + std::string(91, '-') + "+\n";
  std::string three =
      "|-----------------------------------------+------------------------+----------------------+"
      "\n";
  std::cout << line << "| " << Left("NVIDIA-SMI " + std::string(kDriverVersion), 26)
            << Left("Driver Version: " + std::string(kDriverVersion), 33)
            << Left("CUDA Version: " + std::string(kCudaVersion), 31) << "|\n"
            << three
            << "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile "
               "Uncorr. ECC |\n"
            << "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  "
               "Compute M. |\n"
            << "|                                         |                        |             "
               "SM limit |\n"
            << "|=========================================+========================+==============="
               "=======|\n";
  for (size_t i = 0; i < gpus.size(); ++i) {
    const Gpu& gpu = gpus[i];
    std::string memory = "0MiB / " + std::to_string(gpu.memory_mib) + "MiB";
    std::cout << "| " << Right(std::to_string(i), 3) << "  "
              << Left(gpu.device.Value("model", "GPU"), 28) << Right("On", 6) << " | "
              << Left(BusId(gpu) + " Off", 22) << " | " << Right("0", 20) << " |\n"
              << "| N/A   30C    P0              55W / 400W | " << Right(memory, 22) << " | "
              << Right("0%      Default", 20) << " |\n"
              << "| " << Left("", 39) << " | " << Left("", 22) << " | "
              << Right(std::to_string(gpu.cores) + "%", 20) << " |\n"
              << "+-----------------------------------------+------------------------+-------------"
                 "---------+\n";
  }
  std::cout << "\n"
            << line << "| Processes:" << std::string(80, ' ') << "|\n"
            << "|  No running processes found" << std::string(63, ' ') << "|\n"
            << line;
}

struct Column {
  std::string name, unit, value;
};

std::optional<Column> Query(const std::string& name, size_t index, const Gpu& gpu) {
  std::string mib = std::to_string(gpu.memory_mib);
  if (name == "index") return Column{name, "", std::to_string(index)};
  if (name == "name" || name == "gpu_name")
    return Column{"name", "", gpu.device.Value("model", "GPU")};
  if (name == "uuid" || name == "gpu_uuid") return Column{"uuid", "", gpu.device.Value("uuid")};
  if (name == "memory.total") return Column{name, "MiB", mib};
  if (name == "memory.free") return Column{name, "MiB", mib};
  if (name == "memory.used") return Column{name, "MiB", "0"};
  if (name == "utilization.gpu" || name == "utilization.memory") return Column{name, "%", "0"};
  if (name == "pci.bus_id" || name == "gpu_bus_id") return Column{"pci.bus_id", "", BusId(gpu)};
  if (name == "driver_version") return Column{name, "", kDriverVersion};
  if (name == "temperature.gpu") return Column{name, "", "30"};
  if (name == "count") return Column{name, "", ""};
  return std::nullopt;
}

int PrintQuery(const std::vector<Gpu>& gpus, const std::string& fields, const std::string& format) {
  auto has = [&](const char* word) {
    return ("," + format + ",").find("," + std::string(word) + ",") != std::string::npos;
  };
  if (!has("csv")) {
    std::cerr << "--format= must contain csv\n";
    return 2;
  }
  bool header = !has("noheader"), units = !has("nounits");
  for (size_t i = 0; i < gpus.size(); ++i) {
    std::string head, row;
    std::stringstream in(fields);
    for (std::string field; std::getline(in, field, ',');) {
      std::erase(field, ' ');
      std::optional<Column> column = Query(field, i, gpus[i]);
      if (!column) {
        std::cout << "Field \"" << field << "\" is not a valid field to query.\n";
        return 2;
      }
      if (field == "count") column->value = std::to_string(gpus.size());
      head += (head.empty() ? "" : ", ") + column->name +
              (units && !column->unit.empty() ? " [" + column->unit + "]" : "");
      row += (row.empty() ? "" : ", ") + column->value +
             (units && !column->unit.empty() ? " " + column->unit : "");
    }
    if (i == 0 && header) std::cout << head << "\n";
    std::cout << row << "\n";
  }
  return 0;
}

int Main(const std::vector<std::string>& args) {
  std::string query, format;
  bool list = false;
  for (const std::string& arg : args) {
    if (arg == "-L" || arg == "--list-gpus") {
      list = true;
    } else if (arg.starts_with("--query-gpu=")) {
      query = arg.substr(12);
    } else if (arg.starts_with("--format=")) {
      format = arg.substr(9);
    } else if (arg == "-h" || arg == "--help") {
      std::cout
          << "nvidia-smi (mock): [-L | --query-gpu=FIELD,... --format=csv[,noheader][,nounits]]\n";
      return 0;
    } else {
      std::cerr << "nvidia-smi (mock): option \"" << arg << "\" is not known; see --help\n";
      return 2;
    }
  }
  std::vector<Gpu> gpus = Gpus();
  if (gpus.empty()) {
    std::cout << "No devices were found\n";
    return kNoDevices;
  }
  if (!query.empty()) return PrintQuery(gpus, query, format);
  if (!list) {
    PrintTable(gpus);
    return 0;
  }
  for (size_t i = 0; i < gpus.size(); ++i) {
    std::cout << "GPU " << i << ": " << gpus[i].device.Value("model", "GPU")
              << " (UUID: " << gpus[i].device.Value("uuid") << ")\n";
  }
  return 0;
}

}  // namespace
}  // namespace dray::mockdev::tools

int main(int argc, char** argv) {
  return dray::mockdev::tools::Main(std::vector<std::string>(argv + 1, argv + argc));
}
