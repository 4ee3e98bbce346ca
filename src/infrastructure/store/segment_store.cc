#include "infrastructure/store/segment_store.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "infrastructure/store/bytes.h"
#include "infrastructure/store/checkpoint_file.h"
#include "infrastructure/store/ledger_reader.h"

namespace weir::store {
namespace {

// A larger buffer is written, without being flushed, before the next record is taken.
constexpr size_t kBufferBytesMax = 8 << 20;
constexpr uint64_t kPieceBytes = 1 << 20;

Result<LedgerId> new_ledger_id() {
  LedgerId id;
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return fail(ErrorCode::kUnavailable, "the system gives no random bytes for the new ledger's identity");
  }
  return id;
}

}  // namespace

SegmentStore::SegmentStore(std::string directory, StoreOptions options, FileSystem& files)
    : directory_(std::move(directory)), options_(std::move(options)), files_(files) {}

SegmentStore::~SegmentStore() { mark_orderly_end(); }

Result<std::unique_ptr<SegmentStore>> SegmentStore::open(const std::string& directory, StoreOptions options,
                                                         FileSystem& files) {
  if (options.record_bytes_max > kRecordBytesMax) {
    return fail(ErrorCode::kInvalid,
                "records of up to " + std::to_string(options.record_bytes_max) + " bytes", directory,
                "choose at most " + std::to_string(kRecordBytesMax) + " bytes");
  }
  uint64_t segment_bytes_min =
      kSegmentHeaderBytes + kBatchHeaderBytes + kRecordHeaderBytes + options.record_bytes_max;
  if (options.segment_bytes < segment_bytes_min || options.segment_bytes > kSegmentBytesMax) {
    return fail(
        ErrorCode::kInvalid, "segments of " + std::to_string(options.segment_bytes) + " bytes", directory,
        "choose " + std::to_string(segment_bytes_min) + " to " + std::to_string(kSegmentBytesMax) + " bytes");
  }
  std::unique_ptr<SegmentStore> store(new SegmentStore(directory, std::move(options), files));
  if (Status recovered = store->recover(); !recovered) {
    store->failed_ = recovered.error();
    return tl::unexpected(recovered.error());
  }
  return store;
}

Status SegmentStore::recover() {
  if (Status made = files_.make_directory(directory_); !made) return made;
  Result<std::unique_ptr<DirectoryLock>> lock = files_.lock(directory_);
  if (!lock) return tl::unexpected(lock.error());
  lock_ = std::move(*lock);

  Result<std::vector<std::shared_ptr<Segment>>> segments =
      SegmentList::open(files_, directory_, FileSystem::Mode::kReadWrite);
  if (!segments) return tl::unexpected(segments.error());
  Result<std::vector<std::string>> names = files_.list(directory_);
  if (!names) return tl::unexpected(names.error());
  spares_ =
      std::make_unique<SpareSegments>(files_, directory_, options_.segment_bytes, options_.prepare_ahead);

  if (segments->empty()) {
    if (Status adopted = spares_->adopt(*names); !adopted) return adopted;
    if (Status started = start_new_ledger(); !started) return started;
  } else {
    active_ = segments->back();
    id_ = active_->header().ledger;
    seed_ = crc_seed(id_);
    Result<SegmentEnd> found = active_->find_end();
    if (!found) return tl::unexpected(found.error());
    if (Status complete = refuse_lost_records(found->position); !complete) return complete;
    // A copy may lack the space behind its content.
    if (Status whole = active_->file().allocate(active_->header().segment_bytes); !whole) return whole;
    if (found->torn) {
      if (Status dropped = drop_torn_tail(*found->torn); !dropped) return dropped;
    }
    if (Status adopted = spares_->adopt(*names); !adopted) return adopted;
    recovery_.torn = found->torn;
    recovery_.clean = found->closed;
    marked_ = found->closed;
    write_offset_ = found->offset;
    end_ = found->position;
    segments_.assign(std::move(*segments));
    if (Status flushed = flush_again(*found); !flushed) return flushed;
    durable_end_.store(end_, std::memory_order_release);
  }
  if (options_.keep_reserve) {
    Status reserved = spares_->secure_reserve();
    if (!reserved && reserved.error().code != ErrorCode::kExhausted) return reserved;
  }
  spares_->prepare();
  return {};
}

Status SegmentStore::start_new_ledger() {
  Result<LedgerId> id = new_ledger_id();
  if (!id) return tl::unexpected(id.error());
  id_ = *id;
  seed_ = crc_seed(id_);
  spares_->prepare();
  if (Status secured = spares_->secure(1, false); !secured) return secured;
  return activate(spares_->take(), 0);
}

