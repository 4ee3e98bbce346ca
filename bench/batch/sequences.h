#pragma once

#include <string>
#include <vector>

#include "bench/batch/replay.h"
#include "core/result/result.h"

namespace weir::bench {

struct Trace {
  std::string name;
  int64_t processors = 0;
  std::vector<twin::SwfJob> jobs;  // by number
  twin::SwfCounts counts;
};

// A file in the Standard Workload Format. kInvalid: with file and line; kNotFound: no such file.
Result<Trace> read_trace(const std::string& path);

// What users say before a job runs. kExact: its run time. kUser: a run time drawn evenly between once and
// five times the real one (Mu'alem, Feitelson 2001), rounded up to what people write (5 min, 1 h, ...;
// Tsafrir, Etsion, Feitelson: Modeling user runtime estimates, JSSPP 2005), the same for a job in every run.
enum class Estimates { kExact, kUser };

// `count` jobs from the one at `start` on, with estimates. A requested time in the trace goes before either.
std::vector<TraceJob> sequence(const Trace& trace, size_t start, size_t count, Estimates estimates);

}  // namespace weir::bench
