// Load on an admission webhook: TLS, HTTP/1.1 keep-alive, one review after the other on 1, 8 and 32
// connections.
//
//   bench/run.sh webhook                               dray-controller-manager of the build, in a
//   local cluster of its own build/bench/webhook_bench --url=https://127.0.0.1:9443/mutate
//   [--pid=PID]     any webhook; PID for its memory
//
// Flags: --connections=1,8,32  --seconds=5  --review=FILE (an AdmissionReview; {N} in it becomes a
// number of its own for every request)  --distinct (our Pod asks for another amount each time, so
// that every review makes a template)  --plain (a Pod that asks for no device).
//
// The generator shares the machine with what it measures. Certificates are not verified. Beside it
// HAMi-DRA's webhook (Go 1.26, controller-runtime), measured in the same way on such a machine, two
// cores, one GPU container, a claim created per review:
//   no-op client   1 connection 2,154/s   8: 3,761/s (p50 1.3 ms, p99 11.3 ms, 37 MB)   64: 4,004/s
//   (p50 10.7 ms, p99 78 ms, 41 MB) HTTP stub      8: 2,320/s   real kube-apiserver 8: 655/s   Pod
//   without GPU 8: 9,059/s
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/cluster/local_cluster.h"
#include "dray/api/types/core.h"
#include "dray/runtime/process.h"
#include "dray/runtime/real_clock.h"

namespace {

using dray::Json;
using Steady = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct Target {
  std::string host, port, path;
};

Target ParseUrl(const std::string& url) {
  static constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme))
    throw std::runtime_error("--url: " + url + ": want https://HOST:PORT/PATH");
  const std::string rest = url.substr(kScheme.size());
  const size_t slash = std::min(rest.find('/'), rest.size()),
               colon = rest.substr(0, slash).rfind(':');
  Target target{rest.substr(0, std::min(colon, slash)),
                colon == std::string::npos ? "443" : rest.substr(colon + 1, slash - colon - 1),
                slash == rest.size() ? "/" : rest.substr(slash)};
  return target;
}

// A keep-alive connection with one request under way; non-blocking, so that one thread drives many:
// the generator's processor time is missing to what it measures.
class Connection {
 public:
  Connection(const Target& target, SSL_CTX* context) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found) != 0)
      throw std::runtime_error("cannot resolve " + target.host);
    fd_ = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = fd_ >= 0 && connect(fd_, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (!connected)
      throw std::runtime_error("cannot connect to " + target.host + ":" + target.port);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    if (SSL_connect(ssl_) != 1)
      throw std::runtime_error("no TLS with " + target.host + ":" + target.port);
    fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
    input_.reserve(64 << 10);
  }
  ~Connection() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

  void Ask(const std::string& request) {
    sent_at = Steady::now();
    input_.clear();
    body_at_ = 0;
    // Reviews are far smaller than a socket's buffer.
    if (SSL_write(ssl_, request.data(), static_cast<int>(request.size())) <= 0)
      throw std::runtime_error("the connection broke, or takes no whole review at once");
  }

  // The response's code once all of it is there, else 0. Its body is in body().
  int Receive() {
    while (true) {
      char buffer[16384];
      const int got = SSL_read(ssl_, buffer, sizeof buffer);
      if (got <= 0) {
        if (SSL_get_error(ssl_, got) == SSL_ERROR_WANT_READ) return 0;
        throw std::runtime_error("the connection was closed");
      }
      input_.append(buffer, static_cast<size_t>(got));
      if (body_at_ == 0) {
        const size_t head = input_.find("\r\n\r\n");
        if (head == std::string::npos) continue;
        body_at_ = head + 4;
        ReadHead(head);
      }
      if (input_.size() >= body_at_ + length_) return code_;
    }
  }
  std::string_view body() const { return std::string_view(input_).substr(body_at_, length_); }

  Steady::time_point sent_at;

 private:
  void ReadHead(size_t size) {
    std::string headers = input_.substr(0, size);
    std::transform(headers.begin(), headers.end(), headers.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    const size_t mark = headers.find("content-length:");
    if (mark == std::string::npos) throw std::runtime_error("an answer without Content-Length");
    length_ = std::stoul(headers.substr(mark + 15));
    code_ = std::stoi(headers.substr(headers.find(' ') + 1));
  }
  int fd_ = -1, code_ = 0;
  SSL* ssl_ = nullptr;
  std::string input_;
  size_t body_at_ = 0, length_ = 0;
};

