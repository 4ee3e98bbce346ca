#include "infrastructure/store/views.h"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <variant>

#include "core/event/codec.h"
#include "core/graph/checkpoint.h"
#include "core/graph/subject.h"
#include "core/ledger/hash.h"
#include "core/price/price.h"
#include "infrastructure/store/views_schema.h"

namespace weir::store {
namespace {

constexpr Position kEventsPerTransaction = 2000;

// FULL would wait for the disk with each transaction; what a crash takes back is taken from the ledger again.
constexpr const char* kPragmas =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;";

std::string hex_of(const LedgerId& id) {
  Hash wide;
  std::transform(id.begin(), id.end(), wide.bytes.begin(),
                 [](std::byte b) { return std::to_integer<uint8_t>(b); });
  return to_hex(wide).substr(0, 2 * id.size());
}

// "cpu_us = what it was + the new one", not beyond the largest integer, where SQLite would go on in floating
// point.
std::string add_up(const char* column) {
  const std::string c = column;
  return c + " = CASE WHEN " + c + " > 9223372036854775807 - excluded." + c +
         " THEN 9223372036854775807 ELSE " + c + " + excluded." + c + " END";
}

}  // namespace

struct Views::Statements {
  Statement event, close_run, open, close_plan, overlapping, erase, insert, usage, run_state, measured,
      reason, state;
};

Views::Views(Database writer, Database lists, Database lookups, const LedgerId& ledger)
    : writer_(std::move(writer)), lists_(std::move(lists)), lookups_(std::move(lookups)), ledger_(ledger) {}

Views::~Views() = default;

Result<std::unique_ptr<Views>> Views::open(const std::string& path, const LedgerId& ledger) {
  Result<std::unique_ptr<Views>> views = try_open(path, ledger);
  if (views || views.error().code != ErrorCode::kCorrupt) return views;
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
  return try_open(path, ledger);
}

Result<std::unique_ptr<Views>> Views::try_open(const std::string& path, const LedgerId& ledger) {
  Result<Database> writer = Database::open(path, Database::Mode::kReadWriteCreate);
  if (!writer) return tl::unexpected(writer.error());
  if (Status set = writer->run(kPragmas); !set) return tl::unexpected(set.error());
  Result<Database> lists = Database::open(path, Database::Mode::kRead);
  if (!lists) return tl::unexpected(lists.error());
  Result<Database> lookups = Database::open(path, Database::Mode::kRead);
  if (!lookups) return tl::unexpected(lookups.error());
  std::unique_ptr<Views> out(new Views(std::move(*writer), std::move(*lists), std::move(*lookups), ledger));
  Result<bool> known = out->read_state();
  if (!known) return tl::unexpected(known.error());
  if (!*known) {
    if (Status cleared = out->clear(); !cleared) return tl::unexpected(cleared.error());
  }
  if (Status ready = out->prepare(); !ready) return tl::unexpected(ready.error());
  return out;
}

// False if the file holds no state of this ledger and layout.
Result<bool> Views::read_state() {
  Result<Statement> table =
      writer_.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'state'");
  if (!table) return tl::unexpected(table.error());
  Result<bool> any = table->step();
  if (!any || !*any) return any;
  Result<Statement> state = writer_.prepare("SELECT layout, ledger, position, last_hash FROM state");
  if (!state) return false;  // of a layout that had other columns
  Result<bool> row = state->step();
  if (!row || !*row) return row;
  if (state->integer(0) != kViewsLayout || state->text(1) != hex_of(ledger_)) return false;
  position_ = static_cast<Position>(state->integer(2));
  last_hash_ = state->text(3);
  return true;
}

Status Views::prepare() {
  const std::string sums = add_up("cpu_us") + ", " + add_up("memory_mib_us") + ", " +
                           add_up("received_bytes") + ", " + add_up("sent_bytes") + ", " +
                           add_up("energy_microjoule");
  const std::string texts[] = {
      "INSERT INTO event VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
      "UPDATE term SET to_us = MAX(from_us, ?3) WHERE run_plan = ?1 AND run_item = ?2 AND to_us = " +
          std::to_string(kOpenEnd),
      "INSERT OR REPLACE INTO term VALUES(?1, ?2, ?3, ?4, " + std::to_string(kOpenEnd) +
          ", ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
      "UPDATE term SET to_us = MAX(from_us, ?2) WHERE plan = ?1 AND to_us = " + std::to_string(kOpenEnd),
      "SELECT from_us, to_us FROM metered WHERE run_plan = ?1 AND run_item = ?2 AND from_us <= ?4 AND to_us "
      ">= ?3",
      "DELETE FROM metered WHERE run_plan = ?1 AND run_item = ?2 AND from_us >= ?3 AND from_us <= ?4",
      "INSERT INTO metered VALUES(?1, ?2, ?3, ?4)",
      "INSERT INTO run(run_plan, run_item, cpu_us, memory_mib_us, received_bytes, sent_bytes, "
      "energy_microjoule) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET " +
          sums,
      "INSERT INTO run(run_plan, run_item, started_us, why, state, exit_code, ended_us) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET "
      "started_us = CASE WHEN started_us = 0 THEN excluded.started_us ELSE started_us END, why = "
      "excluded.why, "
      "state = excluded.state, exit_code = excluded.exit_code, ended_us = excluded.ended_us",
      "INSERT OR REPLACE INTO measured VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      "INSERT OR REPLACE INTO reason VALUES(?1, ?2, ?3)",
      "INSERT OR REPLACE INTO state VALUES(1, ?1, ?2, ?3, ?4)",
  };
  std::vector<Statement> made;
  for (const std::string& text : texts) {
    Result<Statement> statement = writer_.prepare(text);
    if (!statement) return tl::unexpected(statement.error());
    made.push_back(std::move(*statement));
  }
  size_t next = 0;
  const auto take = [&] { return std::move(made[next++]); };
  // Braces evaluate in order.
  statements_.reset(new Statements{take(), take(), take(), take(), take(), take(), take(), take(), take(),
                                   take(), take(), take()});
  return {};
}

Status Views::clear() {
  statements_ = nullptr;
  std::vector<std::string> tables;
  {
    Result<Statement> all = writer_.prepare("SELECT name FROM sqlite_master WHERE type = 'table'");
    if (!all) return tl::unexpected(all.error());
    Result<bool> row = all->step();
    for (; row && *row; row = all->step()) tables.push_back(all->text(0));
    if (!row) return tl::unexpected(row.error());
  }
  std::string script = "BEGIN IMMEDIATE;";
  for (const std::string& table : tables) script += "DROP TABLE \"" + table + "\";";
  if (Status dropped = writer_.run(script + kViewsTables + "COMMIT"); !dropped) return dropped;
  position_ = 0;
  last_hash_.clear();
  graph_ = Graph();
  return {};
}

void Views::share(const Graph& graph) {
  if (graph.version() == position_) graph_ = graph;
}

Result<bool> Views::agrees_with(const LogReader& log) {
  if (position_ == 0) return true;
  if (position_ > log.durable_end()) return false;
  bool same = false;
  Status read = log.read(position_ - 1, position_, [&](Position, Bytes record) -> Status {
    same = to_hex(leaf_hash(record)) == last_hash_;
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return same;
}

Status Views::know_the_present(const LogReader& log) {
  if (graph_.version() >= position_) return {};
  // A checkpoint only saves work: without a good one everything is folded.
  if (Result<std::optional<Checkpoint>> saved = log.newest_checkpoint();
      saved && *saved && (*saved)->version <= position_ && (*saved)->version > graph_.version()) {
    if (Result<Graph> graph = decode_graph((*saved)->state); graph && graph->version() == (*saved)->version) {
      graph_ = std::move(*graph);
    }
  }
  return log.read(graph_.version(), position_,
                  [this](Position position, Bytes record) { return take(position, record, false); });
}

Status Views::update(const LogReader& log, Position end) {
  Result<bool> agrees = agrees_with(log);
  if (!agrees) return tl::unexpected(agrees.error());
  if (!*agrees) {
    if (Status cleared = clear(); !cleared) return cleared;
    if (Status prepared = prepare(); !prepared) return prepared;
  }
  end = std::min(end, log.durable_end());
  if (position_ < end) {
    if (Status known = know_the_present(log); !known) return known;
  }
  while (position_ < end) {
    const Position from = position_;
    if (Status begun = writer_.run("BEGIN IMMEDIATE"); !begun) return begun;
    Position taken = from;
    std::string hash;
    Status read = log.read(from, std::min(end, from + kEventsPerTransaction),
                           [&](Position position, Bytes record) -> Status {
                             Status done = take(position, record, true);
                             if (!done) return done;
                             hash = to_hex(leaf_hash(record));
                             taken = position + 1;
                             return {};
                           });
    // An event that cannot be decoded leaves those before it in; a failed write takes all of them back.
    const bool undecodable = !read && graph_.version() == taken;
    Status stored;
    if (read || undecodable) {
      if (taken > from) {
        stored = statements_->state.bind(1, kViewsLayout)
                     .bind(2, hex_of(ledger_))
                     .bind(3, static_cast<int64_t>(taken))
                     .bind(4, hash)
                     .run();
      }
      if (stored) stored = writer_.run("COMMIT");
    } else {
      stored = read;
    }
    if (!stored) {
      (void)writer_.run("ROLLBACK");
      graph_ = Graph();
      return stored;
    }
    if (taken > from) last_hash_ = hash;
    position_ = taken;
    if (!read) return read;
  }
  return {};
}

Status Views::take(Position position, Bytes record, bool write_rows) {
  Result<Event> event = decode(record);
  if (!event) {
    Error error = event.error();
    error.where = "record " + std::to_string(position) + (error.where.empty() ? "" : ": " + error.where);
    return tl::unexpected(std::move(error));
  }
  const bool counts = write_rows && counts_for_failure(graph_, *event);
  Applied applied = graph_.apply(*event);
  return write_rows ? write(position, *event, applied, counts) : Status();
}

// Whether the event tells how the work of an intent fares, by the state before it: a run does that is to go
// on, neither told to stop nor left to a plan that is given up; and so does an intent that begins anew.
bool Views::counts_for_failure(const Graph& before, const Event& event) {
  if (const auto* submitted = std::get_if<IntentSubmitted>(&event.body)) {
    return submitted->intent.index() < before.intent_count() &&
           before.intent(submitted->intent).state == IntentState::kWithdrawn;
  }
  const auto* changed = std::get_if<RunStateChanged>(&event.body);
  if (!changed || changed->intent.index() >= before.intent_count()) return false;
  const IntentRow& row = before.intent(changed->intent);
  if (std::any_of(row.runs.begin(), row.runs.end(), [changed](const RunRow& known) {
        return known.run == changed->run && known.state == RunState::kStopping;
      })) {
    return false;
  }
  for (size_t i = 0; row.active && i < row.active->plan.placements.size(); ++i) {
    if (row.active->run(i) == changed->run) return true;
  }
  return false;
}

// ---- rows --------------------------------------------------------------------------------------------

// What one event that had an effect leaves in the tables.
class Views::Writing {
 public:
  // `counts_for_failure`: by the state before the event.
  Writing(Statements& statements, const Graph& graph, Position position, TimeUs at, bool counts_for_failure)
      : statements_(statements),
        graph_(graph),
        position_(position),
        at_(at),
        counts_for_failure_(counts_for_failure) {}

  template <class Body>
  Status operator()(const Body&) {
    return {};
  }

  Status operator()(const IntentSubmitted& e) {
    return counts_for_failure_ ? why(Of::kFailure, e.intent.value, "") : Status();
  }

  Status operator()(const PlanCommitted& e) {
    const Plan& plan = e.plan;
    std::vector<Nanocredits> paths(plan.placements.size());
    for (const Flow& flow : plan.flows)
      paths[flow.placement] = saturating_add(paths[flow.placement], flow.path_per_hour);
    const std::string& full = graph_.intent_name(plan.intent);
    for (uint32_t i = 0; i < plan.placements.size(); ++i) {
      const Placement& p = plan.placements[i];
      const RunId run = p.continues.valid() ? p.continues : RunId{position_, i};
      if (p.continues.valid()) {
        if (Status closed = bind(statements_.close_run, run).bind(3, at_).run(); !closed) return closed;
      }
      Statement& row = bind(statements_.open, run);
      row.bind(3, static_cast<int64_t>(position_)).bind(4, at_);
      row.bind(5, graph_.tenant_name(graph_.intent(plan.intent).tenant))
          .bind(6, std::string_view(full).substr(full.find('/') + 1));
      row.bind(7, graph_.site_name(p.site)).bind(8, int64_t{p.cpu_milli}).bind(9, int64_t{p.memory_mib});
      row.bind(10, device_milli(p)).bind(11, p.asks.per_core_hour).bind(12, p.asks.per_gib_hour);
      if (Status opened = row.bind(13, p.asks.per_accelerator_hour).bind(14, paths[i]).run(); !opened)
        return opened;
    }
    return {};
  }

  Status operator()(const PlanRetired& e) {
    return statements_.close_plan.bind(1, static_cast<int64_t>(e.plan)).bind(2, at_).run();
  }

  Status operator()(const UsageReported& e) {
    Statement& sums = bind(statements_.usage, e.run);
    sums.bind(3, e.cpu_us).bind(4, e.memory_mib_us).bind(5, e.received_bytes).bind(6, e.sent_bytes);
    if (Status added = sums.bind(7, e.energy_microjoule).run(); !added) return added;
    TimeUs from = e.from, to = e.to;
    if (to <= from) return {};
    Statement& overlapping = bind(statements_.overlapping, e.run).bind(3, from).bind(4, to);
    Result<bool> row = overlapping.step();
    for (; row && *row; row = overlapping.step()) {
      from = std::min(from, overlapping.integer(0));
      to = std::max(to, overlapping.integer(1));
    }
    overlapping.reset();
    if (!row) return tl::unexpected(row.error());
    if (Status erased = bind(statements_.erase, e.run).bind(3, from).bind(4, to).run(); !erased)
      return erased;
    return bind(statements_.insert, e.run).bind(3, from).bind(4, to).run();
  }

  Status operator()(const RunStateChanged& e) {
    const bool ended =
        e.state == RunState::kExited || e.state == RunState::kFailed || e.state == RunState::kLost;
    Statement& row = bind(statements_.run_state, e.run).bind(3, e.state == RunState::kRunning ? at_ : 0);
    row.bind(4, e.why).bind(5, static_cast<int64_t>(e.state)).bind(6, int64_t{e.exit_code});
    if (Status written = row.bind(7, ended ? at_ : 0).run(); !written) return written;
    const bool well = e.state == RunState::kExited && e.exit_code == 0;
    if (!counts_for_failure_ || (e.state != RunState::kRunning && !ended)) return {};
    return why(Of::kFailure, e.intent.value, ended && !well ? failure(e) : "");
  }

  Status operator()(const PromiseMeasured& e) {
    Statement& row = statements_.measured;
    row.bind(1, int64_t{e.intent.value})
        .bind(2, int64_t{e.ingress.value})
        .bind(3, e.samples)
        .bind(4, e.misses);
    return row.bind(5, e.lost).bind(6, e.latency_us_p50).bind(7, e.latency_us_p99).run();
  }

  // Of a job that the brain ended: what became of its promise.
  Status operator()(const IntentWithdrawn& e) {
    return e.why.empty() ? Status() : why(Of::kPromise, e.intent.value, e.why);
  }
  Status operator()(const SiteStateChanged& e) { return why(Of::kSite, e.site.value, e.why); }
  Status operator()(const LinkStateChanged& e) { return why(Of::kLink, e.link.value, e.why); }
  Status operator()(const PromiseStateChanged& e) { return why(Of::kPromise, e.intent.value, e.why); }

 private:
  static Statement& bind(Statement& statement, RunId run) {
    return statement.bind(1, static_cast<int64_t>(run.plan)).bind(2, int64_t{run.item});
  }
  std::string failure(const RunStateChanged& e) const {
    std::string out = "run";
    for (const RunRow& row : graph_.intent(e.intent).runs) {
      if (row.run == e.run) out += " at " + graph_.site_name(row.site);
    }
    out += e.state == RunState::kFailed ? " failed" : e.state == RunState::kLost ? " was lost" : " ended";
    if (e.exit_code != 0) out += " with exit code " + std::to_string(e.exit_code);
    return e.why.empty() ? out : out + ": " + e.why;
  }
  Status why(Of kind, uint32_t id, const std::string& text) {
    return statements_.reason.bind(1, static_cast<int64_t>(kind)).bind(2, int64_t{id}).bind(3, text).run();
  }

  Statements& statements_;
  const Graph& graph_;
  const Position position_;
  const TimeUs at_;
  const bool counts_for_failure_;
};

Status Views::write(Position position, const Event& event, const Applied& applied, bool counts_for_failure) {
  const EventSubject subject = subject_of(graph_, event);
  const bool owned = subject.tenant.index() < graph_.tenant_count();
  Statement& row = statements_->event;
  row.bind(1, static_cast<int64_t>(position)).bind(2, graph_.now()).bind(3, event.name());
  row.bind(4, owned ? std::string_view(graph_.tenant_name(subject.tenant)) : std::string_view())
      .bind(5, subject.name);
  row.bind(6, applied.effect ? std::string_view() : std::string_view(applied.why_not));
  if (Status written = row.run(); !written) return written;
  if (!applied.effect) return {};
  return std::visit(Writing(*statements_, graph_, position, event.at, counts_for_failure), event.body);
}

}  // namespace weir::store
