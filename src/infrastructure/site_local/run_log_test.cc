#include "infrastructure/site_local/run_log.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include <numeric>

namespace weir::site_local {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = "/tmp/weir-log-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path = name;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

uint64_t bytes_in(const fs::path& folder) {
  uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(folder)) total += entry.file_size();
  return total;
}

TEST(RunLog, ReadsBackInPieces) {
  Folder folder;
  auto log = RunLogWriter::open(folder.path, 1 << 20).value();
  log.append("hello ");
  log.append("world\n");
  LogChunk chunk = read_run_log(folder.path, 0, 5).value();
  EXPECT_EQ(chunk.text, "hello");
  EXPECT_EQ(chunk.next_offset, 5u);
  chunk = read_run_log(folder.path, chunk.next_offset, 100).value();
  EXPECT_EQ(chunk.text, " world\n");
  chunk = read_run_log(folder.path, chunk.next_offset, 100).value();
  EXPECT_EQ(chunk.text, "");
  EXPECT_EQ(chunk.next_offset, 12u);
  EXPECT_EQ(read_run_log(folder.path, 99, 1).value().next_offset, 99u);
}

TEST(RunLog, GoesOnAfterAReopen) {
  Folder folder;
  RunLogWriter::open(folder.path, 8192).value().append("one");
  RunLogWriter::open(folder.path, 8192).value().append("two");
  EXPECT_EQ(read_run_log(folder.path, 0, 100).value().text, "onetwo");
}

TEST(RunLog, NamesAMissingFolder) {
  EXPECT_EQ(read_run_log("/nonexistent/log", 0, 1).error().code, ErrorCode::kNotFound);
}

// However it is written: at most the bound is kept, it is the newest part, and every byte has its offset.
RC_GTEST_PROP(RunLog, KeepsTheNewestWithinItsBound, ()) {
  constexpr uint64_t kMax = 4096;
  const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, 3000));
  Folder folder;
  auto log = RunLogWriter::open(folder.path, kMax).value();
  std::string all;
  for (const size_t size : sizes) {
    std::string text(size, '\0');
    std::iota(text.begin(), text.end(), static_cast<char>(all.size()));
    log.append(text);
    all += text;
    RC_ASSERT(bytes_in(folder.path) <= kMax);
  }
  const LogChunk chunk = read_run_log(folder.path, 0, 1 << 20).value();
  RC_ASSERT(chunk.next_offset == (all.empty() ? 0 : all.size()));
  RC_ASSERT(chunk.text == all.substr(chunk.offset));
  RC_ASSERT(all.size() < kMax / 2 || chunk.text.size() >= kMax / 2);
}

}  // namespace
}  // namespace weir::site_local
