#include "simulation/faults.h"

namespace weir::simulation {

Faults Faults::draw(Random& random) {
  Faults f;
  const auto on = [&random] { return random.chance(400'000); };
  // Between a tenth of the most and the most.
  const auto rate = [&](int64_t most) { return on() ? random.between(most / 10, most) : 0; };
  const auto every = [&](TimeUs least) { return on() ? random.between(least, 6 * least) : TimeUs{0}; };
  f.drop_ppm = rate(80'000);
  f.duplicate_ppm = rate(80'000);
  f.reorder_ppm = rate(100'000);
  f.delay_us_max = on() ? random.between(20'000, 400'000) : 20'000;
  f.partition_every_us = every(5'000'000);
  f.held_back_ppm = rate(900'000);
  f.crash_every_us = every(5'000'000);
  f.torn_ppm = rate(800'000);
  f.flush_error_ppm = rate(2'000);
  f.slow_flush_ppm = rate(50'000);
  f.disk_full_every_us = every(8'000'000);
  f.clock_step_every_us = every(5'000'000);
  f.drift_ppm_max = rate(20'000);
  f.start_fails_ppm = rate(300'000);
  f.start_slow_ppm = rate(300'000);
  f.run_dies_ppm = rate(150'000);
  f.install_partial_ppm = rate(200'000);
  f.capacity_lie_ppm = rate(300'000);
  f.agent_restart_every_us = every(5'000'000);
  f.site_death_every_us = every(6'000'000);
  f.link_cut_every_us = every(2'000'000);
  f.link_flaps_ppm = rate(300'000);
  f.garbage_ppm = rate(400'000);
  f.late_ppm = rate(200'000);
  f.repeated_ppm = rate(200'000);
  f.forged_ppm = rate(500'000);
  f.late_site_ppm = rate(400'000);
  return f;
}

std::string Faults::text() const {
  std::string out;
  const auto add = [&out](const char* name, int64_t value) {
    if (value != 0) out += (out.empty() ? "" : " ") + std::string(name) + "=" + std::to_string(value);
  };
  add("drop", drop_ppm);
  add("duplicate", duplicate_ppm);
  add("reorder", reorder_ppm);
  add("delay_us", delay_us_max);
  add("partition_every", partition_every_us);
  add("held_back", held_back_ppm);
  add("crash_every", crash_every_us);
  add("torn", torn_ppm);
  add("flush_error", flush_error_ppm);
  add("slow_flush", slow_flush_ppm);
  add("disk_full_every", disk_full_every_us);
  add("clock_step_every", clock_step_every_us);
  add("drift", drift_ppm_max);
  add("start_fails", start_fails_ppm);
  add("start_slow", start_slow_ppm);
  add("run_dies", run_dies_ppm);
  add("install_partial", install_partial_ppm);
  add("capacity_lie", capacity_lie_ppm);
  add("agent_restart_every", agent_restart_every_us);
  add("site_death_every", site_death_every_us);
  add("link_cut_every", link_cut_every_us);
  add("link_flaps", link_flaps_ppm);
  add("forged", forged_ppm);
  add("late_site", late_site_ppm);
  add("garbage", garbage_ppm);
  add("late", late_ppm);
  add("repeated", repeated_ppm);
  return out;
}

}  // namespace weir::simulation
