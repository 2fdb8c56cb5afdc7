// The controller manager against an API server of up to 100,000 allocated claims and 5,000 nodes
// with 8 devices each, over real HTTP: time and memory until a follower's caches are warm, then
// what a leader does with them.
//
// The server is as small as can be: it makes the objects up as they are asked for, in pages or as a
// watch, and answers each patch with the object that is there, so every claim is always in want of
// its conditions. It runs in this process, the manager in another one, whose figures are read from
// /proc. Beside them, client-go's (Go 1.26, Kubernetes 1.36, the same kind of machine): RSS 21.6 MB
// before and 78 MB after 12,000 claims, so 4.7 kB a claim; 29 kB a slice; 880 patches/s with 8
// workers (against a real kube-apiserver).
//
//   bench/run.sh informer [--only=CLAIMS,NODES]      needs dray-controller-manager beside the
//   benchmarks (../bin)
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "dray/base/json.h"
#include "dray/runtime/files.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/process.h"
#include "dray/runtime/real_clock.h"

namespace {

using dray::Json;
using std::chrono::duration;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;
namespace runtime = dray::runtime;

constexpr int kNodes = 5000, kDevicesPerNode = 8;

std::string Meta(const std::string& name, const std::string& space, uint64_t version, int uid) {
  char text[64];
  std::snprintf(text, sizeof text, "%08x-0000-4000-8000-%012x", uid, uid);
  std::string meta = "\"metadata\":{\"name\":\"" + name + "\",";
  if (!space.empty()) meta += "\"namespace\":\"" + space + "\",";
  return meta + "\"uid\":\"" + text + "\",\"resourceVersion\":\"" + std::to_string(version) +
         "\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"";
}

// As a real API server has it after the scheduler: with managed fields, which are a third of it.
std::string Claim(int i, uint64_t version) {
  const std::string n = std::to_string(i), node = "node-" + std::to_string(i % kNodes);
  std::string text =
      "{\"kind\":\"ResourceClaim\",\"apiVersion\":\"resource.k8s.io/v1\"," +
      Meta("trainer-" + n + "-gpu-x7k2p", "team-" + std::to_string(i % 50), version, i + 1);
  text +=
      R"(,"generateName":"trainer-)" + n +
      R"(-gpu-","annotations":{"resource.kubernetes.io/pod-claim-name":"gpu"},"labels":{"app.kubernetes.io/managed-by":"dray"},"finalizers":["resource.kubernetes.io/delete-protection"],"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"trainer-)" +
      n +
      R"(","uid":"0b6e6ec5-5d2a-4d4e-8d3b-0f4e8d3b0f4e","controller":true}],"managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"resource.k8s.io/v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:resource.kubernetes.io/pod-claim-name":{}},"f:generateName":{},"f:ownerReferences":{".":{},"k:{\"uid\":\"0b6e6ec5-5d2a-4d4e-8d3b-0f4e8d3b0f4e\"}":{}}},"f:spec":{"f:devices":{"f:requests":{}}}}},{"manager":"kube-scheduler","operation":"Update","apiVersion":"resource.k8s.io/v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:allocation":{},"f:reservedFor":{}}},"subresource":"status"}]},)";
  text +=
      R"("spec":{"devices":{"requests":[{"name":"gpu","exactly":{"deviceClassName":"hami-core-gpu.project-hami.io","allocationMode":"ExactCount","count":1,"capacity":{"requests":{"cores":"10","memory":"8Gi"}}}}]}},)";
  text +=
      R"("status":{"allocation":{"devices":{"results":[{"request":"gpu","driver":"hami-core-gpu.project-hami.io","pool":")" +
      node + R"(","device":"gpu-)" + std::to_string(i / kNodes % kDevicesPerNode) +
      R"(","shareID":"00000000-0000-4000-8000-000000000000","consumedCapacity":{"cores":"10","memory":"8Gi"}}]},"nodeSelector":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":[")" +
      node + R"("]}]}]}},"reservedFor":[{"resource":"pods","name":"trainer-)" + n +
      R"(","uid":"0b6e6ec5-5d2a-4d4e-8d3b-0f4e8d3b0f4e"}]}})";
  return text;
}

