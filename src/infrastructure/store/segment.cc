#include "infrastructure/store/segment.h"

#include <algorithm>
#include <array>
#include <utility>

#include "infrastructure/store/bytes.h"

namespace weir::store {
namespace {

constexpr uint64_t kMarkBytes = 64 << 10;
constexpr size_t kWindowBytesMin = 64 << 10;
constexpr size_t kWindowBytesMax = 1 << 20;

// A piece of a file in memory that moves forward with its reader.
class Window {
 public:
  Window(const File& file, uint64_t file_bytes) : file_(file), file_bytes_(file_bytes) {}

  // The bytes [offset, offset + length); fewer where the file ends. Valid until the next call.
  Result<Bytes> at(uint64_t offset, size_t length) {
    if (offset >= file_bytes_) return Bytes{};
    length = static_cast<size_t>(std::min<uint64_t>(length, file_bytes_ - offset));
    if (offset < offset_ || offset + length > offset_ + filled_) {
      if (Status filled = fill(offset, length); !filled) return tl::unexpected(filled.error());
    }
    Bytes held(buffer_.data(), filled_);
    size_t skip = static_cast<size_t>(offset - offset_);
    if (skip >= held.size()) return Bytes{};
    return held.subspan(skip, std::min(length, held.size() - skip));
  }

  void forget() { filled_ = 0; }

 private:
  Status fill(uint64_t offset, size_t length) {
    size_t wanted = std::max(length, step_);
    step_ = std::min(step_ * 2, kWindowBytesMax);
    wanted = static_cast<size_t>(std::min<uint64_t>(wanted, file_bytes_ - offset));
    if (buffer_.size() < wanted) buffer_.resize(wanted);
    filled_ = 0;
    Result<size_t> n = read_fully(file_, offset, std::span(buffer_).first(wanted));
    if (!n) return tl::unexpected(n.error());
    offset_ = offset;
    filled_ = *n;
    return {};
  }

