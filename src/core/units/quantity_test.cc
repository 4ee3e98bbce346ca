#include "core/units/quantity.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <limits>

namespace weir {
namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  if (result.has_value()) return "accepted as " + std::to_string(*result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  return result.error().text();
}

TEST(Quantity, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_cpu_milli("0.3"), 300);
  EXPECT_EQ(parse_cpu_milli("300m"), 300);
  EXPECT_EQ(parse_cpu_milli("2"), 2000);
  EXPECT_EQ(parse_memory_mib("256Mi"), 256);
  EXPECT_EQ(parse_memory_mib("2GiB"), 2048);
  EXPECT_EQ(parse_memory_mib("1Gi"), 1024);
  EXPECT_EQ(parse_memory_mib("1.5Gi"), 1536);
  EXPECT_EQ(parse_memory_mib("512MB"), 489);
  EXPECT_EQ(parse_memory_mib("1Ki"), 1);
  EXPECT_EQ(parse_memory_mib("1024Ki"), 1);
  EXPECT_EQ(parse_memory_mib("1025Ki"), 2);
  EXPECT_EQ(parse_bandwidth_bps("2Mbps"), 2'000'000);
  EXPECT_EQ(parse_bandwidth_bps("50kbps"), 50'000);
  EXPECT_EQ(parse_bandwidth_bps("1Gbps"), 1'000'000'000);
  EXPECT_EQ(parse_bandwidth_bps("0bps"), 0);
  EXPECT_EQ(parse_duration_us("500ms"), 500'000);
  EXPECT_EQ(parse_duration_us("2s"), 2'000'000);
  EXPECT_EQ(parse_duration_us("1h30m"), 5'400'000'000);
  EXPECT_EQ(parse_duration_us("1h0.5s"), 3'600'500'000);
  EXPECT_EQ(parse_duration_us("20us"), 20);
  EXPECT_EQ(parse_duration_us("0.02ms"), 20);
  EXPECT_EQ(parse_lifetime_us("30d"), 2'592'000'000'000);
  EXPECT_EQ(parse_fraction_ppm("99.9%"), 999'000);
  EXPECT_EQ(parse_fraction_ppm("0.999"), 999'000);
  EXPECT_EQ(parse_fraction_ppm("1"), 1'000'000);
  EXPECT_EQ(parse_fraction_ppm("0.0001%"), 1);
  EXPECT_EQ(parse_percentile_ppm("99"), 990'000);
  EXPECT_EQ(parse_percentile_ppm("99.9"), 999'000);
  EXPECT_EQ(parse_work_us("30ms@reference-core"), 30'000);
  EXPECT_EQ(parse_money_nanocredits("20"), 20'000'000'000);
  EXPECT_EQ(parse_money_nanocredits("0.05"), 50'000'000);
  EXPECT_EQ(parse_money_nanocredits("0.000000001"), 1);
  EXPECT_EQ(parse_distance_m("1200km"), 1'200'000);
  EXPECT_EQ(parse_power_mw("3.5W"), 3'500);
  EXPECT_EQ(parse_carbon_mg_per_kwh("0.4974kgCO2/kWh"), 497'400);
  EXPECT_EQ(parse_carbon_mg_per_kwh("497.4gCO2/kWh"), 497'400);
  EXPECT_EQ(parse_pue_milli("1.25"), 1250);
  EXPECT_EQ(parse_weight_milli("0.5"), 500);
  EXPECT_EQ(parse_per_second_milli("0.5"), 500);
  EXPECT_EQ(parse_degrees_micro("-30.2741", 90), -30'274'100);
  EXPECT_EQ(parse_count("65535", 1, 65535), 65535);
}

TEST(Quantity, SaysWhatIsWrong) {
  EXPECT_EQ(error_of(parse_duration_us("500")),
            "\"500\" has no unit; write 500ms (units: us, ms, s, m, h, d)");
  EXPECT_EQ(error_of(parse_duration_us("")), "is empty; write it like 500ms");
  EXPECT_EQ(error_of(parse_duration_us("-5ms")), "\"-5ms\" is negative; write it like 500ms");
  EXPECT_EQ(error_of(parse_duration_us("abc")), "\"abc\" is not a number; write it like 500ms");
  EXPECT_EQ(error_of(parse_duration_us("5ns")),
            "\"5ns\" has the unknown unit \"ns\"; write it like 500ms (units: us, ms, s, m, h, d)");
  EXPECT_EQ(error_of(parse_duration_us("0.0001ms")),
            "\"0.0001ms\" has too many decimals: the finest step is 1us");
  EXPECT_EQ(error_of(parse_duration_us("25h")), "\"25h\" is above the limit of 24h");
  EXPECT_EQ(error_of(parse_duration_us("23h61m")), "\"23h61m\" is above the limit of 24h");
  EXPECT_EQ(error_of(parse_duration_us("5ms x")),
            "\"5ms x\" goes on after the quantity with \" x\"; write it like 500ms");
  EXPECT_EQ(error_of(parse_duration_us("5 ms")),
            "\"5 ms\" goes on after the quantity with \" ms\"; write it like 500ms");
  EXPECT_EQ(error_of(parse_duration_us("30m1h")),
            "\"30m1h\" has its units out of order; write the larger first, like 1h30m");
  EXPECT_EQ(error_of(parse_duration_us("1h30")),
            "\"1h30\" has no unit; write 1h30ms (units: us, ms, s, m, h, d)");
  EXPECT_EQ(error_of(parse_bandwidth_bps("2mbps")),
            "\"2mbps\" has the unknown unit \"mbps\"; write 2Mbps (units: bps, kbps, Mbps, Gbps, Tbps)");
  EXPECT_EQ(
      error_of(parse_bandwidth_bps("2Mb/s")),
      "\"2Mb/s\" has the unknown unit \"Mb/s\"; write it like 2Mbps (units: bps, kbps, Mbps, Gbps, Tbps)");
  EXPECT_EQ(error_of(parse_bandwidth_bps("99999999999999999999999999999999999999999Mbps")),
            "\"99999999999999999999999999999999999999999Mbps\" is above the limit of 1000Tbps");
  EXPECT_EQ(error_of(parse_memory_mib("256")),
            "\"256\" has no unit; write 256Mi (units: Ki, Mi, Gi, Ti, KiB, MiB, GiB, TiB, kB, MB, GB, TB)");
  EXPECT_EQ(error_of(parse_cpu_milli("0.0001")),
            "\"0.0001\" has too many decimals: the finest step is a thousandth of a core");
  EXPECT_EQ(error_of(parse_fraction_ppm("99.9")), "\"99.9\" is above 1; write 99.9%");
  EXPECT_EQ(error_of(parse_fraction_ppm("100.0001%")), "\"100.0001%\" is above the limit of 100%");
  EXPECT_EQ(error_of(parse_percentile_ppm("0")), "\"0\" is not above 0; write it like 99 or 99.9");
  EXPECT_EQ(error_of(parse_percentile_ppm("100")), "\"100\" is above the limit of 99.9999");
  EXPECT_EQ(error_of(parse_percentile_ppm("p99")), "\"p99\" is not a number; write it like 99 or 99.9");
  EXPECT_EQ(error_of(parse_percentile_ppm("99%")),
            "\"99%\" has a unit, and this number has none; write it like 99 or 99.9");
  EXPECT_EQ(error_of(parse_work_us("30ms")),
            "\"30ms\" does not say on which core; write 30ms@reference-core");
  EXPECT_EQ(error_of(parse_work_us("30ms@laptop")),
            "\"30ms@laptop\" names an unknown core \"@laptop\"; write 30ms@reference-core");
  EXPECT_EQ(error_of(parse_work_us("\xC8@")), "\"?@\" names an unknown core \"@\"; write ?@reference-core");
  EXPECT_EQ(error_of(parse_money_nanocredits("0.0000000001")),
            "\"0.0000000001\" has too many decimals: the finest step is a billionth of a credit");
  EXPECT_EQ(error_of(parse_money_nanocredits("1e3")),
            "\"1e3\" has a unit, and this number has none; write it like 20 or 0.05");
  EXPECT_EQ(error_of(parse_money_nanocredits("1.2.3")),
            "\"1.2.3\" goes on after the quantity with \".3\"; write it like 20 or 0.05");
  EXPECT_EQ(error_of(parse_money_nanocredits(".5")), "\".5\" is not a number; write it like 20 or 0.05");
  EXPECT_EQ(error_of(parse_money_nanocredits("+5")), "\"+5\" is not a number; write it like 20 or 0.05");
  EXPECT_EQ(error_of(parse_pue_milli("0.9")),
            "\"0.9\" is below 1; a site cannot use less than its machines; write it like 1.25");
  EXPECT_EQ(error_of(parse_degrees_micro("90.000001", 90)), "\"90.000001\" is above the limit of 90 degrees");
  EXPECT_EQ(error_of(parse_count("0", 1, 10)), "\"0\" is below 1; write it like 1");
  EXPECT_EQ(error_of(parse_count("1.5", 1, 10)), "\"1.5\" has too many decimals: the finest step is 1");
}

TEST(Quantity, HoldsItsLimits) {
  EXPECT_EQ(parse_duration_us("24h"), 86'400'000'000);
  EXPECT_FALSE(parse_duration_us("86400000001us").has_value());
  EXPECT_EQ(parse_bandwidth_bps("1000Tbps"), 1'000'000'000'000'000);
  EXPECT_FALSE(parse_bandwidth_bps("1000000000000001bps").has_value());
  EXPECT_EQ(parse_memory_mib("2147483647Mi"), std::numeric_limits<int32_t>::max());
  EXPECT_FALSE(parse_memory_mib("2147483648Mi").has_value());
  EXPECT_FALSE(parse_memory_mib("2147483647.1Mi").has_value());
  EXPECT_EQ(parse_cpu_milli("1000000"), 1'000'000'000);
  EXPECT_FALSE(parse_cpu_milli("1000000.001").has_value());
  EXPECT_EQ(parse_money_nanocredits("1000000000"), 1'000'000'000'000'000'000);
  EXPECT_FALSE(parse_money_nanocredits("1000000000.000000001").has_value());
  EXPECT_EQ(parse_fraction_ppm("100%"), 1'000'000);
  EXPECT_EQ(parse_percentile_ppm("99.9999"), 999'999);
  EXPECT_EQ(parse_degrees_micro("-180", 180), -180'000'000);
  EXPECT_FALSE(parse_degrees_micro("-180.000001", 180).has_value());
  EXPECT_FALSE(parse_degrees_micro("--1", 180).has_value());
  // Zeros change nothing, however many.
  EXPECT_EQ(
      parse_duration_us("0000000000000000000000000000000000000500.000000000000000000000000000000000000ms"),
      500'000);
  for (size_t zeros : {28, 29, 30, 60}) {
    const std::string small = "0." + std::string(zeros, '0') + "1";
    EXPECT_NE(error_of(parse_money_nanocredits(small)).find("has too many decimals"), std::string::npos)
        << small;
    EXPECT_EQ(parse_memory_mib(small + "Ti").has_value(), zeros < 30) << small;
  }
  EXPECT_FALSE(parse_bandwidth_bps(std::string(29, '9') + "Tbps").has_value());
  EXPECT_FALSE(parse_bandwidth_bps(std::string(30, '9') + "Tbps").has_value());
  EXPECT_FALSE(parse_memory_mib(std::string(30, '9') + ".9Ti").has_value());
}

template <class T>
void survives(int64_t high, std::string (*format)(int64_t),
              const std::function<Result<T>(std::string_view)>& parse, int64_t low = 0) {
  const auto raw = *rc::gen::arbitrary<uint64_t>();
  const auto span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  for (const uint64_t draw : {raw, raw * 1000, raw * 1'000'000, raw * 60'000'000, uint64_t{0}, span - 1}) {
    const auto value = static_cast<int64_t>(static_cast<uint64_t>(low) + draw % span);
    const auto back = parse(format(value));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == value);
  }
}

RC_GTEST_PROP(Quantity, ReadsWhatItWrote, ()) {
  survives<int32_t>(1'000'000'000, format_cpu, parse_cpu_milli);
  survives<int32_t>(std::numeric_limits<int32_t>::max(), format_memory, parse_memory_mib);
  survives<int64_t>(1'000'000'000'000'000, format_bandwidth, parse_bandwidth_bps);
  survives<int64_t>(86'400'000'000, format_duration, parse_duration_us);
  survives<int64_t>(315'576'000'000'000, format_duration, parse_lifetime_us);
  survives<int32_t>(1'000'000, format_fraction, parse_fraction_ppm);
  survives<int32_t>(999'999, format_percentile, parse_percentile_ppm, 1);
  survives<int64_t>(86'400'000'000, format_work, parse_work_us);
  survives<int64_t>(1'000'000'000'000'000'000, format_money, parse_money_nanocredits);
  survives<int64_t>(100'000'000, format_distance, parse_distance_m);
  survives<int64_t>(1'000'000'000'000, format_power, parse_power_mw);
  survives<int64_t>(10'000'000, format_carbon, parse_carbon_mg_per_kwh);
  survives<int32_t>(10'000, format_milli, parse_pue_milli, 1000);
  survives<int32_t>(
      180'000'000, format_degrees, [](std::string_view t) { return parse_degrees_micro(t, 180); },
      -180'000'000);
}

TEST(Quantity, WritesReadably) {
  EXPECT_EQ(format_bandwidth(2'000'000), "2Mbps");
  EXPECT_EQ(format_bandwidth(1'500'000'000), "1.5Gbps");
  EXPECT_EQ(format_bandwidth(1'234'567), "1234.567kbps");
  EXPECT_EQ(format_duration(0), "0us");
  EXPECT_EQ(format_duration(500'000), "500ms");
  EXPECT_EQ(format_duration(5'400'000'000), "1.5h");
  EXPECT_EQ(format_memory(1536), "1.5Gi");
  EXPECT_EQ(format_memory(256), "256Mi");
  EXPECT_EQ(format_cpu(300), "0.3");
  EXPECT_EQ(format_fraction(999'000), "99.9%");
  EXPECT_EQ(format_money(-50'000'000), "-0.05");
  EXPECT_EQ(format_money(std::numeric_limits<int64_t>::min()), "-9223372036.854775808");
  EXPECT_EQ(format_bandwidth(std::numeric_limits<int64_t>::max()), "9223372036854775.807kbps");
  EXPECT_EQ(format_decimal(5, 0), "5");
  EXPECT_EQ(format_decimal(0, 9), "0");
}

}  // namespace
}  // namespace weir
