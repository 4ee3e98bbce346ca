#include "infrastructure/store/ledger_reader.h"

#include <utility>

#include "infrastructure/store/checkpoint_file.h"

namespace weir::store {

Status check_range(Position from, Position to, Position durable_end) {
  if (from <= to && to <= durable_end) return {};
  return fail(ErrorCode::kInvalid, "no durable records [" + std::to_string(from) + ", " + std::to_string(to) +
                                       "); the ledger ends at " + std::to_string(durable_end));
}

Result<std::unique_ptr<LedgerReader>> LedgerReader::open(const std::string& directory, FileSystem& files) {
  Result<std::vector<std::shared_ptr<Segment>>> segments =
      SegmentList::open(files, directory, FileSystem::Mode::kRead);
  if (!segments) return tl::unexpected(segments.error());
  if (segments->empty()) {
    return fail(ErrorCode::kNotFound, "no ledger here: the directory holds no segment", directory,
                "name another directory");
  }
  Result<SegmentEnd> end = segments->back()->find_end();
  if (!end) return tl::unexpected(end.error());
  std::unique_ptr<LedgerReader> out(new LedgerReader(files, directory));
  out->id_ = segments->front()->header().ledger;
  out->end_ = *end;
  out->segments_.assign(std::move(*segments));
  return out;
}

Status LedgerReader::read(Position from, Position to,
                          const std::function<Status(Position, Bytes)>& visit) const {
  if (Status range = check_range(from, to, durable_end()); !range) return range;
  return segments_.read(from, to, visit);
}

Result<std::optional<Checkpoint>> LedgerReader::newest_checkpoint() const {
  Result<FoundCheckpoint> found = find_checkpoint(files_, directory_, id_, durable_end());
  if (!found) return tl::unexpected(found.error());
  return std::move(found->checkpoint);
}

}  // namespace weir::store