// A checkpoint is written only once its records are durable: it outlives them only if they were lost.
Status SegmentStore::refuse_lost_records(Position end) {
  Result<FoundCheckpoint> found =
      find_checkpoint(files_, directory_, id_, std::numeric_limits<Position>::max());
  if (!found) return tl::unexpected(found.error());
  recovery_.damaged_checkpoints = std::move(found->skipped);
  if (!found->checkpoint || found->checkpoint->version <= end) return {};
  return fail(ErrorCode::kCorrupt,
              "the ledger ends with " + std::to_string(end) + " records, but a checkpoint stands for " +
                  std::to_string(found->checkpoint->version) + ": flushed records were lost",
              active_->path(), "nothing was changed; restore this file from a backup");
}

Status SegmentStore::drop_torn_tail(const TornTail& torn) {
  std::vector<std::byte> zeros(std::min(kPieceBytes, torn.bytes));
  for (uint64_t done = 0; done < torn.bytes; done += zeros.size()) {
    size_t length = static_cast<size_t>(std::min<uint64_t>(zeros.size(), torn.bytes - done));
    Status written = write_fully(active_->file(), torn.offset + done, Bytes(zeros).first(length));
    if (!written) return written;
  }
  return active_->file().sync();
}

// What was found may never have reached the disk: written by a process that died before its flush, or after a
// flush that failed. In the latter case the system takes the pages for clean, so they must be written again.
Status SegmentStore::flush_again(const SegmentEnd& end) {
  if (end.proven < end.position) {
    Result<uint64_t> offset = active_->offset_of_batch(end.proven);
    if (!offset) return tl::unexpected(offset.error());
    std::vector<std::byte> bytes(std::min(kPieceBytes, end.offset - *offset));
    for (uint64_t at = *offset; at < end.offset; at += bytes.size()) {
      bytes.resize(static_cast<size_t>(std::min<uint64_t>(bytes.size(), end.offset - at)));
      Result<size_t> n = read_fully(active_->file(), at, bytes);
      if (!n) return tl::unexpected(n.error());
      if (Status written = write_fully(active_->file(), at, Bytes(bytes).first(*n)); !written) return written;
    }
  }
  return active_->file().sync();
}

Status SegmentStore::activate(SpareSegment spare, Position first) {
  SegmentHeader header{id_, first, options_.segment_bytes, spare.from_reserve};
  {
    std::array<std::byte, kSegmentHeaderBytes> bytes;
    encode(header, bytes);
    Result<std::unique_ptr<File>> file = files_.open(spare.path, FileSystem::Mode::kReadWrite);
    if (!file) return tl::unexpected(file.error());
    if (Status written = write_fully(**file, 0, bytes); !written) return written;
    if (Status synced = (*file)->sync(); !synced) return synced;
  }
  std::string path = directory_ + "/" + segment_name(first);
  if (Status renamed = files_.rename(spare.path, path); !renamed) return renamed;
  if (Status synced = files_.sync_directory(directory_); !synced) return synced;
  Result<std::shared_ptr<Segment>> segment = Segment::open(files_, path, FileSystem::Mode::kReadWrite);
  if (!segment) return tl::unexpected(segment.error());
  active_ = *segment;
  segments_.add(active_);
  write_offset_ = kSegmentHeaderBytes;
  return {};
}

Status SegmentStore::fail_for_good(const Error& error) {
  failed_ = error;
  failed_->remedy =
      "stop, and recover by opening the ledger again" + (error.remedy.empty() ? "" : "; " + error.remedy);
  return tl::unexpected(*failed_);
}

uint64_t SegmentStore::room() const {
  uint64_t used = write_offset_ + std::max(buffer_.size(), kBatchHeaderBytes);
  uint64_t size = active_->header().segment_bytes;
  return size > used ? size - used : 0;
}

Status SegmentStore::make_room(std::span<const Bytes> records, Urgency urgency) {
  bool repair = urgency == Urgency::kRepair;
  if (!repair && active_->header().from_reserve) {
    if (Status space_again = spares_->secure_reserve(); !space_again) return space_again;
  }
  uint64_t left = room();
  size_t segments = 0;
  for (Bytes record : records) {
    uint64_t needed = kRecordHeaderBytes + record.size();
    if (needed > left) {
      ++segments;
      left = options_.segment_bytes - kSegmentHeaderBytes - kBatchHeaderBytes;
    }
    left -= needed;
  }
  if (segments == 0) return {};
  return spares_->secure(segments, repair);
}

