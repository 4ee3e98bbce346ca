#pragma once

#include "core/ledger/merkle.h"
#include "core/ports/log_store.h"

namespace weir::twin {

// A ledger of which only the tree is kept: the root says what a replay decided, and two replays with the same
// root decided the same; memory hardly grows. What was appended cannot be read again.
class HashLog final : public LogStore {
 public:
  HashLog();
  Position durable_end() const override { return durable_end_; }
  // kUnsupported unless nothing is to be read.
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const override;
  Result<std::optional<Checkpoint>> newest_checkpoint() const override { return std::nullopt; }
  Position end() const override { return tree_.size(); }
  Status append(std::span<const Bytes> records, Urgency urgency) override;
  Status flush() override;
  Status save_checkpoint(const Checkpoint&) override { return {}; }

  TreeHead head() const { return tree_.head(); }
  uint64_t bytes() const { return bytes_; }

 private:
  MerkleTree tree_;
  Position durable_end_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace weir::twin
