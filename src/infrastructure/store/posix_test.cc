// The store on a real file system.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "infrastructure/store/audit.h"
#include "infrastructure/store/backup.h"
#include "infrastructure/store/merkle_follower.h"
#include "infrastructure/store/records_for_test.h"

namespace weir::store {
namespace {

using Urgency = LogStore::Urgency;

class PosixTest : public testing::Test {
 protected:
  PosixTest() {
    std::string pattern = testing::TempDir() + "weir-store-XXXXXX";
    folder = ::mkdtemp(pattern.data()) != nullptr ? pattern : "";
    EXPECT_FALSE(folder.empty());
  }
  ~PosixTest() override { std::filesystem::remove_all(folder); }

  std::string folder;
};

TEST_F(PosixTest, KeepsRecordsAcrossProcesses) {
  std::string ledger = folder + "/ledger";
  pid_t child = ::fork();
  if (child == 0) {
    auto store = SegmentStore::open(ledger, small());
    ::_exit(store && add_durably(**store, numbered(100, 500)) && add(**store, {"not flushed"}) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  auto store = SegmentStore::open(ledger, small());
  ASSERT_TRUE(store) << store.error().text();
  EXPECT_EQ(all(**store), numbered(100, 500));
  EXPECT_FALSE((*store)->recovery().clean);
}

TEST_F(PosixTest, AKilledWriterLosesNoAcknowledgedRecord) {
  std::string ledger = folder + "/ledger";
  uint64_t acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    int acks[2];
    ASSERT_EQ(::pipe(acks), 0);
    pid_t child = ::fork();
    if (child == 0) {
      ::close(acks[0]);
      auto store = SegmentStore::open(ledger, small());
      if (!store) ::_exit(1);
      for (;;) {
        Position from = (*store)->end();
        Records batch;
        for (Position i = from; i < from + 7; ++i)
          batch.push_back("record " + std::to_string(i) + std::string(i * 37 % 900, '.'));
        if (!add_durably(**store, batch)) ::_exit(1);
        uint64_t end = (*store)->durable_end();
        if (::write(acks[1], &end, sizeof end) != sizeof end) ::_exit(2);
      }
    }
    ::close(acks[1]);
    for (int i = 0; i <= round * 5; ++i)
      ASSERT_EQ(::read(acks[0], &acknowledged, sizeof acknowledged), ssize_t{8});
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    while (::read(acks[0], &acknowledged, sizeof acknowledged) == ssize_t{8}) {
    }
    ::close(acks[0]);
    auto reader = read_ledger(ledger);
    ASSERT_TRUE(reader) << reader.error().text();
    ASSERT_GE((*reader)->durable_end(), acknowledged);
    Records records = all(**reader);
    for (Position i = 0; i < records.size(); ++i) {
      ASSERT_EQ(records[i], "record " + std::to_string(i) + std::string(i * 37 % 900, '.'));
    }
  }
}

TEST_F(PosixTest, NamesTheProcessThatHoldsTheLock) {
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  pid_t child = ::fork();
  if (child == 0) {
    ::close(done[1]);
    auto store = SegmentStore::open(folder + "/ledger", small());
    char byte = store ? '+' : '-';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(2);
    (void)!::read(done[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, '+');
  auto refused = SegmentStore::open(folder + "/ledger", small());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_NE(refused.error().text().find("process " + std::to_string(child)), std::string::npos)
      << refused.error().text();
  EXPECT_TRUE(read_ledger(folder + "/ledger"));
  ::close(done[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(SegmentStore::open(folder + "/ledger", small()));
  for (int end : {ready[0], ready[1], done[0]}) ::close(end);
}

TEST_F(PosixTest, PreparesSegmentsAheadByItself) {
  StoreOptions options = small();
  options.prepare_ahead = true;
  Records records = numbered(400, 700);
  {
    auto store = SegmentStore::open(folder + "/ledger", options);
    ASSERT_TRUE(store);
    for (const std::string& record : records) ASSERT_TRUE(add_durably(**store, {record}));
    EXPECT_EQ(all(**store), records);
  }
  EXPECT_EQ(all(**SegmentStore::open(folder + "/ledger", options)), records);
}

TEST_F(PosixTest, TakesTheLargestRecord) {
  auto store = SegmentStore::open(folder + "/ledger", {.prepare_ahead = false, .keep_reserve = false});
  ASSERT_TRUE(store);
  std::string largest(kRecordBytesMax, 'x');
  ASSERT_TRUE(add_durably(**store, {largest, largest.substr(1)}));
  EXPECT_EQ(add(**store, {largest + "x"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(all(**store), (Records{largest, largest.substr(1)}));
}

TEST_F(PosixTest, ReadsWhileWriting) {
  auto store = SegmentStore::open(folder + "/ledger", small());
  ASSERT_TRUE(store);
  auto follower =
      MerkleFollower::start(**store, (*store)->ledger_id(), folder + "/ledger", {.lag_records_max = 64});
  ASSERT_TRUE(follower);
  (*store)->on_durable([&](Position end) { (*follower)->notify(end); });
  Records records = numbered(3000, 100);
  std::thread reader([&] {
    for (Position seen = 0; seen < records.size();) {
      Position end = (*store)->durable_end();
      Position from = seen > 40 ? seen - 40 : 0;
      Records read = part(**store, from, end);
      EXPECT_EQ(read, Records(records.begin() + static_cast<ptrdiff_t>(from),
                              records.begin() + static_cast<ptrdiff_t>(end)));
      seen = end;
    }
  });
  for (size_t i = 0; i < records.size(); i += 10) {
    ASSERT_TRUE(add_durably(**store, Records(records.begin() + static_cast<ptrdiff_t>(i),
                                             records.begin() + static_cast<ptrdiff_t>(i + 10))));
  }
  reader.join();
  ASSERT_TRUE((*follower)->wait_until(records.size()));
  EXPECT_EQ(verify_ledger(folder + "/ledger")->head, (*follower)->head());
}

TEST_F(PosixTest, BacksUpAndRestores) {
  auto store = SegmentStore::open(folder + "/ledger", small());
  ASSERT_TRUE(add_durably(**store, numbered(200, 500)));
  auto backup = backup_ledger(folder + "/ledger", folder + "/backup");
  ASSERT_TRUE(backup) << backup.error().text();
  ASSERT_TRUE(restore_ledger(folder + "/backup", folder + "/again"));
  auto again = SegmentStore::open(folder + "/again", small());
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(all(**again), numbered(200, 500));
}

TEST_F(PosixTest, SaysWhenTheDirectoryCannotBeMade) {
  Error error = SegmentStore::open(folder + "/missing/ledger", small()).error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.where, folder + "/missing/ledger");
}

TEST_F(PosixTest, AFullDiskStillTakesRepairs) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a small tmpfs needs root";
  std::string disk = folder + "/disk";
  ASSERT_TRUE(std::filesystem::create_directory(disk));
  if (::mount("weir-test", disk.c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "cannot mount a tmpfs here";
  {
    auto store = SegmentStore::open(disk + "/ledger", small());
    ASSERT_TRUE(store) << store.error().text();
    Position taken = 0;
    Status appended;
    while ((appended = add(**store, {std::string(900, 'o')}))) {
      ASSERT_TRUE((*store)->flush());
      ASSERT_LT(++taken, 1000u);
    }
    EXPECT_EQ(appended.error().code, ErrorCode::kExhausted);
    EXPECT_NE(appended.error().text().find("free space"), std::string::npos) << appended.error().text();
    EXPECT_FALSE((*store)->save_checkpoint({taken, std::vector<std::byte>(32 << 10)}));
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(add(**store, {std::string(900, 'r')}, Urgency::kRepair));
      ASSERT_TRUE((*store)->flush());
    }
    EXPECT_TRUE((*store)->on_reserve());
    EXPECT_EQ((*store)->durable_end(), taken + 5);
    *store = nullptr;
    store = SegmentStore::open(disk + "/ledger", small());
    ASSERT_TRUE(store) << store.error().text();
    EXPECT_EQ((*store)->durable_end(), taken + 5);
    EXPECT_FALSE(add(**store, {"o"}));
  }
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

}  // namespace
}  // namespace weir::store
