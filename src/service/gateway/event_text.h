#pragma once

#include <string>

#include "core/event/event.h"
#include "core/graph/graph.h"
#include "core/ports/understanding.h"

namespace weir::gateway {

// An event in one line for people, with the names that the graph knows.
std::string event_text(const Graph& graph, const Event& event, Language language = Language::kEnglish);

}  // namespace weir::gateway
