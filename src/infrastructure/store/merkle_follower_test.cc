#include "infrastructure/store/merkle_follower.h"

#include <gtest/gtest.h>

#include <atomic>

#include "infrastructure/store/audit.h"
#include "infrastructure/store/faulty_disk.h"
#include "infrastructure/store/records_for_test.h"

namespace weir::store {
namespace {

const std::string kDirectory = "ledger";
const std::string kTreePath = kDirectory + "/" + std::string(kTreeFileName);

class MerkleFollowerTest : public testing::Test {
 protected:
  MerkleFollowerTest() { reopen(); }
  void reopen() {
    follower = nullptr;
    store = nullptr;
    auto opened = SegmentStore::open(kDirectory, small(), disk);
    EXPECT_TRUE(opened) << opened.error().text();
    store = std::move(*opened);
  }
  void follow(FollowerOptions options = {}) {
    auto started = MerkleFollower::start(*store, store->ledger_id(), kDirectory, options, disk);
    EXPECT_TRUE(started) << started.error().text();
    follower = std::move(*started);
    store->on_durable([this](Position end) { follower->notify(end); });
  }
  Hash expected_root(uint64_t size) {
    std::vector<Hash> leaves;
    for (const std::string& record : part(*store, 0, size))
      leaves.push_back(leaf_hash(std::as_bytes(std::span(record))));
    return root_of(leaves);
  }

