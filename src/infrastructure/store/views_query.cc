#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "core/price/price.h"
#include "infrastructure/store/views.h"
#include "infrastructure/store/views_schema.h"

// The questions that Views answers; views.cc keeps them up to date.
namespace weir::store {
namespace {

constexpr uint64_t kHourUs = 3'600'000'000;

// Reads in one snapshot of the file.
class ReadTransaction {
 public:
  explicit ReadTransaction(Database& database) : database_(database), begun_(database.run("BEGIN")) {}
  ~ReadTransaction() {
    if (begun_) (void)database_.run("COMMIT");
  }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  const Status& begun() const { return begun_; }

 private:
  Database& database_;
  Status begun_;
};

int64_t clamped(Position position) {
  return static_cast<int64_t>(std::min<Position>(position, std::numeric_limits<int64_t>::max()));
}

enum class Item { kCore, kMemory, kAccelerator, kNetwork };
struct ItemText {
  const char* name;
  const char* unit;
  uint64_t per_unit;  // of what is reserved, in one unit
};
constexpr ItemText kItems[] = {{"core", "core-hour", kCoreUnit},
                               {"memory", "GiB-hour", kGibUnit},
                               {"accelerator", "accelerator-hour", kDeviceMilli},
                               {"network", "path-hour", 1}};

}  // namespace

Result<Bill> Views::bill(const std::string& tenant, TimeUs from, TimeUs to) const {
  const std::lock_guard hold(lists_mutex_);
  const ReadTransaction transaction(lists_);
  if (!transaction.begun()) return tl::unexpected(transaction.begun().error());
  Bill out;
  {
    Result<Statement> state = lists_.prepare("SELECT position FROM state");
    if (!state) return tl::unexpected(state.error());
    Result<bool> row = state->step();
    if (!row) return tl::unexpected(row.error());
    if (*row) out.size = static_cast<Position>(state->integer(0));
  }
  // Microseconds are added up by what they cost, so that the sums stay small; the products are computed here,
  // wide.
  const std::string sql =
      "SELECT t.tenant, t.intent, t.plan, t.site, t.per_core_hour, t.per_gib_hour, t.per_accelerator_hour, "
      "t.path_per_hour, t.cpu_milli, t.memory_mib, t.accelerator_milli, "
      "SUM(MIN(m.to_us, t.to_us, ?2) - MAX(m.from_us, t.from_us, ?1)) "
      "FROM term t JOIN metered m ON m.run_plan = t.run_plan AND m.run_item = t.run_item "
      "WHERE t.from_us < ?2 AND t.to_us > ?1 "
      "AND MIN(m.to_us, t.to_us, ?2) > MAX(m.from_us, t.from_us, ?1)" +
      std::string(tenant.empty() ? "" : " AND t.tenant = ?3") +
      " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 ORDER BY 1, 2, 3, 4";
  Result<Statement> query = lists_.prepare(sql);
  if (!query) return tl::unexpected(query.error());
  query->bind(1, from).bind(2, to);
  if (!tenant.empty()) query->bind(3, tenant);
  using Key = std::tuple<std::string, std::string, Position, std::string, Item, Nanocredits>;
  std::map<Key, unsigned __int128> sums;  // what is reserved, times microseconds
  Result<bool> row = query->step();
  for (; row && *row; row = query->step()) {
    // Of the tasks of an array, whose names end in a dot and an index as no other name does, one line for all.
    const std::string name(query->text(1));
    const size_t last = name.find_last_not_of("0123456789");
    const size_t dot = last != std::string::npos && last + 1 < name.size() && name[last] == '.' ? last : std::string::npos;
    const Position plan = dot == std::string::npos ? static_cast<Position>(query->integer(2)) : 0;
    const auto time = static_cast<unsigned __int128>(query->integer(11));
    const auto add = [&](Item item, int64_t reserved, Nanocredits price) {
      if (reserved <= 0) return;
      sums[{query->text(0), name.substr(0, dot), plan, query->text(3), item, price}] += time * static_cast<uint64_t>(reserved);
    };
    add(Item::kCore, query->integer(8), query->integer(4));
    add(Item::kMemory, query->integer(9), query->integer(5));
    add(Item::kAccelerator, query->integer(10), query->integer(6));
    add(Item::kNetwork, query->integer(7) > 0 ? 1 : 0, query->integer(7));
    if (sums.size() > kBillLinesMax) {
      return fail(ErrorCode::kExhausted, "the bill has more than " + std::to_string(kBillLinesMax) + " lines",
                  {}, "ask for one tenant, or a shorter period");
    }
  }
  if (!row) return tl::unexpected(row.error());
  for (const auto& [key, quantity] : sums) {
    const auto& [whose, intent, plan, site, item, price] = key;
    const ItemText& text = kItems[static_cast<size_t>(item)];
    const uint64_t divisor = text.per_unit * kHourUs;
    out.lines.push_back({.tenant = whose,
                         .intent = intent,
                         .plan = plan,
                         .site = site,
                         .item = text.name,
                         .unit = text.unit,
                         .quantity_milli = line_amount(quantity, 1000, divisor),
                         .price = price,
                         .amount = line_amount(quantity, price, divisor)});
  }
  return out;
}

Result<std::vector<EventRow>> Views::events(const EventFilter& filter) const {
  const std::lock_guard hold(lists_mutex_);
  const ReadTransaction transaction(lists_);
  if (!transaction.begun()) return tl::unexpected(transaction.begun().error());
  int64_t from = clamped(filter.from);
  if (filter.since > 0) {
    // The first position that is not older.
    Result<Statement> at = lists_.prepare("SELECT at_us FROM event WHERE position = ?1");
    if (!at) return tl::unexpected(at.error());
    int64_t low = from, high = std::min(clamped(filter.to), clamped(position_));
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      Result<bool> row = at->bind(1, middle).step();
      if (!row) return tl::unexpected(row.error());
      if (*row && at->integer(0) < filter.since) {
        low = middle + 1;
      } else {
        high = middle;
      }
      at->reset();
    }
    from = low;
  }
  std::string sql = "SELECT position, subject, no_effect FROM event WHERE position >= ?1 AND position < ?2";
  if (!filter.tenant.empty()) sql += " AND tenant = ?4 AND tenant <> ''";
  for (size_t i = 0; i < filter.names.size(); ++i) {
    sql += (i == 0 ? " AND name IN (?" : ", ?") + std::to_string(5 + i);
  }
  if (!filter.names.empty()) sql += ")";
  Result<Statement> query = lists_.prepare(sql + " ORDER BY position LIMIT ?3");
  if (!query) return tl::unexpected(query.error());
  query->bind(1, from).bind(2, clamped(filter.to)).bind(3, static_cast<int64_t>(filter.rows_max));
  if (!filter.tenant.empty()) query->bind(4, filter.tenant);
  for (size_t i = 0; i < filter.names.size(); ++i) query->bind(static_cast<int>(5 + i), filter.names[i]);
  std::vector<EventRow> out;
  Result<bool> row = query->step();
  for (; row && *row; row = query->step()) {
    out.push_back({static_cast<Position>(query->integer(0)), query->text(1), query->text(2)});
  }
  if (!row) return tl::unexpected(row.error());
  return out;
}

