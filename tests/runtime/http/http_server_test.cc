#include "dray/runtime/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "dray/runtime/real_clock.h"
#include "tests/support/http_connection.h"

namespace dray::runtime {
namespace {

using ::testing::HasSubstr;

// A server on its own thread; stops with its scope.
class Served {
 public:
  explicit Served(HttpHandler handler, HttpServerOptions options = {}) {
    options.address = "127.0.0.1";
    auto listening = HttpServer::Listen(std::move(options), std::move(handler));
    if (!listening.ok()) {
      ADD_FAILURE() << listening.status();
      std::abort();
    }
    server_ = *std::move(listening);
    thread_ = std::jthread([this](std::stop_token stop) {
      EXPECT_TRUE(server_->Run(Context(RealClock(), stop)).ok());
    });
  }
  uint16_t port() const { return server_->port(); }
  void Stop() { thread_.request_stop(); }
  void Join() { thread_.join(); }

 private:
  std::unique_ptr<HttpServer> server_;
  std::jthread thread_;
};

// Answers with what it was asked.
void Echo(HttpRequest request, std::shared_ptr<HttpResponder> responder) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = request.method + " " + request.target + " " + request.body;
  response.headers["X-Seen"] = request.headers["x-mine"];
  responder->Send(std::move(response));
}

TEST(HttpServer, ServesManyRequestsOnOneConnection) {
  Served served(Echo);
  HttpConnection client(served.port());
  for (int i = 0; i < 100; ++i) {
    std::string body = "body " + std::to_string(i);
    ASSERT_TRUE(client.Send(
        "POST /path?query=1 HTTP/1.1\r\nHost: x\r\nX-MINE: a\r\nX-Mine: b\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body));
    HttpConnection::Response response = client.Receive();
    EXPECT_EQ(response.code, 200);
    EXPECT_EQ(response.body, "POST /path?query=1 " + body);
    EXPECT_EQ(response.headers["content-type"], "text/plain");
    EXPECT_EQ(response.headers["x-seen"], "a, b");
    EXPECT_EQ(response.headers.count("connection"), 0u);
  }
}

TEST(HttpServer, ChunkedAndPipelinedRequests) {
  Served served(Echo);
  HttpConnection client(served.port());
  client.Send(
      "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "GET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.Receive().body, "POST /1 abcde");
  EXPECT_EQ(client.Receive().body, "GET /2 ");
  HttpConnection::Response last = client.Receive();
  EXPECT_EQ(last.body, "GET /3 ");
  EXPECT_EQ(last.headers["connection"], "close");
  EXPECT_TRUE(client.AwaitClose());
}

// More than a connection may have answered in a row, in one piece and cut anywhere.
TEST(HttpServer, ManyPipelinedRequestsAreAnsweredInOrder) {
  Served served(Echo);
  std::string requests;
  for (int i = 0; i < 100; ++i)
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  HttpConnection whole(served.port()), cut(served.port());
  whole.Send(requests);
  for (size_t i = 0; i < requests.size(); i += 7) cut.Send(requests.substr(i, 7));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(whole.Receive().body, "GET /" + std::to_string(i) + " ");
    EXPECT_EQ(cut.Receive().body, "GET /" + std::to_string(i) + " ");
  }
}

TEST(HttpServer, AClientThatGoesInTheMiddleHarmsNobody) {
  Served served(Echo);
  for (const char* part : {"", "GET", "GET / HTTP/1.1\r\nHost: x\r\n",
                           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
                           "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"})
    HttpConnection(served.port()).Send(part);
  HttpConnection client(served.port());
  EXPECT_EQ(client.Get("/after").body, "GET /after ");
}

TEST(HttpServer, LargeBodiesBothWays) {
  Served served(Echo);
  HttpConnection client(served.port());
  std::string body(3 << 20, 'x');
  std::jthread sender([&] {
    client.Send("PUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
  });
  EXPECT_EQ(client.Receive().body, "PUT /big " + body);
}

TEST(HttpServer, HeadHasLengthButNoBody) {
  Served served(Echo);
  HttpConnection client(served.port());
  client.Send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.Receive(true).headers["content-length"], "8");
  EXPECT_EQ(client.Get("/y").body, "GET /y ");
}

TEST(HttpServer, NoContentHasNeitherBodyNorLength) {
  Served served([](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    HttpResponse response;
    response.code = 204;
    responder->Send(std::move(response));
  });
  HttpConnection client(served.port());
  for (int i = 0; i < 2; ++i) {
    HttpConnection::Response response = client.Get("/");
    EXPECT_EQ(response.code, 204);
    EXPECT_EQ(response.headers.count("content-length") + response.headers.count("content-type"),
              0u);
  }
}

TEST(HttpServer, ContinueIsSaidWhenAskedFor) {
  Served served(Echo);
  HttpConnection client(served.port());
  client.Send("POST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.Receive().code, 100);
  client.Send("ok");
  EXPECT_EQ(client.Receive().body, "POST /c ok");
}

TEST(HttpServer, OldClientsGetPlainResponses) {
  Served served(Echo);
  HttpConnection client(served.port());
  client.Send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.Receive().headers["connection"], "keep-alive");
  client.Send("GET /2 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.Receive().body, "GET /2 ");
  EXPECT_TRUE(client.AwaitClose());
}

TEST(HttpServer, RefusalsCloseTheConnection) {
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  Served served(Echo, options);
  const struct {
    const char* name;
    std::string request;
    int code;
  } kCases[] = {
      {"length above the limit",
       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'), 413},
      {"chunks above the limit",
       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
           std::string(2000, 'x') + "\r\n0\r\n\r\n",
       413},
      {"header above the limit",
       "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", 431},
      {"no HTTP", "\x16\x03\x01 hello\r\n\r\n", 400},
      {"bad version", "GET / HTTP/7\r\n\r\n", 400},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    HttpConnection client(served.port());
    client.Send(c.request);
    HttpConnection::Response response = client.Receive();
    EXPECT_EQ(response.code, c.code);
    EXPECT_EQ(response.headers["connection"], "close");
    EXPECT_TRUE(client.AwaitClose());
  }
  HttpConnection client(served.port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" +
              std::string(1000, 'x'));
  EXPECT_EQ(client.Receive().code, 200);
}

TEST(HttpServer, ResponseHeadersCannotBeSplit) {
  Served served([](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    HttpResponse response;
    response.headers["X-Name"] = "a\r\nEvil: yes";
    response.headers["Content-Length"] = "999";
    responder->Send(std::move(response));
  });
  HttpConnection client(served.port());
  HttpConnection::Response response = client.Get("/");
  EXPECT_EQ(response.headers["x-name"], "a  Evil: yes");
  EXPECT_EQ(response.headers.count("evil"), 0u);
  EXPECT_EQ(response.headers["content-length"], "0");
}

TEST(HttpServer, AHandlerWithoutAnswerIsAnInternalError) {
  Served served([](HttpRequest request, std::shared_ptr<HttpResponder>) {
    if (request.target == "/throw") throw std::runtime_error("oops");
  });
  HttpConnection client(served.port());
  EXPECT_EQ(client.Get("/silent").code, 500);
  EXPECT_EQ(client.Get("/throw").code, 500);
  EXPECT_EQ(client.Get("/silent").code, 500);
}

TEST(HttpServer, AnswersMayComeLaterAndOnlyTheFirstCounts) {
  std::jthread later;
  Served served([&](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    later = std::jthread([responder] {
      HttpResponse response;
      response.body = "first";
      responder->Send(response);
      response.body = "second";
      responder->Send(response);
      EXPECT_TRUE(responder->StartStream(200, "text/plain")->closed());
    });
  });
  HttpConnection client(served.port());
  EXPECT_EQ(client.Get("/").body, "first");
  EXPECT_EQ(client.Get("/").body, "first");
}

TEST(HttpServer, HandlerThreadsMayBlock) {
  HttpServerOptions options;
  options.handler_threads = 2;
  std::promise<void> release;
  Served served(
      [&](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
        if (request.target == "/block") release.get_future().wait();
        Echo(std::move(request), std::move(responder));
      },
      options);
  HttpConnection blocked(served.port()), free(served.port());
  blocked.Send("GET /block HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(free.Get("/free").body, "GET /free ");
  release.set_value();
  EXPECT_EQ(blocked.Receive().body, "GET /block ");
}

TEST(HttpServer, IdleConnectionsAreClosed) {
  HttpServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(20);
  Served served(Echo, options);
  HttpConnection client(served.port());
  EXPECT_EQ(client.Get("/").code, 200);
  EXPECT_TRUE(client.AwaitClose());
}

TEST(HttpServer, StopEndsIdleConnectionsAndLetsRequestsEnd) {
  std::promise<std::shared_ptr<HttpResponder>> waiting;
  Served served([&](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    if (request.target == "/slow") return waiting.set_value(std::move(responder));
    Echo(std::move(request), std::move(responder));
  });
  HttpConnection idle(served.port()), slow(served.port());
  EXPECT_EQ(idle.Get("/").code, 200);
  slow.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  std::shared_ptr<HttpResponder> responder = waiting.get_future().get();
  served.Stop();
  EXPECT_TRUE(idle.AwaitClose());
  EXPECT_FALSE(HttpConnection(served.port()).open());
  HttpResponse answer;
  answer.body = "done";
  responder->Send(std::move(answer));
  HttpConnection::Response response = slow.Receive();
  EXPECT_EQ(response.body, "done");
  EXPECT_EQ(response.headers["connection"], "close");
  EXPECT_TRUE(slow.AwaitClose());
}

TEST(HttpServer, AResponderMayOutliveItsServer) {
  std::promise<std::shared_ptr<HttpResponder>> first;
  std::shared_ptr<HttpResponder> responder;
  std::shared_ptr<HttpStream> stream;
  {
    Served served([&](HttpRequest, std::shared_ptr<HttpResponder> responder) {
      first.set_value(std::move(responder));
    });
    auto client = std::make_unique<HttpConnection>(served.port());
    client->Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    responder = first.get_future().get();
    stream = responder->StartStream(200, "text/plain");
    EXPECT_EQ(client->Receive().code, 200);
    client.reset();
  }
  EXPECT_FALSE(stream->Write("late"));
  responder->Send({});
}

TEST(HttpServer, ManyConnectionsOnSeveralThreads) {
  HttpServerOptions options;
  options.io_threads = 3;
  options.handler_threads = 2;
  Served served(Echo, options);
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, i] {
      HttpConnection client(served.port());
      for (int j = 0; j < 50; ++j) {
        std::string path = "/" + std::to_string(i) + "/" + std::to_string(j);
        EXPECT_EQ(client.Get(path).body, "GET " + path + " ");
      }
    });
}

TEST(HttpServer, AddressAndPortErrorsAreOneSentence) {
  Served served(Echo);
  HttpServerOptions options;
  options.address = "127.0.0.1";
  options.port = served.port();
  auto taken = HttpServer::Listen(options, Echo);
  EXPECT_TRUE(taken.Is(Reason::kUnavailable));
  EXPECT_EQ(
      taken.status().message(),
      "cannot listen on 127.0.0.1:" + std::to_string(served.port()) + ": Address already in use");
  options.address = "nowhere.example";
  EXPECT_TRUE(HttpServer::Listen(options, Echo).Is(Reason::kInvalid));
  options.address = "127.0.0.1";
  options.tls = TlsFiles{"/no/such.crt", "/no/such.key", "", false};
  EXPECT_THAT(HttpServer::Listen(options, Echo).status().message(), HasSubstr("/no/such.crt"));
}

}  // namespace
}  // namespace dray::runtime
