#include "infrastructure/posix/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::posix {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/weir-file-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, ReplacesContentAndLeavesNothingElse) {
  const auto path = folder_ / "state";
  ASSERT_TRUE(replace_file(path, "one", 0600, Durability::kDurable));
  ASSERT_TRUE(replace_file(path, "two", 0600, Durability::kOrdered));
  EXPECT_EQ(read_file(path).value(), "two");
  size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path(), path);
    ++entries;
  }
  EXPECT_EQ(entries, 1u);
}

TEST_F(FileTest, ReadsUpToTheLimit) {
  const auto path = folder_ / "state";
  ASSERT_TRUE(replace_file(path, "12345", 0600, Durability::kOrdered));
  EXPECT_EQ(read_file(path, 5).value(), "12345");
  EXPECT_EQ(read_file(path, 4).error().code, ErrorCode::kExhausted);
}

TEST_F(FileTest, NamesThePathThatIsMissing) {
  const auto missing = folder_ / "no" / "state";
  EXPECT_EQ(read_file(missing).error().code, ErrorCode::kNotFound);
  const Status status = replace_file(missing, "x", 0600, Durability::kOrdered);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().where.find("no/"), std::string::npos);
}

}  // namespace
}  // namespace weir::posix
