#include "infrastructure/metering/meter.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "infrastructure/metering/kernels.h"

namespace weir::metering {
namespace {

TEST(Meter, FiguresAreOfTheLeastDisturbedRepetition) {
  // 3,000 operations per µs of processor time, of which a quota gave half; and one that was disturbed.
  const std::vector<Slice> slices = {{3'000'000, 1'000'000, 2'000'000},
                                     {3'000'000, 1'000'000, 2'000'000},
                                     {3'000'000, 2'000'000, 2'000'000}};
  Measure out;
  summarise(slices, out);
  EXPECT_EQ(out.rate_milli, 3'000'000u);
  EXPECT_EQ(out.rate_wall_milli, 1'500'000u);
  EXPECT_EQ(out.spread_permille, 500u);
  EXPECT_EQ(out.repetitions, 3u);
}

TEST(Meter, NothingMeasuredIsZero) {
  Measure out;
  summarise({}, out);
  EXPECT_EQ(out, Measure{});
  summarise({{1, 0, 0}}, out);
  EXPECT_EQ(out.repetitions, 1u);
}

RC_GTEST_PROP(Meter, NoRepetitionIsBetter, ()) {
  const auto cpu =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<uint32_t>>(rc::gen::inRange<uint32_t>(1, 1'000'000)));
  std::vector<Slice> slices;
  for (const uint32_t ns : cpu) slices.push_back({1'000'000, ns, ns});
  Measure out;
  summarise(slices, out);
  RC_ASSERT(out.rate_milli == 1'000'000'000'000 / *std::min_element(cpu.begin(), cpu.end()));
}

TEST(Meter, MeasuresThisMachineWithinItsBudget) {
  const MeterReport report = measure({.budget_us = 100'000, .repetitions = 3, .triad_bytes = 3 << 20});
  EXPECT_EQ(report.method, "weir-meter/2");
  for (const Measure* measure : {&report.integer, &report.fp64, &report.fp32, &report.memory}) {
    EXPECT_GT(measure->rate_milli, 0u) << measure->kernel;
    EXPECT_GT(measure->rate_wall_milli, 0u) << measure->kernel;
    EXPECT_EQ(measure->repetitions, 3u);
    EXPECT_FALSE(measure->unit.empty());
  }
  EXPECT_EQ(report.speed_milli, report.integer.rate_milli / kReferenceIntegerMops);
  EXPECT_EQ(report.memory.variant, "3 x 1 MiB");
  // Setting up, and a busy machine.
  EXPECT_LT(report.wall_us, 600'000u);
}

TEST(Kernels, WorkIsNotLeftOut) {
  IntegerKernel integer;
  EXPECT_NE(integer.run(), integer.run());
  TriadKernel triad(1);
  EXPECT_EQ(triad.operations(), 16'384u * 24);
  EXPECT_EQ(triad.run(), 0x4010000000000000u) << "1 + 3 · 1";
  // acc · 0.999 + 0.001 tends to 1 in every chain.
  for (const bool doubles : {true, false}) {
    const double total = std::bit_cast<double>(FloatKernel(doubles).run());
    EXPECT_GT(total, 5.0);
    EXPECT_LT(total, 400.0);
  }
}

}  // namespace
}  // namespace weir::metering
