#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/ports/log_store.h"
#include "infrastructure/store/segment_store.h"

namespace weir::store {

using Records = std::vector<std::string>;

// Segments small enough to fill many in a test.
inline constexpr size_t kSmallRecordMax = 1000;
inline constexpr uint64_t kSmallSegment = 16 << 10;

inline StoreOptions small() {
  return {.segment_bytes = kSmallSegment, .record_bytes_max = kSmallRecordMax, .prepare_ahead = false};
}

inline Status add(LogStore& store, const Records& records,
                  LogStore::Urgency urgency = LogStore::Urgency::kOrdinary) {
  std::vector<Bytes> bytes;
  for (const std::string& record : records) bytes.push_back(std::as_bytes(std::span(record)));
  return store.append(bytes, urgency);
}

inline Status add_durably(LogStore& store, const Records& records) {
  Status added = add(store, records);
  return added ? store.flush() : added;
}

inline Records part(const LogReader& store, Position from, Position to) {
  Records out;
  Status read = store.read(from, to, [&](Position position, Bytes bytes) -> Status {
    EXPECT_EQ(position, from + out.size());
    out.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  EXPECT_TRUE(read) << read.error().text();
  return out;
}

inline Records all(const LogReader& store) { return part(store, 0, store.durable_end()); }

inline Records numbered(size_t count, size_t bytes = 20) {
  Records out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back("record " + std::to_string(i));
    out.back().resize(bytes, '.');
  }
  return out;
}

}  // namespace weir::store
