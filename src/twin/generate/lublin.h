#pragma once

#include <cstdint>
#include <optional>

#include "twin/trace/trace_job.h"

namespace weir::twin {

// Numbers that a seed draws: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
// OOPSLA 2014).
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed) {}
  uint64_t next();
  double uniform();                          // [0, 1)
  double normal();                           // Box and Muller 1958
  double gamma(double shape, double scale);  // Marsaglia and Tsang 2000; shape > 0

 private:
  uint64_t state_;
};

struct LublinOptions {
  uint64_t jobs = 10'000;
  int32_t processors = 256;  // of the machine, at least 2
  uint64_t seed = 1;
  double load = 0.7;  // share of the machine that the jobs take on average, > 0
  // What users say is between the run time and so many times as much.
  double overestimate = 5;
};

// Jobs after Lublin and Feitelson, "The workload on parallel supercomputers: modeling the characteristics of
// rigid jobs" (JPDC 63, 2003), with the parameters of their model of all jobs: sizes two-stage uniform in the
// logarithm with serial jobs and powers of two apart, run times hyper-gamma in the logarithm depending on the
// size, gaps between arrivals gamma in the logarithm and a daily cycle. Gaps are scaled to the load; the
// daily cycle is a cosine instead of their gamma.
class LublinSource final : public JobSource {
 public:
  explicit LublinSource(const LublinOptions& options);
  Result<std::optional<TraceJob>> next() override;

 private:
  struct Shape {
    int32_t processors = 1;
    double run_s = 1;
  };
  static Shape shape(Draws& draws, int32_t processors);
  static double gap_s(Draws& draws);

  LublinOptions options_;
  Draws draws_;
  double scale_ = 1;  // of gaps
  double at_s_ = 0;
  uint64_t number_ = 0;
};

}  // namespace weir::twin
