#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/log_store.h"
#include "service/gateway/bill.h"

namespace weir::gateway {

// What the graph does not keep, because no decision needs it: read from the ledger as it grows. Safe to call
// from several threads. The first call after a start reads the whole ledger.
class History {
 public:
  explicit History(const LogReader& log) : log_(log) {}

  // Takes in what is durable by now. An error is that of the log or the codec; what was taken before stays.
  Status catch_up();

  struct Bill {
    std::vector<BillLine> lines;
    Position ledger_size = 0;
  };
  Bill bill(TimeUs from, TimeUs to) const;

  struct Run {
    TimeUs started = 0;  // 0: not yet
    std::string why;
    int64_t cpu_us = 0;
    int64_t memory_mib_us = 0;
    int64_t received_bytes = 0, sent_bytes = 0;
    int64_t energy_microjoule = 0;
  };
  Run run(RunId id) const;

  // The newest window of each ingress, added up; the latencies of the slowest ingress.
  struct Measured {
    int64_t samples = 0, misses = 0, lost = 0;
    int64_t latency_us_p50 = 0, latency_us_p99 = 0;
  };
  std::optional<Measured> measured(IntentId intent) const;

  std::string why(SiteId site) const;
  std::string why(LinkId link) const;
  std::string why(IntentId intent) const;  // of its promise

 private:
  void take(Position position, const Event& event);

  const LogReader& log_;
  mutable std::mutex mutex_;
  Billing billing_;
  std::map<RunId, Run> runs_;
  std::map<IntentId, std::map<SiteId, Measured>> measured_;
  std::map<SiteId, std::string> site_why_;
  std::map<LinkId, std::string> link_why_;
  std::map<IntentId, std::string> promise_why_;
};

}  // namespace weir::gateway
