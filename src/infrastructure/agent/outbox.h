#pragma once

#include <cstdint>
#include <deque>
#include <variant>
#include <vector>

#include "core/ports/wire.h"
#include "core/result/result.h"

namespace weir::agent {

// What must reach the ledger once it was observed.
using LastingReport = std::variant<UsageReport, PromiseReport, SwitchReport>;

struct NumberedReport {
  uint64_t sequence = 0;
  LastingReport report;
  TimeUs sent_us = 0;  // steady; 0: never
};

// Reports wait here, numbered from 1, until the brain says that they are durable. Bounded: a switch may use
// the last eighth of the room, other reports may not. Pure.
class Outbox {
 public:
  explicit Outbox(size_t reports_max) : reports_max_(reports_max) {}

  // The number given. kExhausted: no room; nothing is kept.
  Result<uint64_t> add(LastingReport report);
  bool has_room() const { return waiting_.size() < ordinary_max(); }

  // Forgets those up to and including `sequence`, and returns them.
  std::vector<LastingReport> acknowledge(uint64_t sequence);

  // Those that were never sent, or longer than `patience_us` ago; they are taken as sent now.
  std::vector<NumberedReport> take_due(TimeUs now_us, TimeUs patience_us);
  // A new connection: nothing counts as sent.
  void rewind();

  size_t size() const { return waiting_.size(); }
  const std::deque<NumberedReport>& waiting() const { return waiting_; }

 private:
  size_t ordinary_max() const { return reports_max_ - reports_max_ / 8; }
  size_t reports_max_;
  uint64_t next_ = 1;
  std::deque<NumberedReport> waiting_;  // ascending
};

}  // namespace weir::agent
