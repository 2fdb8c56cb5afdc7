// Mock npu-smi for Huawei Ascend: the NPUs that this container got. Limits are those of soft mode
// (hami-vnpu-core): NPU_MEM_QUOTA in MiB and NPU_PRIORITY as the share of cores, one value for all
// NPUs of the container.
#include <iostream>

#include "mockdev/tools/device_file.h"
#include "mockdev/tools/text.h"

namespace dray::mockdev::tools {
namespace {

constexpr int kNoDevices = 6;

std::string Row(const std::string& chip, const std::string& state, const std::string& figures) {
  return "| " + Left(chip, 26) + "| " + Left(state, 14) + "| " + Left(figures, 51) + "|\n";
}

int Main(const std::vector<std::string>& args) {
  if (args.size() == 1 && (args[0] == "-h" || args[0] == "--help")) {
    std::cout << "npu-smi (mock): info [-l]\n";
    return 0;
  }
  bool list = args == std::vector<std::string>{"info", "-l"};
  if (!list && args != std::vector<std::string>{"info"}) {
    std::cerr << "npu-smi (mock): only \"info\" and \"info -l\" are known; see --help\n";
    return 2;
  }
  std::vector<DeviceFile> devices = ReadDeviceFiles("npu-smi");
  if (devices.empty()) {
    std::cout << "No devices were found\n";
    return kNoDevices;
  }
  if (list) {
    std::cout << "\tTotal Count                    : " << devices.size() << "\n";
    for (const DeviceFile& device : devices) {
      std::cout << "\n\tNPU ID                         : " << device.Value("index")
                << "\n\tChip Count                     : 1\n";
    }
    return 0;
  }
  std::string line =
      "+" + std::string(27, '-') + "+" + std::string(15, '-') + "+" + std::string(52, '-') + "+\n";
  std::cout << line << "| " << Left("npu-smi 24.1.rc3                  Version: 24.1.rc3", 95)
            << "|\n"
            << line << Row("NPU   Name", "Health", "Power(W)    Temp(C)           AICore-Share(%)")
            << Row("Chip", "Bus-Id", "AICore(%)   Memory-Usage(MB)") << line;
  for (const DeviceFile& device : devices) {
    int64_t memory = device.TotalMiB("memory");
    int64_t cores = 100;
    if (auto quota = Env("NPU_MEM_QUOTA")) {
      int64_t mib = std::strtoll(quota->c_str(), nullptr, 10);
      if (mib > 0 && mib < memory) memory = mib;
    }
    if (auto share = Env("NPU_PRIORITY")) {
      int64_t percent = std::strtoll(share->c_str(), nullptr, 10);
      if (percent > 0 && percent < 100) cores = percent;
    }
    std::string name = device.Value("model");
    if (name.starts_with("Ascend")) name.erase(0, 6);  // the real tool says 910B3
    std::cout << Row(Left(device.Value("index"), 6) + name, "OK",
                     Left("92.5", 12) + Left("38", 18) + std::to_string(cores))
              << Row("0", "0000:" + device.Value("bus", "00") + ":00.0",
                     Left("0", 12) + "0 / " + std::to_string(memory))
              << line;
  }
  return 0;
}

}  // namespace
}  // namespace dray::mockdev::tools

int main(int argc, char** argv) {
  return dray::mockdev::tools::Main(std::vector<std::string>(argv + 1, argv + argc));
}
