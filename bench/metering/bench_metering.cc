#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "infrastructure/metering/meter.h"

// Runs the meter several times and prints its figures with their repeatability, as a table or JSON.
//   bench_metering [--json] [--runs N] [--budget-ms N]

namespace {

using weir::metering::Measure;
using weir::metering::MeterReport;

struct Row {
  const char* name;
  const char* unit;
  std::string variant;
  std::vector<uint64_t> rates;       // thousandths, one per run
  std::vector<uint64_t> wall_rates;  // likewise
};

uint64_t median(std::vector<uint64_t> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// (largest − smallest) / median over the runs, in percent.
double spread_percent(const std::vector<uint64_t>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return 100.0 * static_cast<double>(*most - *least) /
         static_cast<double>(std::max<uint64_t>(median(values), 1));
}

double units(uint64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

uint64_t argument(int argc, char** argv, int at, uint64_t least, uint64_t most) {
  char* end = nullptr;
  const unsigned long long value = at < argc ? std::strtoull(argv[at], &end, 10) : 0;
  if (at >= argc || *end != '\0' || value < least || value > most) {
    std::fprintf(stderr, "bench_metering: %s takes a number from %llu to %llu\n", argv[at - 1],
                 static_cast<unsigned long long>(least), static_cast<unsigned long long>(most));
    std::exit(2);
  }
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  uint64_t runs = 5;
  weir::metering::MeterOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--runs") {
      runs = argument(argc, argv, ++i, 1, 1000);
    } else if (word == "--budget-ms") {
      options.budget_us = argument(argc, argv, ++i, 40, 60'000) * 1000;
    } else {
      std::fprintf(stderr, "usage: bench_metering [--json] [--runs N] [--budget-ms N]\n");
      return 2;
    }
  }
  std::vector<Row> rows = {{"integer", "Mops/s", {}, {}, {}},
                           {"fp64", "MFLOP/s", {}, {}, {}},
                           {"fp32", "MFLOP/s", {}, {}, {}},
                           {"memory", "MB/s", {}, {}, {}},
                           {"speed", "reference-core", {}, {}, {}}};
  uint64_t wall_us = 0;
  for (uint64_t run = 0; run < runs; ++run) {
    const MeterReport report = weir::metering::measure(options);
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
  if (json) {
    std::printf(
        "{\"method\":\"%s\",\"reference_integer_mops\":%llu,\"runs\":%llu,\"wall_us_max\":%llu,\"kernels\":[",
        weir::metering::kMethod.data(),
        static_cast<unsigned long long>(weir::metering::kReferenceIntegerMops),
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
  std::printf("%s, %llu runs, longest %.2f s\n\n", weir::metering::kMethod.data(),
              static_cast<unsigned long long>(runs), static_cast<double>(wall_us) / 1e6);
  std::printf("%-8s %-15s %-18s %12s %12s %8s\n", "KERNEL", "UNIT", "VARIANT", "PER CPU-S", "PER WALL-S",
              "SPREAD");
  for (const Row& row : rows) {
    std::printf("%-8s %-15s %-18s %12.3f %12.3f %7.2f%%\n", row.name, row.unit, row.variant.c_str(),
                units(median(row.rates)), units(median(row.wall_rates)), spread_percent(row.rates));
  }
  return 0;
}
