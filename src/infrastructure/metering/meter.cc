#include "infrastructure/metering/meter.h"

#include <time.h>

#include <algorithm>
#include <limits>

#include "infrastructure/metering/kernels.h"

namespace weir::metering {
namespace {

using Wide = unsigned __int128;

uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// 1 operation per µs is one million per second: thousandths of the unit for every kernel.
uint64_t rate_milli(uint64_t operations, uint64_t ns) {
  const Wide rate = Wide{operations} * 1'000'000 / std::max<uint64_t>(ns, 1);
  return static_cast<uint64_t>(std::min<Wide>(rate, std::numeric_limits<uint64_t>::max()));
}

// Keeps the compiler from leaving the work out.
void keep(uint64_t value) { __asm__ volatile("" : : "r"(value) : "memory"); }

Slice repeat(Kernel& kernel, uint64_t wall_ns) {
  Slice out;
  const uint64_t wall = clock_ns(CLOCK_MONOTONIC);
  const uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  do {
    keep(kernel.run());
    out.operations += kernel.operations();
    out.wall_ns = clock_ns(CLOCK_MONOTONIC) - wall;
  } while (out.wall_ns < wall_ns);
  out.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
  return out;
}

// What is left of a time, shared among what is still to be done: an overrun, as a quota makes them, shortens
// the rest.
uint64_t share_ns(uint64_t end_ns, uint64_t parts_left) {
  constexpr uint64_t kLeastNs = 1'000'000;
  const uint64_t now = clock_ns(CLOCK_MONOTONIC);
  return std::max(now < end_ns ? (end_ns - now) / parts_left : 0, kLeastNs);
}

Measure measure_kernel(Kernel& kernel, const char* name, const char* unit, uint64_t wall_ns,
                       uint32_t repetitions) {
  Measure out{.kernel = name, .unit = unit, .variant = kernel.variant()};
  const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + wall_ns;
  // Not counted: raises the clock and wakes wide units.
  repeat(kernel, wall_ns / (4 * repetitions));
  std::vector<Slice> slices;
  for (uint32_t i = 0; i < repetitions; ++i)
    slices.push_back(repeat(kernel, share_ns(end_ns, repetitions - i)));
  summarise(slices, out);
  return out;
}

}  // namespace

void summarise(const std::vector<Slice>& slices, Measure& out) {
  if (slices.empty()) return;
  std::vector<uint64_t> rates;
  Slice all;
  for (const Slice& slice : slices) {
    rates.push_back(rate_milli(slice.operations, slice.cpu_ns));
    all.operations += slice.operations;
    all.wall_ns += slice.wall_ns;
  }
  const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
  out.repetitions = static_cast<uint32_t>(rates.size());
  out.rate_milli = *most;
  out.rate_wall_milli = rate_milli(all.operations, all.wall_ns);
  const uint64_t spread = (*most - *least) * 1000 / std::max<uint64_t>(out.rate_milli, 1);
  out.spread_permille =
      static_cast<uint32_t>(std::min<uint64_t>(spread, std::numeric_limits<uint32_t>::max()));
}

MeterReport measure(const MeterOptions& options) {
  const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
  const uint32_t repetitions = std::max(options.repetitions, 3u);
  const uint64_t end_ns = begin + std::max<uint64_t>(options.budget_us, 40'000) * 1000;
  MeterReport out;
  out.method = kMethod;
  IntegerKernel integer;
  out.integer = measure_kernel(integer, "integer", "Mops/s", share_ns(end_ns, 4), repetitions);
  FloatKernel fp64(true);
  out.fp64 = measure_kernel(fp64, "fp64", "MFLOP/s", share_ns(end_ns, 3), repetitions);
  FloatKernel fp32(false);
  out.fp32 = measure_kernel(fp32, "fp32", "MFLOP/s", share_ns(end_ns, 2), repetitions);
  TriadKernel triad(options.triad_bytes);
  out.memory = measure_kernel(triad, "memory", "MB/s", share_ns(end_ns, 1), repetitions);
  out.speed_milli = out.integer.rate_milli / kReferenceIntegerMops;
  out.speed_wall_milli = out.integer.rate_wall_milli / kReferenceIntegerMops;
  out.wall_us = (clock_ns(CLOCK_MONOTONIC) - begin) / 1000;
  return out;
}

}  // namespace weir::metering
