#include "dray/runtime/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace dray::runtime {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "dray-files-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string At(const std::string& name) const { return root_ + "/" + name; }
  int EntriesOf(const std::string& directory) const {
    return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
  }
  std::string root_;
};

TEST_F(Files, WhatIsWrittenIsRead) {
  std::string text(300'000, 'x');
  text[1000] = '\0';
  ASSERT_TRUE(WriteFileAtomically(At("a"), text).ok());
  EXPECT_EQ(*ReadFile(At("a")), text);
  ASSERT_TRUE(WriteFileAtomically(At("a"), "").ok());
  EXPECT_EQ(*ReadFile(At("a")), "");
  EXPECT_EQ(EntriesOf(root_), 1) << "a temporary file stayed";
}

TEST_F(Files, ModeIsExactWhateverTheUmask) {
  mode_t before = ::umask(0077);
  ASSERT_TRUE(WriteFileAtomically(At("public"), "x", 0644).ok());
  ASSERT_TRUE(WriteFileAtomically(At("secret"), "x", 0600).ok());
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat(At("public").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
  ASSERT_EQ(::stat(At("secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Files, ErrorsNamePathAndReason) {
  Result<std::string> absent = ReadFile(At("absent"));
  EXPECT_TRUE(absent.Is(Reason::kNotFound));
  EXPECT_EQ(absent.status().message(),
            "cannot read " + At("absent") + ": No such file or directory");
  EXPECT_FALSE(ReadFile(root_).ok());

  Status nowhere = WriteFileAtomically(At("no/such/file"), "x");
  EXPECT_TRUE(nowhere.Is(Reason::kNotFound));
  EXPECT_THAT(nowhere.message(), HasSubstr(At("no/such/file")));
}

TEST_F(Files, AFailedWriteLeavesTheOldTextAndNoResidue) {
  ASSERT_TRUE(MakeDirectories(At("target/in-the-way")).ok());
  EXPECT_FALSE(WriteFileAtomically(At("target"), "x").ok());  // a directory cannot be replaced
  EXPECT_TRUE(fs::is_directory(At("target")));
  EXPECT_EQ(EntriesOf(root_), 1);
}

// Readers see one writer's whole text at any time.
TEST_F(Files, ConcurrentWritersNeverMix) {
  std::string path = At("shared");
  ASSERT_TRUE(WriteFileAtomically(path, std::string(5000, 'a')).ok());
  std::vector<std::jthread> writers;
  for (char c : {'a', 'b', 'c'})
    writers.emplace_back([&, c] {
      for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(WriteFileAtomically(path, std::string(5000, c)).ok());
    });
  for (int i = 0; i < 200; ++i) {
    Result<std::string> text = ReadFile(path);
    ASSERT_TRUE(text.ok());
    ASSERT_EQ(*text, std::string(5000, text->front()));
  }
  writers.clear();
  EXPECT_EQ(EntriesOf(root_), 1);
}

TEST_F(Files, MakeDirectoriesIsRepeatable) {
  EXPECT_TRUE(MakeDirectories(At("a/b/c")).ok());
  EXPECT_TRUE(MakeDirectories(At("a/b/c")).ok());
  EXPECT_TRUE(MakeDirectories(At("a/b/d/")).ok());
  EXPECT_TRUE(fs::is_directory(At("a/b/d")));
  ASSERT_TRUE(WriteFileAtomically(At("file"), "").ok());
  Status blocked = MakeDirectories(At("file/below"));
  EXPECT_FALSE(blocked.ok());
  EXPECT_THAT(blocked.message(), HasSubstr("Not a directory"));
  EXPECT_TRUE(MakeDirectories("").Is(Reason::kInvalid));
}

TEST_F(Files, RemovingWhatIsGoneIsFine) {
  ASSERT_TRUE(MakeDirectories(At("tree/deep")).ok());
  ASSERT_TRUE(WriteFileAtomically(At("tree/deep/file"), "x").ok());
  EXPECT_TRUE(RemoveFile(At("tree/deep/file")).ok());
  EXPECT_TRUE(RemoveFile(At("tree/deep/file")).ok());
  EXPECT_FALSE(RemoveFile(At("tree")).ok());  // no file
  EXPECT_TRUE(RemoveTree(At("tree")).ok());
  EXPECT_TRUE(RemoveTree(At("tree")).ok());
  EXPECT_EQ(EntriesOf(root_), 0);
}

}  // namespace
}  // namespace dray::runtime
