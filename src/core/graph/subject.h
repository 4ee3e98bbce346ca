#pragma once

#include <string>

#include "core/event/event.h"
#include "core/graph/graph.h"

namespace weir {

// What an event is about.
struct EventSubject {
  TenantId tenant;   // whom it concerns; none: nobody in particular
  std::string name;  // "intent/city/cameras", "run/17.0", "site/metro"
};

// `graph` holds the event, or more. Total: what it does not know is written as "#" and a number.
EventSubject subject_of(const Graph& graph, const Event& event);
std::string run_text(RunId run);  // "17.0"

}  // namespace weir
