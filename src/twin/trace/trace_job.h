#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/event/types.h"
#include "core/result/result.h"

namespace weir::twin {

// One job of a trace, whatever its format.
struct TraceJob {
  std::string id;          // as the trace calls it; need not be unique
  TimeUs submit_us = 0;    // since the trace began
  TimeUs run_us = 1;       // how long it runs, >= 1
  TimeUs estimate_us = 0;  // what its user said; 0: nothing
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int16_t accelerators = 0;
  int32_t accelerator_milli = 0;  // of each, where less than a whole one is asked for; 0: whole ones
  std::string accelerator_model;  // empty: any
  std::string tenant;             // empty: "trace"
  std::string queue;
  int32_t priority = 0;
};

// Thousandths of the one accelerator that it shares; 0: whole ones. Of several it has the whole.
inline int32_t share_of(const TraceJob& job) {
  return job.accelerators == 1 && job.accelerator_milli < kDeviceMilli ? job.accelerator_milli : 0;
}

// Jobs in the order in which they are submitted, one at a time: memory does not grow with the trace.
class JobSource {
 public:
  virtual ~JobSource() = default;
  // None: the trace has ended. Submission never goes backward. An error names file and line.
  virtual Result<std::optional<TraceJob>> next() = 0;
};

}  // namespace weir::twin