  FaultyDisk disk;
  std::unique_ptr<SegmentStore> store;
  std::unique_ptr<MerkleFollower> follower;
};

TEST_F(MerkleFollowerTest, FollowsTheDurableEnd) {
  follow();
  EXPECT_EQ(follower->head(), TreeHead{});
  for (int batch = 0; batch < 30; ++batch) ASSERT_TRUE(add_durably(*store, numbered(30)));
  ASSERT_TRUE(follower->wait_until(900));
  EXPECT_EQ(follower->head(), (TreeHead{900, expected_root(900)}));
  EXPECT_EQ(follower->head_at(300)->root, expected_root(300));
  EXPECT_EQ(follower->wait_until(901).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(follower->head_at(901).error().code, ErrorCode::kInvalid);
}

TEST_F(MerkleFollowerTest, ProvesRecordsAndGrowth) {
  follow();
  ASSERT_TRUE(add_durably(*store, numbered(700)));
  ASSERT_TRUE(follower->wait_until(700));
  for (Position record : {0u, 255u, 256u, 511u, 512u, 599u}) {
    auto proof = follower->prove_inclusion(record, 600);
    ASSERT_TRUE(proof);
    EXPECT_EQ(proof->head.root, expected_root(600));
    EXPECT_TRUE(verify_inclusion(proof->index, proof->leaf, proof->head, proof->hashes));
  }
  auto growth = follower->prove_consistency(300, 700);
  ASSERT_TRUE(growth);
  EXPECT_TRUE(verify_consistency(growth->older, growth->newer, growth->hashes));
  EXPECT_FALSE(follower->prove_inclusion(700, 700));
}

TEST_F(MerkleFollowerTest, StartsFromItsSideFile) {
  follow();
  ASSERT_TRUE(add_durably(*store, numbered(1000)));
  ASSERT_TRUE(follower->wait_until(1000));
  TreeHead head = follower->head();
  reopen();
  EXPECT_TRUE(disk.exists(kTreePath));
  EXPECT_EQ(load_tree(disk, kDirectory, store->ledger_id(), *store)->size(), 768u);
  follow();
  ASSERT_TRUE(follower->wait_until(1000));
  EXPECT_EQ(follower->head(), head);
}

TEST_F(MerkleFollowerTest, SavesItsSideFileWhileItRuns) {
  follow({.save_records_min = 300});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(add_durably(*store, numbered(256)));
  ASSERT_TRUE(follower->wait_until(1024));
  ASSERT_TRUE(add_durably(*store, numbered(300)));
  ASSERT_TRUE(follower->wait_until(1324));
  // The save after 1,024 records precedes the hashing of the next ones.
  EXPECT_GE(load_tree(disk, kDirectory, store->ledger_id(), *store)->size(), 512u);
}

TEST_F(MerkleFollowerTest, MakesADamagedSideFileAnew) {
  follow();
  ASSERT_TRUE(add_durably(*store, numbered(600)));
  ASSERT_TRUE(follower->wait_until(600));
  TreeHead head = follower->head();
  for (size_t at : {size_t{0}, size_t{20}, kTreeHeaderBytes + 5}) {
    reopen();
    disk.content(kTreePath)[at] ^= std::byte{1};
    EXPECT_EQ(load_tree(disk, kDirectory, store->ledger_id(), *store)->size(), 0u);
    follow();
    ASSERT_TRUE(follower->wait_until(600));
    EXPECT_EQ(follower->head(), head);
  }
}

TEST_F(MerkleFollowerTest, NoticesAChangedOrShortenedLedger) {
  follow();
  ASSERT_TRUE(add_durably(*store, numbered(600, 10)));
  ASSERT_TRUE(follower->wait_until(600));
  reopen();
  const std::vector<std::byte> tree = disk.content(kTreePath);
  LedgerId id = store->ledger_id();

  // The same history with record 300 changed, CRCs and all: only the hashes can tell.
  FaultyDisk forged, shorter;
  auto other = SegmentStore::open(kDirectory, small(), forged);
  ASSERT_TRUE(other);
  Records changed = numbered(600, 10);
  changed[300] = "forged";
  ASSERT_TRUE(add_durably(**other, changed));
  const std::vector<Hash> blocks = *decode_tree(id, tree);
  ASSERT_EQ(blocks.size(), 2u);
  auto header = encode_tree_header((*other)->ledger_id(), blocks);
  std::array<Bytes, 2> parts = {Bytes(header), std::as_bytes(std::span(blocks))};
  ASSERT_TRUE(replace_file(forged, kDirectory, std::string(kTreeFileName), parts));
  Error changed_error = MerkleFollower::start(**other, (*other)->ledger_id(), kDirectory, {}, forged).error();
  EXPECT_EQ(changed_error.code, ErrorCode::kCorrupt);
  EXPECT_NE(changed_error.text().find("records 256 to 511"), std::string::npos) << changed_error.text();
  Result<VerifiedLedger> verified = verify_ledger(kDirectory, forged);
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.error().text().find("records 256 to 511"), std::string::npos);

  other = SegmentStore::open(kDirectory, small(), shorter);
  ASSERT_TRUE(add_durably(**other, numbered(511, 10)));
  header = encode_tree_header((*other)->ledger_id(), blocks);
  parts[0] = Bytes(header);
  ASSERT_TRUE(replace_file(shorter, kDirectory, std::string(kTreeFileName), parts));
  Error shorter_error =
      MerkleFollower::start(**other, (*other)->ledger_id(), kDirectory, {}, shorter).error();
  EXPECT_EQ(shorter_error.code, ErrorCode::kCorrupt);
  EXPECT_NE(shorter_error.text().find("lost"), std::string::npos);
}

TEST_F(MerkleFollowerTest, AFailureToReadIsReportedAndDoesNotBlockTheWriter) {
  follow({.lag_records_max = 1});
  ASSERT_TRUE(add_durably(*store, numbered(10)));
  ASSERT_TRUE(follower->wait_until(10));
  ASSERT_TRUE(add(*store, numbered(1, 500)));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(follower->wait_until(11));
  // Damage what is about to be hashed, in the moment after it became durable.
  store->on_durable([this](Position end) {
    std::vector<std::byte>& bytes = disk.content(kDirectory + "/" + segment_name(0));
    size_t last = bytes.size();
    while (bytes[last - 1] == std::byte{0}) --last;
    bytes[last - 1] ^= std::byte{1};
    follower->notify(end);
  });
  ASSERT_TRUE(add_durably(*store, numbered(1, 500)));
  ASSERT_TRUE(add_durably(*store, numbered(5, 500)));
  EXPECT_EQ(follower->wait_until(12).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(follower->size(), 11u);
}

}  // namespace
}  // namespace weir::store