std::string Slice(int i, uint64_t version) {
  const std::string node = "node-" + std::to_string(i);
  std::string text = "{\"kind\":\"ResourceSlice\",\"apiVersion\":\"resource.k8s.io/v1\"," +
                     Meta(node + "-gpus", "", version, 1'000'000 + i) +
                     R"(},"spec":{"driver":"hami-core-gpu.project-hami.io","nodeName":")" + node +
                     R"(","pool":{"name":")" + node +
                     R"(","generation":1,"resourceSliceCount":1},"devices":[)";
  for (int d = 0; d < kDevicesPerNode; ++d)
    text +=
        (d == 0 ? "" : ",") + (R"({"name":"gpu-)" + std::to_string(d)) +
        R"(","attributes":{"uuid":{"string":"GPU-)" + std::to_string(i * 10 + d) +
        R"("},"productName":{"string":"NVIDIA A100-SXM4-80GB"},"type":{"string":"hami-gpu"},"minor":{"int":)" +
        std::to_string(d) +
        R"(},"architecture":{"string":"Ampere"},"driverVersion":{"version":"550.54.15"}},"capacity":{"cores":{"value":"100"},"memory":{"value":"80Gi"}},"allowMultipleAllocations":true})";
  return text + "]}}";
}

std::string Node(int i, uint64_t version) {
  const std::string name = "node-" + std::to_string(i);
  return "{\"kind\":\"Node\",\"apiVersion\":\"v1\"," + Meta(name, "", version, 2'000'000 + i) +
         R"(,"labels":{"kubernetes.io/hostname":")" + name +
         R"(","kubernetes.io/os":"linux"}},"status":{"capacity":{"cpu":"96","memory":"1Ti"},"allocatable":{"cpu":"95","memory":"1000Gi"},"conditions":[{"type":"Ready","status":"True"}]}})";
}

// The API server.
class Server {
 public:
  Server(int claims, int nodes) : claims_(claims), nodes_(nodes) {}

