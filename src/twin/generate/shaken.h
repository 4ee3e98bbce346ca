#pragma once

#include <cstdint>

#include "twin/generate/lublin.h"
#include "twin/trace/trace_job.h"

namespace weir::twin {

// A trace of which gaps between submissions and run times are changed at random by up to 5 %, each by itself
// (Tsafrir, Ouaknine, Feitelson: Reducing performance evaluation sensitivity and variability by input
// shaking, MASCOTS 2007). A run time within its estimate stays so.
class ShakenSource final : public JobSource {
 public:
  ShakenSource(JobSource& source, uint64_t seed) : source_(source), draws_(seed) {}
  Result<std::optional<TraceJob>> next() override;

 private:
  TimeUs shake(TimeUs us);

  JobSource& source_;
  Draws draws_;
  TimeUs was_us_ = 0, is_us_ = 0;
};

// So many jobs from the `first`, counted from 0; the first is submitted at time 0.
class WindowSource final : public JobSource {
 public:
  WindowSource(JobSource& source, uint64_t first, uint64_t length)
      : source_(source), skip_(first), left_(length) {}
  Result<std::optional<TraceJob>> next() override;

 private:
  JobSource& source_;
  uint64_t skip_, left_;
  TimeUs begin_us_ = -1;
};

}  // namespace weir::twin
