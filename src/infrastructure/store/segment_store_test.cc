#include "infrastructure/store/segment_store.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/ledger/memory_log_store.h"
#include "infrastructure/store/faulty_disk.h"
#include "infrastructure/store/ledger_reader.h"
#include "infrastructure/store/records_for_test.h"

namespace weir::store {
namespace {

using Urgency = LogStore::Urgency;
using Store = Result<std::unique_ptr<SegmentStore>>;

const std::string kDirectory = "ledger";

class SegmentStoreTest : public testing::Test {
 protected:
  std::unique_ptr<SegmentStore> open(StoreOptions options = small()) {
    Store store = SegmentStore::open(kDirectory, options, disk);
    EXPECT_TRUE(store) << store.error().text();
    return store ? std::move(*store) : nullptr;
  }
  Error open_error() {
    Store store = SegmentStore::open(kDirectory, small(), disk);
    EXPECT_FALSE(store);
    return store ? Error{} : store.error();
  }
  std::string first_segment() const { return kDirectory + "/" + segment_name(0); }

  FaultyDisk disk;
};

TEST_F(SegmentStoreTest, KeepsRecordsInOrder) {
  Records records = numbered(10);
  records.push_back("");
  {
    auto store = open();
    EXPECT_EQ(store->end(), 0u);
    ASSERT_TRUE(add(*store, records));
    EXPECT_EQ(store->end(), 11u);
    EXPECT_EQ(store->durable_end(), 0u);
    ASSERT_TRUE(store->flush());
    EXPECT_EQ(all(*store), records);
    EXPECT_EQ(part(*store, 3, 5), (Records{records[3], records[4]}));
  }
  auto again = open();
  EXPECT_TRUE(again->recovery().clean);
  EXPECT_FALSE(again->recovery().torn);
  EXPECT_EQ(all(*again), records);
  ASSERT_TRUE(add(*again, {"more"}));
  ASSERT_TRUE(again->flush());
  EXPECT_EQ(part(*again, 11, 12), (Records{"more"}));
}

TEST_F(SegmentStoreTest, FlushingNothingIsFine) {
  auto store = open();
  uint64_t before = disk.bytes_written();
  EXPECT_TRUE(store->flush());
  EXPECT_TRUE(add(*store, {}));
  EXPECT_TRUE(store->flush());
  EXPECT_EQ(disk.bytes_written(), before);
}

TEST_F(SegmentStoreTest, GoesOnInFurtherSegments) {
  Records records = numbered(200, 500);
  auto store = open();
  for (const std::string& record : records) {
    ASSERT_TRUE(add(*store, {record}));
    ASSERT_TRUE(store->flush());
  }
  EXPECT_TRUE(disk.exists(first_segment()));
  EXPECT_EQ(all(*store), records);
  store = nullptr;
  store = open();
  EXPECT_EQ(all(*store), records);
  EXPECT_EQ(part(*store, 150, 160), Records(records.begin() + 150, records.begin() + 160));
}

TEST_F(SegmentStoreTest, TakesOneAppendAcrossManySegments) {
  Records records = numbered(200, 500);
  auto store = open();
  ASSERT_TRUE(add(*store, records));
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(all(*store), records);
  store = nullptr;
  EXPECT_EQ(all(*open()), records);
}

TEST_F(SegmentStoreTest, BoundsARecord) {
  auto store = open();
  EXPECT_TRUE(add(*store, {std::string(kSmallRecordMax - 1, 'a'), std::string(kSmallRecordMax, 'b')}));
  Status refused = add(*store, {"ok", std::string(kSmallRecordMax + 1, 'c')});
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store->end(), 2u);
  EXPECT_TRUE(store->flush());
}

TEST_F(SegmentStoreTest, ChecksItsOptions) {
  StoreOptions options = small();
  options.segment_bytes = kSegmentHeaderBytes + kBatchHeaderBytes + kRecordHeaderBytes + kSmallRecordMax;
  EXPECT_TRUE(SegmentStore::open("a", options, disk));
  --options.segment_bytes;
  EXPECT_EQ(SegmentStore::open("b", options, disk).error().code, ErrorCode::kInvalid);
  options = {.record_bytes_max = kRecordBytesMax + 1};
  EXPECT_EQ(SegmentStore::open("c", options, disk).error().code, ErrorCode::kInvalid);
  options = {.segment_bytes = kSegmentBytesMax + 1};
  EXPECT_EQ(SegmentStore::open("d", options, disk).error().code, ErrorCode::kInvalid);
}

TEST_F(SegmentStoreTest, RefusesToReadWhatIsNotDurable) {
  auto store = open();
  ASSERT_TRUE(add(*store, {"a"}));
  auto nothing = [](Position, Bytes) -> Status { return {}; };
  EXPECT_EQ(store->read(0, 1, nothing).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(store->flush());
  EXPECT_TRUE(store->read(0, 1, nothing));
  EXPECT_EQ(store->read(1, 0, nothing).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store->read(0, 2, nothing).error().code, ErrorCode::kInvalid);
}

TEST_F(SegmentStoreTest, PassesOnTheVisitorsError) {
  auto store = open();
  ASSERT_TRUE(add(*store, numbered(5)));
  ASSERT_TRUE(store->flush());
  int visited = 0;
  Status read = store->read(0, 5, [&](Position position, Bytes) -> Status {
    ++visited;
    if (position == 2) return fail(ErrorCode::kInfeasible, "enough");
    return {};
  });
  EXPECT_EQ(read.error().what, "enough");
  EXPECT_EQ(visited, 3);
}

TEST_F(SegmentStoreTest, TellsOfDurableRecords) {
  std::vector<Position> told;
  auto store = open();
  store->on_durable([&](Position end) { told.push_back(end); });
  ASSERT_TRUE(add(*store, {"a"}));
  ASSERT_TRUE(add(*store, {"b"}));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(add(*store, {"c"}));
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(told, (std::vector<Position>{2, 3}));
}

TEST_F(SegmentStoreTest, SurvivesShortReadsAndWrites) {
  Records records = numbered(50, 300);
  auto store = open();
  disk.limit_transfer(7);
  ASSERT_TRUE(add(*store, records));
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(all(*store), records);
  store = nullptr;
  EXPECT_EQ(all(*open()), records);
}

TEST_F(SegmentStoreTest, AFailedFlushIsFinal) {
  auto store = open();
  ASSERT_TRUE(add(*store, {"a"}));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(add(*store, {"b"}));
  disk.fail_sync_after(0);
  Status flushed = store->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(flushed.error().text().find("opening the ledger again"), std::string::npos);
  EXPECT_EQ(store->durable_end(), 1u);
  EXPECT_FALSE(store->flush());
  EXPECT_FALSE(add(*store, {"c"}));
  EXPECT_FALSE(store->save_checkpoint({1, {}}));
  store = nullptr;
  disk.crash(FaultyDisk::Loss::kPower);
  EXPECT_EQ(all(*open()), (Records{"a"}));
}

TEST_F(SegmentStoreTest, WhatRecoveryFindsAfterAFailedFlushIsWrittenAgain) {
  auto store = open();
  ASSERT_TRUE(add(*store, {"a"}));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(add(*store, {"b", "c"}));
  disk.fail_sync_after(0);
  ASSERT_FALSE(store->flush());
  store = nullptr;
  disk.crash(FaultyDisk::Loss::kProcess);
  store = open();
  EXPECT_EQ(all(*store), (Records{"a", "b", "c"}));
  disk.stop_after(0);
  store = nullptr;
  disk.crash(FaultyDisk::Loss::kPower);
  EXPECT_EQ(all(*open()), (Records{"a", "b", "c"}));
}

TEST_F(SegmentStoreTest, DropsAnIncompleteTailAndSaysSo) {
  auto store = open();
  ASSERT_TRUE(add(*store, {"a", "b"}));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(add(*store, {std::string(900, 'c'), std::string(900, 'd')}));
  disk.stop_after(1000);
  ASSERT_FALSE(store->flush());
  store = nullptr;
  disk.crash(FaultyDisk::Loss::kProcess);
  store = open();
  ASSERT_TRUE(store->recovery().torn);
  EXPECT_EQ(store->recovery().torn->path, first_segment());
  EXPECT_EQ(store->recovery().torn->position, 2u);
  EXPECT_EQ(store->recovery().torn->bytes, 1000u);
  EXPECT_FALSE(store->recovery().clean);
  EXPECT_EQ(all(*store), (Records{"a", "b"}));
  ASSERT_TRUE(add(*store, {"e"}));
  ASSERT_TRUE(store->flush());
  store = nullptr;
  store = open();
  EXPECT_FALSE(store->recovery().torn);
  EXPECT_EQ(all(*store), (Records{"a", "b", "e"}));
}

TEST_F(SegmentStoreTest, RefusesDamageInTheMiddleAndChangesNothing) {
  auto store = open();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(add(*store, {"record " + std::to_string(i)}));
    ASSERT_TRUE(store->flush());
  }
  store = nullptr;
  disk.crash(FaultyDisk::Loss::kProcess);
  std::vector<std::byte>& bytes = disk.content(first_segment());
  const size_t batch_bytes = kBatchHeaderBytes + kRecordHeaderBytes + 8;
  const size_t damaged_batch = kSegmentHeaderBytes + 4 * batch_bytes;
  bytes[damaged_batch + batch_bytes - 1] ^= std::byte{1};
  const std::vector<std::byte> before = bytes;
  Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_NE(error.text().find(first_segment()), std::string::npos) << error.text();
  EXPECT_NE(error.text().find("offset " + std::to_string(damaged_batch)), std::string::npos) << error.text();
  EXPECT_NE(error.text().find("record 4"), std::string::npos) << error.text();
  EXPECT_EQ(disk.content(first_segment()), before);
}

TEST_F(SegmentStoreTest, AnOrderlyEndMakesDamageInTheLastBatchKnown) {
  auto store = open();
  ASSERT_TRUE(add(*store, {"a"}));
  ASSERT_TRUE(store->flush());
  store = nullptr;
  disk.content(first_segment())[kSegmentHeaderBytes + kBatchHeaderBytes + kRecordHeaderBytes] ^= std::byte{1};
  EXPECT_EQ(open_error().code, ErrorCode::kCorrupt);
}

TEST_F(SegmentStoreTest, ReadingDamagedRecordsNamesThem) {
  auto store = open();
  Records records = numbered(100, 500);
  for (const std::string& record : records) {
    ASSERT_TRUE(add(*store, {record}));
    ASSERT_TRUE(store->flush());
  }
  store = nullptr;
  const size_t batch_bytes = kBatchHeaderBytes + kRecordHeaderBytes + 500;
  disk.content(first_segment())[kSegmentHeaderBytes + 3 * batch_bytes - 1] ^= std::byte{16};
  store = open();
  EXPECT_EQ(part(*store, 3, 100), Records(records.begin() + 3, records.end()));
  std::vector<Position> seen;
  Status read = store->read(0, 100, [&](Position position, Bytes) -> Status {
    seen.push_back(position);
    return {};
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(read.error().text().find("record 2"), std::string::npos) << read.error().text();
  EXPECT_EQ(seen, (std::vector<Position>{0, 1}));
}

TEST_F(SegmentStoreTest, RefusesANewerFormat) {
  open();
  disk.content(first_segment())[8] = std::byte{kFormatVersion + 1};
  Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.text().find("upgrade this Weir"), std::string::npos);
}

TEST_F(SegmentStoreTest, RefusesADamagedHeader) {
  open();
  disk.content(first_segment())[40] ^= std::byte{1};
  EXPECT_EQ(open_error().code, ErrorCode::kCorrupt);
  disk.content(first_segment())[0] ^= std::byte{1};
  EXPECT_EQ(open_error().code, ErrorCode::kCorrupt);
}

TEST_F(SegmentStoreTest, RefusesMissingAndForeignSegments) {
  {
    auto store = open();
    ASSERT_TRUE(add(*store, numbered(200, 500)));
    ASSERT_TRUE(store->flush());
    Store other = SegmentStore::open("other", small(), disk);
    ASSERT_TRUE(add(**other, numbered(200, 500)));
    ASSERT_TRUE((*other)->flush());
  }
  auto names = *disk.list(kDirectory);
  std::vector<std::string> segments;
  for (const std::string& name : names) {
    if (position_of_segment_name(name)) segments.push_back(name);
  }
  ASSERT_GE(segments.size(), 3u);
  ASSERT_TRUE(disk.rename("other/" + segments[1], kDirectory + "/" + segments[1]));
  EXPECT_NE(open_error().what.find("another ledger"), std::string::npos);
  ASSERT_TRUE(disk.remove(kDirectory + "/" + segments[1]));
  auto store = open();
  EXPECT_EQ(store->read(0, store->durable_end(), [](Position, Bytes) -> Status { return {}; }).error().code,
            ErrorCode::kCorrupt);
  store = nullptr;
  ASSERT_TRUE(disk.remove(first_segment()));
  EXPECT_NE(open_error().what.find("missing"), std::string::npos);
}

TEST_F(SegmentStoreTest, IsLocked) {
  auto store = open();
  EXPECT_EQ(open_error().code, ErrorCode::kConflict);
  store = nullptr;
  EXPECT_TRUE(open());
}

TEST_F(SegmentStoreTest, AFullDiskRefusesOrdinaryRecordsButNotRepairs) {
  auto store = open();
  disk.limit_space(2 * kSmallSegment + 100);  // the active segment and the reserve
  Position taken = 0;
  Status appended;
  while ((appended = add(*store, {std::string(900, 'o')}))) {
    ASSERT_TRUE(store->flush());
    ASSERT_LT(++taken, 100u);
  }
  EXPECT_EQ(appended.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(store->end(), taken);
  EXPECT_FALSE(store->on_reserve());

  Position repairs = 0;
  while ((appended = add(*store, {std::string(900, 'r')}, Urgency::kRepair))) {
    ASSERT_TRUE(store->flush());
    EXPECT_TRUE(store->on_reserve());
    EXPECT_EQ(add(*store, {"x"}).error().code, ErrorCode::kExhausted);
    ASSERT_LT(++repairs, 100u);
  }
  EXPECT_GT(repairs, 10u);
  EXPECT_EQ(appended.error().code, ErrorCode::kExhausted);

  // Reopening on the full disk works, and remembers that this space is for repairs.
  store = nullptr;
  store = open();
  EXPECT_EQ(store->durable_end(), taken + repairs);
  EXPECT_TRUE(store->on_reserve());
  EXPECT_EQ(add(*store, {"x"}).error().code, ErrorCode::kExhausted);

  disk.limit_space(FaultyDisk::kNever);
  EXPECT_TRUE(add(*store, {"x"}));
  EXPECT_TRUE(store->flush());
  EXPECT_FALSE(store->on_reserve());
  EXPECT_EQ(store->durable_end(), taken + repairs + 1);
}

TEST_F(SegmentStoreTest, AFullDiskTakesAllRecordsOfAnAppendOrNone) {
  auto store = open();
  disk.limit_space(3 * kSmallSegment);  // the active segment, the reserve and one more
  Records too_many(60, std::string(900, 'x'));
  EXPECT_EQ(add(*store, too_many).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(add(*store, too_many, Urgency::kRepair).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(store->end(), 0u);
  EXPECT_TRUE(add(*store, Records(20, std::string(900, 'x'))));
  EXPECT_TRUE(add(*store, Records(15, std::string(900, 'y')), Urgency::kRepair));
  EXPECT_TRUE(store->flush());
  EXPECT_EQ(all(*store).size(), 35u);
}

TEST_F(SegmentStoreTest, KeepsTwoCheckpointsAndFallsBack) {
  auto store = open();
  EXPECT_EQ(*store->newest_checkpoint(), std::nullopt);
  ASSERT_TRUE(add(*store, numbered(5)));
  EXPECT_EQ(store->save_checkpoint({1, {}}).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(store->flush());
  for (Position version = 1; version <= 4; ++version) {
    ASSERT_TRUE(store->save_checkpoint({version, std::vector<std::byte>(version * 100, std::byte{7})}));
  }
  EXPECT_EQ(store->save_checkpoint({6, {}}).error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(disk.exists(kDirectory + "/" + checkpoint_name(2)));
  EXPECT_TRUE(disk.exists(kDirectory + "/" + checkpoint_name(3)));
  EXPECT_EQ((*store->newest_checkpoint())->version, 4u);
  EXPECT_EQ((*store->newest_checkpoint())->state.size(), 400u);

  disk.content(kDirectory + "/" + checkpoint_name(4)).back() ^= std::byte{1};
  EXPECT_EQ((*store->newest_checkpoint())->version, 3u);
  store = nullptr;
  store = open();
  ASSERT_EQ(store->recovery().damaged_checkpoints.size(), 1u);
  EXPECT_EQ((*store->newest_checkpoint())->version, 3u);

  // A new one replaces the damaged one, not the good one.
  ASSERT_TRUE(store->save_checkpoint({5, {}}));
  EXPECT_FALSE(disk.exists(kDirectory + "/" + checkpoint_name(4)));
  EXPECT_TRUE(disk.exists(kDirectory + "/" + checkpoint_name(3)));
}

TEST_F(SegmentStoreTest, AFullDiskKeepsTheOlderCheckpointAndTheLedger) {
  auto store = open();
  ASSERT_TRUE(add(*store, {"a"}));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(store->save_checkpoint({0, {}}));
  disk.limit_space(2 * kSmallSegment + 200);
  EXPECT_EQ(store->save_checkpoint({1, std::vector<std::byte>(1000)}).error().code, ErrorCode::kExhausted);
  EXPECT_EQ((*store->newest_checkpoint())->version, 0u);
  EXPECT_TRUE(add(*store, {"b"}));
  EXPECT_TRUE(store->flush());
}

TEST_F(SegmentStoreTest, RefusesALedgerShorterThanItsCheckpoint) {
  auto store = open();
  ASSERT_TRUE(add(*store, {"a"}));
  ASSERT_TRUE(store->flush());
  const std::vector<std::byte> early = disk.content(first_segment());
  ASSERT_TRUE(add(*store, {"b"}));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(store->save_checkpoint({2, {}}));
  store = nullptr;
  disk.content(first_segment()) = early;
  Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_NE(error.what.find("lost"), std::string::npos);
}

TEST_F(SegmentStoreTest, RefusesANewerCheckpointFormat) {
  auto store = open();
  ASSERT_TRUE(store->save_checkpoint({0, {}}));
  disk.content(kDirectory + "/" + checkpoint_name(0))[8] = std::byte{kFormatVersion + 1};
  EXPECT_EQ(store->newest_checkpoint().error().code, ErrorCode::kUnsupported);
}

TEST_F(SegmentStoreTest, IsReadWithoutItsLock) {
  auto store = open();
  Records records = numbered(100, 500);
  ASSERT_TRUE(add(*store, records));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(store->save_checkpoint({7, {}}));
  auto reader = LedgerReader::open(kDirectory, disk);
  ASSERT_TRUE(reader) << reader.error().text();
  EXPECT_EQ(all(**reader), records);
  EXPECT_EQ((*reader)->ledger_id(), store->ledger_id());
  EXPECT_EQ((*(*reader)->newest_checkpoint())->version, 7u);
  EXPECT_EQ(LedgerReader::open("nowhere", disk).error().code, ErrorCode::kNotFound);
}

TEST_F(SegmentStoreTest, ReusesSparesAndTheReserveOfAnEarlierProcess) {
  auto store = open();
  ASSERT_TRUE(add(*store, Records(20, std::string(900, 'x'))));
  store = nullptr;
  disk.limit_space(0);  // nothing more can be made
  store = open();
  EXPECT_TRUE(store);
  EXPECT_TRUE(disk.exists(kDirectory + "/reserve"));
}

struct Flushed {
  Records records;  // appended so far
  size_t durable = 0;
};

// Appends random batches until the disk stops or the script ends; tells what was acknowledged.
Flushed run_script(FaultyDisk& disk, const std::vector<std::vector<uint16_t>>& batches) {
  Flushed out;
  Store store = SegmentStore::open(kDirectory, small(), disk);
  if (!store) return out;
  uint32_t number = 0;
  for (const std::vector<uint16_t>& lengths : batches) {
    Records records;
    for (uint16_t length : lengths)
      records.push_back(std::string(length % (kSmallRecordMax + 1), static_cast<char>('a' + number++ % 26)));
    out.records.insert(out.records.end(), records.begin(), records.end());
    if (!add(**store, records)) break;
    if (!(*store)->flush()) break;
    out.durable = out.records.size();
  }
  return out;
}

RC_GTEST_PROP(SegmentStoreProperty, ACrashAtAnyByteKeepsAPrefixWithAllFlushedRecords, ()) {
  auto batches = *rc::gen::container<std::vector<std::vector<uint16_t>>>(
      rc::gen::container<std::vector<uint16_t>>(rc::gen::inRange<uint16_t>(0, 2000)));
  FaultyDisk whole;
  run_script(whole, batches);
  auto stop = *rc::gen::inRange<uint64_t>(0, whole.bytes_written() + 1);
  auto loss = *rc::gen::element(FaultyDisk::Loss::kProcess, FaultyDisk::Loss::kPower,
                                FaultyDisk::Loss::kPowerSomeKept);
  auto seed = *rc::gen::arbitrary<uint64_t>();

  FaultyDisk disk;
  disk.stop_after(stop);
  Flushed before = run_script(disk, batches);
  disk.crash(loss, seed);

  Store store = SegmentStore::open(kDirectory, small(), disk);
  if (!store) RC_FAIL(store.error().text());
  Records after = all(**store);
  RC_ASSERT(after.size() >= before.durable);
  RC_ASSERT(after.size() <= before.records.size());
  for (size_t i = 0; i < after.size(); ++i) RC_ASSERT(after[i] == before.records[i]);

  // It goes on from there, and is clean at the next opening.
  RC_ASSERT(add(**store, {"next"}).has_value());
  RC_ASSERT((*store)->flush().has_value());
  after.push_back("next");
  store->reset();
  store = SegmentStore::open(kDirectory, small(), disk);
  if (!store) RC_FAIL(store.error().text());
  RC_ASSERT(all(**store) == after);
  RC_ASSERT(!(*store)->recovery().torn);
}

RC_GTEST_PROP(SegmentStoreProperty, BehavesAsTheStoreThatSimulationUses, ()) {
  enum class Act { kAppend, kFlush, kCheckpoint, kPowerLoss };
  FaultyDisk disk;
  InMemoryLogStore model;
  Store store = SegmentStore::open(kDirectory, small(), disk);
  RC_ASSERT(store.has_value());
  auto acts = *rc::gen::container<std::vector<Act>>(rc::gen::weightedElement<Act>(
      {{5, Act::kAppend}, {3, Act::kFlush}, {1, Act::kCheckpoint}, {1, Act::kPowerLoss}}));
  for (Act act : acts) {
    if (act == Act::kAppend) {
      auto lengths = *rc::gen::container<std::vector<uint16_t>>(rc::gen::inRange<uint16_t>(0, 1010));
      Records records;
      for (uint16_t length : lengths)
        records.push_back(std::string(length, static_cast<char>('a' + model.end() % 26)));
      bool fits = std::all_of(lengths.begin(), lengths.end(),
                              [](uint16_t length) { return length <= kSmallRecordMax; });
      Status added = add(**store, records);
      RC_ASSERT(added.has_value() == fits);
      if (fits) RC_ASSERT(add(model, records).has_value());
    } else if (act == Act::kFlush) {
      RC_ASSERT((*store)->flush().has_value() && model.flush().has_value());
    } else if (act == Act::kCheckpoint) {
      Checkpoint checkpoint{*rc::gen::inRange<Position>(0, model.durable_end() + 2), {std::byte{1}}};
      RC_ASSERT((*store)->save_checkpoint(checkpoint).has_value() ==
                model.save_checkpoint(checkpoint).has_value());
    } else {
      disk.stop_after(0);
      store->reset();
      disk.crash(FaultyDisk::Loss::kPower);
      store = SegmentStore::open(kDirectory, small(), disk);
      RC_ASSERT(store.has_value());
      // Records of a segment that was filled are durable before the flush that follows.
      RC_ASSERT((*store)->end() >= model.durable_end() && (*store)->end() <= model.end());
      model.crash((*store)->end() - model.durable_end());
    }
    RC_ASSERT((*store)->end() == model.end());
    RC_ASSERT((*store)->durable_end() == model.durable_end());
  }
  RC_ASSERT(all(**store) == all(model));
}

RC_GTEST_PROP(SegmentStoreProperty, AnyDamagedByteIsNoticedOrHarmless, ()) {
  auto batches = *rc::gen::container<std::vector<std::vector<uint16_t>>>(
      rc::gen::container<std::vector<uint16_t>>(rc::gen::inRange<uint16_t>(0, 300)));
  FaultyDisk disk;
  Flushed before = run_script(disk, batches);
  RC_PRE(!before.records.empty());
  std::vector<std::byte>& bytes = disk.content(kDirectory + "/" + segment_name(0));
  size_t used = bytes.size();
  while (bytes[used - 1] == std::byte{0}) --used;
  auto at = *rc::gen::inRange<size_t>(0, used);
  bytes[at] ^= std::byte{1} << *rc::gen::inRange(0, 8);
  auto reader = LedgerReader::open(kDirectory, disk);
  if (!reader) {
    RC_ASSERT(reader.error().code == ErrorCode::kCorrupt || reader.error().code == ErrorCode::kUnsupported);
    return;
  }
  Records after;
  Status read = (*reader)->read(0, (*reader)->durable_end(), [&](Position, Bytes record) -> Status {
    after.emplace_back(reinterpret_cast<const char*>(record.data()), record.size());
    return {};
  });
  if (read) {
    RC_ASSERT(after == before.records);
  } else {
    RC_ASSERT(read.error().code == ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace weir::store
