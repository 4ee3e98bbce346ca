#include "twin/rehearse/forecast.h"

#include <algorithm>
#include <string>

namespace weir::twin {
namespace {

constexpr TimeUs kBurstUs = 3'600'000'000;  // what comes within less counts as so long
constexpr TimeUs kDayUs = 86'400'000'000;

// What came by itself and was batch work.
bool came(const IntentRow& row) {
  return !row.array.valid() && row.spec && row.spec->workload.kind == WorkKind::kJob && row.spec->schedule.reservation.empty();
}

class Namer {
 public:
  Namer(const Graph& graph, const std::set<std::string>& taken) : graph_(graph), taken_(taken) {}
  std::string next(TenantId tenant) {
    std::string name;
    do {
      name = "expected-" + std::to_string(++last_);
    } while (taken_.contains(name) || graph_.find_intent(graph_.tenant_name(tenant), name).valid());
    return name;
  }

 private:
  const Graph& graph_;
  const std::set<std::string>& taken_;
  uint64_t last_ = 0;
};

Arrival again(const IntentRow& row, TimeUs now, TimeUs at_us) {
  Arrival out{at_us, row.tenant, *row.spec};
  Schedule& schedule = out.spec.schedule;
  const TimeUs later_us = now + at_us - row.submitted_at;
  if (schedule.not_before > 0) schedule.not_before += later_us;
  if (schedule.deadline > 0) schedule.deadline += later_us;
  return out;
}

}  // namespace

Forecast forecast(const Graph& graph, TimeUs now, TimeUs window_us, const ForecastLimits& limits, const std::set<std::string>& taken) {
  Forecast out{.complete_us = window_us};
  TimeUs first = now;
  std::vector<std::pair<TimeUs, IntentId>> known;  // of the last day
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    const IntentRow& row = graph.intent(IntentId(i));
    if (row.submitted_at <= 0 || row.submitted_at > now) continue;
    first = std::min(first, row.submitted_at);
    if (came(row) && row.submitted_at > now - kDayUs) known.emplace_back(row.submitted_at, IntentId(i));
  }
  if (known.size() < limits.known_min) return out;
  std::sort(known.begin(), known.end());
  std::vector<std::pair<TimeUs, IntentId>> expected;
  if (first <= now - kDayUs) {
    out.source = ForecastSource::kYesterday;
    for (const auto& [at, id] : known) {
      if (at <= now - kDayUs + window_us) expected.emplace_back(at + kDayUs - now, id);
    }
  } else {
    out.source = ForecastSource::kRate;
    const size_t n = known.size();
    const __int128 span_us = std::max(now - first, kBurstUs);
    const auto count = static_cast<size_t>((static_cast<__int128>(n) * window_us + span_us / 2) / span_us);
    for (size_t k = 0; k < std::min(count, limits.arrivals_max + 1); ++k) {
      const auto at_us = static_cast<TimeUs>(static_cast<__int128>(2 * k + 1) * window_us / static_cast<__int128>(2 * count));
      expected.emplace_back(at_us, known[count < n ? k * n / count : k % n].second);
    }
  }
  if (expected.size() > limits.arrivals_max) {
    out.complete_us = expected[limits.arrivals_max].first;
    expected.resize(limits.arrivals_max);
  }
  Namer namer(graph, taken);
  for (const auto& [at_us, id] : expected) {
    const IntentRow& row = graph.intent(id);
    out.arrivals.push_back(again(row, now, at_us));
    out.arrivals.back().spec.name = namer.next(row.tenant);
  }
  return out;
}

}  // namespace weir::twin
