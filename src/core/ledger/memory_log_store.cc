#include "core/ledger/memory_log_store.h"

#include <algorithm>
#include <string>

namespace weir {
namespace {

tl::unexpected<Error> stopped() {
  return fail(ErrorCode::kUnavailable, "an earlier flush failed", {},
              "stop and recover by opening the ledger again");
}

uint64_t saturating_add(uint64_t a, uint64_t b) { return a + b < a ? InMemoryLogStore::kUnlimited : a + b; }

}  // namespace

Status InMemoryLogStore::read(Position from, Position to,
                              const std::function<Status(Position, Bytes)>& visit) const {
  if (to > durable_end_ || from > to) {
    return fail(ErrorCode::kInvalid, "no durable records [" + std::to_string(from) + ", " +
                                         std::to_string(to) + "); the ledger ends at " +
                                         std::to_string(durable_end_));
  }
  for (Position position = from; position < to; ++position) {
    Status visited = visit(position, records_[position]);
    if (!visited) return visited;
  }
  return {};
}

Result<std::optional<Checkpoint>> InMemoryLogStore::newest_checkpoint() const {
  for (auto saved = checkpoints_.rbegin(); saved != checkpoints_.rend(); ++saved) {
    if (!saved->corrupt) return saved->checkpoint;
  }
  return std::nullopt;
}

Status InMemoryLogStore::append(std::span<const Bytes> records, Urgency urgency) {
  if (failed_) return stopped();
  uint64_t added = 0;
  for (Bytes record : records) {
    if (record.size() > kRecordBytesMax) {
      return fail(ErrorCode::kInvalid, "a record of " + std::to_string(record.size()) +
                                           " bytes; the limit is " + std::to_string(kRecordBytesMax));
    }
    added += record.size();
  }
  uint64_t limit =
      urgency == Urgency::kRepair ? saturating_add(ordinary_bytes_max_, reserve_bytes_) : ordinary_bytes_max_;
  if (added > limit || bytes_ > limit - added) {
    return fail(ErrorCode::kExhausted, "no space for " + std::to_string(added) + " bytes of records", {},
                "free space on the ledger's disk");
  }
  bytes_ += added;
  for (Bytes record : records) records_.emplace_back(record.begin(), record.end());
  return {};
}

Status InMemoryLogStore::flush() {
  if (failed_) return stopped();
  if (std::atomic_ref(fail_next_flush_).exchange(false)) {
    failed_ = true;
    return fail(ErrorCode::kUnavailable, "the disk reported an error for the flush", {},
                "stop and recover by opening the ledger again");
  }
  durable_end_ = records_.size();
  return {};
}

Status InMemoryLogStore::save_checkpoint(const Checkpoint& checkpoint) {
  if (failed_) return stopped();
  if (checkpoint.version > durable_end_) {
    return fail(ErrorCode::kInvalid, "a checkpoint of version " + std::to_string(checkpoint.version) +
                                         " before its records are durable; they end at " +
                                         std::to_string(durable_end_));
  }
  checkpoints_.push_back({checkpoint});
  if (checkpoints_.size() > 2) checkpoints_.erase(checkpoints_.begin());
  return {};
}

void InMemoryLogStore::limit_space(uint64_t ordinary_bytes, uint64_t reserve_bytes) {
  ordinary_bytes_max_ = ordinary_bytes;
  reserve_bytes_ = reserve_bytes;
}

void InMemoryLogStore::corrupt_newest_checkpoint() {
  if (!checkpoints_.empty()) checkpoints_.back().corrupt = true;
}

void InMemoryLogStore::crash(size_t torn_records) {
  uint64_t kept = std::min<uint64_t>(records_.size() - durable_end_, torn_records);
  records_.resize(durable_end_ + kept);
  durable_end_ = records_.size();
  bytes_ = 0;
  for (const std::vector<std::byte>& record : records_) bytes_ += record.size();
  fail_next_flush_ = false;
  failed_ = false;
}

}  // namespace weir
