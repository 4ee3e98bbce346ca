#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::metering {

// Name and version of the method: figures of equal name are comparable across sites, others are not. The
// version changes with any change of a kernel, its unit or the way of timing.
inline constexpr std::string_view kMethod = "weir-meter/2";

// The integer rate, in operations per microsecond of processor time (Mops/s), of one "reference-core": the
// unit in which intents declare work ("30ms@reference-core"). A fixed number, near one thread of a cloud
// server of 2023 at about 2.7 GHz, so that ordinary cores have a speed of about 1000 thousandths.
inline constexpr uint64_t kReferenceIntegerMops = 7000;

struct MeterOptions {
  uint64_t budget_us = 1'800'000;   // wall time of all kernels together; at least 40,000
  uint32_t repetitions = 15;        // of each kernel; at least 3
  uint64_t triad_bytes = 96 << 20;  // three arrays together; should exceed the last cache by far
};

// One kernel's figure. What disturbs a repetition (a neighbour on the same core, an interrupt, a cold cache) only makes it
// slower, so that the best one is nearest to what the core can do.
struct Measure {
  std::string kernel;   // "integer", "fp64", "fp32", "memory"
  std::string unit;     // of the rates
  std::string variant;  // instruction set or working set, e.g. "avx2+fma", "3 x 32 MiB"
  uint32_t repetitions = 0;
  // Per second of processor time, in the best repetition: what the core can do while it runs. In thousandths of the unit.
  uint64_t rate_milli = 0;
  // Per second of wall time, over the whole measurement: what this site gives one thread, its quota and its
  // neighbours included. In thousandths of the unit.
  uint64_t rate_wall_milli = 0;
  // Of the repetitions' rates: (largest − smallest) / largest.
  uint32_t spread_permille = 0;
  friend bool operator==(const Measure&, const Measure&) = default;
};

struct MeterReport {
  std::string method;
  Measure integer;  // Mops/s
  Measure fp64;     // MFLOP/s
  Measure fp32;     // MFLOP/s
  Measure memory;   // MB/s (10^6 bytes)
  // Integer rate relative to the reference core. The first goes with a capacity that is stated in cores
  // (a quota is counted there already); the second is what one thread saw.
  uint64_t speed_milli = 0;
  uint64_t speed_wall_milli = 0;
  uint64_t wall_us = 0;
  friend bool operator==(const MeterReport&, const MeterReport&) = default;
};

// Measures one core, serially, on the calling thread, in about options.budget_us of wall time; a quota may
// add one of its periods.
MeterReport measure(const MeterOptions& options);

// Parts of it, for tests.
struct Slice {
  uint64_t operations = 0;
  uint64_t cpu_ns = 0;
  uint64_t wall_ns = 0;
};
// Figures from the repetitions of one kernel: thousandths of (operations / µs). Pure.
void summarise(const std::vector<Slice>& slices, Measure& out);

}  // namespace weir::metering
