#pragma once

#include <cstdint>
#include <limits>

namespace weir::store {

// Counts the changes of the tables below; a file of another layout is made anew.
inline constexpr int64_t kViewsLayout = 5;
// term.to_us of a plan that still holds the run.
inline constexpr int64_t kOpenEnd = std::numeric_limits<int64_t>::max();

//   event      one row for each record; since times never descend, `since` is found by bisection
//   term       a run, as one plan holds it: [from_us, to_us)
//   metered    the union of the run's windows: disjoint, not touching
//   run, measured, reason   the newest of each
inline constexpr const char* kViewsTables = R"(
CREATE TABLE IF NOT EXISTS state(
  only INTEGER PRIMARY KEY CHECK (only = 1), layout INTEGER, ledger TEXT, position INTEGER, last_hash TEXT);
CREATE TABLE IF NOT EXISTS event(
  position INTEGER PRIMARY KEY, at_us INTEGER, name TEXT, tenant TEXT, subject TEXT, no_effect TEXT);
CREATE INDEX IF NOT EXISTS event_by_name ON event(name, position);
CREATE INDEX IF NOT EXISTS event_by_tenant ON event(tenant, position) WHERE tenant <> '';
CREATE TABLE IF NOT EXISTS term(
  run_plan INTEGER, run_item INTEGER, plan INTEGER, from_us INTEGER, to_us INTEGER, tenant TEXT, intent TEXT,
  site TEXT, cpu_milli INTEGER, memory_mib INTEGER, accelerator_milli INTEGER, per_core_hour INTEGER,
  per_gib_hour INTEGER, per_accelerator_hour INTEGER, path_per_hour INTEGER,
  PRIMARY KEY (run_plan, run_item, plan)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS term_by_plan ON term(plan);
CREATE INDEX IF NOT EXISTS term_by_tenant ON term(tenant, to_us);
CREATE INDEX IF NOT EXISTS term_by_end ON term(to_us);
CREATE TABLE IF NOT EXISTS metered(
  run_plan INTEGER, run_item INTEGER, from_us INTEGER, to_us INTEGER,
  PRIMARY KEY (run_plan, run_item, from_us)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run(
  run_plan INTEGER, run_item INTEGER, started_us INTEGER DEFAULT 0, why TEXT DEFAULT '', cpu_us INTEGER DEFAULT 0,
  memory_mib_us INTEGER DEFAULT 0, received_bytes INTEGER DEFAULT 0, sent_bytes INTEGER DEFAULT 0,
  energy_microjoule INTEGER DEFAULT 0, state INTEGER DEFAULT 0, exit_code INTEGER DEFAULT 0,
  ended_us INTEGER DEFAULT 0, PRIMARY KEY (run_plan, run_item)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measured(
  intent INTEGER, ingress INTEGER, samples INTEGER, misses INTEGER, lost INTEGER, p50_us INTEGER, p99_us INTEGER,
  PRIMARY KEY (intent, ingress)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reason(kind INTEGER, id INTEGER, why TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
)";

}  // namespace weir::store
