#include "bench/metering/metering_bench.h"

#include <algorithm>
#include <cstdio>

#include "bench/support/arguments.h"
#include "bench/support/statistics.h"
#include "infrastructure/metering/meter.h"

namespace weir::bench {
namespace {

using metering::Measure;
using metering::MeterReport;

constexpr const char* kHelp =
    "Usage: weir bench metering [--runs N] [--budget-ms N] [-o table|json]\n"
    "\n"
    "Meters one core as an agent does when it joins, several times: medians, and how\n"
    "far they spread.\n"
    "  --runs N        times, 1 to 1000 (default 5)\n"
    "  --budget-ms N   of wall time for each, 40 to 60000 (default 1800)\n"
    "  -o FORMAT       table (default) or json\n"
    "\n"
    "Example: weir bench metering --runs 10\n";

struct Row {
  const char* name;
  const char* unit;
  std::string variant;
  std::vector<uint64_t> rates;       // thousandths, one per run
  std::vector<uint64_t> wall_rates;  // likewise
};

// (largest − smallest) / median over the runs, in percent.
double spread_percent(const std::vector<uint64_t>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return 100.0 * static_cast<double>(*most - *least) /
         static_cast<double>(std::max<uint64_t>(median(values), 1));
}

double units(uint64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

}  // namespace

int run_metering_bench(const std::vector<std::string>& args) {
  uint64_t runs = 5, budget_ms = 1'800;
  std::string format = "table";
  const auto ended = read_arguments("weir bench metering", kHelp, args,
                                    {Option::number<uint64_t>("--runs", 1, 1'000, runs),
                                     Option::number<uint64_t>("--budget-ms", 40, 60'000, budget_ms),
                                     Option::choice("-o", {"table", "json"}, format)});
  if (ended) return *ended;
  const metering::MeterOptions options{.budget_us = budget_ms * 1'000};
  std::vector<Row> rows = {{"integer", "Mops/s", {}, {}, {}},
                           {"fp64", "MFLOP/s", {}, {}, {}},
                           {"fp32", "MFLOP/s", {}, {}, {}},
                           {"memory", "MB/s", {}, {}, {}},
                           {"speed", "reference-core", {}, {}, {}}};
  uint64_t wall_us = 0;
  for (uint64_t run = 0; run < runs; ++run) {
    const MeterReport report = metering::measure(options);
    const Measure* const measures[] = {&report.integer, &report.fp64, &report.fp32, &report.memory};
    for (size_t i = 0; i < 4; ++i) {
      rows[i].variant = measures[i]->variant;
      rows[i].rates.push_back(measures[i]->rate_milli);
      rows[i].wall_rates.push_back(measures[i]->rate_wall_milli);
    }
    rows[4].rates.push_back(report.speed_milli);
    rows[4].wall_rates.push_back(report.speed_wall_milli);
    wall_us = std::max(wall_us, report.wall_us);
  }
  if (format == "json") {
    std::printf(
        "{\"method\":\"%s\",\"reference_integer_mops\":%llu,\"runs\":%llu,\"wall_us_max\":%llu,\"kernels\":[",
        metering::kMethod.data(), static_cast<unsigned long long>(metering::kReferenceIntegerMops),
        static_cast<unsigned long long>(runs), static_cast<unsigned long long>(wall_us));
    for (size_t i = 0; i < rows.size(); ++i) {
      std::printf(
          "%s{\"kernel\":\"%s\",\"unit\":\"%s\",\"variant\":\"%s\",\"rate\":%.3f,\"rate_wall\":%.3f,"
          "\"spread_percent\":%.2f}",
          i == 0 ? "" : ",", rows[i].name, rows[i].unit, rows[i].variant.c_str(),
          units(median(rows[i].rates)), units(median(rows[i].wall_rates)), spread_percent(rows[i].rates));
    }
    std::printf("]}\n");
    return 0;
  }
  std::printf("%s, %llu runs, longest %.2f s\n\n", metering::kMethod.data(),
              static_cast<unsigned long long>(runs), static_cast<double>(wall_us) / 1e6);
  std::printf("%-8s %-15s %-18s %12s %12s %8s\n", "KERNEL", "UNIT", "VARIANT", "PER CPU-S", "PER WALL-S",
              "SPREAD");
  for (const Row& row : rows) {
    std::printf("%-8s %-15s %-18s %12.3f %12.3f %7.2f%%\n", row.name, row.unit, row.variant.c_str(),
                units(median(row.rates)), units(median(row.wall_rates)), spread_percent(row.rates));
  }
  return 0;
}

}  // namespace weir::bench
