#pragma once

// Private to this folder: event_text.h in Chinese. Reached by its function with Language::kChinese.

#include <string>

#include "core/event/event.h"
#include "core/graph/graph.h"

namespace weir::gateway::zh {

std::string event_text(const Graph& graph, const Event& event);

}  // namespace weir::gateway::zh
