#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/joint/policies.h"

namespace weir::bench {

// What one policy achieved on one instance at one load.
struct Outcome {
  int64_t offered = 0, accepted = 0, broken = 0;        // intents
  int64_t offered_cpu_milli = 0, served_cpu_milli = 0;  // served: accepted and not broken
  Nanocredits billed_per_hour = 0;                      // of what is served
};

// A mean over instances with the half-width of its 95% confidence interval.
struct Estimate {
  double mean = 0, half = 0;
};
Estimate estimate(const std::vector<double>& values);
// sum(a) / sum(b) for values paired by instance, with the linearised (delta method) interval.
Estimate ratio(const std::vector<double>& a, const std::vector<double>& b);

struct Row {
  PolicyKind policy;
  Estimate accepted, served, broken;  // percent of offered intents, of offered demand, of accepted intents
  Estimate cost;                      // credits per served core-hour, network included
  Estimate against;                   // served demand, joint over this policy
};

struct LoadTable {
  int load_percent = 0;
  std::vector<Row> rows;
  size_t best_other = 0;  // row of the policy other than joint that served most
};

// outcomes[instance][policy]; the last policy is joint.
LoadTable tabulate(int load_percent, const std::vector<PolicyKind>& policies,
                   const std::vector<std::vector<Outcome>>& outcomes);

std::string text(const std::vector<LoadTable>& tables, const std::string& heading);
std::string json(const std::vector<LoadTable>& tables, uint64_t instances, uint64_t seed);
std::string markdown(const std::vector<LoadTable>& tables, uint64_t instances, uint64_t seed);

}  // namespace weir::bench
