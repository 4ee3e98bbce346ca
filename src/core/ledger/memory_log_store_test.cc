#include "core/ledger/memory_log_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

using Urgency = LogStore::Urgency;

Status add(LogStore& store, const std::vector<std::string>& records, Urgency urgency = Urgency::kOrdinary) {
  std::vector<Bytes> bytes;
  for (const std::string& record : records) bytes.push_back(std::as_bytes(std::span(record)));
  return store.append(bytes, urgency);
}

std::vector<std::string> all(const LogReader& store) {
  std::vector<std::string> out;
  Status read = store.read(0, store.durable_end(), [&](Position position, Bytes bytes) -> Status {
    EXPECT_EQ(position, out.size());
    out.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  EXPECT_TRUE(read);
  return out;
}

TEST(InMemoryLogStore, ShowsRecordsOnceDurable) {
  InMemoryLogStore store;
  ASSERT_TRUE(add(store, {"a", ""}));
  EXPECT_EQ(store.end(), 2u);
  EXPECT_EQ(store.durable_end(), 0u);
  EXPECT_EQ(store.read(0, 1, [](Position, Bytes) -> Status { return {}; }).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(store.flush());
  EXPECT_EQ(all(store), (std::vector<std::string>{"a", ""}));
}

TEST(InMemoryLogStore, StopsReadingAtTheVisitorsError) {
  InMemoryLogStore store;
  ASSERT_TRUE(add(store, {"a", "b", "c"}));
  ASSERT_TRUE(store.flush());
  int visited = 0;
  Status read = store.read(0, 3, [&](Position position, Bytes) -> Status {
    ++visited;
    if (position == 1) return fail(ErrorCode::kInvalid, "enough");
    return {};
  });
  EXPECT_EQ(read.error().what, "enough");
  EXPECT_EQ(visited, 2);
}

TEST(InMemoryLogStore, LosesWhatWasNotFlushed) {
  InMemoryLogStore store;
  ASSERT_TRUE(add(store, {"a"}));
  ASSERT_TRUE(store.flush());
  ASSERT_TRUE(add(store, {"b", "c"}));
  store.crash(1);
  EXPECT_EQ(all(store), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(add(store, {"d"}));
  store.crash();
  EXPECT_EQ(all(store), (std::vector<std::string>{"a", "b"}));
}

TEST(InMemoryLogStore, AFailedFlushIsFinalUntilReopened) {
  InMemoryLogStore store;
  ASSERT_TRUE(add(store, {"a"}));
  store.fail_next_flush();
  EXPECT_EQ(store.flush().error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(store.flush());
  EXPECT_FALSE(add(store, {"b"}));
  EXPECT_FALSE(store.save_checkpoint({}));
  EXPECT_EQ(store.durable_end(), 0u);
  store.crash();
  EXPECT_TRUE(add(store, {"b"}));
  EXPECT_TRUE(store.flush());
}

TEST(InMemoryLogStore, RefusesBeyondItsSpaceButKeepsAReserveForRepairs) {
  InMemoryLogStore store;
  store.limit_space(4, 2);
  ASSERT_TRUE(add(store, {"ab", "cd"}));
  EXPECT_EQ(add(store, {"e"}).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(add(store, {"efg"}, Urgency::kRepair).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(store.end(), 2u);
  ASSERT_TRUE(add(store, {"ef"}, Urgency::kRepair));
  EXPECT_FALSE(add(store, {"g"}, Urgency::kRepair));
  ASSERT_TRUE(store.flush());
  EXPECT_EQ(store.durable_end(), 3u);
  store.limit_space(InMemoryLogStore::kUnlimited, 1);
  EXPECT_TRUE(add(store, {"g"}));
}

TEST(InMemoryLogStore, BoundsARecord) {
  InMemoryLogStore store;
  std::string record(InMemoryLogStore::kRecordBytesMax, 'x');
  EXPECT_TRUE(add(store, {record}));
  EXPECT_EQ(add(store, {"a", record + "x"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store.end(), 1u);
}

TEST(InMemoryLogStore, KeepsTwoCheckpoints) {
  InMemoryLogStore store;
  EXPECT_EQ(*store.newest_checkpoint(), std::nullopt);
  ASSERT_TRUE(add(store, {"a", "b", "c"}));
  EXPECT_EQ(store.save_checkpoint({1, {}}).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(store.flush());
  for (Position version : {1u, 2u, 3u}) ASSERT_TRUE(store.save_checkpoint({version, {}}));
  EXPECT_EQ((*store.newest_checkpoint())->version, 3u);
  store.corrupt_newest_checkpoint();
  EXPECT_EQ((*store.newest_checkpoint())->version, 2u);
}

}  // namespace
}  // namespace weir