// Some 3 kB, as kube-apiserver sends it for a Pod of a Deployment.
std::string OwnReview(const std::string& limits) {
  Json pod = Json::parse(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"trainer-7c9f8d6b5-","namespace":"default",
    "labels":{"app":"trainer","pod-template-hash":"7c9f8d6b5"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet",
    "name":"trainer-7c9f8d6b5","uid":"0b6e6ec5-5d2a-4d4e-8d3b-0f4e8d3b0f4e","controller":true,"blockOwnerDeletion":true}]},
    "spec":{"containers":[{"name":"main","image":"nvidia/cuda:12.4.1-base-ubuntu22.04","command":["python","train.py"],
    "env":[{"name":"EPOCHS","value":"10"}],"resources":{"limits":{}},"volumeMounts":[{"name":"kube-api-access","readOnly":true,
    "mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],"terminationMessagePath":"/dev/termination-log",
    "terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],"volumes":[{"name":"kube-api-access","projected":{"sources":
    [{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt",
    "path":"ca.crt"}]}}],"defaultMode":420}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",
    "serviceAccountName":"default","serviceAccount":"default","securityContext":{},"schedulerName":"default-scheduler","tolerations":
    [{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},
    {"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],"priority":0,
    "enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},"status":{}})");
  pod["spec"]["containers"][0]["resources"]["limits"] = Json::parse(limits);
  pod["metadata"]["annotations"]["example.com/description"] = std::string(900, 'd');
  const Json review = {
      {"kind", "AdmissionReview"},
      {"apiVersion", "admission.k8s.io/v1"},
      {"request",
       {{"uid", "705ab4f5-6393-11e8-b7cc-42010a800002"},
        {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
        {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
        {"requestKind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
        {"requestResource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
        {"namespace", "default"},
        {"operation", "CREATE"},
        {"userInfo",
         {{"username", "system:serviceaccount:kube-system:replicaset-controller"},
          {"groups", {"system:serviceaccounts", "system:authenticated"}}}},
        {"object", pod},
        {"oldObject", nullptr},
        {"dryRun", false},
        {"options", {{"kind", "CreateOptions"}, {"apiVersion", "meta.k8s.io/v1"}}}}}};
  return review.dump();
}

std::string WithNumber(std::string text, uint64_t number) {
  for (size_t at; (at = text.find("{N}")) != std::string::npos;)
    text.replace(at, 3, std::to_string(number));
  return text;
}

int64_t Kilobytes(int pid, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1));
  return 0;
}

double CpuSeconds(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  if (text.empty()) return 0;
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Figures {
  int connections = 0;
  double per_second = 0, p50_ms = 0, p99_ms = 0, cpu_us = 0, rss_mb = 0, peak_mb = 0, anon_mb = 0;
  uint64_t refused = 0;
};

Figures Measure(const Target& target, const std::string& review, int connections, double seconds,
                int pid, uint64_t& numbers) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_read_ahead(context, 1);
  const bool numbered = review.find("{N}") != std::string::npos;
  const std::string head =
      "POST " + target.path + "?timeout=10s HTTP/1.1\r\nHost: " + target.host +
      "\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: ";
  std::string request = head + std::to_string(review.size()) + "\r\n\r\n" + review;
  auto ask = [&](Connection& connection) {
    if (numbered) {
      const std::string body = WithNumber(review, 1000 + ++numbers % 80000);
      request = head + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    connection.Ask(request);
  };
  std::vector<std::unique_ptr<Connection>> open;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < connections; ++i) {
    open.push_back(std::make_unique<Connection>(target, context));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = open.back().get();
    epoll_ctl(epoll, EPOLL_CTL_ADD, open.back()->fd(), &event);
  }
  for (const auto& one : open) ask(*one);

  uint64_t refused = 0;
  std::vector<double> all;
  // Answers arrive and make room for the next request, for so long.
  auto drive = [&](double how_long, bool measured) {
    const Steady::time_point start = Steady::now();
    epoll_event events[64];
    while (Seconds(Steady::now() - start).count() < how_long) {
      const int ready = epoll_wait(epoll, events, 64, 1000);
      for (int i = 0; i < ready; ++i) {
        auto& connection = *static_cast<Connection*>(events[i].data.ptr);
        const int code = connection.Receive();
        if (code == 0) continue;
        if (measured) all.push_back(Seconds(Steady::now() - connection.sent_at).count() * 1000);
        if ((code != 200 || connection.body().find("\"allowed\":true") == std::string_view::npos) &&
            refused++ == 0)
          std::cerr << "answer " << code << ": " << connection.body().substr(0, 300) << "\n";
        ask(connection);
      }
    }
    return Seconds(Steady::now() - start).count();
  };
  drive(0.5, false);  // warm: connections, caches
  const double cpu = pid > 0 ? CpuSeconds(pid) : 0;
  const double took = drive(seconds, true);
  const double cpu_used = pid > 0 ? CpuSeconds(pid) - cpu : 0;
  open.clear();
  close(epoll);
  SSL_CTX_free(context);

  if (all.empty()) throw std::runtime_error("no answer within the time");
  std::sort(all.begin(), all.end());
  Figures figures;
  figures.connections = connections;
  figures.per_second = static_cast<double>(all.size()) / took;
  figures.p50_ms = all[all.size() / 2];
  figures.p99_ms = all[all.size() * 99 / 100];
  figures.cpu_us = cpu_used * 1e6 / static_cast<double>(all.size());
  figures.rss_mb = static_cast<double>(Kilobytes(pid, "VmRSS")) / 1024;
  figures.peak_mb = static_cast<double>(Kilobytes(pid, "VmHWM")) / 1024;
  figures.anon_mb = static_cast<double>(Kilobytes(pid, "RssAnon")) / 1024;
  figures.refused = refused;
  return figures;
}

// The programs of the build: an API server, one manager, no nodes.
struct OwnCluster {
  explicit OwnCluster(const std::string& programs)
      : ctx(dray::runtime::RealClock(), stop.get_token()) {
    dray::cli::LocalClusterOptions options;
    std::string pattern = "/tmp/dray-bench-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder below /tmp");
    folder = options.dir = pattern;
    options.bin_dir = programs;
    options.managers = 1;
    options.nodes = {{"gpu-node", "nvidia-a100-80gb"}};
    options.cleanup_grace = "60s";
    auto started = dray::cli::LocalCluster::Start(ctx, options, [](const std::string&) {});
    if (!started.ok()) throw std::runtime_error(started.status().message());
    cluster = *std::move(started);
    auto raw = cluster->client().GetRaw(ctx, dray::api::KindOf<dray::api::EndpointSlice>::value,
                                        {"dray-system", "dray-webhook-0"});
    if (!raw.ok()) throw std::runtime_error(raw.status().message());
    target = {"127.0.0.1", std::to_string(Json::parse(*raw)["ports"][0]["port"].get<int>()),
              "/mutate"};
    pid = cluster->Find("manager-0")->process->pid();
  }
  ~OwnCluster() {
    cluster.reset();
    std::filesystem::remove_all(folder);
  }
  std::stop_source stop;
  dray::Context ctx;
  std::string folder;
  std::unique_ptr<dray::cli::LocalCluster> cluster;
  Target target;
  int pid = 0;
};

int Run(const std::map<std::string, std::string>& flags) {
  auto flag = [&](const std::string& name, const std::string& otherwise) {
    auto found = flags.find(name);
    return found == flags.end() ? otherwise : found->second;
  };
  std::unique_ptr<OwnCluster> own;
  Target target;
  int pid = std::stoi(flag("pid", "0"));
  if (flags.contains("url")) {
    target = ParseUrl(flag("url", ""));
  } else {
    own = std::make_unique<OwnCluster>(std::filesystem::path(flag("program", "")).parent_path() /
                                       "../bin");
    target = own->target;
    pid = own->pid;
  }
  std::vector<std::pair<std::string, std::string>> subjects;  // name, review
  if (flags.contains("review")) {
    std::ifstream file(flag("review", ""));
    subjects.emplace_back("review", std::string((std::istreambuf_iterator<char>(file)), {}));
  } else if (flags.contains("plain")) {
    subjects.emplace_back("no device", OwnReview(R"({"cpu":"1"})"));
  } else if (flags.contains("distinct")) {
    subjects.emplace_back("new template",
                          OwnReview(R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"{N}"})"));
  } else {
    subjects.emplace_back(
        "GPU Pod",
        OwnReview(
            R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"4000","nvidia.com/gpucores":"30"})"));
    // No two the same to the webhook, all asking for the same devices.
    std::string distinct = subjects.back().second;
    distinct.replace(distinct.find("ddd"), 3, "{N}");
    subjects.emplace_back("GPU Pods apart", std::move(distinct));
    subjects.emplace_back("no device", OwnReview(R"({"cpu":"1"})"));
    if (own)
      subjects.emplace_back("new template",
                            OwnReview(R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"{N}"})"));
  }

  if (pid > 0) std::cout << "before: RSS " << Kilobytes(pid, "VmRSS") / 1024 << " MB\n";
  std::cout << "review         connections      req/s    p50 ms    p99 ms   CPU us/req    RSS MB   "
               "peak MB   anon MB\n";
  Json results = Json::array();
  uint64_t numbers = 0;
  uint64_t refused = 0;
  for (const auto& [name, review] : subjects) {
    std::istringstream counts(flag("connections", "1,8,32"));
    for (std::string count; std::getline(counts, count, ',');) {
      const Figures one =
          Measure(target, review, std::stoi(count), std::stod(flag("seconds", "5")), pid, numbers);
      char line[160];
      std::snprintf(line, sizeof line, "%-14s %11d %10.0f %9.2f %9.2f %12.0f %9.1f %9.1f %9.1f\n",
                    name.c_str(), one.connections, one.per_second, one.p50_ms, one.p99_ms,
                    one.cpu_us, one.rss_mb, one.peak_mb, one.anon_mb);
      std::cout << line << std::flush;
      results.push_back({{"name", "webhook/" + name + "/" + count},
                         {"real_time", one.p50_ms},
                         {"time_unit", "ms"},
                         {"review", name},
                         {"connections", one.connections},
                         {"requestsPerSecond", one.per_second},
                         {"p50Ms", one.p50_ms},
                         {"p99Ms", one.p99_ms},
                         {"cpuMicroseconds", one.cpu_us},
                         {"rssMb", one.rss_mb},
                         {"peakRssMb", one.peak_mb},
                         {"anonymousMb", one.anon_mb},
                         {"refused", one.refused}});
      refused += one.refused;
    }
  }
  if (flags.contains("benchmark_out"))
    std::ofstream(flag("benchmark_out", "")) << Json({{"benchmarks", results}}).dump(1) << "\n";
  if (refused > 0) std::cerr << "webhook_bench: " << refused << " reviews were not allowed\n";
  return refused > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags = {{"program", argv[0]}};
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    word.erase(0, std::min(word.find_first_not_of('-'), word.size()));
    const size_t equals = std::min(word.find('='), word.size());
    flags[word.substr(0, equals)] = equals == word.size() ? "" : word.substr(equals + 1);
  }
  try {
    return Run(flags);
  } catch (const std::exception& error) {
    std::cerr << "webhook_bench: " << error.what() << "\n";
    return 1;
  }
}
