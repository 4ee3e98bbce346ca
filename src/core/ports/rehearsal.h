#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/graph/graph.h"

// What becomes of wishes in the next hours, tried on a copy of the domain.
namespace weir {

// Where the batch work came from that was expected in a rehearsal.
enum class ForecastSource : uint8_t {
  kNone,       // too little is known of the domain
  kRate,       // it comes as often as it came since the domain has intents
  kYesterday,  // it comes as in the same hours a day before
};

// Times count from the moment of the graph, in microseconds.
struct Rehearsal {
  TimeUs window_us = 0;                    // that was to be rehearsed
  TimeUs reached_us = 0;                   // that was; less: a bound cut it short
  ForecastSource forecast = ForecastSource::kNone;
  int32_t arrivals = 0;                    // jobs and arrays that came by it
  std::optional<TimeUs> starts_us;         // all instances run; of an array: the first task; none: not within what was reached
  std::optional<TimeUs> ends_us;           // of a job
  Nanocredits billed = 0;                  // for what was reached
  int32_t moves = 0;                       // to other sites, once it had started
  int32_t preemptions = 0;                 // times that it gave way
  TimeUs short_us = 0;                     // once it had started: with fewer instances than planned
  int32_t others_later = 0;                // other jobs that start later than without the wish, or only after what was reached
  TimeUs others_later_us = 0;              // the most that one of them does, at least
  int32_t others_preempted = 0;            // other jobs that give way more often than without it
  SiteId lost;                             // the site that was lost half way in a second run; none: none was
  std::optional<TimeUs> repaired_us;       // from the loss until all instances ran again; none: not within what was reached
  std::string problem;                     // why nothing was rehearsed; empty: it was
  friend bool operator==(const Rehearsal&, const Rehearsal&) = default;
};

// One answer for each wish, each as if it alone were made at `now`. Pure: the graph stays as it is, and equal graphs, times and
// wishes give equal answers. May be called from several threads at once; takes as long as many dry runs do.
using Rehearse = std::function<std::vector<Rehearsal>(const Graph& graph, TimeUs now, const std::vector<IntentSubmitted>& wishes)>;

}  // namespace weir
