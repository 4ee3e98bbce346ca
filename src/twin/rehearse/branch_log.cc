#include "twin/rehearse/branch_log.h"

namespace weir::twin {

Status BranchLog::read(Position from, Position to, const std::function<Status(Position, Bytes)>&) const {
  if (from == to) return {};
  return fail(ErrorCode::kUnsupported, "the records of a rehearsal are not kept");
}

Status BranchLog::append(std::span<const Bytes> records, Urgency) {
  end_ += records.size();
  return {};
}

Status BranchLog::flush() {
  durable_end_ = end_;
  return {};
}

}  // namespace weir::twin
