#include <iostream>

#include "cli/args.h"
#include "cli/cluster/local_cluster.h"
#include "cli/command.h"

namespace dray::cli {
namespace {

constexpr Flag kUpFlags[] = {
    {"dir", 'd', "DIR",
     "state, logs and kubeconfig; default: a folder of your own under /tmp or $XDG_RUNTIME_DIR"},
    {"port", 'p', "PORT", "of the API server; 0: any free one", "0"},
    {"managers", 0, "N", "replicas of dray-controller-manager", "2"},
    {"node", 0, "NAME=PROFILE",
     "a mock node; repeat for more; default: gpu-node, dcu-node, npu-node ('dray profiles' lists "
     "profiles)"},
    {"help", 'h', "", "this text"},
};

Result<int> Number(const Args& args, const char* flag, int least, int most) {
  const std::string& text = args.Get(flag);
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < least || value > most)
    return Status(Reason::kBadRequest, "--" + std::string(flag) + ": " + text +
                                           ": want a number from " + std::to_string(least) +
                                           " to " + std::to_string(most));
  return static_cast<int>(value);
}

Result<LocalClusterOptions> OptionsFrom(const Args& args) {
  LocalClusterOptions options;
  options.dir = args.Given("dir") ? args.Get("dir") : DefaultClusterDir("up");
  DRAY_ASSIGN_OR_RETURN(int port, Number(args, "port", 0, 65535));
  options.port = static_cast<uint16_t>(port);
  DRAY_ASSIGN_OR_RETURN(options.managers, Number(args, "managers", 1, 9));
  options.cleanup_grace = "1m";
  if (args.Given("node")) options.nodes.clear();
  for (const std::string& node : args.All("node")) {
    const size_t equals = node.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == node.size())
      return Status(Reason::kBadRequest,
                    "--node: " + node + ": want NAME=PROFILE, as in gpu-1=nvidia-a100-80gb");
    options.nodes.push_back({node.substr(0, equals), node.substr(equals + 1)});
  }
  return options;
}

}  // namespace

Status RunUp(const Context& ctx, std::span<const std::string> words, Streams streams) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kUpFlags));
  if (args.Given("help")) {
    streams.out
        << "Starts a development cluster on this machine: an API server with scheduler and "
           "kubelets, controller\n"
           "managers and a mock driver per node, each a process of its own. Ends with Ctrl-C.\n\n"
           "  dray up\n  dray up --node a=nvidia-a100-80gb --node b=nvidia-t4\n\nFlags:\n"
        << FlagHelp(kUpFlags);
    return {};
  }
  if (!args.words().empty())
    return Status(Reason::kBadRequest,
                  "unexpected argument \"" + args.words().front() + "\": dray up takes only flags");
  DRAY_ASSIGN_OR_RETURN(LocalClusterOptions options, OptionsFrom(args));
  DRAY_ASSIGN_OR_RETURN(std::unique_ptr<LocalCluster> cluster,
                        LocalCluster::Start(ctx, std::move(options), [&](const std::string& line) {
                          streams.out << "starting: " << line << std::endl;
                        }));
  streams.out << "\nThe cluster is up. In another terminal:\n\n"
              << "  export KUBECONFIG=" << cluster->kubeconfig() << "\n"
              << "  kubectl get nodes,deviceclasses,resourceslices\n"
              << "  kubectl apply -f config/examples/hami-gpu-pod/\n"
              << "  kubectl logs gpu-pod\n\n"
              << "Logs: " << cluster->dir() << "/logs. Ctrl-C ends it." << std::endl;
  // Every process is watched: the first that ends takes the cluster down, with its log named.
  Status running;
  while (running.ok() && ctx.Sleep(std::chrono::milliseconds(200)).ok())
    running = cluster->CheckRunning();
  streams.out << "stopping" << std::endl;
  // ctx is stopped by now; the members get their own time to end.
  Status stopped = cluster->StopAll(ctx.WithStop(std::stop_token()));
  return running.ok() ? stopped : running;
}

}  // namespace dray::cli
