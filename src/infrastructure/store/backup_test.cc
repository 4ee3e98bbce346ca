#include "infrastructure/store/backup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "infrastructure/store/audit.h"
#include "infrastructure/store/faulty_disk.h"
#include "infrastructure/store/merkle_follower.h"
#include "infrastructure/store/records_for_test.h"

namespace weir::store {
namespace {

class BackupTest : public testing::Test {
 protected:
  std::unique_ptr<SegmentStore> open(const std::string& directory) {
    auto opened = SegmentStore::open(directory, small(), disk);
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }
  FaultyDisk disk;
};

TEST_F(BackupTest, RestoresRecordsCheckpointAndIdentity) {
  auto store = open("ledger");
  Records records = numbered(300, 400);
  ASSERT_TRUE(add_durably(*store, records));
  ASSERT_TRUE(store->save_checkpoint({200, {std::byte{1}, std::byte{2}}}));
  Result<Backup> backup = backup_ledger("ledger", "backup", disk);
  ASSERT_TRUE(backup) << backup.error().text();
  EXPECT_EQ(backup->head.size, 300u);
  ASSERT_TRUE(add_durably(*store, {"after the backup"}));

  Result<Backup> restored = restore_ledger("backup", "again", disk);
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_EQ(*restored, *backup);
  auto again = open("again");
  EXPECT_EQ(all(*again), records);
  EXPECT_EQ(again->ledger_id(), store->ledger_id());
  EXPECT_EQ(*again->newest_checkpoint(), (Checkpoint{200, {std::byte{1}, std::byte{2}}}));
  ASSERT_TRUE(add_durably(*again, {"it goes on"}));
  again = nullptr;
  EXPECT_EQ(verify_ledger("again", disk)->head.size, 301u);
}

TEST_F(BackupTest, IsConsistentWhileAWriterRuns) {
  auto store = open("ledger");
  ASSERT_TRUE(add_durably(*store, numbered(50)));
  std::atomic<bool> stop = false;
  std::atomic<Position> written = 50, allowed = 50;
  std::thread writer([&] {
    for (size_t i = 50; !stop;) {
      if (i >= allowed) {
        std::this_thread::yield();
        continue;
      }
      Records next = {"record " + std::to_string(i)};
      next.front().resize(20, '.');
      if (!add_durably(*store, next)) return;
      written = ++i;
    }
  });
  for (int i = 0; i < 5; ++i) {
    Position before = written;
    allowed += 2000;
    while (written == before) std::this_thread::yield();
    std::string name = std::to_string(i);
    Result<Backup> backup = backup_ledger("ledger", "backup" + name, disk);
    ASSERT_TRUE(backup) << backup.error().text();
    EXPECT_GE(backup->head.size, before);
    ASSERT_TRUE(restore_ledger("backup" + name, "again" + name, disk));
    auto again = open("again" + name);
    EXPECT_EQ(all(*again), numbered(backup->head.size));
  }
  stop = true;
  writer.join();
}

TEST_F(BackupTest, RefusesATargetThatHoldsALedger) {
  ASSERT_TRUE(add_durably(*open("ledger"), {"a"}));
  ASSERT_TRUE(backup_ledger("ledger", "backup", disk));
  EXPECT_EQ(backup_ledger("ledger", "backup", disk).error().code, ErrorCode::kConflict);
  EXPECT_EQ(restore_ledger("backup", "ledger", disk).error().code, ErrorCode::kConflict);
  EXPECT_EQ(backup_ledger("nowhere", "backup2", disk).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(restore_ledger("ledger", "again", disk).error().code, ErrorCode::kNotFound);
}

TEST_F(BackupTest, RefusesADamagedOrForgedBackup) {
  ASSERT_TRUE(add_durably(*open("ledger"), numbered(5)));
  ASSERT_TRUE(backup_ledger("ledger", "backup", disk));
  std::string segment = "backup/" + segment_name(0);
  disk.content(segment)[kSegmentHeaderBytes + kBatchHeaderBytes + 9] ^= std::byte{1};
  EXPECT_EQ(restore_ledger("backup", "again", disk).error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(disk.exists("again/" + segment_name(0)));

  // A backup whose records are sound, but fewer than the manifest says.
  ASSERT_TRUE(add_durably(*open("other"), numbered(4)));
  ASSERT_TRUE(backup_ledger("other", "fewer", disk));
  disk.content("fewer/MANIFEST") = disk.content("backup/MANIFEST");
  EXPECT_EQ(restore_ledger("fewer", "again", disk).error().code, ErrorCode::kCorrupt);

  disk.content("fewer/MANIFEST").resize(20);
  Error error = restore_ledger("fewer", "again", disk).error();
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_NE(error.text().find("line 2"), std::string::npos) << error.text();
}

TEST_F(BackupTest, AnInterruptedRestoreDoesNotOpen) {
  ASSERT_TRUE(add_durably(*open("ledger"), numbered(200, 500)));
  ASSERT_TRUE(backup_ledger("ledger", "backup", disk));
  uint64_t before = disk.bytes_written();
  ASSERT_TRUE(restore_ledger("backup", "whole", disk));
  uint64_t cost = disk.bytes_written() - before;
  for (uint64_t part : {cost / 10, cost / 2, cost - 1}) {
    std::string name = "cut" + std::to_string(part);
    disk.stop_after(part);
    ASSERT_FALSE(restore_ledger("backup", name, disk));
    disk.crash(FaultyDisk::Loss::kProcess);
    EXPECT_FALSE(LedgerReader::open(name, disk));
  }
}

TEST(BackupManifest, GoesBothWaysAndNamesTheLine) {
  Backup backup{{std::byte{0xab}}, {7, leaf_hash({})}};
  std::string text = manifest_text(backup);
  EXPECT_EQ(manifest_from_text(text), backup);
  EXPECT_EQ(manifest_from_text("weir-backup 2\na\nb\nc\n").error().where, "line 1");
  EXPECT_EQ(manifest_from_text(text + "x").error().where, "line 5");
  text.replace(text.find("records 7"), 9, "records x");
  EXPECT_EQ(manifest_from_text(text).error().where, "line 3");
  EXPECT_EQ(manifest_from_text(text.substr(0, 30)).error().where, "line 2");
}

TEST_F(BackupTest, VerifyTellsWhatALedgerHolds) {
  auto store = open("ledger");
  {
    auto follower = *MerkleFollower::start(*store, store->ledger_id(), "ledger", {}, disk);
    ASSERT_TRUE(add_durably(*store, numbered(300, 400)));
    follower->notify(300);
    ASSERT_TRUE(follower->wait_until(300));
  }
  ASSERT_TRUE(store->save_checkpoint({100, {}}));
  ASSERT_TRUE(store->save_checkpoint({200, {}}));
  disk.content("ledger/" + checkpoint_name(200)).back() ^= std::byte{1};
  Result<VerifiedLedger> verified = verify_ledger("ledger", disk);
  ASSERT_TRUE(verified) << verified.error().text();
  EXPECT_EQ(verified->head.size, 300u);
  EXPECT_EQ(verified->record_bytes, 300u * 400u);
  EXPECT_GT(verified->segments, 3u);
  EXPECT_EQ(verified->blocks_compared, 1u);
  EXPECT_EQ(verified->checkpoint, 100u);
  EXPECT_EQ(verified->damaged_checkpoints.size(), 1u);

  auto tree = LedgerTree::open("ledger", disk);
  ASSERT_TRUE(tree);
  EXPECT_EQ((*tree)->head(), verified->head);
  auto proof = (*tree)->prove_inclusion(17, 300);
  ASSERT_TRUE(proof);
  EXPECT_TRUE(verify_inclusion(17, proof->leaf, verified->head, proof->hashes));
}

}  // namespace
}  // namespace weir::store
