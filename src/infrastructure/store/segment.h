#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "infrastructure/store/file_system.h"
#include "infrastructure/store/format.h"

namespace weir::store {

// A batch that a crash left incomplete at the end of the last segment. Nothing in it was ever durable.
struct TornTail {
  std::string path;
  uint64_t offset = 0;
  uint64_t bytes = 0;  // up to the last byte that is not zero
  Position position = 0;
  std::string text() const;
};

// Where the complete batches of a segment end.
struct SegmentEnd {
  Position position = 0;  // of the next record
  uint64_t offset = 0;    // of the next batch
  bool closed = false;    // its last batch is the mark of an orderly end
  Position proven = 0;    // records of this segment below it are known to have been flushed
  std::optional<TornTail> torn;
};

// One segment file, for reading. Safe for use by several threads.
class Segment {
 public:
  // Reads and checks the header; the name must agree with it.
  static Result<std::shared_ptr<Segment>> open(FileSystem& files, const std::string& path,
                                               FileSystem::Mode mode);
  Segment(std::unique_ptr<File> file, const SegmentHeader& header);

  const SegmentHeader& header() const { return header_; }
  const std::string& path() const { return file_->path(); }
  File& file() const { return *file_; }

  // Checks every batch and finds the end. kCorrupt: a batch is damaged, although a later batch says that it
  // had been flushed; nothing was changed. Otherwise an incomplete batch is torn.
  //
  // A disk may write the parts of one flush in any order, so bytes after a damaged record do not prove that
  // the record was ever durable; a batch written by a later flush does.
  Result<SegmentEnd> find_end() const;

  // Visits the records of [from, to), which must all lie in this segment.
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const;

  // Offset at which the batch that starts with this position lies. kCorrupt: no batch starts there.
  Result<uint64_t> offset_of_batch(Position first) const;

  // Remembers where a batch starts, so that reads need not walk there.
  void note_batch(Position first, uint64_t offset) const;

 private:
  struct Mark {
    Position position;
    uint64_t offset;
  };
  Mark nearest_mark(Position position) const;
  bool later_batch_proves(Position damaged, uint64_t from_offset, uint64_t to_offset, Status& status) const;
  tl::unexpected<Error> damaged(Position position, uint64_t offset, std::string_view what) const;

  std::unique_ptr<File> file_;
  SegmentHeader header_;
  uint32_t seed_;
  mutable std::mutex mutex_;
  mutable std::vector<Mark> marks_;  // ascending; at least kMarkBytes apart
};

// The segments of one ledger, in order. Safe for use by several threads.
class SegmentList {
 public:
  // Opens all segments of the directory; an empty list if there is none. kCorrupt: they do not belong
  // together.
  static Result<std::vector<std::shared_ptr<Segment>>> open(FileSystem& files, const std::string& directory,
                                                            FileSystem::Mode mode);

  void assign(std::vector<std::shared_ptr<Segment>> segments);
  void add(std::shared_ptr<Segment> segment);
  std::vector<std::shared_ptr<Segment>> all() const;
  // Requires to <= the end of the last segment.
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Segment>> segments_;
};

}  // namespace weir::store
