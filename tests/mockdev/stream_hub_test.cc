#include "mockdev/plugin/stream_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace dray::mockdev {
namespace {

// What grpc::ServerWriteReactor does, by hand: a write is done when the test says so.
template <class Response>
class ManualReactor {
 public:
  virtual ~ManualReactor() = default;
  virtual void OnWriteDone(bool ok) = 0;
  virtual void OnCancel() = 0;
  virtual void OnDone() = 0;
  void StartWrite(const Response* response) { written.push_back(*response); }
  void Finish(int) { finished = true; }

  std::vector<Response> written;
  bool finished = false;
};
using Hub = StreamHub<ManualReactor, std::string>;

TEST(StreamHub, SlowReaderSkipsPictures) {
  std::string state = "1";
  Hub hub([&] { return state; });
  ManualReactor<std::string>* stream = hub.Open();
  for (const char* next : {"2", "3"}) {
    state = next;
    hub.Send();
  }
  EXPECT_THAT(stream->written, ::testing::ElementsAre("1"));
  stream->OnWriteDone(true);
  EXPECT_THAT(stream->written, ::testing::ElementsAre("1", "3"));
  stream->OnWriteDone(true);
  hub.Close();
  EXPECT_TRUE(stream->finished);
  stream->OnDone();
  ManualReactor<std::string>* late = hub.Open();
  EXPECT_TRUE(late->finished) << "opened after the end";
  late->OnDone();
}

// A device changes while a stream opens: the stream must not be left with the picture of before.
TEST(StreamHub, ChangeWhileAStreamOpens) {
  std::string state = "old";
  std::jthread changing;
  Hub* send_to = nullptr;
  bool first = true;
  Hub hub([&] {
    std::string picture = state;
    if (std::exchange(first, false)) {
      state = "new";
      changing = std::jthread([&] { send_to->Send(); });
    }
    return picture;
  });
  send_to = &hub;
  ManualReactor<std::string>* stream = hub.Open();
  changing.join();
  stream->OnWriteDone(true);
  EXPECT_EQ(stream->written.back(), "new");
  stream->OnDone();
}

}  // namespace
}  // namespace dray::mockdev
