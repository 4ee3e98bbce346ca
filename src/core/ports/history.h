#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/event/types.h"
#include "core/ids/ids.h"
#include "core/result/result.h"

namespace weir {

// What one plan of an intent owes for one kind of resource at one site and price.
struct BillLine {
  std::string tenant;
  std::string intent;  // its name within the tenant
  Position plan = 0;   // that froze the price; 0: those of all tasks of an array
  std::string site;    // of the runs
  std::string item;    // "core", "memory", "accelerator", "network"
  std::string unit;    // "core-hour", "GiB-hour", "accelerator-hour", "path-hour"
  int64_t quantity_milli =
      0;  // thousandths of the unit, rounded, for reading; the amount is of the exact quantity
  Nanocredits price = 0;   // of one unit
  Nanocredits amount = 0;  // rounded once, half up
  friend bool operator==(const BillLine&, const BillLine&) = default;
};

struct Bill {
  std::vector<BillLine> lines;  // by tenant, intent, plan, site, item, price
  Position size = 0;            // records of the ledger that it is computed from
};

struct EventFilter {
  std::string tenant;              // that it concerns; empty: any
  std::vector<std::string> names;  // "PlanCommitted"; empty: all
  TimeUs since = 0;                // not before this time
  Position from = 0, to = std::numeric_limits<int64_t>::max();
  size_t rows_max = 1'000;
};
struct EventRow {
  Position position = 0;
  std::string subject;    // as subject_of() has it
  std::string no_effect;  // why it changed nothing; empty: it did
  friend bool operator==(const EventRow&, const EventRow&) = default;
};

struct RunHistory {
  TimeUs started = 0;  // 0: not yet
  std::string why;     // of its newest state
  int64_t cpu_us = 0;
  int64_t memory_mib_us = 0;
  int64_t received_bytes = 0, sent_bytes = 0;
  int64_t energy_microjoule = 0;
  RunState state = RunState::kPlanned;  // the newest
  int32_t exit_code = 0;
  TimeUs ended = 0;  // 0: not yet; where no end was reported, when its last plan was retired
  // Of the newest plan that held it; empty and 0: the run is unknown.
  std::string tenant, intent, site;
  Nanocredits billed_per_hour = 0;
  friend bool operator==(const RunHistory&, const RunHistory&) = default;
};

// The newest window of each ingress, added up; the latencies of the slowest ingress.
struct PromiseHistory {
  int64_t samples = 0, misses = 0, lost = 0;
  int64_t latency_us_p50 = 0, latency_us_p99 = 0;
  friend bool operator==(const PromiseHistory&, const PromiseHistory&) = default;
};

// What the ledger tells and the graph does not keep, because no decision needs it. It follows the durable end
// with a small delay. Every function may be called from any thread.
class History {
 public:
  virtual ~History() = default;

  // Records below this position are in.
  virtual Position size() const = 0;
  // Waits until so many are in. kUnavailable: not within patience_us; otherwise why it cannot go on.
  virtual Status wait_for(Position size, TimeUs patience_us) = 0;

  // What the plans of a tenant (empty: of all) reserved, at the asks frozen in them, for the time in [from,
  // to) for which sites metered the runs and the plans held them. kExhausted: too many lines.
  virtual Result<Bill> bill(const std::string& tenant, TimeUs from, TimeUs to) const = 0;
  // In order of position.
  virtual Result<std::vector<EventRow>> events(const EventFilter& filter) const = 0;

  // Empty where nothing is known, or nothing can be read now.
  virtual RunHistory run(RunId run) const = 0;
  virtual std::optional<PromiseHistory> measured(IntentId intent) const = 0;
  virtual std::string why(SiteId site) const = 0;
  virtual std::string why(LinkId link) const = 0;
  virtual std::string why(IntentId intent) const = 0;  // of its promise, or that the brain ended it
  // How the newest run of the intent that ended badly did so, as "run at metro failed: no program"; empty:
  // none has, or one has been running or ended well since, or the intent was submitted anew after its withdrawal.
  // A run that was told to stop, or that the active plan does not hold, does not count however it ended.
  virtual std::string failure(IntentId intent) const = 0;
};

}  // namespace weir
