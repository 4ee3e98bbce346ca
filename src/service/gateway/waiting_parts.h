#pragma once

// Private to this folder: what is said of jobs that wait, in no language.

#include <string>
#include <string_view>
#include <vector>

#include "service/gateway/waiting.h"

namespace weir::gateway {

inline constexpr size_t kAheadNamed = 3;  // of several other jobs

// To a second, rounded up: "1 h 20 min".
std::string span(int64_t us);

// As settings of queues name it: "cpu".
std::string_view resource_name(CountedResource resource);

// May whoever reads of one job know the name of another?
bool visible(const Graph& graph, bool all, IntentId other, IntentId reader);

// Null: it has none, or none of that name is known.
const Graph::ReservationRow* reservation_of(const Reading& from, const JobWait& wait);

struct JobsAhead {
  std::vector<std::string> names;  // of the first that the reader may know, at most three
  bool all_named = false;
};
JobsAhead jobs_ahead(const Reading& from, const JobWait& wait);

}  // namespace weir::gateway