  void Handle(runtime::HttpRequest request, std::shared_ptr<runtime::HttpResponder> responder) {
    const std::string path(request.path());
    const std::string kind = path.substr(path.rfind('/') + 1);
    if (path == "/apis/resource.k8s.io")
      return Answer(*responder, R"({"kind":"APIGroup","versions":[{"version":"v1"}]})");
    if (path.find("/leases") != std::string::npos) return Lease(path, request, responder);
    if (request.method != "GET") return Write(path, request, *responder);
    const int many = Many(kind);
    if (Parameter(request.target, "watch") == "true") {
      // As a server that has too much for one stream: list in pages, and watch from there.
      if (Parameter(request.target, "sendInitialEvents") == "true")
        return responder->Send(
            {422,
             R"({"kind":"Status","status":"Failure","reason":"Invalid","code":422,"message":"list in pages"})",
             "application/json",
             {}});
      auto stream = responder->StartStream(200, "application/json");
      std::lock_guard lock(mutex_);
      if (kind == "resourceclaims") claims_watch_ = stream;
      watches_.push_back(std::move(stream));
      changed_.notify_all();
      return;
    }
    const int limit = std::atoi(("0" + Parameter(request.target, "limit")).c_str());
    int at = std::atoi(("0" + Parameter(request.target, "continue")).c_str());
    std::string body = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[";
    const int end = limit == 0 ? many : std::min(many, at + limit);
    for (bool first = true; at < end; ++at, first = false)
      body += (first ? "" : ",") + Object(kind, at, 1);
    body += "],\"metadata\":{\"resourceVersion\":\"10\"";
    if (at < many) body += ",\"continue\":\"" + std::to_string(at) + "\"";
    Answer(*responder, body + "}}");
    if (at >= many && kind == "resourceclaims") {
      std::lock_guard lock(mutex_);
      listed_at_ = Steady::now();
      changed_.notify_all();
    }
  }

  // One claim has changed: everyone who watches is told. Its patch is waited for.
  double EventToPatch(int i) {
    std::unique_lock lock(mutex_);
    awaited_ = "/trainer-" + std::to_string(i) + "-gpu-x7k2p/status";
    seen_ = false;
    const auto began = Steady::now();
    auto stream = claims_watch_;
    const std::string line = "{\"type\":\"MODIFIED\",\"object\":" + Claim(i, ++version_) + "}\n";
    lock.unlock();
    if (stream != nullptr) stream->Write(line);
    lock.lock();
    if (!changed_.wait_for(lock, seconds(10), [&] { return seen_; })) return -1;
    return duration<double>(seen_at_ - began).count();
  }
  bool AwaitListed(seconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] {
      return listed_at_ != Steady::time_point() && claims_watch_ != nullptr;
    });
  }
  Steady::time_point listed_at() const { return listed_at_; }
  int patches() const { return patches_; }
  // The Lease falls free.
  void Release() {
    std::lock_guard lock(mutex_);
    lease_held_ = false;
    for (auto& stream : lease_watches_)
      stream->Write("{\"type\":\"MODIFIED\",\"object\":" + LeaseText() + "}\n");
  }

 private:
  static void Answer(runtime::HttpResponder& responder, std::string body, int code = 200) {
    responder.Send({code, std::move(body), "application/json", {}});
  }
  static std::string Parameter(const std::string& target, const std::string& name) {
    for (const char* before : {"?", "&"}) {
      const size_t at = target.find(before + name + "=");
      if (at == std::string::npos) continue;
      const size_t from = at + name.size() + 2;
      return target.substr(from, target.find('&', from) - from);
    }
    return "";
  }
  int Many(const std::string& kind) const {
    if (kind == "resourceclaims") return claims_;
    return kind == "resourceslices" || kind == "nodes" ? nodes_ : 0;
  }
  static std::string Object(const std::string& kind, int i, uint64_t version) {
    if (kind == "resourceclaims") return Claim(i, version);
    return kind == "nodes" ? Node(i, version) : Slice(i, version);
  }
  void Write(const std::string& path, const runtime::HttpRequest& request,
             runtime::HttpResponder& responder) {
    if (path.find("/resourceclaims/trainer-") == std::string::npos || request.method != "PATCH")
      return Answer(responder, request.body, 200);
    const size_t from = path.find("trainer-") + 8;
    int i = 0;
    std::from_chars(path.data() + from, path.data() + path.size(), i);
    ++patches_;
    {
      std::lock_guard lock(mutex_);
      if (!awaited_.empty() && path.ends_with(awaited_)) {
        awaited_.clear();
        seen_ = true;
        seen_at_ = Steady::now();
        changed_.notify_all();
      }
    }
    Answer(responder, Claim(i, 1));
  }
  std::string LeaseText() const {
    return std::string(
               R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"dray-controller-manager","namespace":"dray-system","resourceVersion":")") +
           std::to_string(lease_version_) + R"("},"spec":{"holderIdentity":")" +
           (lease_held_ ? "somebody" : "") +
           R"(","leaseDurationSeconds":3600,"leaseTransitions":1}})";
  }
  void Lease(const std::string&, const runtime::HttpRequest& request,
             std::shared_ptr<runtime::HttpResponder> responder) {
    std::lock_guard lock(mutex_);
    if (request.method != "GET") return Answer(*responder, request.body);
    if (Parameter(request.target, "watch") != "true") return Answer(*responder, LeaseText());
    lease_watches_.push_back(responder->StartStream(200, "application/json"));
  }

  const int claims_, nodes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<runtime::HttpStream> claims_watch_;
  std::vector<std::shared_ptr<runtime::HttpStream>> watches_, lease_watches_;
  bool lease_held_ = true;
  int lease_version_ = 1;
  uint64_t version_ = 100;
  Steady::time_point listed_at_;
  std::string awaited_;
  bool seen_ = false;
  Steady::time_point seen_at_;
  std::atomic<int> patches_ = 0;
};

