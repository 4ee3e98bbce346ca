#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/event/event.h"
#include "core/graph/graph.h"

namespace weir::gateway {

struct BillLine {
  IntentId intent;
  SiteId site;                 // of the run
  std::string item;            // "core", "memory", "accelerator", "network"
  std::string unit;            // "core-hour", "GiB-hour", "accelerator-hour", "path-hour"
  int64_t quantity_milli = 0;  // rounded, for reading; the amount is computed from the exact quantity
  Nanocredits price = 0;       // of one unit, as frozen in the plan
  Nanocredits amount = 0;      // rounded once, half up
  Position plan = 0;
  friend bool operator==(const BillLine&, const BillLine&) = default;
};

// quantity * price / divisor, rounded half up, saturating. Requires quantity >= 0, price >= 0, divisor > 0.
Nanocredits line_amount(unsigned __int128 quantity, Nanocredits price, uint64_t divisor);

// What tenants owe: what their plans reserved, at the asks frozen there, for as long as sites metered the
// runs (the windows of UsageReported). So a bill adds up to the price per hour that the plan said, for the
// hours that it ran. Folded from the ledger as it grows; not safe to call from several threads.
class Billing {
 public:
  // Takes the ledger's next event; position ascends by one.
  void take(Position position, const Event& event);
  Position next() const { return next_; }

  // Of all intents, in the window [from, to), ordered by intent, plan, site, item.
  std::vector<BillLine> lines(TimeUs from, TimeUs to) const;

 private:
  struct Window {
    TimeUs from = 0, to = 0;
  };
  struct Term {  // from `since` on, the run is held by this placement
    TimeUs since = 0;
    Position plan = 0;
    IntentId intent;
    Placement placement;
    Nanocredits path_per_hour = 0;
  };
  struct Use {
    std::vector<Term> terms;
    std::vector<Window> windows;  // ascending, merged
  };
  Position next_ = 0;
  std::map<RunId, Use> uses_;
};

}  // namespace weir::gateway
