#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/event/event.h"
#include "core/graph/graph.h"
#include "core/ports/history.h"
#include "core/ports/log_store.h"
#include "infrastructure/store/format.h"
#include "infrastructure/store/sqlite.h"

namespace weir::store {

// Of one bill; more are refused.
inline constexpr size_t kBillLinesMax = 50'000;

// History and bills in an SQLite file, computed from the ledger alone: the file can be deleted at will.
// Events and the position up to which they are in the views change in one transaction, so every event counts
// once.
//
// Billed is what a plan reserves, at the asks frozen in it, while it holds it (from its commit until it is
// retired, or a later plan goes on with the run) and for as long as the run was metered: the union of the
// windows of UsageReported, so that a window that is in the ledger twice is billed once.
//
// Memory is that of one transaction and of a graph, which share() has in common with its owner.
//
// update() and share() are for one thread; everything else may be called from any other at the same time.
class Views {
 public:
  // Makes the file if there is none; a damaged one, one of another ledger or layout is made anew.
  static Result<std::unique_ptr<Views>> open(const std::string& path, const LedgerId& ledger);

  ~Views();

  // Events below this position are in the views.
  Position position() const { return position_; }

  // Takes the events up to `end`, at most log.durable_end(). The first call after opening folds older ones
  // again, from the newest checkpoint that is old enough, without writing, to know the present. Views that
  // are ahead of the ledger, or hold other events than it, are made anew. kUnsupported, kCorrupt: an event
  // cannot be decoded; the ones before it are in. kCorrupt with where == path: the file is damaged; remove it
  // and open again.
  Status update(const LogReader& log, Position end);
  // Goes on with the owner's copy if it is of this position, to hold in common what they have in common.
  void share(const Graph& graph);

  // As in History.
  Result<Bill> bill(const std::string& tenant, TimeUs from, TimeUs to) const;
  Result<std::vector<EventRow>> events(const EventFilter& filter) const;
  Result<RunHistory> run(RunId run) const;
  Result<std::optional<PromiseHistory>> measured(IntentId intent) const;
  enum class Of { kSite, kLink, kPromise, kFailure };
  Result<std::string> why(Of kind, uint32_t id) const;

 private:
  struct Statements;
  class Writing;

  Views(Database writer, Database lists, Database lookups, const LedgerId& ledger);
  static Result<std::unique_ptr<Views>> try_open(const std::string& path, const LedgerId& ledger);
  Result<bool> read_state();
  Status prepare();
  Status clear();
  Result<bool> agrees_with(const LogReader& log);
  Status know_the_present(const LogReader& log);
  Status take(Position position, Bytes record, bool write);
  static bool counts_for_failure(const Graph& before, const Event& event);
  Status write(Position position, const Event& event, const Applied& applied, bool counts_for_failure);

  Database writer_;
  // Two, so that a long list does not hold up single answers.
  mutable Database lists_, lookups_;
  mutable std::mutex lists_mutex_, lookups_mutex_;
  LedgerId ledger_;
  std::unique_ptr<Statements> statements_;
  std::atomic<Position> position_ = 0;  // in the file
  Graph graph_;                         // may lag behind position_ until the first update
  std::string last_hash_;               // of the record before position_
};

}  // namespace weir::store