double Megabytes(int pid, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::atof(line.c_str() + field.size() + 1) / 1024;
  return 0;
}
double CpuSeconds(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skip;
  double user = 0, system = 0;
  for (int i = 0; i < 11; ++i) fields >> skip;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// As Prometheus asks. Bytes that came, 0 for none.
size_t Scrape(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  size_t bytes = 0;
  const std::string ask =
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: "
      "close\r\n\r\n";
  if (connect(connection, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
      write(connection, ask.data(), ask.size()) == static_cast<ssize_t>(ask.size())) {
    std::string buffer(1 << 20, '\0');
    for (ssize_t got; (got = read(connection, buffer.data(), buffer.size())) > 0;)
      bytes += static_cast<size_t>(got);
  }
  close(connection);
  return bytes;
}
// Where the log says that metrics are served; 0: nowhere.
int MetricsPort(const std::string& log) {
  const std::string said = "metrics listens on port ";
  std::ifstream lines(log);
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(said); at != std::string::npos)
      return std::atoi(line.c_str() + at + said.size());
  return 0;
}

struct Figures {
  double scrape_seconds = 0, scrape_again_ms = 0, scrape_mb = 0, scraped_rss = 0, scraped_peak = 0;
  int claims = 0, nodes = 0;
  double sync_seconds = 0, sync_cpu = 0, synced_rss = 0, peak_rss = 0, rest_cpu = 0;
  double patches_per_second = 0, cpu_per_patch_us = 0, leader_rss = 0, p50_ms = 0, p99_ms = 0;
};

// nullopt: the manager did not do what it should; its log says why.
std::optional<Figures> Measure(int claims, int nodes, const std::string& manager,
                               const std::string& folder) {
  Server server(claims, nodes);
  runtime::HttpServerOptions options;
  options.address = "127.0.0.1";
  options.handler_threads = 2;
  auto listening =
      runtime::HttpServer::Listen(options, [&](runtime::HttpRequest request, auto responder) {
        server.Handle(std::move(request), responder);
      });
  if (!listening.ok()) {
    std::cerr << "informer_bench: " << listening.status() << "\n";
    return std::nullopt;
  }
  std::jthread serving([&](std::stop_token stop) {
    (void)(*listening)->Run(dray::Context(runtime::RealClock(), stop));
  });

  const std::string kubeconfig = folder + "/kubeconfig",
                    log = folder + "/manager-" + std::to_string(claims) + ".log";
  std::ofstream(kubeconfig) << "apiVersion: v1\nkind: Config\ncurrent-context: b\ncontexts: "
                               "[{name: b, context: {cluster: b}}]\n"
                               "clusters: [{name: b, cluster: {server: \"http://127.0.0.1:"
                            << (*listening)->port() << "\"}}]\n";
  runtime::ProcessOptions how;
  how.argv = {manager,
              "--kubeconfig=" + kubeconfig,
              "--metrics-bind-address=127.0.0.1:0",
              "--health-probe-bind-address=0",
              "--kube-api-qps=0",
              "--workers=4",
              "--device-classes=none"};
  how.log_file = log;
  auto process = runtime::Process::Start(how);
  if (!process.ok()) {
    std::cerr << "informer_bench: " << process.status() << "\n";
    return std::nullopt;
  }
  const auto began = Steady::now();
  const int pid = (*process)->pid();
  if (!server.AwaitListed(seconds(120))) {
    std::cerr << "informer_bench: the manager has not listed the claims; its log: " << log << "\n";
    return std::nullopt;
  }
  Figures figures;
  figures.claims = claims;
  figures.nodes = nodes;
  figures.sync_seconds = duration<double>(Steady::now() - began).count();
  figures.sync_cpu = CpuSeconds(pid);
  std::this_thread::sleep_for(seconds(1));
  figures.synced_rss = Megabytes(pid, "VmRSS:");
  figures.peak_rss = Megabytes(pid, "VmHWM:");
  const double before_rest = CpuSeconds(pid);
  std::this_thread::sleep_for(seconds(5));
  figures.rest_cpu = (CpuSeconds(pid) - before_rest) / 5 * 100;
  const int port = MetricsPort(log);
  auto scrape = [&] {
    const auto from = Steady::now();
    figures.scrape_mb = static_cast<double>(Scrape(port)) / 1e6;
    return duration<double>(Steady::now() - from).count();
  };
  figures.scrape_seconds = scrape();
  figures.scrape_again_ms = scrape() * 1000;
  figures.scraped_rss = Megabytes(pid, "VmRSS:");
  figures.scraped_peak = Megabytes(pid, "VmHWM:");
  if (claims == 0) return figures;

  // Now it leads: every claim wants its conditions.
  const double before_work = CpuSeconds(pid);
  const auto work_began = Steady::now();
  server.Release();
  int done = 0;
  for (const auto give_up = work_began + seconds(180);
       (done = server.patches()) < claims && Steady::now() < give_up;)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double took = duration<double>(Steady::now() - work_began).count();
  figures.patches_per_second = done / took;
  figures.cpu_per_patch_us = (CpuSeconds(pid) - before_work) / done * 1e6;
  std::this_thread::sleep_for(seconds(1));
  figures.leader_rss = Megabytes(pid, "VmRSS:");
  std::vector<double> latencies;
  for (int i = 0; i < 500; ++i)
    if (const double latency = server.EventToPatch(i * 7 % claims); latency >= 0)
      latencies.push_back(latency * 1000);
  std::sort(latencies.begin(), latencies.end());
  if (!latencies.empty()) {
    figures.p50_ms = latencies[latencies.size() / 2];
    figures.p99_ms = latencies[latencies.size() * 99 / 100];
  }
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  std::string json_file;
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]).starts_with("--benchmark_out="))
      json_file = std::string(argv[i]).substr(16);
  std::vector<std::pair<int, int>> sizes = {{0, 0}, {12'000, 0}, {100'000, 0}, {100'000, kNodes}};
  for (int i = 1; i < argc; ++i)
    if (int claims = 0, nodes = 0; std::sscanf(argv[i], "--only=%d,%d", &claims, &nodes) == 2)
      sizes = {{claims, nodes}};
  const std::string manager =
      std::filesystem::canonical("/proc/self/exe").parent_path().parent_path() /
      "bin/dray-controller-manager";
  if (!std::filesystem::exists(manager)) {
    std::cerr << "informer_bench: " << manager << " is not built: ninja dray-controller-manager\n";
    return 2;
  }
  std::string folder = "/tmp/dray-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  Json results = Json::array();
  std::printf("%8s %6s %8s %8s %9s %8s %7s %9s %9s %9s %8s %8s %10s %9s %9s %8s %8s %14s\n",
              "claims", "nodes", "sync s", "CPU s", "RSS MB", "peak MB", "rest %", "scrape s",
              "again ms", "scrape MB", "RSS MB", "peak MB", "patches/s", "us/patch", "lead MB",
              "p50 ms", "p99 ms", "client-go MB");
  for (const auto& [claims, nodes] : sizes) {
    const std::optional<Figures> f = Measure(claims, nodes, manager, folder);
    if (!f) return 1;
    const double peer = 21.6 + claims * (78 - 21.6) / 12'000 + nodes * (80 - 21.6) / 2'000;
    std::printf(
        "%8d %6d %8.2f %8.2f %9.1f %8.1f %7.2f %9.2f %9.1f %9.1f %8.1f %8.1f %10.0f %9.0f %9.1f "
        "%8.2f %8.2f %8.0f (%.2f)\n",
        f->claims, f->nodes, f->sync_seconds, f->sync_cpu, f->synced_rss, f->peak_rss, f->rest_cpu,
        f->scrape_seconds, f->scrape_again_ms, f->scrape_mb, f->scraped_rss, f->scraped_peak,
        f->patches_per_second, f->cpu_per_patch_us, f->leader_rss, f->p50_ms, f->p99_ms, peer,
        f->synced_rss / peer);
    std::fflush(stdout);
    results.push_back({{"name", "manager/" + std::to_string(claims) + "/" + std::to_string(nodes)},
                       {"sync_seconds", f->sync_seconds},
                       {"sync_cpu_seconds", f->sync_cpu},
                       {"rss_mb", f->synced_rss},
                       {"peak_rss_mb", f->peak_rss},
                       {"cpu_at_rest_percent", f->rest_cpu},
                       {"scrape_seconds", f->scrape_seconds},
                       {"scrape_again_ms", f->scrape_again_ms},
                       {"scrape_mb", f->scrape_mb},
                       {"scraped_rss_mb", f->scraped_rss},
                       {"scraped_peak_mb", f->scraped_peak},
                       {"patches_per_second", f->patches_per_second},
                       {"cpu_us_per_patch", f->cpu_per_patch_us},
                       {"leader_rss_mb", f->leader_rss},
                       {"event_to_patch_p50_ms", f->p50_ms},
                       {"event_to_patch_p99_ms", f->p99_ms},
                       {"client_go_rss_mb", peer}});
  }
  if (!json_file.empty())
    std::ofstream(json_file) << Json({{"benchmarks", results}}).dump(1) << "\n";
  std::filesystem::remove_all(folder);
  return 0;
}
