#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "dray/runtime/http_server.h"
#include "dray/runtime/real_clock.h"
#include "runtime/http_stream.h"
#include "tests/support/http_connection.h"

namespace dray::runtime {
namespace {

// A server whose only answer is a stream, handed to the test.
class Streaming : public ::testing::Test {
 protected:
  void SetUp() override {
    HttpServerOptions options;
    options.address = "127.0.0.1";
    server_ =
        *HttpServer::Listen(options, [this](HttpRequest, std::shared_ptr<HttpResponder> responder) {
          started_.set_value(responder->StartStream(200, "application/json"));
        });
    thread_ = std::jthread([this](std::stop_token stop) {
      EXPECT_TRUE(server_->Run(Context(RealClock(), stop)).ok());
    });
  }
  std::unique_ptr<HttpConnection> Open(const char* version = "1.1", int receive_buffer = 0) {
    auto client = std::make_unique<HttpConnection>(server_->port(), std::nullopt, receive_buffer);
    client->Send(std::string("GET /watch HTTP/") + version + "\r\nHost: x\r\n\r\n");
    stream_ = started_.get_future().get();
    stream_->OnClose([this] { ended_.set_value(); });
    return client;
  }
  void AwaitEnd() { ended_.get_future().get(); }

  std::promise<std::shared_ptr<HttpStream>> started_;
  std::promise<void> ended_;
  std::shared_ptr<HttpStream> stream_;
  std::unique_ptr<HttpServer> server_;
  std::jthread thread_;
};

TEST_F(Streaming, ChunksArriveInOrderAndCloseEndsTheResponse) {
  auto client = Open();
  HttpConnection::Response head = client->Receive();  // before any chunk
  EXPECT_EQ(head.code, 200);
  EXPECT_EQ(head.headers["transfer-encoding"], "chunked");
  EXPECT_TRUE(stream_->Write("first\n"));
  EXPECT_EQ(client->ReceiveChunk(), "first\n");
  std::string expected, received;
  for (int i = 0; i < 1000; ++i) {
    std::string line = std::to_string(i) + std::string(100, '.') + "\n";
    expected += line;
    EXPECT_TRUE(stream_->Write(line));
  }
  EXPECT_TRUE(stream_->Write(""));  // must not end the response
  stream_->Close();
  EXPECT_FALSE(stream_->Write("late"));
  while (true) {
    std::optional<std::string> chunk = client->ReceiveChunk();
    ASSERT_TRUE(chunk.has_value());
    if (chunk->empty()) break;
    received += *chunk;
  }
  EXPECT_EQ(received, expected);
  EXPECT_TRUE(client->AwaitClose());
  AwaitEnd();
}

TEST_F(Streaming, TheClientGoesAway) {
  auto client = Open();
  EXPECT_EQ(client->Receive().code, 200);
  EXPECT_FALSE(stream_->closed());
  client.reset();
  AwaitEnd();
  EXPECT_TRUE(stream_->closed());
  EXPECT_FALSE(stream_->Write("x"));
  bool called = false;
  stream_->OnClose([&] { called = true; });
  EXPECT_TRUE(called);
}

TEST_F(Streaming, AClientThatNeverReadsIsDropped) {
  auto client = Open("1.1", 4096);
  std::string chunk(1 << 20, 'x');
  int written = 0;
  while (stream_->Write(chunk)) ASSERT_LT(++written, 40);
  EXPECT_GE(written, 16);
  EXPECT_TRUE(stream_->closed());
  AwaitEnd();
}

TEST_F(Streaming, DroppingTheStreamEndsTheResponse) {
  auto client = Open();
  EXPECT_TRUE(stream_->Write("x"));
  stream_.reset();
  EXPECT_EQ(client->Receive().code, 200);
  EXPECT_EQ(client->ReceiveChunk(), "x");
  EXPECT_EQ(client->ReceiveChunk(), "");
  AwaitEnd();
}

TEST_F(Streaming, StopEndsTheResponseInOrder) {
  auto client = Open();
  EXPECT_EQ(client->Receive().code, 200);
  EXPECT_TRUE(stream_->Write("x"));
  thread_.request_stop();
  EXPECT_EQ(client->ReceiveChunk(), "x");
  EXPECT_EQ(client->ReceiveChunk(), "");
  AwaitEnd();
}

TEST_F(Streaming, OldClientsGetTheBareBody) {
  auto client = Open("1.0");
  EXPECT_EQ(client->Receive().headers.count("transfer-encoding"), 0u);
  EXPECT_TRUE(stream_->Write("bare\r\n"));
  stream_->Close();
  EXPECT_FALSE(client->AwaitClose());  // the body
  AwaitEnd();
}

TEST_F(Streaming, WritersOnManyThreads) {
  auto client = Open();
  EXPECT_EQ(client->Receive().code, 200);
  std::vector<std::jthread> writers;
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([this] {
      for (int j = 0; j < 500; ++j) EXPECT_TRUE(stream_->Write("0123456789"));
    });
  std::string received;
  while (received.size() < 20'000) received += client->ReceiveChunk().value_or("");
  EXPECT_EQ(received.size(), 20'000u);
}

TEST(ChunkQueue, WakesOnceUntilTaken) {
  int wakes = 0;
  ChunkQueue queue([&] { ++wakes; }, 100);
  EXPECT_TRUE(queue.Write("a"));
  EXPECT_TRUE(queue.Write("b"));
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(queue.Take().chunks, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(queue.Write("c"));  // the session takes again by itself
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(queue.Take().chunks.size(), 1u);
  EXPECT_TRUE(queue.Take().chunks.empty());
  EXPECT_TRUE(queue.Write("d"));
  EXPECT_EQ(wakes, 2);
}

TEST(ChunkQueue, WhatIsBeingSentCountsAgainstTheLimit) {
  int wakes = 0;
  ChunkQueue queue([&] { ++wakes; }, 100);
  EXPECT_TRUE(queue.Write(std::string(500, 'x')));  // alone, whatever its size
  (void)queue.Take();
  EXPECT_FALSE(queue.Write("y"));
  EXPECT_EQ(wakes, 2) << "the session must hear of it while it is stuck in sending";
  EXPECT_TRUE(queue.overflowed());
  EXPECT_TRUE(queue.closed());
}

}  // namespace
}  // namespace dray::runtime
