#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/ports/log_store.h"
#include "infrastructure/store/segment.h"

namespace weir::store {

// A ledger opened for reading only, without its lock, as it stood at that moment: for offline tools, also
// while another process writes. Changes nothing on disk.
class LedgerReader final : public LogReader {
 public:
  // kNotFound: no ledger in the directory. kCorrupt: see Segment::find_end.
  static Result<std::unique_ptr<LedgerReader>> open(const std::string& directory,
                                                    FileSystem& files = posix_file_system());

  Position durable_end() const override { return end_.position; }
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const override;
  Result<std::optional<Checkpoint>> newest_checkpoint() const override;

  const LedgerId& ledger_id() const { return id_; }
  const std::string& directory() const { return directory_; }
  // An incomplete write at the end, which recovery would drop, or which a writer is just completing.
  const std::optional<TornTail>& torn() const { return end_.torn; }
  const SegmentEnd& end_of_last_segment() const { return end_; }
  std::vector<std::shared_ptr<Segment>> segments() const { return segments_.all(); }

 private:
  LedgerReader(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  FileSystem& files_;
  std::string directory_;
  LedgerId id_{};
  SegmentList segments_;
  SegmentEnd end_;
};

inline Result<std::unique_ptr<LedgerReader>> read_ledger(const std::string& directory) {
  return LedgerReader::open(directory);
}

// The range check that all readers share.
Status check_range(Position from, Position to, Position durable_end);

}  // namespace weir::store
