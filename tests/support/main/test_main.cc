#include <glog/logging.h>
#include <gmock/gmock.h>

#include <cstdlib>

// Logs stay quiet unless a test fails or DRAY_TEST_LOG=1 asks for them.
int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = std::getenv("DRAY_TEST_LOG") != nullptr ? google::INFO : google::FATAL;
  return RUN_ALL_TESTS();
}