  const File& file_;
  uint64_t file_bytes_;
  uint64_t offset_ = 0;
  size_t filled_ = 0;
  size_t step_ = kWindowBytesMin;
  std::vector<std::byte> buffer_;
};

// Walks over a batch's records and checks them. Returns false where one is damaged, with its position.
template <class Visit>
Result<bool> walk_records(Window& window, uint32_t seed, const BatchHeader& batch, uint64_t offset,
                          Position from, Position to, Position& position, Visit visit) {
  uint64_t end = offset + batch.bytes;
  position = batch.first;
  for (; position < batch.first + batch.count && position < to; ++position) {
    if (end - offset < kRecordHeaderBytes) return false;
    Result<Bytes> header = window.at(offset, kRecordHeaderBytes);
    if (!header) return tl::unexpected(header.error());
    if (header->size() < kRecordHeaderBytes) return false;
    uint32_t length = load_u32(header->data());
    uint32_t crc = load_u32(header->data() + 4);
    offset += kRecordHeaderBytes;
    if (length > kRecordBytesMax || end - offset < length) return false;
    if (position >= from) {
      Result<Bytes> record = window.at(offset, length);
      if (!record) return tl::unexpected(record.error());
      if (record->size() < length || record_crc(seed, position, *record) != crc) return false;
      Status visited = visit(position, *record);
      if (!visited) return tl::unexpected(visited.error());
    }
    offset += length;
  }
  return position < batch.first + batch.count || offset == end;
}

Status visit_nothing(Position, Bytes) { return {}; }

// Offset after the last byte of [from, file_bytes) that is not zero; `from` if there is none.
Result<uint64_t> end_of_content(const File& file, uint64_t from, uint64_t file_bytes) {
  std::vector<std::byte> buffer(std::min<uint64_t>(kWindowBytesMax, file_bytes - std::min(from, file_bytes)));
  uint64_t end = from;
  for (uint64_t offset = from; offset < file_bytes;) {
    Result<size_t> n = read_fully(file, offset, buffer);
    if (!n) return tl::unexpected(n.error());
    if (*n == 0) break;
    Bytes piece(buffer.data(), *n);
    auto last = std::find_if(piece.rbegin(), piece.rend(), [](std::byte b) { return b != std::byte{0}; });
    if (last != piece.rend()) end = offset + static_cast<uint64_t>(piece.rend() - last);
    offset += *n;
  }
  return end;
}

}  // namespace

std::string TornTail::text() const {
  return path + ": offset " + std::to_string(offset) + ": an incomplete write of " + std::to_string(bytes) +
         " bytes, never acknowledged, was dropped; the ledger continues with record " +
         std::to_string(position);
}

Segment::Segment(std::unique_ptr<File> file, const SegmentHeader& header)
    : file_(std::move(file)), header_(header), seed_(crc_seed(header.ledger)) {
  marks_.push_back({header.first, kSegmentHeaderBytes});
}

Result<std::shared_ptr<Segment>> Segment::open(FileSystem& files, const std::string& path,
                                               FileSystem::Mode mode) {
  Result<std::unique_ptr<File>> file = files.open(path, mode);
  if (!file) return tl::unexpected(file.error());
  std::vector<std::byte> bytes(kSegmentHeaderBytes);
  Result<size_t> n = read_fully(**file, 0, bytes);
  if (!n) return tl::unexpected(n.error());
  Result<SegmentHeader> header = decode_segment_header(Bytes(bytes).first(*n), path);
  if (!header) return tl::unexpected(header.error());
  return std::make_shared<Segment>(std::move(*file), *header);
}

tl::unexpected<Error> Segment::damaged(Position position, uint64_t offset, std::string_view what) const {
  return fail(ErrorCode::kCorrupt, "record " + std::to_string(position) + " " + std::string(what),
              path() + ": offset " + std::to_string(offset),
              "nothing was changed; restore this file from a backup, then run `weir ledger verify`");
}

Segment::Mark Segment::nearest_mark(Position position) const {
  std::lock_guard hold(mutex_);
  auto after = std::upper_bound(marks_.begin(), marks_.end(), position,
                                [](Position wanted, const Mark& mark) { return wanted < mark.position; });
  return *std::prev(after);
}

void Segment::note_batch(Position first, uint64_t offset) const {
  std::lock_guard hold(mutex_);
  if (offset >= marks_.back().offset + kMarkBytes && first > marks_.back().position)
    marks_.push_back({first, offset});
}

// Looks for the header of a batch that was written once `damaged` had become durable.
bool Segment::later_batch_proves(Position damaged_position, uint64_t from_offset, uint64_t to_offset,
                                 Status& status) const {
  std::array<std::byte, 4> magic;
  store_u32(magic.data(), kBatchMagic);
  Window window(*file_, to_offset);
  for (uint64_t offset = from_offset; offset + kBatchHeaderBytes <= to_offset;) {
    Result<Bytes> piece = window.at(offset, kWindowBytesMin);
    if (!piece) {
      status = tl::unexpected(piece.error());
      return false;
    }
    if (piece->size() < kBatchHeaderBytes) return false;
    size_t searched = piece->size() - kBatchHeaderBytes + 1;
    for (auto at = piece->begin();;) {
      auto limit = piece->begin() + static_cast<ptrdiff_t>(searched) + 3;
      at = std::search(at, limit, magic.begin(), magic.end());
      if (at == limit) break;
      auto found = decode_batch_header(seed_, piece->subspan(static_cast<size_t>(at - piece->begin())));
      if (found && found->first > damaged_position && found->durable > damaged_position) return true;
      ++at;
    }
    offset += searched;
  }
  return false;
}

Result<SegmentEnd> Segment::find_end() const {
  Result<uint64_t> file_bytes = file_->size();
  if (!file_bytes) return tl::unexpected(file_bytes.error());
  Window window(*file_, *file_bytes);
  SegmentEnd end{header_.first, kSegmentHeaderBytes, false, header_.first, std::nullopt};
  Position bad = 0;
  for (bool again = false;;) {
    Result<Bytes> bytes = window.at(end.offset, kBatchHeaderBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    std::optional<BatchHeader> batch = decode_batch_header(seed_, *bytes);
    bool whole =
        batch && batch->first == end.position && end.offset + kBatchHeaderBytes + batch->bytes <= *file_bytes;
    bad = end.position;
    if (whole) {
      Result<bool> good = walk_records(window, seed_, *batch, end.offset + kBatchHeaderBytes, batch->first,
                                       batch->first + batch->count, bad, visit_nothing);
      if (!good) return tl::unexpected(good.error());
      whole = *good;
    }
    if (whole) {
      note_batch(end.position, end.offset);
      end.position += batch->count;
      end.offset += kBatchHeaderBytes + batch->bytes;
      end.closed = batch->count == 0;
      end.proven = std::max(end.proven, batch->durable);
      again = false;
      continue;
    }
    Result<uint64_t> content_end = end_of_content(*file_, end.offset, *file_bytes);
    if (!content_end) return tl::unexpected(content_end.error());
    if (*content_end == end.offset) return end;
    Status searched;
    // A batch header may itself end in zeros.
    uint64_t search_end = std::min(*content_end + kBatchHeaderBytes, *file_bytes);
    bool proven = later_batch_proves(end.position, end.offset + 1, search_end, searched);
    if (!searched) return tl::unexpected(searched.error());
    if (!proven) {
      end.closed = false;
      end.torn = TornTail{path(), end.offset, *content_end - end.offset, end.position};
      return end;
    }
    // A writer may have completed this batch since it was read: then the proof is of no damage.
    if (again) return damaged(bad, end.offset, "is damaged, although it had been written completely");
    again = true;
    window.forget();
  }
}

Status Segment::read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const {
  if (from >= to) return {};
  Result<uint64_t> file_bytes = file_->size();
  if (!file_bytes) return tl::unexpected(file_bytes.error());
  Window window(*file_, *file_bytes);
  auto [position, offset] = nearest_mark(from);
  while (position < to) {
    Result<Bytes> bytes = window.at(offset, kBatchHeaderBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    std::optional<BatchHeader> batch = decode_batch_header(seed_, *bytes);
    if (!batch || batch->first != position) return damaged(position, offset, "is damaged or missing");
    note_batch(position, offset);
    if (position + batch->count > from) {
      Position bad = position;
      Result<bool> good =
          walk_records(window, seed_, *batch, offset + kBatchHeaderBytes, from, to, bad, visit);
      if (!good) return tl::unexpected(good.error());
      if (!*good) return damaged(bad, offset, "is damaged");
    }
    position += batch->count;
    offset += kBatchHeaderBytes + batch->bytes;
  }
  return {};
}

Result<uint64_t> Segment::offset_of_batch(Position first) const {
  Result<uint64_t> file_bytes = file_->size();
  if (!file_bytes) return tl::unexpected(file_bytes.error());
  Window window(*file_, *file_bytes);
  auto [position, offset] = nearest_mark(first);
  while (position < first) {
    Result<Bytes> bytes = window.at(offset, kBatchHeaderBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    std::optional<BatchHeader> batch = decode_batch_header(seed_, *bytes);
    if (!batch || batch->first != position) return damaged(position, offset, "is damaged or missing");
    position += batch->count;
    offset += kBatchHeaderBytes + batch->bytes;
  }
  if (position != first) return damaged(first, offset, "does not start a batch");
  return offset;
}

Result<std::vector<std::shared_ptr<Segment>>> SegmentList::open(FileSystem& files,
                                                                const std::string& directory,
                                                                FileSystem::Mode mode) {
  Result<std::vector<std::string>> names = files.list(directory);
  if (!names) return tl::unexpected(names.error());
  std::vector<std::shared_ptr<Segment>> out;
  for (const std::string& name : *names) {
    std::optional<Position> first = position_of_segment_name(name);
    if (!first) continue;
    std::string path = directory + "/" + name;
    Result<std::shared_ptr<Segment>> segment = Segment::open(files, path, mode);
    if (!segment) return tl::unexpected(segment.error());
    if ((*segment)->header().first != *first) {
      return fail(ErrorCode::kCorrupt,
                  "the segment starts with record " + std::to_string((*segment)->header().first) +
                      ", not as it is named",
                  path, "give the file its name back, or restore it from a backup");
    }
    if (!out.empty() && (*segment)->header().ledger != out.front()->header().ledger) {
      return fail(ErrorCode::kCorrupt, "the segment belongs to another ledger than " + out.front()->path(),
                  path, "keep the segments of one ledger in one directory");
    }
    out.push_back(std::move(*segment));
  }
  if (!out.empty() && out.front()->header().first != 0) {
    return fail(ErrorCode::kCorrupt,
                "records 0 to " + std::to_string(out.front()->header().first - 1) + " are missing", directory,
                "restore the earlier segments from a backup");
  }
  return out;
}

void SegmentList::assign(std::vector<std::shared_ptr<Segment>> segments) {
  std::lock_guard hold(mutex_);
  segments_ = std::move(segments);
}

void SegmentList::add(std::shared_ptr<Segment> segment) {
  std::lock_guard hold(mutex_);
  segments_.push_back(std::move(segment));
}

std::vector<std::shared_ptr<Segment>> SegmentList::all() const {
  std::lock_guard hold(mutex_);
  return segments_;
}

Status SegmentList::read(Position from, Position to,
                         const std::function<Status(Position, Bytes)>& visit) const {
  std::vector<std::shared_ptr<Segment>> segments = all();
  for (size_t i = 0; i < segments.size() && from < to; ++i) {
    Position end = i + 1 < segments.size() ? segments[i + 1]->header().first : to;
    if (from >= end) continue;
    Position stop = std::min(end, to);
    if (Status read = segments[i]->read(from, stop, visit); !read) return read;
    from = stop;
  }
  return {};
}

}  // namespace weir::store
