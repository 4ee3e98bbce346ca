#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/graph/graph.h"
#include "core/ports/log_store.h"

namespace weir::twin {

// A graph as the newest checkpoint of a ledger; from there on a log branches off that is written and never read: a loop that
// recovers from it begins with the domain as it is, and nothing that it does reaches the ledger.
class BranchLog final : public LogStore {
 public:
  // As encode_graph() writes it, so that many branches can share it.
  using State = std::shared_ptr<const std::vector<std::byte>>;
  BranchLog(Position version, State state) : state_(std::move(state)), base_(version), end_(version), durable_end_(version) {}

  Position durable_end() const override { return durable_end_; }
  // kUnsupported unless nothing is to be read.
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const override;
  Result<std::optional<Checkpoint>> newest_checkpoint() const override { return Checkpoint{base_, *state_}; }
  Position end() const override { return end_; }
  Status append(std::span<const Bytes> records, Urgency urgency) override;
  Status flush() override;
  Status save_checkpoint(const Checkpoint&) override { return {}; }

 private:
  State state_;
  Position base_, end_, durable_end_;
};

}  // namespace weir::twin
