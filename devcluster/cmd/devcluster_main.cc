// dray-devcluster: a development cluster in one process. Not for production.
#include <gflags/gflags.h>

#include "devcluster/cluster/dev_cluster.h"
#include "dray/runtime/program.h"

DEFINE_string(dir, "", "folder for certificates, kubeconfig and the nodes' directories; required");
DEFINE_string(nodes, "node-0", "names of the nodes, comma-separated; one kubelet each");
DEFINE_string(bind_address, "127.0.0.1", "address of the API server");
DEFINE_int32(port, 0,
             "port of the API server; 0: any free one, said in the log and the kubeconfig");

namespace {

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  const dray::runtime::ProgramInfo info{
      "dray-devcluster",
      "A development cluster in one process: an API server that kubectl can talk to, workload "
      "controllers, a DRA scheduler\n"
      "and kubelets that run containers' commands as local processes. Everything is in memory.",
      {"devcluster_main.cc"}};
  return dray::runtime::RunProgram(
      argc, argv, info,
      [](const dray::Context& ctx, const std::vector<std::string>& args) -> dray::Status {
        using dray::Reason;
        if (!args.empty())
          return dray::Status(Reason::kBadRequest,
                              "unexpected argument \"" + args.front() + "\": want only flags");
        if (FLAGS_dir.empty())
          return dray::Status(Reason::kBadRequest, "--dir: want a folder for the cluster's files");
        if (FLAGS_port < 0 || FLAGS_port > 65535)
          return dray::Status(Reason::kBadRequest,
                              "--port: " + std::to_string(FLAGS_port) + ": want 0 to 65535");
        dray::devcluster::DevClusterOptions options;
        options.dir = FLAGS_dir;
        options.nodes = Split(FLAGS_nodes);
        options.address = FLAGS_bind_address;
        options.port = static_cast<uint16_t>(FLAGS_port);
        return dray::devcluster::DevCluster(std::move(options)).Run(ctx);
      });
}