Status SegmentStore::append(std::span<const Bytes> records, Urgency urgency) {
  if (failed_) return tl::unexpected(*failed_);
  for (Bytes record : records) {
    if (record.size() > options_.record_bytes_max) {
      return fail(ErrorCode::kInvalid, "a record of " + std::to_string(record.size()) + " bytes", directory_,
                  "records have at most " + std::to_string(options_.record_bytes_max) + " bytes");
    }
  }
  if (Status room_made = make_room(records, urgency); !room_made) {
    Error error = room_made.error();
    if (error.code != ErrorCode::kExhausted) return fail_for_good(error);
    error.what += "; the records were refused and nothing was written";
    return tl::unexpected(std::move(error));
  }
  for (Bytes record : records) {
    if (kRecordHeaderBytes + record.size() > room()) {
      if (Status started = start_segment(); !started) return fail_for_good(started.error());
    }
    put(record);
  }
  if (buffer_.size() > kBufferBytesMax) {
    if (Status written = write_batch(); !written) return fail_for_good(written.error());
  }
  return {};
}

void SegmentStore::put(Bytes record) {
  if (buffer_.empty()) buffer_.resize(kBatchHeaderBytes);
  std::array<std::byte, kRecordHeaderBytes> header;
  store_u32(&header[0], static_cast<uint32_t>(record.size()));
  store_u32(&header[4], record_crc(seed_, end_, record));
  buffer_.insert(buffer_.end(), header.begin(), header.end());
  buffer_.insert(buffer_.end(), record.begin(), record.end());
  ++buffer_count_;
  ++end_;
}

Status SegmentStore::write_batch() {
  BatchHeader header{end_ - buffer_count_, durable_end_.load(std::memory_order_relaxed), buffer_count_,
                     static_cast<uint32_t>(buffer_.size() - kBatchHeaderBytes)};
  encode(seed_, header, std::span(buffer_).first<kBatchHeaderBytes>());
  unsynced_ = true;
  marked_ = false;
  if (Status written = write_fully(active_->file(), write_offset_, buffer_); !written) return written;
  active_->note_batch(header.first, write_offset_);
  write_offset_ += buffer_.size();
  buffer_.clear();
  buffer_count_ = 0;
  return {};
}

// Recovery looks at the last segment only: all of this one must be durable before there is another.
Status SegmentStore::start_segment() {
  if (!buffer_.empty()) {
    if (Status written = write_batch(); !written) return written;
  }
  if (Status synced = active_->file().sync(); !synced) return synced;
  if (Status activated = activate(spares_->take(), end_); !activated) return activated;
  spares_->prepare();
  return {};
}

Status SegmentStore::flush() {
  if (failed_) return tl::unexpected(*failed_);
  if (!buffer_.empty()) {
    if (Status written = write_batch(); !written) return fail_for_good(written.error());
  }
  if (!unsynced_) return {};
  if (Status synced = active_->file().sync(); !synced) return fail_for_good(synced.error());
  unsynced_ = false;
  durable_end_.store(end_, std::memory_order_release);
  if (told_) told_(end_);
  return {};
}

void SegmentStore::mark_orderly_end() {
  if (failed_ || marked_ || unsynced_ || !buffer_.empty()) return;
  if (write_offset_ + kBatchHeaderBytes > active_->header().segment_bytes) return;
  std::array<std::byte, kBatchHeaderBytes> mark;
  encode(seed_, BatchHeader{end_, end_, 0, 0}, mark);
  // Without the mark the ledger opens just as well.
  if (write_fully(active_->file(), write_offset_, mark)) (void)active_->file().sync();
}

Status SegmentStore::read(Position from, Position to,
                          const std::function<Status(Position, Bytes)>& visit) const {
  if (Status range = check_range(from, to, durable_end()); !range) return range;
  return segments_.read(from, to, visit);
}

Result<std::optional<Checkpoint>> SegmentStore::newest_checkpoint() const {
  Result<FoundCheckpoint> found = find_checkpoint(files_, directory_, id_, durable_end());
  if (!found) return tl::unexpected(found.error());
  return std::move(found->checkpoint);
}

Status SegmentStore::save_checkpoint(const Checkpoint& checkpoint) {
  if (failed_) return tl::unexpected(*failed_);
  if (checkpoint.version > durable_end()) {
    return fail(ErrorCode::kInvalid,
                "a checkpoint of version " + std::to_string(checkpoint.version) +
                    " before its records are durable; they end at " + std::to_string(durable_end()),
                directory_);
  }
  return write_checkpoint(files_, directory_, id_, checkpoint);
}

}  // namespace weir::store
