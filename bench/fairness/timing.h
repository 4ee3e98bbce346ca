#pragma once

#include <string>
#include <vector>

namespace weir::bench {

struct Timing {
  std::string what;
  double microseconds = 0;  // processor time of one, median of the rounds
};

// Operations on `queues` queues in three levels (a tenth of a tenth tenants, a tenth projects) with `jobs`
// waiting.
std::vector<Timing> run_timing(int queues, int jobs);

}  // namespace weir::bench
