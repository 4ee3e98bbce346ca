#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/packing/protocol.h"

namespace weir::bench {

struct PackingRow {
  std::string policy;
  std::vector<PackingOutcome> outcomes;  // by seed
  std::vector<double> published;         // by seed; empty: none
};
struct PackingTable {
  std::string trace;
  std::vector<double> bounds;  // by seed; empty: not computed
  std::vector<PackingRow> rows;
};

struct PackingSummary {
  double percent = 0, percent_half95 = 0;  // PackingOutcome::published_percent
  double final_percent = 0;
  std::optional<double> published;
  int equal_seeds = 0;                                              // to the published digit
  double placed = 0, failed = 0, refused = 0, refused_percent = 0;  // the last: accelerators, of capacity
  double us_per_task = 0, us_worst = 0, classes = 0;
};
PackingSummary summarise(const PackingRow& row, int64_t capacity_milli);

std::string packing_text(const std::vector<PackingTable>& tables, int64_t capacity_milli);
std::string packing_markdown(const std::vector<PackingTable>& tables, int64_t capacity_milli);
std::string packing_json(const std::vector<PackingTable>& tables, int64_t first_seed, int64_t capacity_milli);

}  // namespace weir::bench
