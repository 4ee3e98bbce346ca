#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/log_store.h"
#include "infrastructure/store/segment.h"
#include "infrastructure/store/spare_segments.h"

namespace weir::store {

struct StoreOptions {
  // Size of new segments: large enough for one record of the largest size, at most kSegmentBytesMax.
  uint64_t segment_bytes = uint64_t{64} << 20;
  // Largest record, at most kRecordBytesMax.
  size_t record_bytes_max = kRecordBytesMax;
  // Keep one segment preallocated and written with zeros by a thread of its own; without it, segments are
  // made when they are needed.
  bool prepare_ahead = true;
  // Keep a further segment's worth of disk for repairs.
  bool keep_reserve = true;
};

// What was found when the ledger was opened.
struct Recovery {
  std::optional<TornTail> torn;
  std::vector<Error> damaged_checkpoints;
  bool clean = false;  // the last writer ended in order
};

// The ledger in one directory of segment files (see format.h), for one machine.
//
// append copies into memory; flush writes the batch at once and calls fdatasync once. A segment's space is
// reserved before it is used, so a full disk shows in append and never in flush (on file systems that
// overwrite in place). The directory is locked against other processes as long as the object lives.
//
// Segments are never removed: the ledger is the truth, and its growth is the operator's to plan for.
class SegmentStore final : public LogStore {
 public:
  // Makes the directory and a new ledger if there is none. An incomplete tail is dropped, and reported by
  // recovery(). kConflict: another process has it open. kUnsupported: written by a newer Weir. kCorrupt:
  // records that had been flushed are damaged or gone; nothing was changed.
  static Result<std::unique_ptr<SegmentStore>> open(const std::string& directory, StoreOptions options = {},
                                                    FileSystem& files = posix_file_system());
  // Drops what was not flushed.
  ~SegmentStore() override;

  Position durable_end() const override { return durable_end_.load(std::memory_order_acquire); }
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const override;
  Result<std::optional<Checkpoint>> newest_checkpoint() const override;
  Position end() const override { return end_; }
  Status append(std::span<const Bytes> records, Urgency urgency) override;
  Status flush() override;
  Status save_checkpoint(const Checkpoint& checkpoint) override;

  // `told` is called by the writer thread with durable_end() whenever that has grown; it must not call the
  // store.
  void on_durable(std::function<void(Position)> told) { told_ = std::move(told); }

  const Recovery& recovery() const { return recovery_; }
  const LedgerId& ledger_id() const { return id_; }
  const std::string& directory() const { return directory_; }
  // True while records go into the reserve and ordinary ones are refused.
  bool on_reserve() const { return active_->header().from_reserve && !spares_->has_reserve(); }

 private:
  SegmentStore(std::string directory, StoreOptions options, FileSystem& files);

  Status recover();
  Status start_new_ledger();
  Status refuse_lost_records(Position end);
  Status drop_torn_tail(const TornTail& torn);
  Status flush_again(const SegmentEnd& end);
  Status make_room(std::span<const Bytes> records, Urgency urgency);
  uint64_t room() const;
  void put(Bytes record);
  Status write_batch();
  Status start_segment();
  Status activate(SpareSegment spare, Position first);
  void mark_orderly_end();
  Status fail_for_good(const Error& error);

  const std::string directory_;
  const StoreOptions options_;
  FileSystem& files_;
  std::unique_ptr<DirectoryLock> lock_;
  LedgerId id_{};
  uint32_t seed_ = 0;
  Recovery recovery_;
  SegmentList segments_;
  std::shared_ptr<Segment> active_;
  std::unique_ptr<SpareSegments> spares_;
  uint64_t write_offset_ = 0;      // where the next batch goes
  bool unsynced_ = false;          // written, but not flushed
  bool marked_ = false;            // the last batch is the mark of an orderly end
  std::vector<std::byte> buffer_;  // a batch being filled, header first; empty between batches
  uint32_t buffer_count_ = 0;
  Position end_ = 0;
  std::atomic<Position> durable_end_{0};
  std::function<void(Position)> told_;
  std::optional<Error> failed_;
};

}  // namespace weir::store
