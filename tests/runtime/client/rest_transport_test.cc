#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "dray/base/guarded.h"
#include "dray/runtime/files.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/pki.h"
#include "dray/runtime/real_clock.h"
#include "dray/runtime/transport.h"
#include "tests/support/fake_clock.h"

// Over real TLS on loopback: what is tested here is how cpprestsdk and OpenSSL behave, which no
// fake can show.
namespace dray::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A server whose streams the test writes to.
class TlsServer {
 public:
  TlsServer(const KeyPair& ca, const std::string& folder, uint16_t port, HttpHandler handler) {
    LeafRequest request;
    request.common_name = "apiserver";
    request.dns_names = {"localhost", "kube.internal"};
    request.ips = {"127.0.0.1"};
    request.server = true;
    KeyPair leaf = *IssueLeaf(ca, request, RealClock().Now());
    EXPECT_TRUE(WriteFileAtomically(folder + "/tls.crt", leaf.cert_pem).ok());
    EXPECT_TRUE(WriteFileAtomically(folder + "/tls.key", leaf.key_pem).ok());
    EXPECT_TRUE(WriteFileAtomically(folder + "/ca.crt", ca.cert_pem).ok());
    HttpServerOptions options;
    options.address = "127.0.0.1";
    options.port = port;
    options.tls = TlsFiles{folder + "/tls.crt", folder + "/tls.key", folder + "/ca.crt", false};
    Result<std::unique_ptr<HttpServer>> server = HttpServer::Listen(options, std::move(handler));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    thread_ = std::jthread(
        [this](std::stop_token stop) { (void)server_->Run(Context(RealClock(), stop)); });
  }
  ~TlsServer() {
    thread_.request_stop();
    thread_.join();
  }
  uint16_t port() const { return server_->port(); }

 private:
  std::unique_ptr<HttpServer> server_;
  std::jthread thread_;
};

class RestTransportTest : public ::testing::Test {
 protected:
  RestTransportTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dray-rest-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    Start(0);
  }
  ~RestTransportTest() override {
    server_.reset();
    EXPECT_TRUE(RemoveTree(folder_).ok());
  }

  void Start(uint16_t port) {
    server_ = std::make_unique<TlsServer>(
        ca_, folder_, port, [this](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
          Handle(std::move(request), std::move(responder));
        });
  }
  void Restart() {
    uint16_t port = server_->port();
    server_.reset();
    Start(port);
  }
  void Handle(HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    std::string path(request.path());
    if (path == "/watch") {
      auto stream = responder->StartStream(200, "application/json");
      streams_.With([&](auto& streams) { streams.push_back(stream); });
      stream_opened_.release();
      return;
    }
    if (path == "/silent") {
      held_.With([&](auto& held) { held.push_back(responder); });
      return;
    }
    HttpResponse response;
    if (path == "/gone") {
      response.code = 410;
      response.headers["Retry-After"] = "7";
      response.body =
          R"({"kind":"Status","status":"Failure","reason":"Expired","message":"too old resource version","code":410})";
    } else if (path == "/echo") {
      auto header = [&](const char* name) {
        return request.headers.contains(name) ? request.headers[name] : "";
      };
      response.body = request.method + " " + request.target + " [" + request.body + "] " +
                      header("content-type") + " " + header("authorization") + " " +
                      header("user-agent") + " " + header("host") +
                      " cn=" + request.peer_common_name;
    } else if (path == "/big") {
      response.body.assign(5 << 20, 'x');
    } else {
      response.code = 404;
      response.body = "404 page not found";
    }
    responder->Send(std::move(response));
  }
  std::shared_ptr<HttpStream> OpenedStream() {
    EXPECT_TRUE(stream_opened_.try_acquire_for(seconds(20)));
    return streams_.With([](auto& streams) { return streams.back(); });
  }

  ClusterAccess Access() const {
    ClusterAccess access;
    access.server = "https://127.0.0.1:" + std::to_string(server_->port());
    access.ca_pem = ca_.cert_pem;
    access.user_agent = "dray-test/1";
    return access;
  }
  static std::shared_ptr<Transport> Make(const ClusterAccess& access) {
    auto transport = MakeRestTransport(access);
    EXPECT_TRUE(transport.ok()) << transport.status();
    return transport.ok() ? *transport : nullptr;
  }
  static ApiRequest Get(const std::string& path) {
    ApiRequest request;
    request.path = path;
    return request;
  }
  static ApiRequest Post(const std::string& path, const std::string& body) {
    ApiRequest request = Get(path);
    request.method = "POST";
    request.body = body;
    return request;
  }

  const KeyPair ca_ = *NewCa("test-ca", RealClock().Now());
  Context ctx_{RealClock(), {}};
  std::string folder_;
  std::unique_ptr<TlsServer> server_;
  Guarded<std::vector<std::shared_ptr<HttpStream>>> streams_;
  Guarded<std::vector<std::shared_ptr<HttpResponder>>> held_;
  std::counting_semaphore<1000> stream_opened_{0};
};

