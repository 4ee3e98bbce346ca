#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/event/event.h"
#include "core/graph/graph.h"
#include "core/ports/log_store.h"
#include "infrastructure/store/format.h"
#include "infrastructure/store/sqlite.h"

namespace weir::store {

struct HistoryRow {
  Position position = 0;
  TimeUs at = 0;
  std::string actor, kind, subject, tenant, text;
  std::string no_effect;  // why the event changed nothing; empty: it did
  friend bool operator==(const HistoryRow&, const HistoryRow&) = default;
};

struct HistoryFilter {
  std::string tenant;   // empty: all
  std::string subject;  // empty: all
  Position from = 0;
  Position to = std::numeric_limits<int64_t>::max();
  bool newest_first = false;
  uint32_t rows_max = 1000;
};

// What was held of one kind, at one place and price, by one intent.
struct BillLine {
  std::string tenant, intent;
  std::string kind;                // "instance" or "path"
  std::string place;               // "metro", or "street-a>metro"
  Nanocredits price_per_hour = 0;  // asked by the provider, as frozen in the plan
  int64_t duration_us = 0;         // of all such items together
  Nanocredits amount = 0;          // price times duration, rounded once, half away from zero
  friend bool operator==(const BillLine&, const BillLine&) = default;
};

struct UsageRow {
  std::string tenant, intent;
  int64_t cpu_us = 0, memory_mib_s = 0, received_bytes = 0, sent_bytes = 0, energy_microjoule = 0;
  friend bool operator==(const UsageRow&, const UsageRow&) = default;
};

// History and bills in an SQLite file, computed from the ledger alone: the file can be deleted at will.
// Events and the position up to which they are in the views change in one transaction, so every event counts
// once.
//
// Billed are instances from the moment their run runs until it ends or its plan is retired, and the paths of
// their flows for as long; at the prices frozen in the plan that holds them. A run that goes on under a later
// plan is billed at that plan's prices from its commit on.
//
// update() is for one thread; queries may come from any other at the same time.
class Views {
 public:
  // Makes the file if there is none; a damaged one, one of another ledger or layout is made anew.
  static Result<std::unique_ptr<Views>> open(const std::string& path, const LedgerId& ledger);

  ~Views();

  // Events below this position are in the views.
  Position position() const;

  // Takes the events up to log.durable_end(). The first call after opening folds the older ones again,
  // without writing, to know the present. Views that are ahead of the ledger, or hold other events than it,
  // are made anew. kUnsupported, kCorrupt: an event cannot be decoded; the ones before it are in.
  Status update(const LogReader& log);

  Result<std::vector<HistoryRow>> history(const HistoryFilter& filter) const;
  // Lines of one tenant (empty: of all) for [from, to); what is still held counts up to `to`.
  Result<std::vector<BillLine>> bill(const std::string& tenant, TimeUs from, TimeUs to) const;
  // Metered use that was reported for intervals beginning in [from, to).
  Result<std::vector<UsageRow>> usage(const std::string& tenant, TimeUs from, TimeUs to) const;

 private:
  // One thing that is being billed: intent, plan, path or instance, index in the plan.
  using ItemKey = std::tuple<uint32_t, Position, bool, uint32_t>;
  struct Item {
    std::string place;
    Nanocredits price_per_hour = 0;
  };
  struct Statements;

  Views(Database writer, Database reader, const LedgerId& ledger);
  static Result<std::unique_ptr<Views>> try_open(const std::string& path, const LedgerId& ledger);
  Result<bool> read_state();
  Status prepare();
  Status clear();
  Result<bool> agrees_with(const LogReader& log);
  Status take(Position position, Bytes record, bool write);
  Status write_history(Position position, const Event& event, const Applied& applied);
  Status write_usage(Position position, const UsageReported& usage);
  Status settle(IntentId intent, TimeUs at, bool write);
  std::map<ItemKey, Item> held_by(IntentId intent) const;

  Database writer_;
  mutable Database reader_;
  mutable std::mutex reader_mutex_;
  LedgerId ledger_;
  std::unique_ptr<Statements> statements_;
  Position position_ = 0;  // in the file
  Graph graph_;            // may lag behind position_ until the first update
  std::string last_hash_;  // of the record before position_
  std::map<ItemKey, Item> held_;
};

}  // namespace weir::store
