#include "bench/joint/report.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace weir::bench {
namespace {

constexpr double k95 = 1.96;

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char line[256];
  va_list args;
  va_start(args, pattern);
  vsnprintf(line, sizeof line, pattern, args);
  va_end(args);
  return line;
}

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Estimate estimate(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (values.empty()) return {};
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = sum / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, values.size() < 2 ? 0 : k95 * std::sqrt(squares / (n - 1) / n)};
}

Estimate ratio(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_b = estimate(b).mean;
  if (mean_b == 0) return {};
  const double r = estimate(a).mean / mean_b;
  std::vector<double> residual;
  for (size_t i = 0; i < a.size(); ++i) residual.push_back(a[i] - r * b[i]);
  return {r, estimate(residual).half / mean_b};
}

LoadTable tabulate(int load_percent, const std::vector<PolicyKind>& policies,
                   const std::vector<std::vector<Outcome>>& outcomes) {
  LoadTable table{.load_percent = load_percent};
  std::vector<std::vector<double>> served_of;
  for (size_t p = 0; p < policies.size(); ++p) {
    std::vector<double> accepted, served, broken, billed, cores;
    for (const auto& instance : outcomes) {
      const Outcome& o = instance[p];
      accepted.push_back(share(o.accepted, o.offered));
      served.push_back(share(o.served_cpu_milli, o.offered_cpu_milli));
      broken.push_back(share(o.broken, o.accepted));
      billed.push_back(static_cast<double>(o.billed_per_hour) / static_cast<double>(kCredit));
      cores.push_back(static_cast<double>(o.served_cpu_milli) / 1000);
    }
    table.rows.push_back(
        {policies[p], estimate(accepted), estimate(served), estimate(broken), ratio(billed, cores), {}});
    served_of.push_back(std::move(served));
  }
  for (size_t p = 0; p < table.rows.size(); ++p) {
    table.rows[p].against = ratio(served_of.back(), served_of[p]);
    if (p + 1 < table.rows.size() && table.rows[p].served.mean > table.rows[table.best_other].served.mean) {
      table.best_other = p;
    }
  }
  return table;
}

std::string text(const std::vector<LoadTable>& tables, const std::string& heading) {
  std::string out = heading;
  for (const LoadTable& table : tables) {
    out += format("\ndemand %.2f of capacity\n%-17s %13s %13s %13s %16s\n", table.load_percent / 100.0,
                  "policy", "accepted %", "served %", "broken %", "cost/core-hour");
    for (const Row& row : table.rows) {
      out +=
          format("%-17s %7.2f ±%4.2f %7.2f ±%5.2f %7.2f ±%5.2f %8.4f ±%6.4f\n",
                 std::string(name(row.policy)).c_str(), row.accepted.mean, row.accepted.half, row.served.mean,
                 row.served.half, row.broken.mean, row.broken.half, row.cost.mean, row.cost.half);
    }
    const Row& best = table.rows[table.best_other];
    out += format("joint serves %.3f ±%.3f times what %s does at %.3f of its cost\n", best.against.mean,
                  best.against.half, std::string(name(best.policy)).c_str(),
                  table.rows.back().cost.mean / best.cost.mean);
  }
  return out;
}

std::string json(const std::vector<LoadTable>& tables, uint64_t instances, uint64_t seed) {
  const auto value = [](const char* key, const Estimate& e) {
    return format("\"%s\":{\"mean\":%.6f,\"half95\":%.6f}", key, e.mean, e.half);
  };
  std::string out = format("{\"instances\":%llu,\"seed\":%llu,\"loads\":[",
                           static_cast<unsigned long long>(instances), static_cast<unsigned long long>(seed));
  for (size_t t = 0; t < tables.size(); ++t) {
    out += format("%s\n {\"demand\":%.2f,\"best_other\":\"%s\",\"policies\":[", t ? "," : "",
                  tables[t].load_percent / 100.0,
                  std::string(name(tables[t].rows[tables[t].best_other].policy)).c_str());
    for (size_t r = 0; r < tables[t].rows.size(); ++r) {
      const Row& row = tables[t].rows[r];
      out += format("%s\n  {\"policy\":\"%s\",", r ? "," : "", std::string(name(row.policy)).c_str());
      out += value("accepted_percent", row.accepted) + "," + value("served_percent", row.served) + "," +
             value("broken_percent", row.broken) + "," + value("cost_per_core_hour", row.cost) + "," +
             value("joint_served_ratio", row.against) + "}";
    }
    out += "]}";
  }
  return out + "\n]}\n";
}

std::string markdown(const std::vector<LoadTable>& tables, uint64_t instances, uint64_t seed) {
  std::string out =
      "| demand | policy | accepted | demand served | promises broken | cost per core-hour | joint serves more by |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const LoadTable& table : tables) {
    for (const Row& row : table.rows) {
      const bool ours = row.policy == PolicyKind::kJoint;
      const char* bold = ours ? "**" : "";
      out += format("| %.1f | %s%s%s | %.1f %% ±%.1f |", table.load_percent / 100.0, bold,
                    std::string(name(row.policy)).c_str(), bold, row.accepted.mean, row.accepted.half);
      out += format(" %s%.1f %%%s ±%.1f | %.1f %% ±%.1f | %.4f ±%.4f |", bold, row.served.mean, bold,
                    row.served.half, row.broken.mean, row.broken.half, row.cost.mean, row.cost.half);
      out +=
          ours ? " |\n" : format(" %+.1f %% ±%.1f |\n", 100 * (row.against.mean - 1), 100 * row.against.half);
    }
  }
  out += format("\nMeans over %llu random regions (seeds %llu to %llu) with 95%% confidence intervals.\n",
                static_cast<unsigned long long>(instances), static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(seed + instances - 1));
  return out;
}

}  // namespace weir::bench
