#include "bench/packing/report.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace weir::bench {
namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char line[256];
  va_list args;
  va_start(args, pattern);
  vsnprintf(line, sizeof line, pattern, args);
  va_end(args);
  return line;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

template <class Field>
double mean_of(const PackingRow& row, Field PackingOutcome::*field) {
  std::vector<double> values;
  for (const PackingOutcome& outcome : row.outcomes) values.push_back(static_cast<double>(outcome.*field));
  return mean(values);
}

}  // namespace

PackingSummary summarise(const PackingRow& row, int64_t capacity_milli) {
  PackingSummary summary{.percent = mean_of(row, &PackingOutcome::published_percent),
                         .final_percent = mean_of(row, &PackingOutcome::allocated_percent),
                         .placed = mean_of(row, &PackingOutcome::placed),
                         .failed = mean_of(row, &PackingOutcome::failed),
                         .refused = mean_of(row, &PackingOutcome::refused),
                         .us_per_task = mean_of(row, &PackingOutcome::us_per_task),
                         .classes = mean_of(row, &PackingOutcome::classes)};
  summary.refused_percent =
      mean_of(row, &PackingOutcome::refused_milli) / static_cast<double>(capacity_milli) * 100;
  double squares = 0;
  for (const PackingOutcome& outcome : row.outcomes) {
    const double off = outcome.published_percent - summary.percent;
    squares += off * off;
    summary.us_worst = std::max(summary.us_worst, outcome.us_worst);
  }
  const auto n = static_cast<double>(row.outcomes.size());
  if (n > 1) summary.percent_half95 = 1.96 * std::sqrt(squares / (n - 1) / n);
  if (!row.published.empty()) summary.published = mean(row.published);
  for (size_t i = 0; i < std::min(row.published.size(), row.outcomes.size()); ++i) {
    if (std::abs(row.published[i] - row.outcomes[i].published_percent) < 0.0051) ++summary.equal_seeds;
  }
  return summary;
}

std::string packing_text(const std::vector<PackingTable>& tables, int64_t capacity_milli) {
  std::string out;
  for (const PackingTable& table : tables) {
    out += format("%s%s", out.empty() ? "" : "\n", table.trace.c_str());
    if (!table.bounds.empty()) out += format(", upper bound %.2f %%", mean(table.bounds));
    out += format("\n%-18s %13s %9s %5s %7s %8s %8s\n", "policy", "allocated %", "published", "equal",
                  "failed", "refused", "us/task");
    for (const PackingRow& row : table.rows) {
      const PackingSummary s = summarise(row, capacity_milli);
      const std::string published = s.published ? format("%.2f", *s.published) : "";
      const std::string equal = s.published ? format("%d/%zu", s.equal_seeds, row.outcomes.size()) : "";
      out += format("%-18s %7.2f ±%4.2f %9s %5s %7.0f %8.0f %8.1f\n", row.policy.c_str(), s.percent,
                    s.percent_half95, published.c_str(), equal.c_str(), s.failed, s.refused, s.us_per_task);
    }
  }
  return out;
}

std::string packing_markdown(const std::vector<PackingTable>& tables, int64_t capacity_milli) {
  std::string out = "| policy |", rule = "|---|";
  for (const PackingTable& table : tables) {
    out += " " + table.trace + " |";
    rule += "---|";
  }
  out += " µs per task |\n" + rule + "---|\n";
  if (tables.empty()) return out;
  for (size_t r = 0; r < tables.front().rows.size(); ++r) {
    out += "| " + tables.front().rows[r].policy + " |";
    double us = 0;
    for (const PackingTable& table : tables) {
      const PackingSummary s = summarise(table.rows[r], capacity_milli);
      out += format(" %.2f", s.percent);
      if (s.published)
        out += format(" (%.2f, %d/%zu)", *s.published, s.equal_seeds, table.rows[r].outcomes.size());
      if (s.refused > 0) out += format(" (refused %.0f: %.1f %%)", s.refused, s.refused_percent);
      out += " |";
      us += s.us_per_task / static_cast<double>(tables.size());
    }
    out += format(" %.1f |\n", us);
  }
  if (tables.front().bounds.empty()) return out;
  out += "| upper bound |";
  for (const PackingTable& table : tables) out += format(" %.2f |", mean(table.bounds));
  return out + " |\n";
}

std::string packing_json(const std::vector<PackingTable>& tables, int64_t first_seed,
                         int64_t capacity_milli) {
  std::string out = "{\"first_seed\":" + std::to_string(first_seed) + ",\"traces\":[";
  for (size_t t = 0; t < tables.size(); ++t) {
    out += format("%s\n {\"trace\":\"%s\",\"upper_bound_percent\":[", t ? "," : "", tables[t].trace.c_str());
    for (size_t i = 0; i < tables[t].bounds.size(); ++i)
      out += format("%s%.3f", i ? "," : "", tables[t].bounds[i]);
    out += "],\"policies\":[";
    for (size_t r = 0; r < tables[t].rows.size(); ++r) {
      const PackingRow& row = tables[t].rows[r];
      const PackingSummary s = summarise(row, capacity_milli);
      out +=
          format("%s\n  {\"policy\":\"%s\",\"allocated_percent\":%.4f,\"half95\":%.4f,\"final_percent\":%.4f",
                 r ? "," : "", row.policy.c_str(), s.percent, s.percent_half95, s.final_percent);
      if (s.published)
        out += format(",\"published_percent\":%.3f,\"equal_seeds\":%d", *s.published, s.equal_seeds);
      out += format(",\"placed\":%.1f,\"failed\":%.1f,\"refused\":%.1f,\"refused_percent\":%.3f", s.placed,
                    s.failed, s.refused, s.refused_percent);
      out += format(",\"us_per_task\":%.2f,\"us_worst\":%.1f,\"classes\":%.0f,\"by_seed\":[", s.us_per_task,
                    s.us_worst, s.classes);
      for (size_t i = 0; i < row.outcomes.size(); ++i)
        out += format("%s%.2f", i ? "," : "", row.outcomes[i].published_percent);
      out += "]}";
    }
    out += "]}";
  }
  return out + "\n]}\n";
}

}  // namespace weir::bench
