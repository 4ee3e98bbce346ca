#pragma once

#include <string>

#include "core/event/event.h"
#include "core/graph/graph.h"

namespace weir::gateway {

// What an event is about, with the names that the graph knows.
struct EventText {
  TenantId tenant;      // whom it concerns; none: nobody in particular
  std::string subject;  // "intent/city/cameras", "site/metro"
  std::string text;     // one line for people
};
EventText event_text(const Graph& graph, const Event& event);

}  // namespace weir::gateway
