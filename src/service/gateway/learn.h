#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/graph/graph.h"
#include "security/policy/policy.h"
#include "service/intent/past.h"

namespace weir::gateway {

std::string_view to_text(DialogueEnd end);
std::string_view to_text(Blame blame);  // empty: unsaid

// What is remembered of the tenant, with names; nothing, where the caller may not read what it asks for. O(cases).
std::vector<intent::Remembered> past_of(const policy::Principal& who, const Graph& graph, const std::string& tenant);

}  // namespace weir::gateway