Result<RunHistory> Views::run(RunId run) const {
  const std::lock_guard hold(lookups_mutex_);
  Result<Statement> query = lookups_.prepare(
      "SELECT started_us, why, cpu_us, memory_mib_us, received_bytes, sent_bytes, energy_microjoule, state, "
      "exit_code, ended_us FROM run WHERE run_plan = ?1 AND run_item = ?2");
  if (!query) return tl::unexpected(query.error());
  Result<bool> row = query->bind(1, static_cast<int64_t>(run.plan)).bind(2, int64_t{run.item}).step();
  if (!row) return tl::unexpected(row.error());
  RunHistory out;
  if (*row) {
    out = {query->integer(0), query->text(1),    query->integer(2), query->integer(3),
           query->integer(4), query->integer(5), query->integer(6)};
    out.state = static_cast<RunState>(query->integer(7));
    out.exit_code = static_cast<int32_t>(query->integer(8));
    out.ended = query->integer(9);
  }
  Result<Statement> term = lookups_.prepare(
      "SELECT tenant, intent, site, cpu_milli, memory_mib, accelerator_milli, per_core_hour, per_gib_hour, "
      "per_accelerator_hour, path_per_hour, to_us FROM term WHERE run_plan = ?1 AND run_item = ?2 ORDER BY "
      "plan DESC LIMIT 1");
  if (!term) return tl::unexpected(term.error());
  row = term->bind(1, static_cast<int64_t>(run.plan)).bind(2, int64_t{run.item}).step();
  if (!row) return tl::unexpected(row.error());
  if (*row) {
    out.tenant = term->text(0);
    out.intent = term->text(1);
    out.site = term->text(2);
    if (out.ended == 0 && term->integer(10) != kOpenEnd) out.ended = term->integer(10);
    out.billed_per_hour = charge(term->integer(3), term->integer(6), kCoreUnit) +
                          charge(term->integer(4), term->integer(7), kGibUnit) +
                          charge(term->integer(5), term->integer(8), kDeviceMilli) + term->integer(9);
  }
  return out;
}

Result<std::optional<PromiseHistory>> Views::measured(IntentId intent) const {
  const std::lock_guard hold(lookups_mutex_);
  Result<Statement> query =
      lookups_.prepare("SELECT samples, misses, lost, p50_us, p99_us FROM measured WHERE intent = ?1");
  if (!query) return tl::unexpected(query.error());
  query->bind(1, int64_t{intent.value});
  std::optional<PromiseHistory> out;
  Result<bool> row = query->step();
  for (; row && *row; row = query->step()) {
    if (!out) out.emplace();
    out->samples = saturating_add(out->samples, query->integer(0));
    out->misses = saturating_add(out->misses, query->integer(1));
    out->lost = saturating_add(out->lost, query->integer(2));
    out->latency_us_p50 = std::max(out->latency_us_p50, query->integer(3));
    out->latency_us_p99 = std::max(out->latency_us_p99, query->integer(4));
  }
  if (!row) return tl::unexpected(row.error());
  return out;
}

Result<std::string> Views::why(Of kind, uint32_t id) const {
  const std::lock_guard hold(lookups_mutex_);
  Result<Statement> query = lookups_.prepare("SELECT why FROM reason WHERE kind = ?1 AND id = ?2");
  if (!query) return tl::unexpected(query.error());
  Result<bool> row = query->bind(1, static_cast<int64_t>(kind)).bind(2, int64_t{id}).step();
  if (!row) return tl::unexpected(row.error());
  return *row ? query->text(0) : std::string();
}

}  // namespace weir::store