TEST_F(RestTransportTest, SendsRequestsAndReturnsEveryAnswer) {
  ClusterAccess access = Access();
  access.token = "t0ken";
  auto transport = Make(access);
  Result<ApiResponse> got = transport->Do(ctx_, Get("/echo?labelSelector=a%3Db&limit=500"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->code, 200);
  EXPECT_EQ(got->body,
            "GET /echo?labelSelector=a%3Db&limit=500 []  Bearer t0ken dray-test/1 127.0.0.1:" +
                std::to_string(server_->port()) + " cn=");
  got = transport->Do(ctx_, Post("/echo", R"({"a":1})"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->body.starts_with(R"(POST /echo [{"a":1}] application/json )")) << got->body;
  ApiRequest patch = Post("/echo", "[]");
  patch.method = "PATCH";
  patch.content_type = "application/json-patch+json";
  got = transport->Do(ctx_, patch);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->body.starts_with("PATCH /echo [[]] application/json-patch+json ")) << got->body;
  got = transport->Do(ctx_, Get("/nowhere"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->code, 404);
  got = transport->Do(ctx_, Get("/gone"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->code, 410);
  EXPECT_EQ(got->headers["retry-after"], "7");
  got = transport->Do(ctx_, Get("/big"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body.size(), size_t{5} << 20);
}

TEST_F(RestTransportTest, ShowsTheClientCertificateAndFollowsRotatedFiles) {
  auto issue = [&](const std::string& name) {
    LeafRequest request;
    request.common_name = name;
    request.client = true;
    KeyPair pair = *IssueLeaf(ca_, request, RealClock().Now());
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/client.crt", pair.cert_pem).ok());
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/client.key", pair.key_pem).ok());
  };
  issue("first");
  EXPECT_TRUE(WriteFileAtomically(folder_ + "/token", "one\n").ok());
  ClusterAccess access = Access();
  access.client_cert_file = folder_ + "/client.crt";
  access.client_key_file = folder_ + "/client.key";
  access.token_file = folder_ + "/token";
  auto transport = Make(access);
  Result<ApiResponse> got = transport->Do(ctx_, Get("/echo"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->body.ends_with("cn=first")) << got->body;
  EXPECT_NE(got->body.find("Bearer one"), std::string::npos) << got->body;
  issue("second");
  EXPECT_TRUE(WriteFileAtomically(folder_ + "/token", "two\n").ok());
  Restart();  // every connection is a new one now
  got = transport->Do(ctx_, Get("/echo"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->body.ends_with("cn=second")) << got->body;
  EXPECT_NE(got->body.find("Bearer two"), std::string::npos) << got->body;
}

TEST_F(RestTransportTest, RefusesAServerItCannotTrust) {
  ClusterAccess access = Access();
  access.ca_pem = NewCa("another-ca", RealClock().Now())->cert_pem;
  Result<ApiResponse> got = Make(access)->Do(ctx_, Get("/echo"));
  EXPECT_TRUE(got.Is(Reason::kUnavailable));
  EXPECT_NE(got.status().message().find("is not accepted: "), std::string::npos) << got.status();

  access = Access();
  access.tls_server_name = "someone.else";
  got = Make(access)->Do(ctx_, Get("/echo"));
  EXPECT_TRUE(got.Is(Reason::kUnavailable));
  EXPECT_NE(got.status().message().find("it is for another host name"), std::string::npos)
      << got.status();

  access.tls_server_name = "kube.internal";
  got = Make(access)->Do(ctx_, Get("/echo"));
  EXPECT_TRUE(got.ok()) << got.status();

  access = Access();
  access.ca_pem = "";  // only the system's CAs
  EXPECT_TRUE(Make(access)->Do(ctx_, Get("/echo")).Is(Reason::kUnavailable));
  // OpenSSL's variable for where they are.
  ASSERT_EQ(::setenv("SSL_CERT_FILE", (folder_ + "/ca.crt").c_str(), 1), 0);
  got = Make(access)->Do(ctx_, Get("/echo"));
  EXPECT_TRUE(got.ok()) << got.status();
  ASSERT_EQ(::unsetenv("SSL_CERT_FILE"), 0);
  access.insecure_skip_tls_verify = true;
  got = Make(access)->Do(ctx_, Get("/echo"));
  EXPECT_TRUE(got.ok()) << got.status();
}

TEST_F(RestTransportTest, UnusableAccessIsOneSentence) {
  ClusterAccess good = Access();
  LeafRequest request;
  request.common_name = "c";
  request.client = true;
  KeyPair one = *IssueLeaf(ca_, request, RealClock().Now()),
          two = *IssueLeaf(ca_, request, RealClock().Now());
  struct Case {
    std::function<void(ClusterAccess&)> spoil;
    const char* says;
  } cases[] = {
      {[](ClusterAccess& a) { a.server = ""; }, "no server is given"},
      {[](ClusterAccess& a) { a.server = "127.0.0.1:6443"; }, "is not a URL"},
      {[](ClusterAccess& a) { a.server = "ftp://h"; }, "is not a URL"},
      {[](ClusterAccess& a) { a.server = "https://h ost"; }, "is not a URL"},
      {[](ClusterAccess& a) { a.server = "https://[::1]:6443"; }, "is an IPv6 address"},
      {[](ClusterAccess& a) { a.ca_pem = "junk"; }, "CA certificate is not PEM"},
      {[&](ClusterAccess& a) { a.client_cert_pem = one.cert_pem; }, "no client key"},
      {[&](ClusterAccess& a) { a.client_key_pem = one.key_pem; }, "no client certificate"},
      {[&](ClusterAccess& a) { a.client_cert_pem = one.cert_pem, a.client_key_pem = "junk"; },
       "not an unencrypted PEM private key"},
      {[&](ClusterAccess& a) { a.client_cert_pem = one.cert_pem, a.client_key_pem = two.key_pem; },
       "does not belong to the client certificate"},
      {[](ClusterAccess& a) { a.client_cert_file = "/nowhere/c"; }, "cannot read /nowhere/c"},
  };
  for (const Case& c : cases) {
    ClusterAccess access = good;
    c.spoil(access);
    auto made = MakeRestTransport(access);
    ASSERT_FALSE(made.ok()) << c.says;
    EXPECT_TRUE(made.Is(Reason::kInvalid));
    EXPECT_NE(made.status().message().find(c.says), std::string::npos) << made.status();
  }
  ClusterAccess access = good;
  access.token_file = "/nowhere/token";
  EXPECT_TRUE(Make(access)->Do(ctx_, Get("/echo")).Is(Reason::kUnauthorized));
}

TEST_F(RestTransportTest, WatchDeliversLinesAsTheyCome) {
  auto transport = Make(Access());
  Guarded<std::vector<std::string>> lines;
  std::counting_semaphore<100> got(0);
  Status ended(Reason::kInternal, "not run");
  std::jthread watcher([&] {
    ended = transport->Watch(ctx_, Get("/watch"), [&](std::string_view line) {
      lines.With([&](auto& l) { l.emplace_back(line); });
      got.release();
      return true;
    });
  });
  auto stream = OpenedStream();
  stream->Write("{\"n\":1}\n{\"n\":2}\n{\"n\"");
  ASSERT_TRUE(got.try_acquire_for(seconds(20)));
  ASSERT_TRUE(got.try_acquire_for(seconds(20)));
  stream->Write(":3}\n");
  ASSERT_TRUE(got.try_acquire_for(seconds(20)));
  std::string large(300'000, 'y');
  stream->Write(large + "\n\n");
  ASSERT_TRUE(got.try_acquire_for(seconds(20)));
  stream->Close();
  watcher.join();
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_EQ(lines.Copy(), (std::vector<std::string>{"{\"n\":1}", "{\"n\":2}", "{\"n\":3}", large}));
}

TEST_F(RestTransportTest, WatchEndsInEveryOtherWay) {
  auto transport = Make(Access());
  auto watch = [&](const Context& ctx, const std::string& path, bool go_on) {
    return std::async(std::launch::async, [&, ctx, path, go_on] {
      return transport->Watch(ctx, Get(path), [go_on](std::string_view) { return go_on; });
    });
  };
  // The caller has seen enough.
  auto outcome = watch(ctx_, "/watch", false);
  auto stream = OpenedStream();
  stream->Write("{}\n");
  EXPECT_TRUE(outcome.get().ok());
  // In the middle of a line.
  outcome = watch(ctx_, "/watch", true);
  stream = OpenedStream();
  stream->Write("{}\n{\"half\":");
  stream->Close();
  Status cut = outcome.get();
  EXPECT_TRUE(cut.Is(Reason::kUnavailable)) << cut;
  EXPECT_NE(cut.message().find("middle of a line"), std::string::npos) << cut;
  // Refused: the status of the body, with the header's advice.
  Status gone = watch(ctx_, "/gone", true).get();
  EXPECT_TRUE(gone.Is(Reason::kGone)) << gone;
  EXPECT_EQ(gone.retry_after, seconds(7));
  // The deadline.
  testing::FakeClock clock;
  outcome = watch(Context(clock, {}).WithTimeout(seconds(10)), "/watch", true);
  (void)OpenedStream();  // under way, however slow the machine is
  clock.Advance(seconds(10));
  Status late = outcome.get();
  EXPECT_TRUE(late.Is(Reason::kTimeout)) << late;
  // The server goes away.
  outcome = watch(ctx_, "/watch", true);
  (void)OpenedStream();
  server_.reset();
  Status lost = outcome.get();
  EXPECT_TRUE(lost.ok() || lost.Is(Reason::kUnavailable)) << lost;
}

TEST_F(RestTransportTest, StopEndsAnIdleWatchAndARequestAtOnce) {
  auto transport = Make(Access());
  std::stop_source stop;
  Context ctx(RealClock(), stop.get_token());
  auto watch = std::async(std::launch::async, [&] {
    return transport->Watch(ctx, Get("/watch"), [](std::string_view) { return true; });
  });
  auto request =
      std::async(std::launch::async, [&] { return transport->Do(ctx, Get("/silent")).status(); });
  auto stream = OpenedStream();
  while (held_.With([](auto& held) { return held.empty(); })) std::this_thread::yield();
  stop.request_stop();
  EXPECT_TRUE(watch.get().Is(Reason::kCancelled));
  EXPECT_TRUE(request.get().Is(Reason::kCancelled));
  // And the server learns of it.
  std::promise<void> closed;
  stream->OnClose([&] { closed.set_value(); });
  EXPECT_EQ(closed.get_future().wait_for(seconds(20)), std::future_status::ready);
  held_.With([](auto& held) { held.clear(); });
  Status late = transport->Do(ctx_.WithTimeout(milliseconds(50)), Get("/silent")).status();
  EXPECT_TRUE(late.Is(Reason::kTimeout)) << late;
}

TEST_F(RestTransportTest, SlowReaderHoldsTheServerBack) {
  auto transport = Make(Access());
  std::atomic<size_t> read = 0;
  std::counting_semaphore<2> may_read(0);
  auto watch = std::async(std::launch::async, [&] {
    return transport->Watch(ctx_, Get("/watch"), [&](std::string_view line) {
      if (read == 0) may_read.acquire();
      read += line.size() + 1;
      return true;
    });
  });
  auto stream = OpenedStream();
  // More than the client reads ahead and the socket buffers hold, less than the server is willing
  // to keep.
  const std::string line = std::string(99'999, 'z') + "\n";
  size_t sent = 0;
  for (int i = 0; i < 150 && stream->Write(line); ++i) sent += line.size();
  may_read.release();
  stream->Close();
  EXPECT_TRUE(watch.get().ok());
  EXPECT_EQ(read, sent);
  EXPECT_EQ(sent, 15'000'000u);
}

TEST_F(RestTransportTest, SurvivesARestartOfTheServer) {
  auto transport = Make(Access());
  for (int round = 0; round < 3; ++round) {
    // Several idle connections, all of them stale after the restart.
    std::vector<std::future<Status>> calls;
    for (int i = 0; i < 4; ++i)
      calls.push_back(std::async(std::launch::async,
                                 [&] { return transport->Do(ctx_, Get("/big")).status(); }));
    for (auto& call : calls) EXPECT_TRUE(call.get().ok());
    Restart();
    Status get = transport->Do(ctx_, Get("/echo")).status();
    EXPECT_TRUE(get.ok()) << get;
    Restart();
    Status post = transport->Do(ctx_, Post("/echo", "{}")).status();
    EXPECT_TRUE(post.ok()) << post;
    Status big = transport->Do(ctx_, Post("/echo", std::string(1 << 20, ' '))).status();
    EXPECT_TRUE(big.ok()) << big;
  }
  uint16_t port = server_->port();
  server_.reset();
  Status down = transport->Do(ctx_, Get("/echo")).status();
  EXPECT_TRUE(down.Is(Reason::kUnavailable)) << down;
  EXPECT_NE(down.message().find("nothing listens at https://127.0.0.1:" + std::to_string(port)),
            std::string::npos)
      << down;
  Start(port);
  EXPECT_TRUE(transport->Do(ctx_, Get("/echo")).ok());
}

TEST_F(RestTransportTest, ManyThreadsShareOneTransport) {
  auto transport = Make(Access());
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          std::string body = std::to_string(t) + "." + std::to_string(i);
          Result<ApiResponse> got = transport->Do(ctx_, Post("/echo", body));
          if (got.ok() && got->body.find("[" + body + "]") != std::string::npos) ++good;
        }
      });
  }
  EXPECT_EQ(good, 200);
}

TEST_F(RestTransportTest, KeepsToItsRate) {
  ClusterAccess access = Access();
  access.qps = 20;
  access.burst = 2;
  auto transport = Make(access);
  SteadyTime start = RealClock().Steady();
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(transport->Do(ctx_, Get("/echo")).ok());
  EXPECT_GE(RealClock().Steady() - start, milliseconds(199));  // 2 at once, 4 more at 50 ms each
  Status late = transport->Do(ctx_.WithTimeout(milliseconds(1)), Get("/echo")).status();
  EXPECT_TRUE(late.Is(Reason::kTimeout)) << late;
}

}  // namespace
}  // namespace dray::runtime
