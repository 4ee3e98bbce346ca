#include "infrastructure/store/views.h"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <variant>

#include "core/event/codec.h"
#include "core/ledger/hash.h"
#include "infrastructure/store/event_summary.h"

namespace weir::store {
namespace {

constexpr int64_t kLayout = 1;
constexpr Position kEventsPerTransaction = 2000;
constexpr int64_t kHourUs = 3'600'000'000;

constexpr const char* kPragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS state(
  only INTEGER PRIMARY KEY CHECK (only = 1), layout INTEGER, ledger TEXT, position INTEGER, last_hash TEXT);
CREATE TABLE IF NOT EXISTS history(
  position INTEGER PRIMARY KEY, at_us INTEGER, actor TEXT, kind TEXT, subject TEXT, tenant TEXT, text TEXT,
  no_effect TEXT);
CREATE INDEX IF NOT EXISTS history_by_subject ON history(subject, position);
CREATE INDEX IF NOT EXISTS history_by_tenant ON history(tenant, position);
CREATE TABLE IF NOT EXISTS held(
  intent_row INTEGER, plan INTEGER, path INTEGER, item INTEGER, from_us INTEGER, to_us INTEGER,
  tenant TEXT, intent TEXT, place TEXT, price_per_hour INTEGER);
CREATE INDEX IF NOT EXISTS held_open ON held(intent_row, plan, path, item) WHERE to_us IS NULL;
CREATE INDEX IF NOT EXISTS held_by_tenant ON held(tenant, from_us);
CREATE TABLE IF NOT EXISTS usage(
  position INTEGER PRIMARY KEY, tenant TEXT, intent TEXT, run_plan INTEGER, run_item INTEGER, from_us INTEGER,
  to_us INTEGER, cpu_us INTEGER, memory_mib_s INTEGER, received_bytes INTEGER, sent_bytes INTEGER,
  energy_microjoule INTEGER);
CREATE INDEX IF NOT EXISTS usage_by_tenant ON usage(tenant, from_us);
)";
constexpr const char* kDropTables =
    "DROP TABLE IF EXISTS state; DROP TABLE IF EXISTS history; DROP TABLE IF EXISTS held; DROP TABLE IF "
    "EXISTS usage;";

std::string hex_of(const LedgerId& id) {
  Hash wide;
  std::transform(id.begin(), id.end(), wide.bytes.begin(),
                 [](std::byte b) { return std::to_integer<uint8_t>(b); });
  return to_hex(wide).substr(0, 2 * id.size());
}

std::optional<IntentId> intent_held_by(const EventBody& body) {
  if (auto* e = std::get_if<IntentWithdrawn>(&body)) return e->intent;
  if (auto* e = std::get_if<PlanCommitted>(&body)) return e->plan.intent;
  if (auto* e = std::get_if<PlanRetired>(&body)) return e->intent;
  if (auto* e = std::get_if<RunStateChanged>(&body)) return e->intent;
  return std::nullopt;
}

Nanocredits amount_of(Nanocredits price_per_hour, int64_t duration_us) {
  __int128 product = static_cast<__int128>(price_per_hour) * duration_us;
  __int128 half = product < 0 ? -kHourUs / 2 : kHourUs / 2;
  return static_cast<Nanocredits>((product + half) / kHourUs);
}

}  // namespace

struct Views::Statements {
  Statement history, open, close, usage, state;
};

Views::Views(Database writer, Database reader, const LedgerId& ledger)
    : writer_(std::move(writer)), reader_(std::move(reader)), ledger_(ledger) {}

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
  if (Status made = writer->run(kTables); !made) return tl::unexpected(made.error());
  Result<Database> reader = Database::open(path, Database::Mode::kRead);
  if (!reader) return tl::unexpected(reader.error());
  std::unique_ptr<Views> out(new Views(std::move(*writer), std::move(*reader), ledger));
  if (Status ready = out->prepare(); !ready) return tl::unexpected(ready.error());
  return out;
}

