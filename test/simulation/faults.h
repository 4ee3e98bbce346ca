#pragma once

#include <string>

#include "simulation/random.h"

namespace weir::simulation {

// What goes wrong in one seed, and how often. Swarm testing (Groce et al., ISSTA 2012): every seed switches
// some kinds off entirely, so that one kind does not hide what another would show. Rates in ppm are per
// occasion; *_every_us is the mean time between two occurrences, 0: never.
struct Faults {
  int64_t drop_ppm = 0;             // a message
  int64_t duplicate_ppm = 0;
  int64_t reorder_ppm = 0;          // a message is overtaken
  int64_t delay_us_max = 20'000;
  TimeUs partition_every_us = 0;    // of one agent from the brain
  int64_t held_back_ppm = 0;        // of messages into a partition: they come after it, as TCP's do

  TimeUs crash_every_us = 0;        // of the brain
  int64_t torn_ppm = 0;             // of crashes: part of the unflushed tail survives
  int64_t flush_error_ppm = 0;      // of turns
  int64_t slow_flush_ppm = 0;
  TimeUs disk_full_every_us = 0;

  TimeUs clock_step_every_us = 0;   // of the brain's wall clock
  int64_t drift_ppm_max = 0;        // of an agent's steady clock

  int64_t start_fails_ppm = 0;      // accepted, then fails
  int64_t start_slow_ppm = 0;
  int64_t run_dies_ppm = 0;         // a running service
  int64_t install_partial_ppm = 0;  // a path takes seconds to install
  int64_t capacity_lie_ppm = 0;     // of Hello messages
  TimeUs agent_restart_every_us = 0;
  TimeUs site_death_every_us = 0;

  TimeUs link_cut_every_us = 0;
  int64_t link_flaps_ppm = 0;       // of cuts: the link goes on oscillating

  int64_t forged_ppm = 0;           // an agent speaks, every second, of what is another's
  int64_t late_site_ppm = 0;        // of sites: described, and first attached much later

  int64_t garbage_ppm = 0;          // of decisions
  int64_t late_ppm = 0;
  int64_t repeated_ppm = 0;

  static Faults draw(Random& random);
  std::string text() const;         // the kinds that are on
};

}  // namespace weir::simulation
