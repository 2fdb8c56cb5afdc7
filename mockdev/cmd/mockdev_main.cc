// dray-mockdev: one process per mock GPU node.
#include <gflags/gflags.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "dray/api/validation.h"
#include "dray/base/log.h"
#include "dray/runtime/client.h"
#include "dray/runtime/kubeconfig.h"
#include "dray/runtime/manager.h"
#include "dray/runtime/program.h"
#include "mockdev/node/endpoints.h"
#include "mockdev/node/mock_driver.h"
#include "mockdev/slices/offline.h"

DEFINE_string(node_name, "", "Name of the Node whose devices are invented; default $NODE_NAME");
DEFINE_string(kubeconfig, "",
              "Kubeconfig; default $KUBECONFIG, the Pod's service account, ~/.kube/config");
DEFINE_string(context, "", "Context of the kubeconfig; default its current one");
DEFINE_string(profile, "nvidia-a100-80gb",
              "What hardware to invent: names of built-in profiles or paths of YAML files, "
              "comma-separated, one per driver");
DEFINE_bool(print_slices, false,
            "Print the ResourceSlices of the node instead, for dray allocate and dray convert");
DEFINE_string(mode, "dra", "How the kubelet sees the devices: dra, device-plugin or both");
DEFINE_string(kubelet_dir, "/var/lib/kubelet",
              "The kubelet's directory; plugins and registration sockets lie below it");
DEFINE_string(cdi_dir, "/var/run/cdi", "Where CDI files are written");
DEFINE_string(state_dir, "",
              "Ledger and claim directories; default <kubelet-dir>/plugins/<driver>; with several "
              "profiles a folder per "
              "driver below it");
DEFINE_string(
    tools_dir, "",
    "Where the mock nvidia-smi, hy-smi and npu-smi lie; default mock-tools beside the program");
DEFINE_string(bind_address, "0.0.0.0", "Address of the metrics and health ports");
DEFINE_int32(metrics_port, 0, "Port of /metrics; 0: off");
DEFINE_int32(health_port, 0, "Port of /healthz and /readyz; 0: off");

namespace dray::mockdev {
namespace {

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

Status Wrong(std::string sentence) {
  return Status(Reason::kInvalid, std::move(sentence));
}

Result<DriverOptions> OptionsFromFlags() {
  DriverOptions options;
  const char* node = std::getenv("NODE_NAME");
  options.node_name = !FLAGS_node_name.empty() ? FLAGS_node_name : node != nullptr ? node : "";
  if (options.node_name.empty())
    return Wrong("--node-name is missing and $NODE_NAME is not set; want the name of a Node");
  if (!api::IsDnsSubdomain(options.node_name)) {
    return Wrong("--node-name=" + options.node_name +
                 " is not the name of a Node (a-z, 0-9, '-' and '.')");
  }
  if (FLAGS_mode != "dra" && FLAGS_mode != "device-plugin" && FLAGS_mode != "both") {
    return Wrong("--mode=" + FLAGS_mode + " is none of dra, device-plugin and both");
  }
  for (int port : {FLAGS_metrics_port, FLAGS_health_port}) {
    if (port < 0 || port > 65535)
      return Wrong("port " + std::to_string(port) + " is not between 0 and 65535");
  }
  options.dra = FLAGS_mode != "device-plugin";
  options.device_plugin = FLAGS_mode != "dra";
  options.kubelet_dir = FLAGS_kubelet_dir;
  options.cdi_dir = FLAGS_cdi_dir;
  options.tools_dir = FLAGS_tools_dir;
  if (options.tools_dir.empty()) {
    std::error_code error;
    options.tools_dir =
        std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string() +
        "/mock-tools";
  }
  return options;
}

Status Serve(const Context& ctx, const std::vector<std::string>& args) {
  if (!args.empty())
    return Wrong("\"" + args[0] + "\" is not expected; everything is said by flags, see --help");
  DRAY_ASSIGN_OR_RETURN(DriverOptions options, OptionsFromFlags());
  std::vector<DeviceProfile> profiles;
  for (const std::string& name : SplitList(FLAGS_profile)) {
    DRAY_ASSIGN_OR_RETURN(DeviceProfile profile, LoadProfile(name));
    for (const DeviceProfile& other : profiles) {
      if (other.driver == profile.driver) {
        return Wrong("profiles " + other.name + " and " + profile.name + " are both of driver " +
                     profile.driver + "; want one profile per driver and node");
      }
    }
    profiles.push_back(std::move(profile));
  }
  if (profiles.empty()) return Wrong("--profile is empty; want the name of a profile");
  if (FLAGS_print_slices) {
    DRAY_ASSIGN_OR_RETURN(const Json slices, SlicesOffline(profiles, options.node_name));
    std::cout << slices.dump(2) << "\n";
    return {};
  }
  DRAY_ASSIGN_OR_RETURN(runtime::ClusterAccess access,
                        runtime::LoadClusterAccess(FLAGS_kubeconfig, FLAGS_context));
  access.user_agent = "dray-mockdev";
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Transport> transport,
                        runtime::MakeRestTransport(access));
  runtime::Client client(std::move(transport));

  std::vector<std::unique_ptr<MockDriver>> drivers;
  for (DeviceProfile& profile : profiles) {
    DriverOptions own = options;
    if (!FLAGS_state_dir.empty()) {
      own.state_dir =
          profiles.size() == 1 ? FLAGS_state_dir : FLAGS_state_dir + "/" + profile.driver;
    }
    DRAY_ASSIGN_OR_RETURN(std::unique_ptr<MockDriver> driver,
                          MockDriver::Open(ctx, own, std::move(profile), client));
    drivers.push_back(std::move(driver));
  }
  auto ready = [&]() -> Status {
    for (const auto& driver : drivers) DRAY_RETURN_IF_ERROR(driver->Ready());
    return {};
  };

  runtime::Manager manager;
  DRAY_RETURN_IF_ERROR(AddEndpoints(manager,
                                    {FLAGS_bind_address, static_cast<uint16_t>(FLAGS_metrics_port),
                                     static_cast<uint16_t>(FLAGS_health_port)},
                                    ready));
  for (const auto& driver : drivers) {
    manager.Add(runtime::Stage::kEveryone,
                {"driver " + driver->profile().driver,
                 [&driver](const Context& run) { return driver->Run(run); }, nullptr});
  }
  LOG(INFO) << "mock devices of node " << options.node_name << ": " << FLAGS_profile << ", mode "
            << FLAGS_mode;
  return manager.Run(ctx);
}

}  // namespace
}  // namespace dray::mockdev

int main(int argc, char** argv) {
  return dray::runtime::RunProgram(argc, argv,
                                   {"dray-mockdev",
                                    "invents the accelerators of a node and shows them to its "
                                    "kubelet as a DRA driver and/or device plugins",
                                    {"mockdev_main.cc"}},
                                   dray::mockdev::Serve);
}