// False if the file holds no state of this ledger and layout.
Result<bool> Views::read_state() {
  Result<Statement> state = writer_.prepare("SELECT layout, ledger, position, last_hash FROM state");
  if (!state) return tl::unexpected(state.error());
  Result<bool> row = state->step();
  if (!row || !*row) return row;
  if (state->integer(0) != kLayout || state->text(1) != hex_of(ledger_)) return false;
  position_ = static_cast<Position>(state->integer(2));
  last_hash_ = state->text(3);
  return true;
}

Status Views::prepare() {
  Result<bool> known = read_state();
  if (!known) return tl::unexpected(known.error());
  if (!*known) {
    if (Status cleared = clear(); !cleared) return cleared;
  }
  auto history = writer_.prepare("INSERT INTO history VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!history) return tl::unexpected(history.error());
  auto open = writer_.prepare("INSERT INTO held VALUES(?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7, ?8, ?9)");
  if (!open) return tl::unexpected(open.error());
  auto close = writer_.prepare(
      "UPDATE held SET to_us = ?5 WHERE to_us IS NULL AND intent_row = ?1 AND plan = ?2 AND path = ?3 AND "
      "item = ?4");
  if (!close) return tl::unexpected(close.error());
  auto usage = writer_.prepare("INSERT INTO usage VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  if (!usage) return tl::unexpected(usage.error());
  auto state = writer_.prepare("INSERT OR REPLACE INTO state VALUES(1, ?1, ?2, ?3, ?4)");
  if (!state) return tl::unexpected(state.error());
  statements_ = std::make_unique<Statements>(Statements{
      std::move(*history), std::move(*open), std::move(*close), std::move(*usage), std::move(*state)});
  return {};
}

Status Views::clear() {
  statements_ = nullptr;
  if (Status dropped = writer_.run("BEGIN IMMEDIATE;" + std::string(kDropTables) + kTables + "COMMIT");
      !dropped)
    return dropped;
  position_ = 0;
  last_hash_.clear();
  graph_ = Graph();
  held_.clear();
  return {};
}

Position Views::position() const { return position_; }

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

Status Views::update(const LogReader& log) {
  Result<bool> agrees = agrees_with(log);
  if (!agrees) return tl::unexpected(agrees.error());
  if (!*agrees) {
    if (Status cleared = clear(); !cleared) return cleared;
    if (Status prepared = prepare(); !prepared) return prepared;
  }
  if (graph_.version() < position_) {
    Status folded = log.read(graph_.version(), position_, [this](Position position, Bytes record) {
      return take(position, record, false);
    });
    if (!folded) return folded;
  }
  for (Position end = log.durable_end(); position_ < end;) {
    Position from = position_;
    if (Status begun = writer_.run("BEGIN IMMEDIATE"); !begun) return begun;
    Position taken = from;
    Status read = log.read(from, std::min(end, from + kEventsPerTransaction),
                           [&](Position position, Bytes record) -> Status {
                             Status done = take(position, record, true);
                             if (!done) return done;
                             last_hash_ = to_hex(leaf_hash(record));
                             taken = position + 1;
                             return {};
                           });
    // An event that cannot be decoded leaves those before it in; a failed write takes all of them back.
    bool undecodable = !read && graph_.version() == taken;
    Status stored;
    if (read || undecodable) {
      stored = statements_->state.bind(1, kLayout)
                   .bind(2, hex_of(ledger_))
                   .bind(3, static_cast<int64_t>(taken))
                   .bind(4, last_hash_)
                   .run();
      if (stored) stored = writer_.run("COMMIT");
    } else {
      stored = read;
    }
    if (!stored) {
      (void)writer_.run("ROLLBACK");
      graph_ = Graph();
      held_.clear();
      if (Status reread = prepare(); !reread) return reread;
      return stored;
    }
    position_ = taken;
    if (!read) return read;
  }
  return {};
}

Status Views::take(Position position, Bytes record, bool write) {
  Result<Event> event = decode(record);
  if (!event) {
    Error error = event.error();
    error.where = "record " + std::to_string(position) + (error.where.empty() ? "" : ": " + error.where);
    return tl::unexpected(std::move(error));
  }
  Applied applied = graph_.apply(*event);
  if (write) {
    if (Status written = write_history(position, *event, applied); !written) return written;
    if (auto* usage = std::get_if<UsageReported>(&event->body)) {
      if (Status written = write_usage(position, *usage); !written) return written;
    }
  }
  std::optional<IntentId> intent = intent_held_by(event->body);
  if (!intent || intent->index() >= graph_.intent_count()) return {};
  return settle(*intent, event->at, write);
}

Status Views::write_history(Position position, const Event& event, const Applied& applied) {
  EventSummary summary = summarise(graph_, event);
  Statement& row = statements_->history;
  row.bind(1, static_cast<int64_t>(position)).bind(2, event.at).bind(3, event.actor).bind(4, event.name());
  row.bind(5, summary.subject).bind(6, summary.tenant).bind(7, summary.text);
  return row.bind(8, applied.effect ? std::string_view() : std::string_view(applied.why_not)).run();
}

Status Views::write_usage(Position position, const UsageReported& usage) {
  if (usage.intent.index() >= graph_.intent_count()) return {};
  TenantId tenant = graph_.intent(usage.intent).tenant;
  Statement& row = statements_->usage;
  row.bind(1, static_cast<int64_t>(position))
      .bind(2, graph_.tenant_name(tenant))
      .bind(3, graph_.intent_name(usage.intent));
  row.bind(4, static_cast<int64_t>(usage.run.plan)).bind(5, static_cast<int64_t>(usage.run.item));
  row.bind(6, usage.from).bind(7, usage.to).bind(8, usage.cpu_us).bind(9, usage.memory_mib_us);
  return row.bind(10, usage.received_bytes)
      .bind(11, usage.sent_bytes)
      .bind(12, usage.energy_microjoule)
      .run();
}

std::map<Views::ItemKey, Views::Item> Views::held_by(IntentId intent) const {
  std::map<ItemKey, Item> out;
  const IntentRow& row = graph_.intent(intent);
  auto is_running = [&row](RunId run) {
    auto found =
        std::find_if(row.runs.begin(), row.runs.end(), [&](const RunRow& r) { return r.run == run; });
    return found != row.runs.end() &&
           (found->state == RunState::kRunning || found->state == RunState::kStopping);
  };
  auto add_plan = [&](const CommittedPlan& held) {
    const Plan& plan = held.plan;
    for (uint32_t i = 0; i < plan.placements.size(); ++i) {
      if (held.placement_passed_on[i] || !is_running(held.run(i))) continue;
      const Placement& placement = plan.placements[i];
      out[{intent.value, held.position, false, i}] = {graph_.site_name(placement.site),
                                                      placement_per_hour(placement)};
    }
    for (uint32_t i = 0; i < plan.flows.size(); ++i) {
      const Flow& flow = plan.flows[i];
      if (held.flow_passed_on[i] || !is_running(held.run(flow.placement))) continue;
      std::string from = flow.ingress.index() < graph_.site_count() ? graph_.site_name(flow.ingress) : "?";
      const std::string& to = graph_.site_name(plan.placements[flow.placement].site);
      out[{intent.value, held.position, true, i}] = {from + ">" + to, flow.path_per_hour};
    }
  };
  if (row.active) add_plan(*row.active);
  for (const auto& retiring : row.retiring) add_plan(*retiring);
  return out;
}

// Closes and opens what is being billed for the intent, by comparing what it holds now with what it held.
Status Views::settle(IntentId intent, TimeUs at, bool write) {
  std::map<ItemKey, Item> now = held_by(intent);
  auto bind_key = [](Statement& statement, const ItemKey& key) -> Statement& {
    const auto& [row, plan, path, item] = key;
    return statement.bind(1, static_cast<int64_t>(row))
        .bind(2, static_cast<int64_t>(plan))
        .bind(3, int64_t{path})
        .bind(4, static_cast<int64_t>(item));
  };
  auto old = held_.lower_bound(ItemKey{intent.value, 0, false, 0});
  while (old != held_.end() && std::get<0>(old->first) == intent.value) {
    if (now.contains(old->first)) {
      ++old;
      continue;
    }
    if (write) {
      if (Status closed = bind_key(statements_->close, old->first).bind(5, at).run(); !closed) return closed;
    }
    old = held_.erase(old);
  }
  for (auto& [key, item] : now) {
    if (held_.contains(key)) continue;
    if (write) {
      Statement& row = bind_key(statements_->open, key).bind(5, at);
      row.bind(6, graph_.tenant_name(graph_.intent(intent).tenant)).bind(7, graph_.intent_name(intent));
      if (Status opened = row.bind(8, item.place).bind(9, item.price_per_hour).run(); !opened) return opened;
    }
    held_.emplace(key, std::move(item));
  }
  return {};
}

Result<std::vector<HistoryRow>> Views::history(const HistoryFilter& filter) const {
  std::lock_guard hold(reader_mutex_);
  std::string sql =
      "SELECT position, at_us, actor, kind, subject, tenant, text, no_effect FROM history "
      "WHERE position >= ?1 AND position < ?2";
  if (!filter.tenant.empty()) sql += " AND tenant = ?3";
  if (!filter.subject.empty()) sql += " AND subject = ?4";
  sql += filter.newest_first ? " ORDER BY position DESC" : " ORDER BY position";
  sql += " LIMIT ?5";
  Result<Statement> query = reader_.prepare(sql);
  if (!query) return tl::unexpected(query.error());
  auto clamped = [](Position position) {
    return static_cast<int64_t>(std::min<Position>(position, std::numeric_limits<int64_t>::max()));
  };
  query->bind(1, clamped(filter.from))
      .bind(2, clamped(filter.to))
      .bind(5, static_cast<int64_t>(filter.rows_max));
  if (!filter.tenant.empty()) query->bind(3, filter.tenant);
  if (!filter.subject.empty()) query->bind(4, filter.subject);
  std::vector<HistoryRow> out;
  for (;;) {
    Result<bool> row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return out;
    out.push_back({static_cast<Position>(query->integer(0)), query->integer(1), query->text(2),
                   query->text(3), query->text(4), query->text(5), query->text(6), query->text(7)});
  }
}

Result<std::vector<BillLine>> Views::bill(const std::string& tenant, TimeUs from, TimeUs to) const {
  std::lock_guard hold(reader_mutex_);
  std::string sql =
      "SELECT tenant, intent, path, place, price_per_hour, SUM(MAX(0, MIN(IFNULL(to_us, ?2), ?2) - "
      "MAX(from_us, ?1))) FROM held "
      "WHERE from_us < ?2 AND IFNULL(to_us, ?2) > ?1";
  if (!tenant.empty()) sql += " AND tenant = ?3";
  sql +=
      " GROUP BY tenant, intent, path, place, price_per_hour ORDER BY tenant, intent, path, place, "
      "price_per_hour";
  Result<Statement> query = reader_.prepare(sql);
  if (!query) return tl::unexpected(query.error());
  query->bind(1, from).bind(2, to);
  if (!tenant.empty()) query->bind(3, tenant);
  std::vector<BillLine> out;
  for (;;) {
    Result<bool> row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return out;
    BillLine line{query->text(0), query->text(1),    query->integer(2) != 0 ? "path" : "instance",
                  query->text(3), query->integer(4), query->integer(5)};
    line.amount = amount_of(line.price_per_hour, line.duration_us);
    out.push_back(std::move(line));
  }
}

Result<std::vector<UsageRow>> Views::usage(const std::string& tenant, TimeUs from, TimeUs to) const {
  std::lock_guard hold(reader_mutex_);
  std::string sql =
      "SELECT tenant, intent, SUM(cpu_us), SUM(memory_mib_s), SUM(received_bytes), SUM(sent_bytes), "
      "SUM(energy_microjoule) FROM usage WHERE from_us >= ?1 AND from_us < ?2";
  if (!tenant.empty()) sql += " AND tenant = ?3";
  sql += " GROUP BY tenant, intent ORDER BY tenant, intent";
  Result<Statement> query = reader_.prepare(sql);
  if (!query) return tl::unexpected(query.error());
  query->bind(1, from).bind(2, to);
  if (!tenant.empty()) query->bind(3, tenant);
  std::vector<UsageRow> out;
  for (;;) {
    Result<bool> row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return out;
    out.push_back({query->text(0), query->text(1), query->integer(2), query->integer(3), query->integer(4),
                   query->integer(5), query->integer(6)});
  }
}

}  // namespace weir::store
