#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "core/ports/log_store.h"

namespace weir {

// A ledger in memory, for tests and simulation, with the failures of a disk. Single-threaded.
class InMemoryLogStore final : public LogStore {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
  static constexpr size_t kRecordBytesMax = size_t{16} << 20;

  Position durable_end() const override { return durable_end_; }
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const override;
  Result<std::optional<Checkpoint>> newest_checkpoint() const override;
  Position end() const override { return records_.size(); }
  Status append(std::span<const Bytes> records, Urgency urgency) override;
  Status flush() override;
  Status save_checkpoint(const Checkpoint& checkpoint) override;

  // Ordinary appends beyond `ordinary_bytes` of records in total fail, as do repairs beyond
  // ordinary_bytes + reserve_bytes.
  void limit_space(uint64_t ordinary_bytes, uint64_t reserve_bytes = 0);
  // The next flush fails, and everything after it, until crash(). May be called beside the thread that uses the store.
  void fail_next_flush() { std::atomic_ref(fail_next_flush_).store(true); }
  // The newest checkpoint fails its checks from now on; readers fall back to the older one.
  void corrupt_newest_checkpoint();

  // The process dies and the store is opened again: what was not flushed is lost, except for its first
  // `torn_records` records, which happened to reach the disk. Clears the failed state.
  void crash(size_t torn_records = 0);

  uint64_t bytes() const { return bytes_; }

 private:
  struct Saved {
    Checkpoint checkpoint;
    bool corrupt = false;
  };

  std::vector<std::vector<std::byte>> records_;
  std::vector<Saved> checkpoints_;  // oldest first, at most two
  Position durable_end_ = 0;
  uint64_t bytes_ = 0;
  uint64_t ordinary_bytes_max_ = kUnlimited;
  uint64_t reserve_bytes_ = 0;
  bool fail_next_flush_ = false;
  bool failed_ = false;
};

}  // namespace weir
