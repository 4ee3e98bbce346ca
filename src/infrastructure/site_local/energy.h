#pragma once

#include <cstdint>
#include <string_view>

namespace weir::site_local {

// What a node draws, at the wall. PUE is applied by whoever knows the site.
struct PowerCurve {
  uint64_t idle_milliwatt = 0;
  uint64_t peak_milliwatt = 0;     // with all cores busy; at least idle_milliwatt
  uint64_t capacity_milli = 1000;  // cores in thousandths
  friend bool operator==(const PowerCurve&, const PowerCurve&) = default;
};

inline constexpr std::string_view kEnergyModel = "linear-cpu-v1";

// "linear-cpu-v1": a run carries the idle power of the share of the node that it has reserved, for as long as
// it exists, and the dynamic power of the processor time that it uses, taken as linear in utilisation (Fan,
// Weber, Barroso: Power provisioning for a warehouse-sized computer, 2007):
//
//   energy [µJ] = ( idle [mW] · wall [µs] · cpu_milli / capacity_milli
//                 + (peak − idle) [mW] · cpu [µs] · 1000 / capacity_milli ) / 1000
//
// 1 mW · 1 µs = 1 nJ. Rounded half up, once; saturates at 2^64 − 1.
uint64_t energy_microjoule(const PowerCurve& curve, uint32_t cpu_milli, uint64_t wall_us, uint64_t cpu_us);

}  // namespace weir::site_local
