#pragma once

#include <string>

#include "core/event/event.h"
#include "core/graph/graph.h"

namespace weir::store {

// An event as a row of the history.
struct EventSummary {
  std::string
      subject;  // "site/metro", "intent/city/cameras", "link/a-b", "tenant/city", "token/...", "domain"
  std::string tenant;  // whose it is; empty: nobody's in particular
  std::string text;    // what happened, for people
};

// `graph` must hold the event already. Total: a name that it does not know is written as a number.
EventSummary summarise(const Graph& graph, const Event& event);

}  // namespace weir::store
